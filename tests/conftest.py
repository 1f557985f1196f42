"""One browser for whoever needs one: Playwright starts once in a process."""

from tests.portal.chromium import chrome  # noqa: F401  (fixture)
