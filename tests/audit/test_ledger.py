"""What is recorded is read again as it was told, in order, by who has pinned the dossier."""

import subprocess
import threading
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
import rfc8785
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from audit import events, form_1, ledger
from audit.models import Event as Row
from dmp import pg
from vault import subjects
from vault.keyring import Keyring

from .told import LEFEVRE, NADIA, NOON, SURGERY, dossier, enter, event

ROLES = ["dmp_app", "dmp_web", "dmp_counter", "dmp_feed", "dmp_worker"]


@pytest.mark.django_db
def test_a_trace_says_what_was_told():
    chain, keyring = dossier()

    position = ledger.record(event(chain), keyring)

    enter("dmp_web", chain)
    (trace,) = ledger.traces(chain, keyring)
    assert position == trace.position == 1
    assert (trace.kind, trace.at, trace.channel) == ("document.read", NOON, "web")
    assert (trace.capacity, trace.profession, trace.document_class) == ("professional", "10", "11")
    assert trace.structure == SURGERY
    assert trace.actor == LEFEVRE
    assert trace.detail == {"reason": "granted", "title": "Compte rendu d’hospitalisation"}


@pytest.mark.django_db
def test_traces_come_newest_first_and_by_pages():
    chain, keyring = dossier(entries=7)
    enter("dmp_web", chain)

    first = ledger.traces(chain, keyring, limit=3)
    then = ledger.traces(chain, keyring, before=first[-1].position, limit=3)

    assert [trace.position for trace in first + then] == [7, 6, 5, 4, 3, 2]


@pytest.mark.django_db
def test_an_entry_costs_one_statement():
    chain, keyring = dossier(entries=1)

    with CaptureQueriesContext(connection) as made:
        ledger.record(event(chain), keyring)

    assert len(made) == 1


@pytest.mark.django_db
def test_the_expression_stands_beside_others_in_one_statement_under_the_role_of_the_act():
    chain, keyring = dossier()
    for position, role in enumerate(ROLES, start=1):
        enter(role, chain)
        expression, values = ledger.appending(event(chain), keyring)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {expression}, set_config('role', 'none', true), set_config('dmp.pin', '', true)",
                values,
            )
            assert cursor.fetchone() == (position, "none", "")
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("dmp_app",)


def test_a_trace_without_a_transaction_is_refused(real_database):
    chain, keyring = dossier()

    with pytest.raises(ledger.RecordedOutsideATransaction):
        ledger.record(event(chain), keyring)


def test_a_trace_shares_the_fate_of_the_act(real_database):
    chain, keyring = dossier(entries=1)

    with transaction.atomic():
        assert ledger.record(event(chain), keyring) == 2
        transaction.set_rollback(True)

    with transaction.atomic():
        assert ledger.record(event(chain), keyring) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("pin", ["", uuid4()])
def test_without_the_pin_of_the_dossier_there_are_no_traces(pin):
    chain, keyring = dossier(entries=2)
    enter("dmp_web", pin)

    assert ledger.traces(chain, keyring) == []
    assert Row.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["dmp_app", "dmp_counter", "dmp_feed", "dmp_worker"])
def test_only_the_web_role_reads_traces(role):
    chain, keyring = dossier(entries=1)
    enter(role, chain)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        ledger.traces(chain, keyring)


@pytest.mark.django_db
def test_the_key_of_somebody_else_reads_nothing():
    chain, _ = dossier(entries=1)
    _, stranger = dossier()
    enter("dmp_web", chain)

    (trace,) = ledger.traces(chain, stranger)
    assert not trace.readable
    assert (trace.kind, trace.actor, trace.detail) == ("", {}, {})


@pytest.mark.django_db
def test_a_trace_is_sealed_under_the_key_of_its_chain_or_of_the_house():
    chain, keyring = dossier()

    with pytest.raises(ledger.SealedUnderAnotherKey):
        ledger.record(event(uuid4()), keyring)
    assert ledger.record(event(uuid4()), subjects.system()) == 1
    assert ledger.record(event(ledger.SYSTEM_CHAIN), subjects.system()) >= 1
    assert ledger.record(event(chain), subjects.system()) == 1


WORD = "quincaillerie"  # a reason that no catalogue of PostgreSQL has


