"""The one way in. Nothing about a person is read or changed without passing here.

`admitted` opens the transaction in which the act takes place, takes the database role of the act and
the pin that lets PostgreSQL show one dossier and no other, asks the policy, hands over a Passage, and
on leaving writes the trace and gives role and pin back. A refusal is traced too, then raised.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import structlog
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from accounts import credentials
from accounts.actors import Actor, Capacity
from audit import ledger
from audit.events import Event
from vault import subjects
from vault.keyring import Keyring
from vault.keyring import Unsealable as Damaged

from . import policy
from .policy import Action, Decision, Question, Reason, Standing, Target

log = structlog.get_logger(__name__)

MOST_IDENTITIES = 50  # identities one search may unseal


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a thing says of itself, read in one statement before anything is decided.

    `unwrap` gives the key of what is asked for, to somebody admitted and to the trace of who is not.
    `row` is whatever else the thing read on the way, for the operation that knows the thing.
    """

    target: Target
    standing: Standing = field(default_factory=Standing)
    unwrap: Callable[[], Keyring] | None = None
    row: Any = None


@dataclass(frozen=True, slots=True)
class Entering:
    """What is read of a thing in the very statement that enters its dossier.

    A function of the database for each role, `dossiers_entered_web` under dmp_web: it takes that role, and
    its first argument as the pin, then reads with the rights they give. Its first column is never NULL.
    """

    function: str
    arguments: tuple[Any, ...]


Row = tuple[Any, ...]


class Guarded(Protocol):
    """Anything one may ask for: it can say what it is, and where an actor stands with its holder."""

    @property
    def pin(self) -> UUID | None: ...

    def entering(self, actor: Actor, at: datetime) -> Entering | None:
        """How it is read while it is entered; None when it has no dossier, or reads what it needs itself."""

    def facts(self, actor: Actor, at: datetime, read: Sequence[Row]) -> Facts:
        """What it says of itself, once entered. `read`: the rows that `entering` gave, if it is there."""


class ReadsForItself:
    """A thing that no statement can read while it is entered."""

    __slots__ = ()

    def entering(self, actor: Actor, at: datetime) -> None:
        return None


class Refused(PermissionDenied):
    """The policy said no. `decision.reason` has a sentence in `portal.wording`."""

    def __init__(self, decision: Decision):
        super().__init__(decision.reason)
        self.decision = decision


class OutOfReach(Exception):
    """The passage shown leads elsewhere, or to fewer things than are asked of it."""


@dataclass(slots=True)
class Passage:
    """Proof that a question was asked, allowed and will be traced. Unsealing demands one."""

    question: Question
    decision: Decision
    facts: Facts
    detail: dict[str, Any]
    _keyring: Keyring | None = None
    _founded: UUID | None = None
    _met: set[UUID] = field(default_factory=set)
    _shown: dict[UUID, Keyring] = field(default_factory=dict)
    _traced: bool = True
    _done: bool = True

    @property
    def actor(self) -> Actor:
        return self.question.actor

    @property
    def at(self) -> datetime:
        return self.question.at

    @property
    def dossier_id(self) -> UUID:
        """The dossier entered. Raises OutOfReach when the passage leads to none."""
        if self.question.target.dossier_id is None:
            raise OutOfReach("this passage enters no dossier")
        return self.question.target.dossier_id

    @property
    def keyring(self) -> Keyring:
        """The key of what was asked for. Raises OutOfReach when it has none of its own."""
        if self._keyring is None:
            if self.facts.unwrap is None:
                raise OutOfReach("this passage opens no seal")
            self._keyring = self.facts.unwrap()
        return self._keyring

    def found(self, dossier_id: UUID, keyring: Keyring) -> None:
        """Enter the dossier that this very act creates: its chain begins with this trace."""
        if self.question.action is not Action.OPEN:
            raise OutOfReach("only opening founds a dossier")
        self._founded, self._keyring = dossier_id, keyring

    def keyring_of(self, dossier_id: UUID, keyring: Keyring) -> Keyring:
        """The key of one dossier met by a search, fifty at most. Raises OutOfReach beyond."""
        self._met.add(dossier_id)
        if self.question.action is not Action.SEARCH or len(self._met) > MOST_IDENTITIES:
            raise OutOfReach("a search meets fifty people at most")
        return keyring

    def show(self, dossier_id: UUID, keyring: Keyring) -> None:
        """Whom a search met is shown to who searched: the log of that dossier tells it too. Raises OutOfReach
        for a dossier that it did not meet."""
        if dossier_id not in self._met:
            raise OutOfReach("a search shows whom it met")
        self._shown[dossier_id] = keyring

    def decide(self, action: Action, target: Target) -> Decision:
        """Answer ahead, within the dossier entered, what the policy would say."""
        if target.dossier_id != self.question.target.dossier_id:
            raise OutOfReach("a passage sees one dossier only")
        return policy.decide(self.question.about(target, action=action))

    def may(self, action: Action, target: Target | None = None) -> bool:
        """Whether the actor could do this here: pages offer only what would be allowed."""
        return self.decide(action, target or self.question.target).allowed

    def leave_no_trace(self) -> None:
        """What somebody types in their own application, before anybody was asked about them, is no act on a
        person: a trace of each page would let anybody fill the ledger. Raises OutOfReach for other acts."""
        if self.question.action is not Action.ENROL:
            raise OutOfReach("only an application is filled in without a trace")
        self._traced = False

    def tell(self, **detail: Any) -> None:
        """Add plain values to the sealed body of the trace being written."""
        self.detail.update(detail)

    def decline(self, code: str) -> None:
        """Say that what was brought is not taken: the trace is that of a refusal, and tells this code."""
        self._done = False
        self.tell(refused=code)


