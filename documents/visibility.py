"""Which lines of a list somebody sees: the policy's own answers about reading, as parameters of one query.

The policy is asked once for each combination of type, status, flags and authorship; what it says of a
reading depends on who asks and where they stand with the holder, so the answers are kept for those who
stand alike. A test proves that a line is shown if, and only if, it would be read.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import product
from uuid import UUID

from access import policy
from access.gate import Passage
from access.policy import Action, Decision, Question, Reason, Standing, Status, Target
from accounts.actors import Actor, Channel

from . import nomenclature

STATUSES = tuple(Status)

# In SQL, with `me` the reader: the place of a row among the combinations, and whether it is among those seen.
STATE = """(array_position(%(statuses)s::text[], doc.status::text) - 1) * 8
    + doc.masked::int * 4 + doc.withheld::int * 2 + (doc.author_id = %(me)s::uuid)::int"""
SEEN = f"(((%(seen)s::jsonb ->> doc.type_code)::bigint >> ({STATE})) & 1) = 1"

ME, SOMEBODY_ELSE, DOSSIER = UUID(int=1), UUID(int=2), UUID(int=3)


def parameters(passage: Passage) -> dict[str, object]:
    """What SEEN needs to be told."""
    question = passage.question
    actor = replace(
        question.actor,
        id=ME,
        name="",
        structure="",
        structure_id=None,
        dossier_id=None,
        channel=Channel.WEB,
    )
    return {
        "statuses": [str(status) for status in STATUSES],
        "me": question.actor.id,
        "seen": _seen(actor, question.by_holder, question.target.open, question.standing),
    }


def shown(decision: Decision, *, mine: bool, by_holder: bool) -> bool:
    """What is read is listed, and to those it concerns what waits for its checks or failed them, marked."""
    if decision.allowed:
        return True
    if decision.reason is Reason.BEING_CHECKED:
        return mine or by_holder
    return decision.reason is Reason.REFUSED_BY_CHECKS


@lru_cache(maxsize=1024)
def _seen(actor: Actor, by_holder: bool, open_: bool, standing: Standing) -> str:
    """For each type, the combinations seen, as the bits of a number."""
    holder_id = ME if by_holder else SOMEBODY_ELSE
    seen = {}
    for kind in nomenclature.TYPES.values():
        bits = 0
        combinations = product(STATUSES, (False, True), (False, True), (False, True))
        for place, (status, masked, withheld, mine) in enumerate(combinations):
            target = Target(
                dossier_id=DOSSIER,
                holder_id=holder_id,
                open=open_,
                document_type=kind.code,
                document_class=kind.class_code,
                author_id=ME if mine else SOMEBODY_ELSE,
                status=status,
                masked=masked,
                withheld=withheld,
            )
            question = Question(
                actor=actor,
                action=Action.READ,
                target=target,
                standing=standing,
                at=datetime.min.replace(tzinfo=UTC),
            )
            bits |= shown(policy.decide(question), mine=mine, by_holder=by_holder) << place
        if bits:
            seen[kind.code] = bits
    return json.dumps(seen)
