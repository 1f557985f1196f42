"""Two factors, the same answer for whoever is not there, and nobody in the session before both."""

import re
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import notices, signing_in
from accounts.actors import Authentication, Capacity, Channel
from accounts.contacts import Contact
from accounts.devices import CodeExpired
from accounts.models import Notice, Session, User
from accounts.signing_in import TooManyTries, TooSoon, WeakPassword, WrongCode, WrongCredentials
from audit.ledger import SYSTEM_CHAIN
from tests.accounts.people import HOME, PASSWORD, next_visit, open_camille, provision_roy, visit
from tests.accounts.test_codes import code_at
from vault import subjects

pytestmark = pytest.mark.django_db
NOW = timezone.now()  # a visit ends by the clock of the house
NEW_PASSWORD = "six hérons bleus au marché"


def begin(login="camille.moreau", password=PASSWORD, at=NOW, browser=HOME, **how):
    return signing_in.begin(login, password, at=at, browser=browser, **how)


def send(pending, device=None, at=NOW, browser=HOME, **how):
    return signing_in.send_code(pending, device, browser=browser, at=at, **how)


def check(pending, code, at=NOW, browser=HOME):
    return signing_in.check_code(pending, code, browser=browser, at=at)


def code_sent() -> str:
    """The code in the last notice, as the worker unseals it."""
    notice = Notice.objects.filter(kind="code").latest("created_at")
    told = subjects.system().unseal_json("accounts_notice", "sealed", notice.pk, bytes(notice.sealed))
    return told["code"]


def chain(chain_id):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'dmp_web', true), set_config('dmp.pin', %s, true)", [str(chain_id)]
        )
        cursor.execute(
            "SELECT kind, capacity, channel FROM audit_event WHERE chain = %s ORDER BY position", [chain_id]
        )
        found = cursor.fetchall()
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")
        return found


def test_camille_signs_in_with_her_password_and_the_code_sent_to_her_phone():
    opened = open_camille()
    request = visit()

    pending = begin("CAMILLE.moreau ")
    signing_in.keep(request, pending)
    request = next_visit(request)
    assert signing_in.pending(request, at=NOW) == pending
    sent = send(pending)
    proved = check(pending, code_sent())
    actor = signing_in.finish(request, proved, at=NOW)

    assert (sent.channel, sent.mask) == ("sms", "06 ** ** ** 42")
    assert sent.expires_at - NOW == timedelta(minutes=5)
    user = User.objects.get(pk=opened.user_id)
    assert actor.capacity is Capacity.HOLDER
    assert actor.id == user.person_id
    assert actor.dossier_id == user.dossier_id
    assert actor.name == "Camille Moreau"
    assert actor.authentication is Authentication.PASSWORD_AND_CODE
    assert next_visit(request).actor == actor
    assert chain(user.person_id) == [("sign_in", "holder", "web")]


def test_between_the_two_factors_there_is_nobody():
    open_camille()
    request = visit()
    signing_in.keep(request, begin())

    assert next_visit(request).actor.capacity is Capacity.ANONYMOUS


def test_the_identifier_of_the_visit_changes_at_each_step():
    open_camille()
    request = visit()
    request.session["seen"] = "before"
    request.session.save()
    keys = [request.session.session_key]
    pending = begin()
    signing_in.keep(request, pending)
    keys.append(request.session.session_key)
    send(pending)
    signing_in.finish(request, check(pending, code_sent()), at=NOW)
    request.session.save()
    keys.append(request.session.session_key)

    assert len(set(keys)) == 3
    assert "seen" not in visit(keys[2]).session
    assert dict(visit(keys[0]).session.items()) == {} == dict(visit(keys[1]).session.items())
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("camille.moreau", "quatre tortues dorment"),
        ("nobody.there", PASSWORD),
        ("", ""),
        ("camille.moreau", ""),
    ],
)
def test_a_wrong_password_and_a_login_nobody_has_are_answered_alike(login, password):
    open_camille()

    with pytest.raises(WrongCredentials) as told:
        begin(login, password)

    assert str(told.value) == "L’identifiant ou le mot de passe ne convient pas."
    assert chain(SYSTEM_CHAIN) == [("sign_in.refused", "anonymous", "web")]


def test_a_closed_account_is_answered_alike():
    User.objects.filter(pk=open_camille().user_id).update(active=False)

    with pytest.raises(WrongCredentials):
        begin()


def test_the_door_of_patients_does_not_know_agents_nor_the_reverse():
    open_camille()
    provision_roy()

    with pytest.raises(WrongCredentials):
        begin("bernard.roy")
    with pytest.raises(WrongCredentials):
        begin("camille.moreau", kinds=("agent",))


@pytest.mark.slow
def test_the_time_of_an_answer_does_not_say_whether_the_account_exists(monkeypatch, slow_passwords):
    said = signing_in.attempts.Guess(True, ())
    monkeypatch.setattr(signing_in.attempts, "guess", lambda *_, **__: said)
    open_camille()
    open_camille_printed = open_camille(printed=True, login="camille.autre")
    assert open_camille_printed.first_password
    times: dict[str, list[float]] = {"camille.moreau": [], "camille.autre": [], "nobody.there": []}
    for _ in range(15):
        for login, spent in times.items():
            began = time.process_time()
            with pytest.raises(WrongCredentials):
                begin(login, "never the right one")
            spent.append(time.process_time() - began)

    least = [min(spent) for spent in times.values()]
    assert max(least) < 1.5 * min(least)  # Argon2id is run each time, never twice