@contextmanager
def admitted(
    actor: Actor, action: Action, thing: Guarded, *, at: datetime, **detail: Any
) -> Iterator[Passage]:
    """Let an actor through to a thing, or raise Refused. Either way, leave a trace.

    The trace of an admitted act commits with the act: if the block fails, neither happened. The trace
    of a refusal commits before Refused is raised. Durable: raises RuntimeError inside a transaction.
    What no longer unseals was altered, and is refused as such: traced where the actor's own acts are.
    """
    try:
        with transaction.atomic(durable=True):
            signed_in, read = _enter(actor, role_of(actor, action), thing.pin, at, thing.entering(actor, at))
            facts = thing.facts(actor, at, read)
            question = Question(
                actor=actor,
                action=action,
                target=facts.target,
                standing=facts.standing,
                at=at,
                signed_in=signed_in,
            )
            decision = policy.decide(question)
            passage = Passage(question, decision, facts, detail)
            if decision.allowed:
                yield passage
                _leave(*(_traces(passage) if passage._traced else [NO_TRACE]))
            else:
                _leave(ledger.refusing(*_event(passage)) if _told(passage) else NO_TRACE)
    except Damaged:
        raise _altered(actor, action, thing, at, detail) from None
    if not decision.allowed:
        raise Refused(decision)


Expression = tuple[str, list[Any]]
"""SQL and its parameters."""

NO_TRACE: Expression = ("NULL", [])


def _told(refused: Passage) -> bool:
    """Whether a refusal is worth a trace: not that an application is no more, which is about nobody."""
    nobody = refused.decision.reason in (Reason.ABSENT, Reason.EXPIRED)
    return not (refused.question.action is Action.ENROL and nobody)


def _altered(actor: Actor, action: Action, thing: Guarded, at: datetime, detail: dict[str, Any]) -> Refused:
    """The refusal, traced, of what could not be unsealed. The dossier's own key may be what was altered."""
    log.error("cell.altered", kind=str(action), row=str(thing.pin or ""))
    decision = policy.refuse(Reason.ALTERED)
    question = Question(actor=actor, action=action, target=Target(exists=False), standing=Standing(), at=at)
    told = detail | ({"dossier": str(thing.pin)} if thing.pin else {})
    with transaction.atomic(durable=True):
        _enter(actor, role_of(actor, action), None, at)
        _leave(ledger.refusing(*_event(Passage(question, decision, Facts(target=question.target), told))))
    return Refused(decision)


