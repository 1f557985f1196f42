"""Many people with a dossier, written at once: what finding them costs and leaves out depends on how many."""

import os
import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from uuid import UUID, uuid4

from django.db import connection, transaction

from accounts import name_search
from accounts.identity import Ins, nir_key
from accounts.people import ins_mac
from accounts.traits import Traits
from dossiers import identity
from dossiers.finding import tokens_of
from dossiers.identity import Identity
from dossiers.models import DOSSIER
from tests.cast import NOON
from vault import subjects
from vault.subjects import SubjectKind, Wrapped

TEST_OID = "1.2.250.1.213.1.4.10"
AT_ONCE = 5000
NO_KEY = Wrapped(str(SubjectKind.DOSSIER), 1, 1, b"")

# How often a birth name comes among ten thousand people in France, about; the rest are rare ones.
# fmt: off
COMMON = {
    "MARTIN": 46, "BERNARD": 24, "THOMAS": 21, "PETIT": 21, "ROBERT": 20, "RICHARD": 19, "DURAND": 18,
    "DUBOIS": 18, "MOREAU": 17, "LAURENT": 17, "SIMON": 17, "MICHEL": 16, "LEFEBVRE": 16, "LEROY": 15,
    "ROUX": 14, "DAVID": 14, "BERTRAND": 13, "MOREL": 13, "FOURNIER": 13, "GIRARD": 12, "BONNET": 12,
    "DUPONT": 11, "LAMBERT": 11, "FONTAINE": 10, "ROUSSEAU": 10, "VINCENT": 10, "MULLER": 10, "LEFEVRE": 9,
    "FAURE": 9, "ANDRE": 9, "MERCIER": 9, "GUERIN": 8, "BOYER": 8, "GARNIER": 8, "CHEVALIER": 8,
    "FRANCOIS": 8, "LEGRAND": 8, "GAUTHIER": 8, "GARCIA": 10, "PERRIN": 7, "ROBIN": 7, "CLEMENT": 7,
    "MORIN": 7, "NICOLAS": 7, "HENRY": 6, "ROUSSEL": 6, "MATHIEU": 6, "GAUTIER": 6, "MASSON": 6,
    "MARCHAND": 5, "DUVAL": 5, "DENIS": 5, "DUMONT": 5, "MARIE": 5, "NOEL": 5, "MEYER": 5, "MARTINEZ": 9,
    "MEUNIER": 4, "MARIN": 3, "MARTY": 2, "MAURY": 2, "MABILEAU": 1, "MALLET": 3, "MAILLARD": 4,
    "N'DIAYE": 3, "MAHE": 3, "LE GOFF": 4, "DA SILVA": 7, "FERREIRA": 5, "TRAORE": 5, "DIALLO": 5,
    "NGUYEN": 6, "TRAN": 2, "BEN SALAH": 1, "EL AMRANI": 1, "DE LA FONTAINE": 1, "LY": 1,
}
BEGINS = [
    "BAR", "BER", "BO", "CAR", "CHA", "COL", "DE", "DU", "FA", "FER", "GA", "GUI", "HA", "JA", "LA", "LE",
    "LO", "MA", "MO", "NO", "PA", "PE", "PO", "RA", "RE", "SA", "TI", "VA",
]
MIDDLES = [
    "BI", "CHE", "DI", "GA", "GRA", "LI", "LOU", "MI", "NA", "QUI", "RI", "SSE", "TI", "TRE", "VI", "ZA",
]
ENDS = [
    "ARD", "AUD", "AULT", "EAU", "ET", "EL", "IER", "IN", "ON", "OT", "OUX", "Y", "EZ", "AC", "IC", "ENS",
]
GIVEN = [
    "MARIE", "JEAN", "PIERRE", "CAMILLE", "LOUISE", "PAUL", "ANNE", "JEANNE", "LUC", "NADIA", "KARIM",
    "INES", "JEAN-PIERRE", "MARIE-LOUISE", "LEA", "HUGO", "EMMA", "YANIS", "SOPHIE", "NICOLAS",
]
# fmt: on


