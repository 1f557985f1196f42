"""One browser for whoever needs one: Playwright starts once in a process."""

import pytest

from tests.portal.chromium import chrome, close_after  # noqa: F401  (fixture)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    close_after(item, nextitem)
