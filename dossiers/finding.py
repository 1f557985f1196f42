"""Finding somebody's dossier: by their INS, or by name and birth date. At most ten answers.

By name, who is closest comes first; whoever is left out for being one too many is said to be. Whom a search
shows reads in their own log that they were.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from access import gate
from access.gate import Passage
from access.policy import Action
from accounts import name_search
from accounts.actors import Actor
from accounts.identity import BirthDate, ins_of, parse_nir
from accounts.name_search import GivenMatch, Match, Rank, Token
from accounts.paris import paris_day
from accounts.people import ins_macs
from accounts.traits import Traits, absent, squeezed
from vault import blind

from . import identity, numbers
from .identity import Identity
from .things import DossierRow, Register, dossier_holds, row_of

MOST_ANSWERS = 10  # TD0.5 of the DMP
MOST_CANDIDATES = gate.MOST_IDENTITIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody who may be the one looked for. `granted_until` says what the asker may already read.

    `birth_place` is an INSEE code, `ins_end` the last five characters of the INS: there is no more of it
    before an agreement. `twin`: another one shown bears one of their names and was born the same day;
    `differs` names the attributes that tell them apart.
    """

    dossier_id: UUID
    birth_name: str
    used_name: str | None
    given_names: tuple[str, ...]
    birth_date: str
    birth_place: str
    sex: str
    age: int
    ins_end: str
    granted_until: datetime | None
    twin: bool = False
    differs: frozenset[str] = frozenset()

    @property
    def given_name(self) -> str:
        return self.given_names[0] if self.given_names else ""

    @property
    def names(self) -> tuple[str, ...]:
        """What others call them by: the name in use, then the birth name."""
        return (self.used_name, self.birth_name) if self.used_name else (self.birth_name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Who answers, closest first. `more`: others answer too, and are not shown.

    `other_given_names`: people of this very name were left out, because others have the given name sought.
    `no_such_given_name`: nobody shown has it.
    """

    candidates: tuple[Candidate, ...] = ()
    more: bool = False
    other_given_names: bool = False
    no_such_given_name: bool = False

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def __len__(self) -> int:
        return len(self.candidates)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A person met by a search, and how well they answer it."""

    row: DossierRow
    known: Identity
    name: Match
    given: GivenMatch

    @property
    def order(self) -> tuple[Any, ...]:
        traits = self.known.traits
        return self.name, self.given, squeezed(traits.birth_name), traits.given_names, self.row.dossier_id


def by_ins(text: str, *, by: Actor, at: datetime) -> Found:
    """The one person of this INS, if they have a dossier. Raises BadNir on a number that cannot be."""
    asked = ins_of(parse_nir(text), settings.DMP_INS_OIDS)
    with gate.admitted(by, Action.SEARCH, Register(), at=at, looked_by="ins") as passage:
        rows = _rows(
            passage,
            "SELECT d.id AS dossier_id, 0 AS rank FROM dossiers_dossier d WHERE d.closed_at IS NULL"
            " AND d.id IN (SELECT d.id FROM accounts_person p JOIN dossiers_dossier d ON d.holder_id = p.id"
            "   WHERE p.ins_mac = ANY(%(macs)s)"
            "   UNION SELECT t.dossier_id FROM dossiers_searchtoken t WHERE t.token = ANY(%(tokens)s))",
            {"macs": ins_macs(asked), "tokens": numbers.finding_tokens(asked)},
        )
        met = [
            (row, known) for row, known in _met(passage, rows) if numbers.is_of(asked, known, row.dossier_id)
        ]
        return _shown(passage, [_Answer(row, known, Match.WHOLE, GivenMatch.SAME) for row, known in met])


def by_name(
    birth_name: str, birth_date: BirthDate, *, given_name: str = "", by: Actor, at: datetime
) -> Found:
    """People born that day, under that name first, then under one that has it, sounds or begins like it.

    Birth names and names in use both answer. The given name sought chooses between people of the same name;
    when none of them has it, they are all shown.
    """
    if absent(birth_name):  # a dash: who has no birth name is looked for by the given name
        birth_name, given_name = given_name, ""
    wanted = name_search.sought(birth_name, birth_date.text, given_name)
    with gate.admitted(by, Action.SEARCH, Register(), at=at, looked_by="name") as passage:
        rows = _rows(passage, BY_TOKENS, _tokens(wanted)) if wanted else []
        answers = [
            _Answer(row, known, name, name_search.given_match(given_name, known.traits))
            for row, known in _met(passage, rows[:MOST_CANDIDATES])
            if known.traits.birth_date == birth_date.text
            and (name := name_search.match(birth_name, known.traits)) is not None
        ]
        return _shown(passage, answers, more=len(rows) > MOST_CANDIDATES)


# A few tokens lead to a few dossiers: OFFSET 0 keeps the planner from reading whole tables instead, which it
# prefers as long as nothing has counted what is in them.
BY_TOKENS = f"""SELECT t.dossier_id, min(w.rank) AS rank
    FROM unnest(%(tokens)s::bytea[], %(ranks)s::int[]) AS w(token, rank)
      CROSS JOIN LATERAL (SELECT dossier_id FROM dossiers_searchtoken WHERE token = w.token OFFSET 0) t
      CROSS JOIN LATERAL (
        SELECT closed_at, search_form FROM dossiers_dossier WHERE id = t.dossier_id OFFSET 0) d
    WHERE d.closed_at IS NULL
      AND (w.rank < {int(Rank.EARLIER_FORM)} OR d.search_form < {name_search.FORM})
    GROUP BY t.dossier_id ORDER BY rank, t.dossier_id LIMIT {MOST_CANDIDATES + 1}"""  # noqa: S608 ours


def _tokens(wanted: Sequence[tuple[Token, Rank]]) -> dict[str, Any]:
    return {
        "tokens": [blind.token(*token) for token, _ in wanted],
        "ranks": [int(rank) for _, rank in wanted],
    }


def _rows(passage: Passage, found: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What the gate would read of each dossier that the statement `found` names, in its order."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH found AS ({found}) SELECT found.dossier_id, d.*
                FROM found CROSS JOIN LATERAL (
                    SELECT * FROM dossiers_at_the_door(found.dossier_id, %(actor)s, %(place)s, %(at)s)
                    OFFSET 0) d
                ORDER BY found.rank, found.dossier_id""",  # noqa: S608 ours
            {**values, "actor": passage.actor.id, "place": passage.actor.structure_id, "at": passage.at},
        )
        return cursor.fetchall()


def _met(passage: Passage, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[DossierRow, Identity]]:
    for dossier_id, *facts in rows:
        row = row_of(dossier_id, passage.actor, tuple(facts))
        keyring = passage.keyring_of(row.dossier_id, row.keyring)
        known = identity.unseal(row.sealed_identity, row.dossier_id, keyring)
        if dossier_holds(row):
            yield row, known


def _shown(passage: Passage, answers: Sequence[_Answer], *, more: bool = False) -> Found:
    """The ten closest, as a page shows them; each reads of it in their own log."""
    named = [answer for answer in answers if answer.given is not GivenMatch.NONE]
    chosen = any(answer.name is Match.WHOLE for answer in named)
    kept = sorted(named if chosen else answers, key=lambda answer: answer.order)
    for answer in kept[:MOST_ANSWERS]:
        passage.show(answer.row.dossier_id, answer.row.keyring)
    passage.tell(count=len(kept[:MOST_ANSWERS]))
    candidates = [_candidate(answer, passage.at) for answer in kept[:MOST_ANSWERS]]
    return Found(
        candidates=tuple(told_apart(candidates)),
        more=more or len(kept) > MOST_ANSWERS,
        other_given_names=any(
            answer.name is Match.WHOLE and answer.given is GivenMatch.NONE for answer in answers
        )
        and chosen,
        no_such_given_name=bool(kept) and not named,
    )


def _candidate(answer: _Answer, at: datetime) -> Candidate:
    who = answer.known
    return Candidate(
        dossier_id=answer.row.dossier_id,
        birth_name=who.traits.birth_name,
        used_name=who.traits.used_name,
        given_names=who.traits.given_names,
        birth_date=who.traits.birth_date,
        birth_place=who.birth_place,
        sex=who.traits.sex,
        age=BirthDate(who.traits.birth_date).age_on(paris_day(at)),
        ins_end=who.ins.value[-5:],
        granted_until=answer.row.granted_until,
    )


MAY_DIFFER = ("birth_name", "given_names", "sex", "birth_place", "ins_end")


def told_apart(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """The same people; those who may be taken for another by a name know what tells them apart."""
    alike = namesakes(candidates)
    for candidate in candidates:
        twins = {twin.dossier_id: twin for group in alike if candidate in group for twin in group}
        differs = (name for name in MAY_DIFFER if len({getattr(one, name) for one in twins.values()}) > 1)
        yield replace(candidate, twin=bool(twins), differs=frozenset(differs))


def namesakes(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """Those who are several to bear one name, of birth or in use, with one given name, and were born the same
    day; each group once, however many names its people share."""
    named: dict[tuple[str, ...], dict[UUID, Candidate]] = {}
    for candidate in candidates:
        for name in candidate.names:
            key = squeezed(name), squeezed(candidate.given_name), candidate.birth_date
            named.setdefault(key, {})[candidate.dossier_id] = candidate
    groups = {frozenset(group): list(group.values()) for group in named.values() if len(group) > 1}
    return list(groups.values())


# What a dossier is found by -------------------------------------------------------------------


def tokens_of(traits: Traits) -> list[bytes]:
    """What a dossier is found by, in the form of today."""
    return sorted({blind.token(*token) for token in name_search.tokens(traits)})


TWIN = """EXISTS (SELECT FROM dossiers_searchtoken t
      CROSS JOIN LATERAL (
        SELECT holder_id, closed_at FROM dossiers_dossier WHERE id = t.dossier_id OFFSET 0) d
      CROSS JOIN LATERAL (SELECT ins_mac FROM accounts_person WHERE id = d.holder_id OFFSET 0) p
    WHERE t.token = ANY(%s::bytea[]) AND d.closed_at IS NULL AND p.ins_mac <> ALL(%s::bytea[]))"""


def twin_of(who: Identity) -> list[Any]:
    """The parameters of TWIN: whether somebody else has an open dossier under the same name, the same given
    name and the same day. Nobody is unsealed; dossiers of an earlier form are not counted."""
    macs = [mac for number in who.numbers for mac in ins_macs(number)]
    return [[blind.token(*token) for token in name_search.twin_tokens(who.traits)], macs]


def has_a_twin(who: Identity) -> bool:
    """Whether there is one. Within a passage."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TWIN}", twin_of(who))
        return bool(cursor.fetchone()[0])