@contextmanager
def upkeep(chain: UUID) -> Iterator[None]:
    """One transaction of the house's own upkeep of a chain of traces: its role, the pin of that chain, and
    no passage, so that nothing sealed under a dossier's key is given by it. Durable."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'dmp_worker', true), set_config('dmp.pin', %s, true)", [str(chain)]
        )
        yield
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")


COUNTER_ACTIONS = frozenset({Action.CHECK_EXISTENCE, Action.OPEN, Action.GIVE_ACCESS})


def role_of(actor: Actor, action: Action) -> str:
    """The database role an act takes: the second wall, for when the first is forgotten."""
    if actor.capacity is Capacity.AGENT or action in COUNTER_ACTIONS:
        return "dmp_counter"
    if actor.capacity is Capacity.SYSTEM:
        return "dmp_worker"
    return "dmp_feed" if action is Action.DEPOSIT else "dmp_web"


def _enter(
    actor: Actor, role: str, pin: UUID | None, at: datetime, entering: Entering | None = None
) -> tuple[bool, list[Row]]:
    """Take role and pin, learn in the same statement whether the actor is still signed in, and read what is
    asked for.

    The rights of a statement are checked before it runs: it reads sessions as `dmp_app`, then is another.
    """
    holding, parameters = credentials.holding(actor, at)
    if entering is None:
        taking, given = (
            "set_config('role', %s, true), set_config('dmp.pin', %s, true)",
            (role, str(pin or "")),
        )
        statement = f"SELECT {holding}, {taking}"
    else:
        given = entering.arguments
        function = f"{entering.function}_{role.removeprefix('dmp_')}({', '.join(['%s'] * len(given))})"
        statement = f"SELECT {holding}, seen.* FROM (SELECT) one LEFT JOIN {function} seen ON true"  # noqa: S608 names of the house
    rows = connection.begun_with(statement, [*parameters, *given])
    read = [row[1:] for row in rows if row[1] is not None] if entering else []
    return credentials.confirmed(actor, rows[0][0]), read


def _leave(*traces: Expression) -> None:
    """Append the traces and end the transaction with them: role and pin end there too, and nobody who
    leaves a trace in the same chain waits longer than for the commit.

    Inside a test's own transaction nothing ends: they are given back, or a leak would pass unseen.
    """
    appended = ", ".join(sql for sql, _ in traces)
    values = [value for _, more in traces for value in more]
    if connection.committed_with(f"SELECT {appended}", values):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {appended}, set_config('role', 'none', true), set_config('dmp.pin', '', true)", values
        )


def _traces(passage: Passage) -> list[Expression]:
    """The trace of the act, and that of each dossier whose holder was shown by it.

    Each append locks the head of its chain until the commit: in one order, two searches never wait for each
    other.
    """
    event, keyring = _event(passage)
    if not passage._shown:
        return [ledger.appending(event, keyring)]
    # How many others answered is none of a holder's business.
    detail = {name: value for name, value in event.detail.items() if name != "count"}
    events = [
        (event, keyring),
        *((replace(event, chain=chain, detail=detail), key) for chain, key in passage._shown.items()),
    ]
    return [ledger.appending(*one) for one in sorted(events, key=lambda pair: pair[0].chain)]


def _event(passage: Passage) -> tuple[Event, Keyring]:
    """What happened, and the key that seals it: the dossier's own, else the actor's, else the house's."""
    question, decision, target = passage.question, passage.decision, passage.question.target
    actor = question.actor
    detail = {**passage.detail, "reason": str(decision.reason)}
    if target.document_id is not None:
        detail["document"] = str(target.document_id)
    if target.withheld:
        detail["withheld"] = True  # the holder must not come upon it in the log either
    entered = passage._founded or (target.dossier_id if target.exists else None)
    chain, keyring = (entered, passage.keyring) if entered else _chain_of(actor)
    return Event(
        chain=chain,
        kind=str(question.action) if decision.allowed and passage._done else f"{question.action}.refused",
        at=question.at,
        actor=actor.told(),
        detail=detail,
        channel=str(actor.channel),
        capacity=str(actor.capacity),
        profession=actor.profession or "",
        document_class=target.document_class or "",
        structure=str(actor.structure_id or ""),
    ), keyring


def _chain_of(actor: Actor) -> tuple[UUID, Keyring]:
    """Where an act outside any dossier is told. Nobody in particular has no chain of their own."""
    if actor.capacity is Capacity.ANONYMOUS:
        return ledger.SYSTEM_CHAIN, subjects.system()
    try:
        return actor.id, subjects.keyring(actor.id)
    except subjects.NoSuchSubject:
        return actor.id, subjects.system()


__all__ = [
    "Damaged",
    "Entering",
    "Facts",
    "Guarded",
    "OutOfReach",
    "Passage",
    "ReadsForItself",
    "Reason",
    "Refused",
    "Row",
    "admitted",
    "upkeep",
]
