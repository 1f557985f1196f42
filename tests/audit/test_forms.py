"""An entry is bound to its place and its instant; the earlier form still verifies; junk costs one line."""

from datetime import timedelta

import pytest
import rfc8785
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from access import gate
from audit import events, form_1, ledger, names
from audit.events import microseconds
from audit.verification import Fault, Verification
from vault import subjects

from .test_verification import rehash, tampering
from .told import LEFEVRE, NOON, dossier, enter, event

APPEND = "SELECT audit_append(2, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def append_in_form_1(one, keyring) -> bytes:
    """As the release before this one does; the commitment."""
    facets = events.facets_of(one)
    body = events.body_of(one)[:32] + rfc8785.dumps({"actor": one.actor, "detail": one.detail})
    committed = form_1.commitment(one.chain, form_1.facets(microseconds(one.at), facets), body)
    sealed = keyring.seal_trail(one.chain, body)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit_append(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [one.chain, one.at, *facets, sealed, committed],
        )
    return committed


def found(chain):
    return {(it.fault, it.position) for it in Verification().of_ledger(chain=chain)}


def traces(chain, keyring):
    with transaction.atomic():
        enter("dmp_web", chain)
        read = ledger.traces(chain, keyring)
        enter("none")
    return read[::-1]


def test_both_forms_follow_each_other_in_one_chain(real_database):
    chain, keyring = dossier()
    for minutes in (0, 1):
        append_in_form_1(event(chain, at=NOON + timedelta(minutes=minutes)), keyring)
    with transaction.atomic():
        ledger.record(event(chain, at=NOON + timedelta(minutes=2)), keyring)
    append_in_form_1(event(chain, at=NOON + timedelta(minutes=3)), keyring)
    with transaction.atomic():
        ledger.record(event(chain, at=NOON + timedelta(minutes=4)), keyring)

    assert found(chain) == set()
    read = traces(chain, keyring)
    assert [trace.at for trace in read] == [NOON + timedelta(minutes=n) for n in range(5)]
    assert all(trace.readable and trace.actor == LEFEVRE for trace in read)


def test_a_chain_written_before_heads_had_an_instant_goes_on_from_its_last_entry(real_database):
    chain, keyring = dossier()
    append_in_form_1(event(chain, at=NOON), keyring)
    with tampering(real_database) as server:
        server.execute("UPDATE audit_head SET at = NULL WHERE chain = %s", [chain])

    with transaction.atomic():
        ledger.record(event(chain, at=NOON - timedelta(hours=1)), keyring)

    assert [trace.at for trace in traces(chain, keyring)] == [NOON, NOON]
    assert found(chain) == set()


def test_an_instant_never_goes_back_within_a_chain(real_database):
    chain, keyring = dossier(entries=3)
    latest = NOON + timedelta(minutes=2)

    with transaction.atomic():
        ledger.record(event(chain, at=NOON), keyring)

    assert [trace.at for trace in traces(chain, keyring)][2:] == [latest, latest]
    assert found(chain) == set()


def test_a_web_that_is_ahead_does_not_hold_the_others_back(real_database):
    chain, keyring = dossier()

    with transaction.atomic():
        ledger.record(event(chain, at=timezone.now() + timedelta(days=365)), keyring)

    (trace,) = traces(chain, keyring)
    assert trace.at <= timezone.now()
    assert found(chain) == set()


def test_an_instant_made_to_go_back_is_named(real_database):
    chain, _ = dossier(entries=3)
    with tampering(real_database) as server:
        server.execute(
            "UPDATE audit_event SET at = at - interval '1 hour' WHERE chain = %s AND position = 2", [chain]
        )
        rehash(server, chain)

    assert {(Fault.INSTANT, 2), (Fault.BODY, 2)} <= found(chain)


def copy_of(server, chain, position):
    return server.execute(
        "SELECT at, kind, channel, capacity, profession, document_class, structure, body, commitment"
        " FROM audit_event WHERE chain = %s AND position = %s",
        [chain, position],
    ).fetchone()


def test_an_old_entry_replayed_through_the_function_is_named_and_not_believed(real_database):
    chain, keyring = dossier(entries=3)
    with real_database.superuser() as server:
        copied = copy_of(server, chain, 2)

    with connection.cursor() as cursor:  # as the application's own login
        cursor.execute(APPEND, [chain, *copied])

    assert found(chain) == {(Fault.BODY, 4)}
    assert [trace.readable for trace in traces(chain, keyring)] == [True, True, True, False]


