"""Coming in: whose dossier this is, and what may be done there."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import connection

from access import gate
from access.gate import Passage
from access.policy import Action
from accounts.actors import Actor, Capacity
from audit import ledger
from audit.ledger import Trace

from . import information
from .finding import has_a_twin
from .identity import HolderBanner, holder_of, identity_of
from .models import OBJECTION, Objection
from .things import DossierAtTheDoor
from .traces import Line, gathered

NEWS = 5  # lines shown on the holder's first page
RECENT = 12  # entries of the ledger read for them, most often
MOST_RECENT = 5 * RECENT
# What the holder did is no news to them, and the house's upkeep is none to anybody. Two indexes of the ledger
# rest on these words (audit.models).
NO_NEWS_FROM = (str(Capacity.HOLDER), str(Capacity.APPLICANT))
NO_NEWS = (
    *(str(Action.FOLLOW), str(Action.CHECK), str(Action.NOTIFY), str(Action.ASK_HISTORY)),
    *(str(Action.VISIT), str(Action.REVIEW), str(Action.FOLLOW_DEPOSIT)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The first page of a dossier, before any content.

    `recent`, what others did lately, the answers on emergencies, and when the holder came before the visit
    under way are for the holder alone.
    """

    holder: HolderBanner
    opened_at: datetime
    may_read: bool
    may_authorise: bool
    may_deposit: bool
    twin: bool = False  # for a professional: somebody else has this name, this given name and this day
    break_glass: bool | None = None
    regulation: bool | None = None
    recent: tuple[Line, ...] = ()
    last_visit: datetime | None = None
    informed_anew: bool = (
        False  # the text they agreed to is not today's, and they have not been shown that yet
    )


def front(dossier_id: UUID, *, by: Actor, at: datetime, signed_in_at: datetime | None = None) -> Front:
    """Enter a dossier: its holder, or a professional who must know whether they may read it.

    `signed_in_at`: when the visit under way began, to tell of the one before.
    """
    with gate.admitted(by, Action.VISIT, DossierAtTheDoor(dossier_id), at=at) as passage:
        row = passage.facts.row
        return Front(
            holder=holder_of(passage),
            opened_at=row.opened_at,
            may_read=passage.may(Action.LIST),
            may_authorise=passage.may(Action.AUTHORISE),
            may_deposit=passage.may(Action.DEPOSIT),
            **(
                _own(passage, signed_in_at or at)
                if by.capacity is Capacity.HOLDER
                else {"twin": has_a_twin(identity_of(passage))}
            ),
        )


def _own(passage: Passage, signed_in_at: datetime) -> dict:
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT id, "to", since, until, facts_mac FROM dossiers_objection WHERE dossier_id = %s'
            " AND since <= %s AND (until IS NULL OR until > %s)",
            [passage.dossier_id, passage.at, passage.at],
        )
        rows = cursor.fetchall()
    objections = {to for _, to, *_ in rows}
    for row_id, to, since, until, mac in rows:
        if not OBJECTION.holds(passage.keyring, mac, row_id, passage.dossier_id, to, since, until):
            objections |= set(Objection.To)  # one that was altered may have been the other: both hold
    before = ledger.last(
        passage.dossier_id,
        passage.keyring,
        capacity=str(Capacity.HOLDER),
        kind=str(Action.VISIT),
        before=signed_in_at,
    )
    informed_anew = _informed_anew(passage, before)
    return {
        "informed_anew": informed_anew,
        "break_glass": Objection.To.BREAK_GLASS not in objections,
        "regulation": Objection.To.REGULATION not in objections,
        "last_visit": before.at if before else None,
        "recent": gathered(partial(_news, passage), lines=NEWS, batch=RECENT, most=MOST_RECENT)[0],
    }


def _news(passage: Passage, before: int | None, limit: int) -> list[Trace]:
    return ledger.traces(
        passage.dossier_id,
        passage.keyring,
        before=before,
        limit=limit,
        but_capacities=NO_NEWS_FROM,
        but_kinds=NO_NEWS,
    )


def _informed_anew(passage: Passage, before: Trace | None) -> bool:
    """Whether to show what changed in the information since the consent.

    The traces of visits keep that it was shown, and each carries it to the next: no row of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT information_version FROM dossiers_consent WHERE dossier_id = %s"
            " ORDER BY given_at DESC LIMIT 1",
            [passage.dossier_id],
        )
        agreed = cursor.fetchone()
    if agreed is None or agreed[0] == information.VERSION:
        return False
    passage.tell(information=information.VERSION)
    return before is None or before.detail.get("information") != information.VERSION
