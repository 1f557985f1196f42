"""However much a holder read, what others did and the last visit are found at once."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from audit import ledger
from dossiers import home
from tests.audit import told

OWN_TRACES = 20_000
FILLED = """
INSERT INTO audit_event (chain, position, form, at, kind, channel, capacity, profession, document_class,
    structure, body, commitment, previous, hash)
SELECT %s::uuid, 10 + g, 2, %s::timestamptz + g * interval '1 s', 'read', 'web', 'holder', '', '', '',
    '\\x00'::bytea, '\\x00'::bytea, '\\x00'::bytea, '\\x00'::bytea
FROM generate_series(1, %s) g
"""


@pytest.fixture
def chain(real_database):
    """A doctor's act and a visit of hers, then thousands of her own readings."""
    chain, keyring = told.dossier()
    with transaction.atomic():
        ledger.record(told.event(chain), keyring)
        ledger.record(told.event(chain, kind="visit", capacity="holder"), keyring)
    with real_database.superuser() as server:
        server.execute(FILLED, [chain, told.NOON, OWN_TRACES])
        server.execute("ANALYZE audit_event")
    return chain, keyring


def pages_read(ask, chain: UUID) -> int:
    """How many pages of 8 kB the statement of this question reads."""
    statements = []

    def keep(execute, sql, parameters, many, context):
        statements.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'dmp_web', true), set_config('dmp.pin', %s, true)", [str(chain)]
        )
        with connection.execute_wrapper(keep):
            found = ask()
        assert found
        [(sql, parameters)] = statements
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters)
        [plan] = cursor.fetchone()
    read = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return read["Shared Hit Blocks"] + read["Shared Read Blocks"]


def test_news_are_found_whatever_she_read_since(chain):
    chain, keyring = chain

    def ask():
        return ledger.traces(
            chain, keyring, limit=12, but_capacities=home.NO_NEWS_FROM, but_kinds=home.NO_NEWS
        )

    assert pages_read(ask, chain) < 20


def test_her_last_visit_is_found_whatever_she_read_since(chain):
    chain, keyring = chain

    def ask():
        return ledger.last(
            chain, keyring, capacity="holder", kind="visit", before=told.NOON + timedelta(days=30)
        )

    assert pages_read(ask, chain) < 20
