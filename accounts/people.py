"""Persons, found by the keyed digest of their national health identity."""

from uuid import UUID

from django.db import connection

from vault import blind

from .identity import Ins, ins_mac_input, ins_mac_inputs


def ins_mac(ins: Ins) -> bytes:
    """The digest under which a person of this number is kept."""
    return blind.blind("ins", ins_mac_input(ins))


def ins_macs(ins: Ins) -> list[bytes]:
    """Every digest under which a person of this number may have been kept, the present one first."""
    return [blind.blind("ins", told) for told in ins_mac_inputs(ins)]


def find(ins: Ins) -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_person WHERE ins_mac = ANY(%s::bytea[])", [ins_macs(ins)])
        row = cursor.fetchone()
    return row[0] if row else None


def making(ins: Ins, person_id: UUID) -> tuple[str, list[object]]:
    """The CTEs `made` and `person` of a composite statement, and their parameters: `person` holds
    `person_id`, who has this identity, known from now on if they were not.

    `person` is empty when another transaction has made, or is making, the same person under another id.
    """
    macs = ins_macs(ins)
    return (
        """made AS (
            INSERT INTO accounts_person (id, ins_mac) VALUES (%s::uuid, %s::bytea)
            ON CONFLICT DO NOTHING RETURNING id),
        person AS (
            SELECT id FROM made
            UNION ALL SELECT id FROM accounts_person WHERE ins_mac = ANY(%s::bytea[]) AND id = %s::uuid)""",
        [person_id, macs[0], macs, person_id],
    )