def drawn(seed: int, *, days: Sequence[str]) -> Iterator[Traits]:
    """People without end, born on one of these days, named as people in France are."""
    dice = random.Random(seed)
    names, weights = list(COMMON), list(COMMON.values())
    rare = 10_000 - sum(weights)
    while True:
        for name in dice.choices([*names, None], [*weights, rare], k=1000):
            birth_name = name or _rare(dice)
            if dice.random() < 0.04:
                birth_name = f"{birth_name}-{_rare(dice)}"
            sex = dice.choice("FM")
            uses_another = sex == "F" and dice.random() < 0.4
            used_name = dice.choices(names, weights)[0] if uses_another else None
            yield Traits(
                birth_name=birth_name,
                given_names=tuple(dice.sample(GIVEN, 2)),
                sex=sex,
                birth_date=dice.choice(days),
                used_name=used_name,
            )


def _rare(dice: random.Random) -> str:
    return dice.choice(BEGINS) + dice.choice(MIDDLES) + dice.choice(ENDS)


def open_all(
    people: Iterable[Traits], *, first: int = 0, born_on: Collection[str] = ()
) -> list[tuple[UUID, Traits]]:
    """A dossier for each, as the counter would have opened it, without a consent nor a web access.

    With `born_on`, only those born on these days have an identity and their own tokens. The others, whom
    nobody looks for, have as many tokens of nothing: they weigh the same, and a search that met one fails.
    """
    opened = []
    people = iter(people)
    while some := list(islice(people, AT_ONCE)):
        opened += _open(some, first + len(opened), born_on)
    with connection.cursor() as cursor:
        # What was planned while there was nobody, foreign keys included, would read everybody each time.
        cursor.execute("DISCARD PLANS")
    return opened


def _open(people: Sequence[Traits], first: int, born_on: Collection[str]) -> list[tuple[UUID, Traits]]:
    opened, persons, keys, dossiers, tokens = [], [], [], [], []
    for number, traits in enumerate(people, start=first):
        dossier_id, person_id, ins = uuid4(), uuid4(), _ins(number)
        own = not born_on or traits.birth_date in born_on
        found_by = tokens_of(traits) if own else [os.urandom(8) for _ in range(6)]
        if own:
            keyring, key = subjects.prepare(dossier_id, SubjectKind.DOSSIER)
            sealed = identity.seal(Identity(ins, traits), dossier_id, keyring)
            mac = DOSSIER.mac(keyring, dossier_id, person_id, NOON, None)
        else:
            key, sealed, mac = NO_KEY, b"", None
        persons.append((person_id, ins_mac(ins) if own else os.urandom(32)))
        keys.append((dossier_id, str(key.kind), key.version, key.kek_version, key.wrapped, NOON))
        dossiers.append((dossier_id, person_id, NOON, "counter", sealed, mac, name_search.FORM))
        tokens += [(token, dossier_id) for token in found_by]
        opened.append((dossier_id, traits))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'dmp_counter', true)")
        for table, columns, rows in (
            ("accounts_person", "id, ins_mac", persons),
            ("vault_subjectkey", "subject_id, kind, version, kek_version, wrapped, created_at", keys),
            (
                "dossiers_dossier",
                "id, holder_id, opened_at, opened_through, sealed_identity, facts_mac, search_form",
                dossiers,
            ),
            ("dossiers_searchtoken", "token, dossier_id", tokens),
        ):
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        cursor.execute("SELECT set_config('role', 'none', true)")
    return opened


def _ins(number: int) -> Ins:
    """Of nobody in particular: one for each number."""
    thirteen = f"27903{number:08d}"
    return Ins(TEST_OID, thirteen + nir_key(thirteen))