def test_a_dump_tells_nothing_of_people(real_database):
    chain, keyring = dossier(entries=2)
    for _ in range(2):
        ledger.refusal(event(chain, detail={"reason": WORD}), keyring)

    url = pg.url(real_database.var, real_database.name, pg.SUPERUSER)
    command = [str(pg.binaries() / "pg_dump"), url]
    dump = subprocess.run(command, capture_output=True, check=True).stdout

    assert str(chain).encode() in dump
    for told in ("Lefèvre", LEFEVRE["id"], WORD, "Compte rendu", "hospitalisation"):
        for plain in (told.encode(), told.encode("latin-1"), told.encode("utf-16-le")):
            assert plain not in dump
            assert plain.hex().encode() not in dump


@pytest.mark.django_db
def test_the_database_makes_the_digests_that_are_written_down():
    chain, keyring = dossier()
    told = [
        event(chain),
        event(chain, kind="", structure="é’ 🫀", at=NOON - timedelta(days=40_000)),
        event(chain),
    ]
    for one in told:
        ledger.record(one, keyring)

    enter("dmp_web", chain)
    previous = events.genesis(chain)
    for row, one in zip(Row.objects.order_by("position"), told, strict=True):
        body = keyring.unseal_trail(chain, row.body)
        place = events.place(chain, row.position, events.microseconds(row.at), previous)
        assert events.read_body(body).facets == events.facets_of(one)
        assert row.previous == previous
        assert row.commitment == events.commitment(place, events.content_of(body))
        assert row.hash == events.entry_hash(place, row.commitment)
        previous = row.hash


def test_the_body_is_canonical_json_after_a_fresh_salt():
    one = event(uuid4(), actor={"b": 1, "a": "é"}, detail={})
    first, second = events.body_of(one), events.body_of(one)

    facets = f'["document.read","web","professional","10","11","{SURGERY}"]'
    assert (
        first[32:] == second[32:] == f'{{"actor":{{"a":"é","b":1}},"detail":{{}},"facets":{facets}}}'.encode()
    )
    assert first[:32] != second[:32]
    assert events.read_body(first).actor == {"a": "é", "b": 1}


def test_facets_put_side_by_side_are_not_confused():
    assert form_1.facets(0, ("ab", "c", "", "", "", "")) != form_1.facets(0, ("a", "bc", "", "", "", ""))


def test_an_instant_without_a_time_zone_is_refused():
    with pytest.raises(TypeError):
        events.microseconds(NOON.replace(tzinfo=None))


def test_appends_at_the_same_time_to_the_same_chain_form_one_line(real_database):
    chain, keyring = dossier()
    each, workers = 15, 4
    ready, failures = threading.Barrier(workers), []

    def append() -> None:
        try:
            ready.wait(10)
            for _ in range(each):
                with transaction.atomic():
                    ledger.record(event(chain, actor=NADIA), keyring)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=append) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert line_of(real_database, chain) == (each * workers, True)


def test_an_append_waits_for_the_one_before_it_and_takes_its_place_if_it_fails(real_database):
    chain, keyring = dossier(entries=1)
    began, positions = threading.Event(), []

    def append_second() -> None:
        began.set()
        with transaction.atomic():
            positions.append(ledger.record(event(chain), keyring))
        connection.close()

    second = threading.Thread(target=append_second)
    with transaction.atomic():
        assert ledger.record(event(chain), keyring) == 2
        second.start()
        began.wait(5)
        second.join(0.3)
        assert second.is_alive()
        transaction.set_rollback(True)
    second.join(10)

    assert positions == [2]
    assert line_of(real_database, chain) == (2, True)


def line_of(database, chain: UUID) -> tuple[int, bool]:
    """How many entries a chain has, and whether each is bound to the one before."""
    with database.superuser() as server:
        rows = server.execute(
            "SELECT position, previous, hash FROM audit_event WHERE chain = %s ORDER BY position", [chain]
        ).fetchall()
    bound = all(later[1] == sooner[2] for sooner, later in pairwise(rows))
    return len(rows), bound and [row[0] for row in rows] == list(range(1, len(rows) + 1))


def test_a_keyring_of_any_version_reads_its_own_traces():
    chain = uuid4()
    keyring = Keyring(chain, bytes(32), version=3)

    assert keyring.unseal_trail(chain, keyring.seal_trail(chain, b"body")) == b"body"


texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
names = st.text(st.characters(max_codepoint=127), min_size=1)


@given(st.dictionaries(names, plain | st.lists(plain) | st.dictionaries(names, plain)))
def test_whatever_an_act_says_its_body_is_what_rfc_8785_asks(detail):
    one = event(uuid4(), detail=detail)

    written = {"actor": dict(one.actor), "detail": detail, "facets": list(events.facets_of(one))}
    assert events.body_of(one)[32:] == rfc8785.dumps(written)