def test_the_same_number_of_statements_whoever_is_missing():
    open_camille()
    counts = []
    for login in ("camille.moreau", "nobody.there"):
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries, pytest.raises(WrongCredentials):
            begin(login, "never the right one")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_pending_sign_in_does_not_last():
    open_camille()
    request = visit()
    pending = begin()
    signing_in.keep(request, pending)
    late = NOW + timedelta(minutes=16)

    assert signing_in.pending(request, at=late) is None
    with pytest.raises(CodeExpired):
        check(pending, "123456", at=late)


def test_a_second_code_waits_a_minute():
    open_camille()
    pending = begin()
    send(pending)

    with pytest.raises(TooSoon):
        send(pending, at=NOW + timedelta(seconds=30), again=True)


def test_a_code_goes_only_to_a_contact_of_the_account():
    open_camille()
    pending = begin()

    sent = send(pending, "00000000-0000-4000-8000-000000000000")

    assert sent.mask == pending.contacts[0].mask


def test_a_printed_password_opens_nothing_until_it_is_changed():
    opened = open_camille(printed=True)
    request = visit()
    pending = begin(password=opened.first_password.lower())
    send(pending)

    actor = signing_in.finish(request, check(pending, code_sent()), at=NOW)

    assert actor is None
    request = next_visit(request)
    assert request.actor.capacity is Capacity.ANONYMOUS
    assert signing_in.next_step(request, at=NOW) is signing_in.Step.PASSWORD
    with pytest.raises(WeakPassword) as told:
        signing_in.choose_password(request, "camille moreau", at=NOW)
    assert told.value.faults
    with pytest.raises(WeakPassword) as told:
        signing_in.choose_password(request, opened.first_password, at=NOW)
    assert told.value.faults == ["printed"]

    actor = signing_in.choose_password(request, NEW_PASSWORD, at=NOW)

    assert next_visit(request).actor == actor
    assert signing_in.next_step(request, at=NOW) is None
    assert begin(password=NEW_PASSWORD).user_id == opened.user_id
    with pytest.raises(WrongCredentials):
        begin(password=opened.first_password)
    assert Notice.objects.filter(kind=notices.NoticeKind.PASSWORD, user_id=opened.user_id).exists()


def test_a_password_is_not_chosen_by_whoever_did_not_sign_in():
    request = visit()

    with pytest.raises(CodeExpired):
        signing_in.choose_password(request, NEW_PASSWORD, at=NOW)


def test_changing_a_password_closes_every_other_visit():
    opened = open_camille(printed=True)
    other = visit()
    signing_in.after_opening(other, opened.user_id, at=NOW)
    other.session.save()

    user = User.objects.get(pk=opened.user_id)
    signing_in.change_first_password(user, NEW_PASSWORD, at=NOW)

    assert visit(other.session.session_key).actor.capacity is Capacity.ANONYMOUS


def test_who_has_just_opened_their_dossier_is_in():
    opened = open_camille()
    request = visit()

    actor = signing_in.after_opening(request, opened.user_id, at=NOW)

    assert actor.authentication is Authentication.INSURER_CODE
    assert next_visit(request).actor == actor


def test_signing_out_ends_the_visit():
    opened = open_camille()
    request = visit()
    signing_in.after_opening(request, opened.user_id, at=NOW)
    request = next_visit(request)
    key = request.session.session_key

    signing_in.sign_out(request, at=NOW)

    assert visit(key).actor.capacity is Capacity.ANONYMOUS
    assert chain(User.objects.get(pk=opened.user_id).person_id)[-1] == ("sign_out", "holder", "web")


def test_an_agent_signs_in_with_the_code_of_an_application():
    told = provision_roy()
    request = visit()

    pending = begin("bernard.roy", kinds=("agent",))
    assert pending.contacts == ()
    with pytest.raises(WrongCode):
        check(pending, "000000")
    actor = signing_in.finish(request, check(pending, code_at(NOW)), at=NOW)

    assert actor.id == told.user_id
    assert actor.capacity is Capacity.AGENT
    assert actor.channel is Channel.COUNTER
    assert actor.structure == "CPAM de la Haute-Garonne"
    assert actor.authentication is Authentication.PASSWORD_AND_TOTP
    assert chain(told.user_id) == [("sign_in", "agent", "counter")]


def test_codes_of_an_application_are_not_tried_without_end():
    provision_roy()
    pending = begin("bernard.roy", kinds=("agent",))

    results = []
    for _ in range(8):
        try:
            check(pending, "000000")
        except (WrongCode, TooManyTries) as error:
            results.append(type(error).__name__)

    assert results == ["WrongCode"] * 5 + ["TooManyTries"] * 3


def test_a_new_agent_chooses_a_password_first():
    told = provision_roy(password=None)
    request = visit()
    pending = begin("bernard.roy", told.first_password, kinds=("agent",))

    assert signing_in.finish(request, check(pending, code_at(NOW)), at=NOW) is None
    assert signing_in.choose_password(request, NEW_PASSWORD, at=NOW).capacity is Capacity.AGENT


@pytest.mark.parametrize(
    "contact", [Contact("sms", "+33612345642"), Contact("courriel", "camille@exemple.fr")]
)
def test_nothing_of_an_account_is_in_clear_in_the_database(contact):
    opened = open_camille(printed=True, contact=contact)
    pending = begin(password=opened.first_password)
    send(pending)
    code = code_sent()

    with connection.cursor() as cursor:
        kept = ""
        for table in ("user", "contactdevice", "notice", "signin", "knownbrowser", "allowance"):
            cursor.execute(f"SELECT string_agg(to_jsonb(t)::text, ' ') FROM accounts_{table} t")
            kept += cursor.fetchone()[0] or ""

    for clear in ("Moreau", "camille.moreau", contact.value, opened.first_password):
        assert clear not in kept
        assert clear.encode().hex() not in kept
    assert code.encode().hex() not in kept
    assert not re.search(rf"\b{code}\b", kept)