def test_an_entry_of_the_earlier_form_replayed_is_named_through_either_function(real_database):
    chain, keyring = dossier()
    for minutes in (0, 1):
        append_in_form_1(event(chain, at=NOON + timedelta(minutes=minutes)), keyring)
    with real_database.superuser() as server:
        copied = copy_of(server, chain, 1)

    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_append(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", [chain, *copied])
        cursor.execute(APPEND, [chain, *copied])

    assert found(chain) == {(Fault.REPLAYED, 3), (Fault.BODY, 4)}


def test_two_entries_of_one_instant_in_each_other_s_place_are_named_after_rehashing(real_database):
    chain, keyring = dossier(entries=1)
    with transaction.atomic():
        for title in ("first", "second"):
            ledger.record(event(chain, at=NOON, detail={"title": title}), keyring)
    with tampering(real_database) as server:
        for before, after in ((2, 9), (3, 2), (9, 3)):
            server.execute(
                "UPDATE audit_event SET position = %s WHERE chain = %s AND position = %s",
                [after, chain, before],
            )
        rehash(server, chain)

    assert {(Fault.BODY, 2), (Fault.BODY, 3)} <= found(chain)


JUNK = {
    "a body nobody sealed": {"p_body": b"x" * 60},
    "a kind nobody knows": {"p_kind": "junk"},
    "no word at all": {"p_kind": "", "p_capacity": ""},
}


@pytest.mark.parametrize("form", [1, 2])
@pytest.mark.parametrize("what", JUNK)
def test_a_junk_row_is_one_line_that_cannot_be_read(real_database, form, what):
    chain, keyring = dossier(entries=2)
    values = {"p_kind": "read", "p_capacity": "professional", "p_body": keyring.seal_trail(chain, b"s" * 90)}
    values |= JUNK[what]

    parameters = [chain, NOON, values["p_kind"], "web", values["p_capacity"], "", "", "", values["p_body"]]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT audit_append({'2, ' if form == 2 else ''}%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [*parameters, b"c" * 32],
        )
    with transaction.atomic():
        ledger.record(event(chain, at=NOON + timedelta(hours=1)), keyring)

    assert [trace.readable for trace in traces(chain, keyring)] == [True, True, False, True]
    assert found(chain) == {(Fault.BODY, 3)}


BEYOND = {
    "an instant without end": {"at": "infinity"},
    "an instant before any": {"at": "-infinity"},
    "an instant of another age": {"at": "0044-03-15 BC"},
    "a word of a megabyte": {"kind": "k" * 1_000_000},
    "a body of a megabyte": {"body": b"b" * 1_000_000},
    "no digest": {"digest": b""},
    "no instant": {"at": None},
}


@pytest.mark.django_db
@pytest.mark.parametrize("form", [None, 2, 3])
@pytest.mark.parametrize("what", BEYOND)
def test_what_no_entry_has_is_refused_at_the_function(what, form):
    chain, _ = dossier(entries=1)
    values = {"at": "2024-05-06", "kind": "read", "body": b"b" * 90, "digest": b"d" * 32} | BEYOND[what]

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT audit_append({f'{form}, ' if form else ''}%s, %s, %s, '', '', '', '', '', %s, %s)",
            [chain, values["at"], values["kind"], values["body"], values["digest"]],
        )


@pytest.mark.parametrize("at", ["infinity", "-infinity", "0044-03-15 BC", "290000-01-01"])
def test_an_instant_out_of_the_calendar_written_behind_the_function_stops_nobody(real_database, at):
    chain, keyring = dossier(entries=3)
    with tampering(real_database) as server:
        server.execute("UPDATE audit_event SET at = %s WHERE chain = %s AND position = 2", [at, chain])
        server.execute("UPDATE audit_head SET at = %s WHERE chain = %s", [at, chain])

    read = traces(chain, keyring)

    assert [trace.readable for trace in read] == [True, False, True]
    assert read[1].at == read[0].at
    assert {(Fault.HASH, 2), (Fault.BODY, 2)} <= found(chain)


def test_a_refusal_that_cannot_be_read_keeps_no_other_from_being_told(real_database):
    chain, keyring = dossier()
    junk = [b"k" * 32, chain, 2, chain, NOON, "read.refused", "", "", "", "", "", b"x" * 60, b"d" * 32]
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute("SELECT audit_refuse(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", junk)
    for _ in range(2):
        ledger.refusal(event(chain, kind="list.refused", detail={"reason": "no_grant"}), keyring)

    assert ledger.summarise_repeats(entering=gate.upkeep, at=NOON + timedelta(hours=2)) == 1
    assert [trace.readable for trace in traces(chain, keyring)] == [False, True, True]


def test_a_key_that_was_altered_keeps_no_other_refusal_from_being_told(real_database):
    chains = [dossier(), dossier()]
    for chain, keyring in chains:
        for _ in range(2):
            ledger.refusal(event(chain, kind="list.refused", detail={"reason": "no_grant"}), keyring)
    with real_database.superuser() as server:
        server.execute(
            "UPDATE vault_subjectkey SET wrapped = sha256(wrapped) WHERE subject_id = %s", [chains[0][0]]
        )
    subjects.forget_all_cached()

    assert ledger.summarise_repeats(entering=gate.upkeep, at=NOON + timedelta(hours=2)) == 1


def test_an_act_may_be_given_another_name_without_touching_a_digest(real_database, monkeypatch):
    chain, keyring = dossier(entries=2)
    monkeypatch.setitem(names.RENAMED, "document.read", "read_document")

    assert [trace.kind for trace in traces(chain, keyring)] == ["read_document", "read_document"]
    with transaction.atomic():
        enter("dmp_web", chain)
        assert ledger.traces(chain, keyring, but_kinds=["read_document"]) == []
        enter("none")
    with tampering(real_database) as server:  # what a migration may do to the clear column
        server.execute(
            "UPDATE audit_event SET kind = 'read_document' WHERE chain = %s AND position = 1", [chain]
        )
    assert found(chain) == set()
    monkeypatch.delitem(names.RENAMED, "document.read")
    assert found(chain) == {(Fault.BODY, 1)}


def test_a_clear_facet_altered_is_not_believed(real_database):
    chain, keyring = dossier(entries=2)
    with tampering(real_database) as server:
        server.execute(
            "UPDATE audit_event SET capacity = 'holder' WHERE chain = %s AND position = 1", [chain]
        )

    first, second = traces(chain, keyring)

    assert (first.readable, first.capacity, second.readable) == (False, "", True)
