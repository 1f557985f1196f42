"""Who looked at a dossier, and what they did: the holder's view of the ledger.

The ledger keeps every act, in order. What its holder reads is made of it here, with no word of French: some
entries are not told, the others are gathered into lines, and a page holds a fixed number of lines.

Not told: what was done with a document still withheld from the holder, who will hear of it in a consultation
(CSP art. R. 1111-53), nor what would betray that there is one; how far one's own import was looked at; that a
check began, since its end is. Nothing else about a page depends on what is left out of it: neither how many
lines it has, nor the address of the next one, nor whether there is a next one.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from access import gate
from access.gate import Damaged
from access.policy import Action, Reason
from accounts.actors import Actor, Capacity
from accounts.paris import paris_day
from audit import ledger
from audit.ledger import Trace
from vault.keyring import Keyring

from .identity import HolderBanner, holder_of
from .things import DossierAtTheDoor

PAGE = 50  # lines on one page
BATCH = 100  # entries unsealed at a time
AROUND = 400  # entries looked at on either side, at most, for what was done within an hour
MOST_READ = 4000  # entries unsealed for one page, however few of them are told
NEAR = timedelta(hours=1)  # within which a look at the identity goes with what its author did next

REFUSED = ".refused"
BY_ONESELF = frozenset({str(Capacity.HOLDER), str(Capacity.APPLICANT)})
LOOKS = frozenset({Action.VISIT, Action.LIST, Action.READ})
OWN_LOOKS = LOOKS | {Action.TRACES, Action.PEOPLE}
DEPOSITS = frozenset({Action.DEPOSIT, Action.FOLLOW_DEPOSIT})
ROUTINE = frozenset({Action.CHECK, Action.NOTIFY, Action.ASK_HISTORY})
# Of the detail of an act, what makes it another act.
TELLING = ("outcome", "until", "whom", "verdict")


class Show(StrEnum):
    """Which lines are asked for."""

    ALL = "all"
    READINGS = "readings"  # what others saw, and what lets them
    DEPOSITS = "deposits"  # what came into the dossier, and how its checks ended
    REFUSALS = "refusals"
    OWN = "own"


class Family(StrEnum):
    """What acts of one day are gathered under, into one line."""

    UNREADABLE = "unreadable"
    REFUSED = "refused"
    OWN = "own"
    FOUND = "found"  # shown by a search
    READING = "reading"
    DEPOSIT = "deposit"
    ROUTINE = "routine"  # what the house does every day
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Line:
    """Acts of one family, of one author in one place and of one day, told together; newest first, never
    empty."""

    family: Family
    traces: tuple[Trace, ...]

    @property
    def at(self) -> datetime:
        return self.traces[0].at


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePage:
    """Lines, the newest first. `next` asks for those that follow, as `after`; None when there are none.

    Of a dossier with thousands of entries that are not told, a page may have fewer lines than PAGE, or none,
    and still lead to the next.
    """

    holder: HolderBanner
    lines: tuple[Line, ...]
    next: str | None

    @property
    def entries(self) -> tuple[Trace, ...]:
        """All that these lines are made of, newest first."""
        told = (trace for line in self.lines for trace in line.traces)
        return tuple(sorted(told, key=lambda trace: trace.position, reverse=True))


class MangledCursor(ValueError):
    """What asks for the next page was given by no page of this dossier."""


def traces(
    dossier_id: UUID, *, by: Actor, at: datetime, after: str | None = None, show: Show = Show.ALL
) -> TracePage:
    """One page of what happened to the dossier, for its holder. Looking is itself an act, traced.

    Raises gate.Refused, MangledCursor.
    """
    with gate.admitted(by, Action.TRACES, DossierAtTheDoor(dossier_id), at=at) as passage:
        keyring = passage.keyring
        before = _position(keyring, dossier_id, after) if after else None

        def entries(before: int | None, limit: int) -> list[Trace]:
            return ledger.traces(dossier_id, keyring, before=before, limit=limit, **_ASKED[show])

        lines, last = gathered(entries, before=before, show=show, lines=PAGE, batch=BATCH, most=MOST_READ)
        return TracePage(
            holder=holder_of(passage),
            lines=lines,
            next=None if last is None else _cursor(keyring, dossier_id, last),
        )


# Pages ----------------------------------------------------------------------------------------

Entries = Callable[[int | None, int], list[Trace]]
"""The last entries before a position, newest first: at most so many."""


def gathered(
    entries: Entries,
    *,
    before: int | None = None,
    show: Show = Show.ALL,
    lines: int,
    batch: int,
    most: int,
) -> tuple[tuple[Line, ...], int | None]:
    """At most so many lines, and the position before which the next ones are; None when there are none.

    Entries are read by batches, an hour ahead, until one more line would begin or `most` of them were read.
    """
    found: dict[tuple[Any, ...], list[Trace]] = {}
    last, read = before, 0
    newer = [] if before is None else [t for t in entries(before + AROUND, AROUND) if t.position >= before]
    older = entries(before, batch)
    over = len(older) < batch
    while older:
        here, older = older[:batch], older[batch:]
        # What was done within an hour of the last of them decides whether it is told.
        while not over and (not older or (here[-1].at - older[-1].at <= NEAR and len(older) < AROUND)):
            more = entries((older or here)[-1].position, batch)
            older, over = older + more, len(more) < batch
        withheld = _withheld([*newer, *here, *older])
        for trace in here:
            if is_told(trace, withheld) and _is_asked_for(trace, show):
                key = _key(trace)
                if key not in found and len(found) == lines:
                    return _lines(found), last
                found.setdefault(key, []).append(trace)
                last = trace.position
        read += len(here)
        if read >= most and older:
            return _lines(found), here[-1].position
        newer = [trace for trace in (*newer, *here) if trace.at - here[-1].at <= NEAR][-AROUND:]
    return _lines(found), None


def _lines(found: dict[tuple[Any, ...], list[Trace]]) -> tuple[Line, ...]:
    return tuple(Line(family_of(gathered[0]), tuple(gathered)) for gathered in found.values())


_POSITION = ("dossiers_traces", "position")  # no such table: where a cursor is said to be, when it is sealed


def _cursor(keyring: Keyring, dossier_id: UUID, position: int) -> str:
    """Sealed, and always as long: neither positions nor the entries between them are told by addresses."""
    return keyring.seal(*_POSITION, dossier_id, position.to_bytes(8, "big")).hex()


def _position(keyring: Keyring, dossier_id: UUID, cursor: str) -> int:
    try:
        return int.from_bytes(keyring.unseal(*_POSITION, dossier_id, bytes.fromhex(cursor)), "big")
    except (ValueError, Damaged):
        raise MangledCursor from None


# What is told ---------------------------------------------------------------------------------

Withheld = dict[str, list[datetime]]
"""When each author did something that the holder is not to come upon."""


def is_told(trace: Trace, withheld: Withheld) -> bool:
    """Whether the holder reads of it."""
    if not is_understood(trace):
        return True
    if trace.detail.get("withheld") or trace.kind == Action.FOLLOW:
        return False
    if trace.kind == Action.CHECK and trace.detail.get("outcome") == "begun":
        return False
    if trace.kind in (Action.VISIT, Action.SEARCH) and trace.actor.get("capacity") not in BY_ONESELF:
        # Whoever looked at the identity and then did nothing would be asked what they came for.
        near = withheld.get(trace.actor.get("id", ""), ())
        return all(abs(instant - trace.at) > NEAR for instant in near)
    return True


def _withheld(traces: Iterable[Trace]) -> Withheld:
    found: Withheld = {}
    for trace in traces:
        if trace.readable and trace.detail.get("withheld"):
            found.setdefault(trace.actor.get("id", ""), []).append(trace.at)
    return found


ACTIONS = frozenset(map(str, Action))
REASONS = frozenset(map(str, Reason))


def is_understood(trace: Trace) -> bool:
    """Whether it says something: it unsealed, and tells an act and a reason that we know."""
    if not trace.readable or trace.kind.removesuffix(REFUSED) not in ACTIONS:
        return False
    return not trace.kind.endswith(REFUSED) or trace.detail.get("reason") in REASONS


def is_refused(trace: Trace) -> bool:
    """Whether it was turned away, or what was brought was not taken."""
    return trace.kind.endswith(REFUSED)


def family_of(trace: Trace) -> Family:
    if not is_understood(trace):
        return Family.UNREADABLE
    if is_refused(trace):
        return Family.REFUSED
    capacity, kind = trace.actor.get("capacity"), trace.kind
    if capacity in BY_ONESELF:
        return Family.OWN if kind in OWN_LOOKS else Family.OTHER
    if capacity == Capacity.SYSTEM:
        usual = trace.detail.get("verdict", "available") == "available"
        return Family.ROUTINE if kind in ROUTINE and usual else Family.OTHER
    if kind == Action.SEARCH:
        return Family.FOUND
    if kind in LOOKS:
        return Family.READING
    return Family.DEPOSIT if kind in DEPOSITS else Family.OTHER


def _key(trace: Trace) -> tuple[Any, ...]:
    """What two traces share when one line tells both. Somebody who works in two places is told in each."""
    family, day = family_of(trace), paris_day(trace.at)
    author = trace.actor.get("id"), trace.actor.get("structure")
    match family:
        case Family.UNREADABLE:
            return family, day
        case Family.OWN | Family.ROUTINE:
            return family, day
        case Family.FOUND:
            return family, day, author, trace.detail.get("looked_by")
        case Family.READING | Family.DEPOSIT:
            return family, day, author
        case Family.REFUSED:
            about = trace.detail.get("reason"), trace.detail.get("refused")
            return family, day, author, trace.kind, *about
    details = (str(trace.detail.get(name)) for name in TELLING)
    return family, day, author, trace.kind, *details


# What is asked for ----------------------------------------------------------------------------


def _words(actions: Iterable[Action]) -> tuple[str, ...]:
    return tuple(sorted(map(str, actions)))


_WHAT_OTHERS_SAW = LOOKS | {Action.SEARCH, Action.TRACES, Action.PEOPLE, Action.AUTHORISE}
_WHAT_CAME = DEPOSITS | {Action.IMPORT, Action.CHECK, Action.ASK_HISTORY}
# What the database leaves out, by the words that stand in clear. Never more than `_is_asked_for`; and what an
# author deposited is read along with what they looked at, as `is_told` must know of it.
_ASKED: dict[Show, dict[str, Collection[str]]] = {
    Show.ALL: {},  # nothing in clear is believed of an entry that cannot be read: it is told whatever it says
    Show.READINGS: {
        "but_capacities": (*sorted(BY_ONESELF), str(Capacity.SYSTEM)),
        "kinds": (*(seen := _words(_WHAT_OTHERS_SAW | DEPOSITS)), *(f"{kind}{REFUSED}" for kind in seen)),
    },
    Show.DEPOSITS: {"kinds": _words(_WHAT_CAME)},
    Show.REFUSALS: {"kinds": tuple(f"{action}{REFUSED}" for action in _words(Action))},
    Show.OWN: {"capacities": tuple(sorted(BY_ONESELF)), "but_kinds": (str(Action.FOLLOW),)},
}


def _is_asked_for(trace: Trace, show: Show) -> bool:
    capacity, refused = trace.actor.get("capacity"), is_refused(trace)
    match show:
        case Show.ALL:
            return True
        case Show.READINGS:
            others = capacity not in BY_ONESELF and capacity != Capacity.SYSTEM
            return others and not refused and trace.kind in _WHAT_OTHERS_SAW
        case Show.DEPOSITS:
            return not refused and trace.kind in _WHAT_CAME
        case Show.REFUSALS:
            return refused
    return capacity in BY_ONESELF


__all__ = ["Family", "Line", "MangledCursor", "Show", "TracePage", "gathered", "traces"]
