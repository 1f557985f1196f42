"""A patient opens her own dossier: knowing is not proving, and nothing exists before consent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from access import gate
from access.gate import Refused
from access.policy import Action, Reason
from accounts import attempts, insurer
from accounts.attempts import TooManyTries
from accounts.contacts import Contact
from accounts.identity import nir_key
from dossiers import applications, codes, counter, enrolment, finding, home
from dossiers.enrolment import (
    CodeExpired,
    Doubtful,
    GoToACounter,
    Incomplete,
    LoginTaken,
    NoTriesLeft,
    NotYetUsable,
    Step,
    TooSoon,
    WrongCode,
)
from tests.cast import LEFEVRE, NOON, ROY
from tests.dossiers.conftest import CAMILLE_ANSWERS

pytestmark = pytest.mark.django_db


def begun(**answers):
    application_id = enrolment.start(at=NOON)
    by = enrolment.applicant(application_id)
    enrolment.answer(application_id, by=by, at=NOON, **{**CAMILLE_ANSWERS, **answers})
    return application_id, by


def rows(table, column="id"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count({column}) FROM {table}")
        return cursor.fetchone()[0]


def test_a_patient_opens_her_dossier(opened_online):
    opened = opened_online()

    assert opened.credentials.login == "camille-l-79"
    assert opened.credentials.first_password is None
    assert rows("dossiers_application") == 0


def test_what_is_kept_of_her_is_what_the_insurer_certifies_and_not_what_she_typed(opened_online, holder_of):
    dossier_id = opened_online().dossier_id

    holder = home.front(dossier_id, by=holder_of(dossier_id), at=NOON).holder
    assert (holder.birth_name, holder.given_names) == ("MOREAU-TRÉBOUL", ("Camille", "JEANNE"))
    [found] = finding.by_ins(CAMILLE_ANSWERS["nir"], by=LEFEVRE, at=NOON)
    assert (found.given_names, found.birth_place) == (("Camille", "JEANNE"), "51215")


def test_an_insurer_that_certifies_somebody_else_certifies_nobody(the_insurer, monkeypatch):
    def of_somebody_else(ins, traits, vitale_serial):
        return insurer.Verification("v1", the_insurer.knows, replace(traits, birth_name="LAMBERT"))

    monkeypatch.setattr(insurer, "verify", of_somebody_else)
    application_id, by = begun()

    with pytest.raises(GoToACounter):
        enrolment.ask_insurer(application_id, by=by, at=NOON)


def test_the_code_goes_only_where_the_insurer_already_reaches_her(the_insurer):
    application_id, by = begun()

    contacts = enrolment.ask_insurer(application_id, by=by, at=NOON)

    assert [contact.mask for contact in contacts] == ["06 ** ** ** 42", "28 avenue de B***"]
    with pytest.raises(Incomplete):
        enrolment.send_code(application_id, "another", by=by, at=NOON)
    assert the_insurer.codes == []


def test_no_match_and_a_minor_are_told_alike(the_insurer):
    thirteen = "2150651215189"
    minor = {"nir": thirteen + nir_key(thirteen), "birth_date": "20150601"}
    minor_id, minor_by = begun(**minor)
    with pytest.raises(GoToACounter):
        enrolment.ask_insurer(minor_id, by=minor_by, at=NOON)
    the_insurer.knows = None
    unknown_id, unknown_by = begun()
    with pytest.raises(GoToACounter):
        enrolment.ask_insurer(unknown_id, by=unknown_by, at=NOON)

    assert the_insurer.asked == 2  # the same work was done for both
    assert enrolment.state(minor_id, by=minor_by, at=NOON).step is Step.IDENTITY


def test_the_insurer_is_not_asked_without_end(the_insurer):
    the_insurer.knows = None
    application_id, by = begun()

    for _ in range(8):
        with pytest.raises(GoToACounter):
            enrolment.ask_insurer(application_id, by=by, at=NOON)

    assert the_insurer.asked == enrolment.MOST_QUESTIONS_TO_THE_INSURER


def coded(the_insurer, contact="c1"):
    application_id, by = begun()
    enrolment.ask_insurer(application_id, by=by, at=NOON)
    sent = enrolment.send_code(application_id, contact, by=by, at=NOON)
    return application_id, by, sent, the_insurer.codes[-1]


def test_a_code_passes_once(the_insurer):
    application_id, by, _, code = coded(the_insurer)

    assert not enrolment.verify_code(application_id, code, by=by, at=NOON).dossier_exists
    with pytest.raises(CodeExpired):
        enrolment.verify_code(application_id, code, by=by, at=NOON)


def test_a_code_lasts_five_minutes(the_insurer):
    application_id, by, sent, code = coded(the_insurer)

    assert sent.expires_at == NOON + timedelta(minutes=5)
    with pytest.raises(CodeExpired):
        enrolment.verify_code(application_id, code, by=by, at=NOON + timedelta(minutes=5))


def test_five_tries_and_no_more(the_insurer):
    application_id, by, _, code = coded(the_insurer)
    wrong = f"{(int(code) + 1) % 10**6:06d}"

    left = []
    for _ in range(4):
        with pytest.raises(WrongCode) as refused:
            enrolment.verify_code(application_id, wrong, by=by, at=NOON)
        left.append(refused.value.tries_left)
    assert left == [4, 3, 2, 1]
    with pytest.raises(NoTriesLeft):
        enrolment.verify_code(application_id, wrong, by=by, at=NOON)
    with pytest.raises(NoTriesLeft):
        enrolment.verify_code(application_id, code, by=by, at=NOON)


def test_another_code_waits_a_minute_and_replaces_the_first(the_insurer):
    application_id, by, _, first = coded(the_insurer)

    with pytest.raises(TooSoon):
        enrolment.send_code(application_id, "c1", by=by, at=NOON + timedelta(seconds=59))
    later = NOON + timedelta(seconds=60)
    enrolment.send_code(application_id, "c1", by=by, at=later)
    if the_insurer.codes[-1] != first:
        with pytest.raises(WrongCode):
            enrolment.verify_code(application_id, first, by=by, at=later)
    enrolment.verify_code(application_id, the_insurer.codes[-1], by=by, at=later)


def test_codes_are_not_sent_without_end(the_insurer):
    application_id, by, _, _ = coded(the_insurer)

    for minute in range(1, codes.MOST_SENDINGS):
        enrolment.send_code(application_id, "c1", by=by, at=NOON + timedelta(minutes=minute))
    with pytest.raises(TooSoon) as refused:
        enrolment.send_code(application_id, "c1", by=by, at=NOON + timedelta(minutes=20))
    assert refused.value.wait is None


def test_a_letter_takes_a_day_and_its_code_works_no_earlier(the_insurer, settings):
    settings.DMP_POST_DELAY_HOURS = 24
    application_id, by, sent, code = coded(the_insurer, "c2")

    assert sent.usable_from == NOON + timedelta(hours=24)
    with pytest.raises(NotYetUsable):
        enrolment.verify_code(application_id, code, by=by, at=NOON + timedelta(hours=23))
    enrolment.verify_code(application_id, code, by=by, at=NOON + timedelta(days=3))


def test_the_sandbox_letter_arrives_at_once(the_insurer, settings):
    settings.DMP_POST_DELAY_HOURS = 0
    application_id, by, sent, code = coded(the_insurer, "c2")

    assert sent.expires_at == NOON + timedelta(minutes=5)
    enrolment.verify_code(application_id, code, by=by, at=NOON)


def test_that_a_dossier_exists_is_told_to_the_proved_holder_only(open_at_the_counter, the_insurer):
    open_at_the_counter()
    application_id, by, _, code = coded(the_insurer)

    assert enrolment.state(application_id, by=by, at=NOON).step is Step.CODE
    assert enrolment.verify_code(application_id, code, by=by, at=NOON).dossier_exists
    assert enrolment.state(application_id, by=by, at=NOON).step is Step.EXISTS


def test_changing_an_answer_undoes_the_proof(proved):
    application_id, by, _ = proved()

    enrolment.answer(application_id, by=by, at=NOON, given_name="Claude")

    assert enrolment.state(application_id, by=by, at=NOON).step is Step.IDENTITY
    with pytest.raises(Incomplete):
        enrolment.choose_login(application_id, "claude-79", "un long mot de passe", by=by, at=NOON)


def test_no_step_can_be_skipped(the_insurer):
    application_id, by = begun()

    with pytest.raises(Incomplete) as refused:
        enrolment.consent(
            application_id,
            information_version="x",
            agreed=True,
            break_glass=True,
            regulation=True,
            by=by,
            at=NOON,
        )
    assert refused.value.step is Step.IDENTITY


def test_agreeing_passes_the_gate_once(opened_online, monkeypatch):
    passed, admitted, agreeing = [], gate.admitted, enrolment.consent

    def counted(by, action, thing, **how):
        passed.append(action)
        return admitted(by, action, thing, **how)

    def agree(*args, **kwargs):
        monkeypatch.setattr(gate, "admitted", counted)
        return agreeing(*args, **kwargs)

    monkeypatch.setattr(enrolment, "consent", agree)

    opened_online()

    assert passed == [Action.OPEN]


def test_a_login_is_one_persons(opened_online, proved, the_insurer):
    opened_online()
    thirteen = "2790351215190"
    application_id, by, _ = proved(nir=thirteen + nir_key(thirteen))

    with pytest.raises(LoginTaken):
        enrolment.choose_login(application_id, "CAMILLE-L-79", "un long mot de passe 80", by=by, at=NOON)


def test_without_the_box_there_is_no_dossier(opened_online):
    with pytest.raises(Refused) as refused:
        opened_online(agreed=False)

    assert refused.value.decision.reason is Reason.NO_CONSENT
    assert rows("dossiers_application") == 1


def test_half_an_hour_and_everything_is_forgotten(the_insurer):
    application_id, by = begun()

    with pytest.raises(Refused) as refused:
        enrolment.state(application_id, by=by, at=NOON + timedelta(minutes=30))
    assert refused.value.decision.reason is Reason.EXPIRED
    assert applications.purge(at=NOON + timedelta(minutes=30)) == 1


def test_an_application_is_read_by_nobody_else(the_insurer):
    application_id, _ = begun()
    stranger = enrolment.applicant(enrolment.start(at=NOON))

    with pytest.raises(Refused) as refused:
        enrolment.answers(application_id, by=stranger, at=NOON)
    assert refused.value.decision.hidden


def test_objections_are_kept_one_by_one(opened_online, holder_of):
    opened = opened_online(break_glass=False)

    front = home.front(opened.dossier_id, by=holder_of(opened.dossier_id), at=NOON)

    assert (front.break_glass, front.regulation) == (False, True)
    assert front.recent == ()  # what she did herself is no news


def test_a_lunar_date_of_birth_is_somebody_s(the_insurer):
    lunar = {**CAMILLE_ANSWERS, "birth_date": "19790300"}
    application_id, by = begun(birth_date="19790300", confirmed=enrolment.confirmation(lunar))

    assert enrolment.ask_insurer(application_id, by=by, at=NOON)


@pytest.mark.parametrize("birth_date", ["19790300", "19880614", "19790614", "19791403"])
def test_what_contradicts_itself_is_confirmed_before_the_insurer_is_asked(the_insurer, birth_date):
    application_id, by = begun(birth_date=birth_date)

    with pytest.raises(Doubtful):
        enrolment.ask_insurer(application_id, by=by, at=NOON)
    assert the_insurer.asked == 0
    answered = {**CAMILLE_ANSWERS, "birth_date": birth_date}
    enrolment.answer(application_id, by=by, at=NOON, confirmed=enrolment.confirmation(answered))
    assert enrolment.ask_insurer(application_id, by=by, at=NOON)


def test_a_minor_is_one_until_midnight_in_paris(the_insurer):
    eve = datetime(2026, 11, 20, 22, 59, tzinfo=UTC)  # 23:59 in Paris
    thirteen = "2081151215189"
    born = {"nir": thirteen + nir_key(thirteen), "birth_date": "20081121"}

    application_id, by = begun(**born)
    with pytest.raises(GoToACounter):
        enrolment.ask_insurer(application_id, by=by, at=eve)
    birthday = eve + timedelta(minutes=31)  # half past midnight in Paris, not yet in UTC
    assert enrolment.ask_insurer(application_id, by=by, at=birthday)


def test_two_doors_open_one_dossier(open_at_the_counter, proved, own_codes, reading):
    application_id, by, _ = proved()
    enrolment.choose_login(application_id, "camille-l-79", "un long mot de passe 79", by=by, at=NOON)
    enrolment.give_contact(application_id, Contact("sms", "+33612345642"), by=by, at=NOON)
    enrolment.verify_contact(application_id, own_codes[-1], by=by, at=NOON)
    open_at_the_counter()

    with pytest.raises(Refused) as refused:
        enrolment.consent(
            application_id,
            information_version="x",
            agreed=True,
            break_glass=True,
            regulation=True,
            by=by,
            at=NOON,
        )
    assert refused.value.decision.reason is Reason.ALREADY_OPEN
    assert counter.receive(reading, by=ROY, at=NOON).exists


def test_asking_about_one_person_again_and_again_is_slow_for_who_asks_and_not_for_her(the_insurer):
    the_insurer.knows = None
    stranger, hers = "198.51.100.7/32", "203.0.113.9/32"
    for _ in range(int(attempts.QUESTIONS_ABOUT_ONE.burst)):
        application_id, by = begun()
        with pytest.raises(GoToACounter):
            enrolment.ask_insurer(application_id, by=by, at=NOON, origin=stranger)

    application_id, by = begun()
    with pytest.raises(TooManyTries):
        enrolment.ask_insurer(application_id, by=by, at=NOON, origin=stranger)
    with pytest.raises(GoToACounter):
        enrolment.ask_insurer(application_id, by=by, at=NOON + attempts.EACH_WAITS, origin=stranger)
    application_id, by = begun()
    with pytest.raises(GoToACounter):
        enrolment.ask_insurer(application_id, by=by, at=NOON, origin=hers)

    assert the_insurer.asked == attempts.QUESTIONS_ABOUT_ONE.burst + 2


def test_questions_leave_threads_to_others(the_insurer, settings):
    application_id, by = begun()
    for _ in range(settings.DMP_CALLS_AT_ONCE):
        assert enrolment._places.acquire(blocking=False)

    with pytest.raises(TooManyTries):
        enrolment.ask_insurer(application_id, by=by, at=NOON)
    for _ in range(settings.DMP_CALLS_AT_ONCE):
        enrolment._places.release()

    assert the_insurer.asked == 0
    assert enrolment.ask_insurer(application_id, by=by, at=NOON)


def test_codes_for_one_person_do_not_leave_without_end(the_insurer, monkeypatch):
    monkeypatch.setattr(attempts, "QUESTIONS_ABOUT_ONE", attempts.Allowance(100, 100))

    with pytest.raises(TooManyTries):
        for _ in range(20):
            application_id, by = begun()
            enrolment.ask_insurer(application_id, by=by, at=NOON)
            enrolment.send_code(application_id, "c1", by=by, at=NOON)

    assert len(the_insurer.codes) == attempts.SENDINGS_TO_ONE.burst
