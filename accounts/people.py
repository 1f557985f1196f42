"""Persons, found by the keyed digest of their national health identity."""

from uuid import UUID

from django.db import connection

from vault import blind

from .identity import Ins, ins_mac_input


def ins_mac(ins: Ins) -> bytes:
    return blind.blind("ins", ins_mac_input(ins))


def find(ins: Ins) -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_person WHERE ins_mac = %s::bytea", [ins_mac(ins)])
        row = cursor.fetchone()
    return row[0] if row else None


def making(ins: Ins, person_id: UUID) -> tuple[str, list[object]]:
    """The CTEs `made` and `person` of a composite statement, and their parameters: `person` holds
    `person_id`, who has this identity, known from now on if they were not.

    `person` is empty when another transaction has made, or is making, the same person under another id.
    """
    mac = ins_mac(ins)
    return (
        """made AS (
            INSERT INTO accounts_person (id, ins_mac) VALUES (%s::uuid, %s::bytea)
            ON CONFLICT DO NOTHING RETURNING id),
        person AS (
            SELECT id FROM made
            UNION ALL SELECT id FROM accounts_person WHERE ins_mac = %s::bytea AND id = %s::uuid)""",
        [person_id, mac, mac, person_id],
    )
