"""Whatever a superuser alters is named, with its chain and its position."""

import io
from contextlib import contextmanager
from hashlib import sha256
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from audit import events, form_1, ledger
from audit.verification import Fault, Verification
from vault import subjects

from .told import dossier, event


@contextmanager
def tampering(database):
    """A superuser who has silenced the triggers."""
    with database.superuser() as server:
        triggers = server.execute(
            "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid"
            " WHERE relname LIKE 'audit%'"
        ).fetchall()
        for table, trigger in triggers:
            server.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        yield server
        for table, trigger in triggers:
            server.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


@pytest.fixture
def findings(real_database):
    """What verification names, as (fault, chain, position)."""

    def found(**only):
        return {(it.fault, it.chain, it.position) for it in Verification().of_ledger(**only)}

    return found


def test_an_untouched_ledger_has_nothing_to_say(findings):
    dossier(entries=5)
    dossier(entries=1)
    with transaction.atomic():
        ledger.record(event(ledger.SYSTEM_CHAIN), subjects.system())
        ledger.record(event(uuid4()), subjects.system())
    verification = Verification()

    assert list(verification.of_ledger()) == []
    assert (verification.chains, verification.entries) == (4, 8)


ALTERATIONS = {
    "at": "at + interval '1 microsecond'",
    "kind": "'document.list'",
    "channel": "channel || ' '",
    "capacity": "'holder'",
    "profession": "'60'",
    "document_class": "''",
    "structure": "''",
    "body": "set_byte(body, 40, get_byte(body, 40) # 1)",
    "commitment": "sha256(commitment)",
    "previous": "sha256(previous)",
    "hash": "sha256(hash)",
}


@pytest.mark.parametrize("column", ALTERATIONS)
def test_one_column_altered_is_named(real_database, findings, column):
    altered = {dossier(entries=4)[0]: position for position in (1, 3, 4)}
    dossier(entries=2)
    with tampering(real_database) as server:
        for chain, position in altered.items():
            server.execute(
                f"UPDATE audit_event SET {column} = {ALTERATIONS[column]} WHERE chain = %s AND position = %s",
                [chain, position],
            )

    found = findings()

    assert {chain for _, chain, _ in found} == set(altered)
    for chain, position in altered.items():
        named = {where for _, concerned, where in found if concerned == chain}
        assert position in named
        assert named <= {position, position + 1}


def test_one_entry_removed_is_named(real_database, findings):
    chain, _ = dossier(entries=4)
    with tampering(real_database) as server:
        server.execute("DELETE FROM audit_event WHERE chain = %s AND position = 2", [chain])

    assert findings() == {(Fault.GAP, chain, 2)}


def test_the_last_entry_removed_is_named(real_database, findings):
    chain, _ = dossier(entries=4)
    with tampering(real_database) as server:
        server.execute("DELETE FROM audit_event WHERE chain = %s AND position = 4", [chain])

    assert findings() == {(Fault.DELETED, chain, 4)}


def test_a_whole_chain_removed_is_named(real_database, findings):
    chain, _ = dossier(entries=4)
    with tampering(real_database) as server:
        server.execute("DELETE FROM audit_event WHERE chain = %s", [chain])

    assert findings() == {(Fault.DELETED, chain, 1)}


def test_two_entries_in_each_other_s_place_are_named(real_database, findings):
    chain, _ = dossier(entries=4)
    with tampering(real_database) as server:
        for before, after in ((2, 9), (3, 2), (9, 3)):
            server.execute(
                "UPDATE audit_event SET position = %s WHERE chain = %s AND position = %s",
                [after, chain, before],
            )

    found = findings()

    assert {(Fault.HASH, chain, 2), (Fault.HASH, chain, 3), (Fault.LINK, chain, 2)} <= found


def test_an_entry_of_another_dossier_is_named(real_database, findings):
    chain, _ = dossier(entries=2)
    other, _ = dossier(entries=3)
    with tampering(real_database) as server:
        server.execute("UPDATE audit_event SET chain = %s WHERE chain = %s AND position = 3", [chain, other])

    found = findings()

    assert {(Fault.HASH, chain, 3), (Fault.BODY, chain, 3), (Fault.LINK, chain, 3)} <= found
    assert (Fault.DELETED, other, 3) in found


def test_an_entry_written_behind_the_function_is_named(real_database, findings):
    chain, _ = dossier(entries=2)
    with tampering(real_database) as server:
        server.execute(
            "INSERT INTO audit_event SELECT chain, 3, at, kind, channel, capacity, profession,"
            " document_class, structure, body, commitment, previous, hash"
            " FROM audit_event WHERE chain = %s AND position = 2",
            [chain],
        )

    assert {(Fault.LINK, chain, 3), (Fault.HASH, chain, 3), (Fault.HEAD, chain, 3)} <= findings()


@pytest.mark.parametrize(
    "change", ["hash = sha256(hash)", "previous = sha256(previous)", "position = 2", "position = 4"]
)
def test_an_altered_head_is_named(real_database, findings, change):
    chain, _ = dossier(entries=3)
    with tampering(real_database) as server:
        server.execute(f"UPDATE audit_head SET {change} WHERE chain = %s", [chain])

    assert findings() == {(Fault.HEAD, chain, 3)}


