"""The day of an instant is asked of `accounts.paris`: nowhere else may an instant be cut to a day.

At 00:30 in Paris it is still the day before in UTC. Ages, periods and dates shown were once a day early.
"""

import ast
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from accounts.paris import paris_day, paris_time

ROOT = Path(__file__).parents[2]
PACKAGES = (
    *("vault", "audit", "jobs", "revocation", "accounts", "access", "dossiers", "documents", "history"),
    *("portal", "api", "dmp", "jail", "sandbox"),
)
HERE = {"accounts/paris.py"}
DEMONSTRATION = {"sandbox/days.py"}  # the world outside, which has its own
# A day taken from the clock of the machine, or from an instant as it stands, whatever its offset.
TAKERS = {"date", "today", "localdate", "localtime", "utctimetuple"}
CLOCKS = {"timezone", "clock"}  # Django's, and that of the jobs: they tell an offset
CUTS = {"fromtimestamp", "utcfromtimestamp"}  # of `date`; of `datetime`, with an offset, they are instants


def taken(tree: ast.AST) -> list[int]:
    """The lines that make a day, or an hour on a wall, of an instant."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, of = node.func.attr, node.func.value
        whose = of.id if isinstance(of, ast.Name) else getattr(of, "attr", "")
        if name == "date" and whose == "datetime" and node.args:
            continue  # datetime.date(2026, 1, 1)
        if name == "today" and node.args:
            continue  # a method of ours
        if name in TAKERS or (name in CUTS and whose == "date"):
            found.append(node.lineno)
        if name == "astimezone" and any("PARIS" in ast.dump(arg) for arg in node.args):
            found.append(node.lineno)
        if name in ("now", "astimezone") and not node.args and not node.keywords and whose not in CLOCKS:
            found.append(node.lineno)
    return found


def named(tree: ast.AST) -> list[int]:
    """The lines that name a zone of their own, or bring in what takes days."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Constant) and node.value == "Europe/Paris")
        or (
            isinstance(node, ast.ImportFrom)
            and {"localdate", "localtime", "ZoneInfo"} & {a.name for a in node.names}
        )
    ]


def sources():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_no_day_is_taken_from_an_instant_elsewhere():
    places = {f"{path}:{line}" for path, tree in sources() if path not in HERE for line in taken(tree)}

    assert {place for place in places if place.rpartition(":")[0] not in DEMONSTRATION} == set()


def test_the_zone_is_named_once():
    # Both settings name the zone for Django: its templates show hours.
    assert {path for path, tree in sources() if named(tree)} == {
        *HERE,
        "dmp/settings.py",
        "sandbox/settings.py",
    }


@pytest.mark.parametrize(
    "line",
    [
        "at.date()",
        "date.today()",
        "datetime.date.today()",
        "timezone.now().date()",
        "timezone.localdate()",
        "timezone.localtime(at)",
        "at.astimezone(PARIS)",
        "at.astimezone()",
        "datetime.now()",
        "date.fromtimestamp(0)",
    ],
)
def test_each_way_of_taking_one_is_seen(line):
    assert taken(ast.parse(line))


def test_half_an_hour_after_midnight_it_is_another_day():
    assert paris_day(datetime(2026, 11, 20, 23, 30, tzinfo=UTC)) == date(2026, 11, 21)
    assert paris_day(datetime(2026, 7, 20, 22, 30, tzinfo=UTC)) == date(2026, 7, 21)
    assert paris_day(datetime(2026, 11, 20, 22, 30, tzinfo=UTC)) == date(2026, 11, 20)
    with pytest.raises(ValueError, match="offset"):
        paris_time(datetime(2026, 11, 20, 22, 30))
