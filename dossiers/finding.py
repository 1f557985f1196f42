"""Finding somebody's dossier: by their INS, or by name and birth date. At most ten answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from access import gate
from access.gate import Passage
from access.policy import Action
from accounts.actors import Actor
from accounts.identity import BirthDate, ins_of, parse_nir
from accounts.people import ins_mac
from accounts.traits import Traits, name_tokens, squeezed, tokens
from vault import blind

from . import identity
from .identity import Identity
from .things import COLUMNS, GRANT_IN_FORCE, Register, asking, dossier_holds, row_of

MOST_ANSWERS = 10  # TD0.5 of the DMP
MOST_CANDIDATES = gate.MOST_IDENTITIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody who may be the one looked for. `granted_until` says what the asker may already read."""

    dossier_id: UUID
    birth_name: str
    used_name: str | None
    given_name: str
    birth_date: str
    sex: str
    age: int
    granted_until: datetime | None


def by_ins(text: str, *, by: Actor, at: datetime) -> list[Candidate]:
    """The one person of this INS, if they have a dossier. Raises BadNir on a number that cannot be."""
    mac = ins_mac(ins_of(parse_nir(text), settings.DMP_INS_OIDS))
    with gate.admitted(by, Action.SEARCH, Register(), at=at, looked_by="ins") as passage:
        return _candidates(
            passage, "p.ins_mac = %(mac)s", {"mac": mac}, keep=lambda known: ins_mac(known.ins) == mac
        )


def by_name(
    birth_name: str, birth_date: BirthDate, *, given_name: str = "", by: Actor, at: datetime
) -> list[Candidate]:
    """People born that day under that name, birth name or used name, given name if told."""
    name, given = squeezed(birth_name), squeezed(given_name)

    def same(known: Identity) -> bool:
        traits = known.traits
        names = {squeezed(one) for one in (traits.birth_name, traits.used_name) if one}
        return (
            name in names
            and traits.birth_date == birth_date.text
            and (not given or any(squeezed(one).startswith(given) for one in traits.given_names))
        )

    with gate.admitted(by, Action.SEARCH, Register(), at=at, looked_by="name") as passage:
        return _candidates(
            passage,
            "d.id IN (SELECT t.dossier_id FROM dossiers_searchtoken t WHERE t.token = ANY(%(tokens)s))",
            {"tokens": [blind.token(*pair) for pair in name_tokens(birth_name, birth_date.text)]},
            keep=same,
        )


def tokens_of(traits: Traits) -> list[bytes]:
    """What a dossier is found by: birth date with the first letters, and with the sound, of each name."""
    return sorted({blind.token(*pair) for pair in tokens(traits)})


def _candidates(passage: Passage, condition: str, values: dict[str, Any], *, keep: Any) -> list[Candidate]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT d.id, {COLUMNS}
                FROM accounts_person p JOIN dossiers_dossier d ON d.holder_id = p.id
                  JOIN vault_subjectkey k ON k.subject_id = d.id {GRANT_IN_FORCE}
                WHERE {condition} AND d.closed_at IS NULL LIMIT {MOST_CANDIDATES}""",  # noqa: S608 ours
            {**values, **asking(None, passage.actor, passage.at)},
        )
        rows = [row_of(dossier_id, passage.actor, facts) for dossier_id, *facts in cursor.fetchall()]
    found = []
    for row in rows:
        keyring = passage.keyring_of(row.dossier_id, row.keyring)
        known = identity.unseal(row.sealed_identity, row.dossier_id, keyring)
        if keep(known) and dossier_holds(row):
            who = identity.banner(known, row.dossier_id, on=passage.at.date())
            found.append((who, row.granted_until))
    passage.tell(count=min(len(found), MOST_ANSWERS))
    found.sort(key=lambda pair: (pair[0].birth_name, pair[0].given_name))
    return [
        Candidate(
            dossier_id=who.dossier_id,
            birth_name=who.birth_name,
            used_name=who.used_name,
            given_name=who.given_name,
            birth_date=who.birth_date,
            sex=who.sex,
            age=who.age,
            granted_until=until,
        )
        for who, until in found[:MOST_ANSWERS]
    ]
