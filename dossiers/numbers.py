"""The numbers of one person: a NIA while they wait, then a NIR. One person has one dossier, under both.

Who says it: the card, or the insurer, that gives the former numbers with the present one. A dossier is found
by the number it was opened under (`accounts_person`) and by the others, each of which leaves two search
tokens: one finds the dossier, the other proves that this number was linked to this dossier by who has the
key, so that a row moved to another dossier finds nobody.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from accounts import people
from accounts.identity import Ins, ins_mac_input, same_ins
from vault import blind

from .identity import Identity


def person_of(who: Identity) -> tuple[UUID | None, UUID | None]:
    """The Person who has one of these numbers, and their dossier, open or closed; each may be None.

    Whoever has a dossier comes first, the present number before the former ones.
    """
    digests = [digest for number in who.numbers for digest in people.ins_macs(number)]
    tokens = [_finds(number) for number in who.numbers]
    # An array that comes as one value is planned anew each time: how many it holds is not known before.
    mine, theirs = (", ".join(["%s::bytea"] * len(some)) for some in (digests, tokens))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT p.id, d.id, array_position(ARRAY[{mine}], p.ins_mac)
                 FROM accounts_person p LEFT JOIN dossiers_dossier d ON d.holder_id = p.id
                WHERE p.ins_mac IN ({mine})
               UNION ALL
               SELECT d.holder_id, d.id, NULL
                 FROM dossiers_searchtoken t JOIN dossiers_dossier d ON d.id = t.dossier_id
                WHERE t.token IN ({theirs})""",  # noqa: S608 places for values
            [*digests, *digests, *tokens],
        )
        met = cursor.fetchall()
    held = sorted((rank, person, dossier) for person, dossier, rank in met if dossier and rank is not None)
    if held:
        return held[0][1:]
    for person_id, dossier_id, rank in met:
        if rank is None and any(is_linked(number, dossier_id) for number in who.numbers):
            return person_id, dossier_id
    known = sorted((rank, person) for person, dossier, rank in met if dossier is None)
    return (known[0][1], None) if known else (None, None)


def dossier_of(who: Identity) -> UUID | None:
    """The dossier of this person, open or closed."""
    return person_of(who)[1]


def is_linked(number: Ins, dossier_id: UUID) -> bool:
    """Whether this number was linked to this dossier, by who has the key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM dossiers_searchtoken WHERE token = %s AND dossier_id = %s",
            [_proves(number, dossier_id), dossier_id],
        )
        return cursor.fetchone() is not None


def is_of(number: Ins, known: Identity, dossier_id: UUID) -> bool:
    """Whether a number is the holder's: that of their dossier, or one linked to it."""
    return any(same_ins(number, one) for one in known.numbers) or is_linked(number, dossier_id)


def link(who: Identity, dossier_id: UUID) -> None:
    """Have the dossier of this person found under each of their numbers. Within a passage."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dossiers_searchtoken (token, dossier_id)"
            " SELECT t, %s FROM unnest(%s::bytea[]) t ON CONFLICT DO NOTHING",
            [dossier_id, tokens_of(who.numbers, dossier_id)],
        )


def finding_tokens(number: Ins) -> list[bytes]:
    """What a dossier to which this number was linked is found by."""
    return [_finds(number)]


def tokens_of(numbers: Iterable[Ins], dossier_id: UUID) -> list[bytes]:
    """What links numbers to a dossier."""
    return [token for number in numbers for token in (_finds(number), _proves(number, dossier_id))]


def _finds(number: Ins) -> bytes:
    return blind.token("number", ins_mac_input(number))


def _proves(number: Ins, dossier_id: UUID) -> bytes:
    return blind.token("number_of_dossier", f"{ins_mac_input(number)}:{dossier_id}")
