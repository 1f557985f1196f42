"""How a dossier accumulates its care history from one statement to the next.

A statement speaks for its own period only. What it says of that period replaces what was known of it; what
was known of other days stays. Two identical lines in one statement are two acts, never a mistake.

What a new version changed is kept as a difference, from which the version it replaced can be made again.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from . import days

Line = tuple[str, ...]
Lines = Mapping[str, Sequence[Line]]  # by key of section

# [start, count]: so many lines taken from the version that follows; a list of cells: a line that it lost.
Difference = dict[str, list[list[int] | list[str]]]


def days_of(line: Line) -> tuple[date, date] | None:
    """The last day that a line is about, the day of an act or the end of a stay: twice that day, or from
    the first to the last that it may be when only its month or year is told."""
    found = days.named(line[1])
    return (found[-1].first, found[-1].last) if found else None


def day_of(line: Line) -> date | None:
    """The last day that a line is about, as late as it may be."""
    found = days_of(line)
    return found[1] if found else None


def accumulate(known: Lines, received: Lines, *, start: date, end: date) -> dict[str, tuple[Line, ...]]:
    """The lines of the dossier once a statement about the days from `start` to `end` is received."""
    merged = {}
    for key in {**received, **known}:
        new = received.get(key, ())
        kept = _beyond(new, known.get(key, ()), start, end)
        merged[key] = _newest_first((*new, *kept)) if kept else tuple(new)
    return merged


def _beyond(new: Sequence[Line], known: Iterable[Line], start: date, end: date) -> list[Line]:
    """Known lines that the statement cannot contradict, but for those it shows again."""
    shown = Counter(new)
    kept = []
    for line in known:
        about = days_of(line)
        if about is not None and start <= about[0] and about[1] <= end:
            continue
        if shown[line]:
            shown[line] -= 1
        else:
            kept.append(line)
    return kept


def _newest_first(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: day_of(line) or date.min, reverse=True))


def difference(earlier: Lines, later: Lines) -> Difference:
    """What to know, besides `later`, to make `earlier` again."""
    return {key: _difference(lines, later.get(key, ())) for key, lines in earlier.items()}


def _difference(earlier: Sequence[Line], later: Sequence[Line]) -> list[list[int] | list[str]]:
    places: dict[Line, deque[int]] = defaultdict(deque)
    for place, line in enumerate(later):
        places[line].append(place)
    runs: list[list[int] | list[str]] = []
    run: list[int] | None = None
    for line in earlier:
        if not (found := places.get(line)):
            run = None
            runs.append(list(line))
            continue
        place = found.popleft()
        if run is not None and place == run[0] + run[1]:
            run[1] += 1
        else:
            run = [place, 1]
            runs.append(run)
    return runs


def restore(later: Lines, kept: Difference) -> dict[str, tuple[Line, ...]]:
    """The version that `difference` was taken from."""
    return {key: tuple(_restored(later.get(key, ()), runs)) for key, runs in kept.items()}


def _restored(later: Sequence[Line], runs: list[list[int] | list[str]]) -> Iterable[Line]:
    for run in runs:
        match run:
            case [int(start), int(count)]:
                yield from later[start : start + count]
            case _:
                yield tuple(map(str, run))
