"""How `make test` deals the tests out to its processes: whole files, those that take longest first.

A file is dealt whole, since what it prepares serves all of it; the journeys are dealt as one, since they live
in one house. What comes last should be short, or one process ends alone.
"""

from collections import Counter
from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling

JOURNEYS = "tests/journeys/"
# Seconds that a test may be expected to take, by what it uses or is marked with.
BROWSER = "chrome"  # the fixture
EXPECTED = {BROWSER: 3.0, "slow": 6.0}
OTHERWISE = 0.1


def scope(nodeid: str) -> str:
    """What a test is dealt out with."""
    path = nodeid.partition("::")[0]
    return JOURNEYS if path.startswith(JOURNEYS) else path


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Files in the order of what they may be expected to take, tests in the order they are written in.

    Those that drive a browser come before all others: a process is done with its browser when it comes to the
    first that does not. Every process must find the same order: it depends on nothing but the tests.
    """
    expected: Counter[str] = Counter()
    for item in items:
        expected[scope(item.nodeid)] += seconds(item)  # type: ignore[assignment]
    driving = {scope(item.nodeid) for item in items if BROWSER in getattr(item, "fixturenames", ())}

    def order(item: pytest.Item) -> tuple[bool, float, str]:
        of = scope(item.nodeid)
        return of not in driving, -expected[of], of

    return sorted(items, key=order)


def seconds(item: pytest.Item) -> float:
    known = {*getattr(item, "fixturenames", ()), *(mark.name for mark in item.iter_markers())}
    return max((taken for name, taken in EXPECTED.items() if name in known), default=OTHERWISE)


class Dealer(LoadScopeScheduling):
    """xdist's own, by our scopes."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)
