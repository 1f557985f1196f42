"""A refusal that insists is counted, and told once."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from access import gate
from audit import ledger

from .told import LEFEVRE, NADIA, NOON, dossier, enter, event


def refused(chain, *, after=timedelta(), **facts):
    told = {"kind": "document.read.refused", "detail": {"reason": "no_grant"}, "at": NOON + after}
    return event(chain, **(told | facts))


def traces(chain, keyring):
    enter("dmp_web", chain)
    found = ledger.traces(chain, keyring)
    enter("none")
    return found[::-1]


@pytest.mark.django_db
def test_the_same_refusal_within_an_hour_is_recorded_once():
    chain, keyring = dossier()

    appended = [ledger.refusal(refused(chain, after=timedelta(minutes=n)), keyring) for n in range(0, 60, 12)]

    assert appended == [True, False, False, False, False]
    assert len(traces(chain, keyring)) == 1


@pytest.mark.django_db
def test_it_costs_one_statement_recorded_or_counted():
    chain, keyring = dossier()

    for _ in range(2):
        with CaptureQueriesContext(connection) as made:
            ledger.refusal(refused(chain), keyring)
        assert len(made) == 1


@pytest.mark.django_db
def test_another_actor_kind_reason_or_dossier_is_another_refusal():
    chain, keyring = dossier()
    other_chain, other_keyring = dossier()

    assert ledger.refusal(refused(chain), keyring)
    assert ledger.refusal(refused(chain, actor=NADIA), keyring)
    assert ledger.refusal(refused(chain, kind="document.list.refused"), keyring)
    assert ledger.refusal(refused(chain, detail={"reason": "blocked"}), keyring)
    assert ledger.refusal(refused(other_chain), other_keyring)
    assert not ledger.refusal(refused(chain, detail={"reason": "no_grant", "count": 3}), keyring)


@pytest.mark.django_db
def test_after_an_hour_the_same_refusal_is_recorded_again():
    chain, keyring = dossier()

    assert ledger.refusal(refused(chain), keyring)
    assert ledger.refusal(refused(chain, after=timedelta(hours=1)), keyring)
    assert not ledger.refusal(refused(chain, after=timedelta(hours=1, minutes=59)), keyring)


@pytest.mark.django_db
def test_one_event_says_how_many_there_were():
    chain, keyring = dossier()
    for minutes in (0, 10, 20, 30):
        ledger.refusal(refused(chain, after=timedelta(minutes=minutes)), keyring)

    early = ledger.summarise_repeats(entering=gate.upkeep, at=NOON + timedelta(minutes=59))
    due = ledger.summarise_repeats(entering=gate.upkeep, at=NOON + timedelta(hours=1))
    again = ledger.summarise_repeats(entering=gate.upkeep, at=NOON + timedelta(hours=2))

    assert (early, due, again) == (0, 1, 0)
    first, summary = traces(chain, keyring)
    assert summary.kind == first.kind
    assert summary.actor == first.actor == LEFEVRE
    assert summary.at == NOON + timedelta(minutes=30)
    assert summary.detail == {
        "reason": "no_grant",
        "times": 3,
        "since": NOON.isoformat(),
        "last": (NOON + timedelta(minutes=30)).isoformat(),
    }
    assert "times" not in first.detail


@pytest.mark.django_db
def test_a_refusal_that_did_not_insist_needs_no_summary():
    chain, keyring = dossier()
    ledger.refusal(refused(chain), keyring)

    assert ledger.summarise_repeats(entering=gate.upkeep, at=NOON + timedelta(hours=3)) == 0
    assert len(traces(chain, keyring)) == 1


@pytest.mark.django_db
def test_the_expression_is_null_when_counted():
    chain, keyring = dossier()
    enter("dmp_feed", chain)

    for expected in (1, None):
        expression, values = ledger.refusing(refused(chain), keyring)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {expression}, 'reset'", values)
            assert cursor.fetchone() == (expected, "reset")


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["none", "dmp_web", "dmp_counter", "dmp_feed"])
def test_only_upkeep_takes_the_repetitions(role):
    chain, _ = dossier()
    enter(role, chain)

    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM audit_take_repeats(%s, %s)", [chain, NOON])


@pytest.mark.django_db
def test_upkeep_takes_those_of_the_chain_it_has_pinned_and_of_no_other():
    chain, keyring = dossier()
    other, _ = dossier()
    for _ in range(3):
        ledger.refusal(refused(chain), keyring)
    later = NOON + timedelta(hours=1)

    for pin in (other, "", f"{chain},{other}"):
        enter("dmp_worker", pin)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM audit_take_repeats(%s, %s)", [chain, later])
            assert cursor.fetchall() == []
    enter("none")

    assert ledger.summarise_repeats(entering=gate.upkeep, at=later) == 1


@pytest.mark.django_db
def test_which_chains_wait_is_told_as_identifiers_to_the_running_system_alone():
    chain, keyring = dossier()
    ledger.refusal(refused(chain), keyring)
    asked = ["SELECT * FROM audit_chains_with_repeats(%s, 10)", [NOON + timedelta(hours=1)]]

    with connection.cursor() as cursor:
        cursor.execute(*asked)
        assert cursor.fetchall() == [(chain,)]
    for role in ("dmp_web", "dmp_counter", "dmp_feed", "dmp_worker"):
        enter(role)
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(*asked)
        enter("none")


def test_refusals_at_the_same_time_are_one_and_counted(real_database):
    chain, keyring = dossier()
    ready, appended = threading.Barrier(4), []

    def refuse() -> None:
        ready.wait(10)
        for _ in range(5):
            appended.append(ledger.refusal(refused(chain), keyring))
        connection.close()

    threads = [threading.Thread(target=refuse) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(appended) == [False] * 19 + [True]
    assert ledger.summarise_repeats(entering=gate.upkeep, at=NOON + timedelta(hours=1)) == 1
    with transaction.atomic():
        assert [trace.detail.get("times") for trace in traces(chain, keyring)] == [None, 19]
