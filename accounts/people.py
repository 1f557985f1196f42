"""Persons, found by the keyed digest of their national health identity."""

from datetime import datetime
from uuid import UUID, uuid4

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


def person_for(ins: Ins, *, at: datetime) -> UUID:
    """The person who has this identity, known from now on if they were not. One statement, except
    when somebody else is making the same person at this very moment."""
    mac = ins_mac(ins)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH made AS (
                INSERT INTO accounts_person (id, ins_mac) VALUES (%s::uuid, %s::bytea)
                ON CONFLICT (ins_mac) DO NOTHING RETURNING id
            )
            SELECT id FROM made UNION ALL SELECT id FROM accounts_person WHERE ins_mac = %s::bytea
            """,
            [uuid4(), mac, mac],
        )
        row = cursor.fetchone()
        if row is None:  # made by another transaction after this statement began
            cursor.execute("SELECT id FROM accounts_person WHERE ins_mac = %s::bytea", [mac])
            row = cursor.fetchone()
    return row[0]