def test_a_removed_head_is_named(real_database, findings):
    chain, _ = dossier(entries=3)
    with tampering(real_database) as server:
        server.execute("DELETE FROM audit_head WHERE chain = %s", [chain])

    assert findings() == {(Fault.HEAD, chain, 3)}


def test_making_every_hash_anew_does_not_hide_an_alteration(real_database, findings):
    facets = ("at", "kind", "channel", "capacity", "profession", "document_class", "structure")
    altered = {dossier(entries=4)[0]: facet for facet in facets}
    with tampering(real_database) as server:
        for chain, facet in altered.items():
            server.execute(
                f"UPDATE audit_event SET {facet} = {ALTERATIONS[facet]} WHERE chain = %s AND position = 2",
                [chain],
            )
            rehash(server, chain)

    found = findings()

    # What follows is bound to a hash that is no longer there: it is named as well.
    assert {(Fault.BODY, chain, 2) for chain in altered} <= found
    assert {fault for fault, _, _ in found} == {Fault.BODY}
    assert min(position for _, _, position in found) == 2


def rehash(server, chain) -> None:
    """What a superuser can do without any key: bind the altered entries to each other again."""
    previous = events.genesis(chain)
    rows = server.execute(
        "SELECT form, position, at, kind, channel, capacity, profession, document_class, structure,"
        " commitment FROM audit_event WHERE chain = %s ORDER BY position",
        [chain],
    ).fetchall()
    for form, position, at, *facets, commitment in rows:
        if form == form_1.FORM:
            clear = form_1.facets(events.microseconds(at), tuple(facets))
            made = form_1.entry_hash(previous, position, chain, clear, commitment)
        else:
            place = events.place(chain, position, events.microseconds(at), previous)
            made = events.entry_hash(place, commitment)
        server.execute(
            "UPDATE audit_event SET previous = %s, hash = %s WHERE chain = %s AND position = %s",
            [previous, made, chain, position],
        )
        server.execute(
            "UPDATE audit_head SET previous = %s, hash = %s WHERE chain = %s", [previous, made, chain]
        )
        previous = made


def test_a_body_taken_from_another_entry_is_named_even_with_its_commitment(real_database, findings):
    chain, _ = dossier(entries=4)
    with tampering(real_database) as server:
        server.execute(
            "UPDATE audit_event e SET body = o.body, commitment = o.commitment FROM audit_event o"
            " WHERE e.chain = %s AND e.position = 3 AND o.chain = e.chain AND o.position = 2",
            [chain],
        )
        rehash(server, chain)

    assert findings() == {(Fault.BODY, chain, 3), (Fault.BODY, chain, 4)}


@pytest.mark.parametrize(
    "how", ["DELETE FROM vault_subjectkey", "UPDATE vault_subjectkey SET wrapped = sha256(wrapped)"]
)
def test_a_destroyed_key_leaves_bodies_that_are_named(real_database, findings, how):
    chain, _ = dossier(entries=2)
    with real_database.superuser() as server:
        server.execute(f"{how} WHERE subject_id = %s", [chain])
    subjects.forget_all_cached()

    assert findings() == {(Fault.BODY, chain, 1), (Fault.BODY, chain, 2)}


def test_the_chain_goes_on_after_an_alteration_and_names_it_for_ever(real_database, findings):
    chain, keyring = dossier(entries=3)
    with tampering(real_database) as server:
        server.execute("UPDATE audit_event SET kind = '' WHERE chain = %s AND position = 2", [chain])
    with transaction.atomic():
        assert ledger.record(event(chain), keyring) == 4

    assert {(fault, position) for fault, _, position in findings()} == {(Fault.BODY, 2)}


def test_one_dossier_can_be_verified_alone(real_database, findings):
    altered, _ = dossier(entries=2)
    whole, _ = dossier(entries=2)
    with tampering(real_database) as server:
        server.execute("DELETE FROM audit_event WHERE chain = %s AND position = 1", [altered])

    assert findings(chain=whole) == set()
    assert findings(chain=altered) == {(Fault.GAP, altered, 1)}


def test_the_command_names_chain_and_position_and_fails(real_database):
    chain, _ = dossier(entries=3)
    out = io.StringIO()
    call_command("verify_ledger", stdout=out)
    assert "3 entries in 1 chains verified." in out.getvalue()
    with tampering(real_database) as server:
        server.execute("UPDATE audit_event SET at = now() WHERE chain = %s AND position = 2", [chain])

    with pytest.raises(CommandError, match="3 alterations") as failed:
        call_command("verify_ledger", stdout=out)

    assert failed.value.returncode == 1
    assert f"HASH chain={chain} position=2: " in out.getvalue()
    with pytest.raises(CommandError, match="alterations"):
        call_command("verify_ledger", dossier=chain, stdout=out)
    with pytest.raises(CommandError, match="no chain"):
        call_command("verify_ledger", dossier=uuid4(), stdout=out)


def test_the_first_entry_is_bound_to_its_chain():
    chain = uuid4()

    assert events.genesis(chain) == sha256(b"\x00" + chain.bytes).digest()
