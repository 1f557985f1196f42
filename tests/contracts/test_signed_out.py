"""A session that has ended is nobody's, whatever Redis was made to say: at the gate and beside it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access import gate
from access.policy import Action, Reason
from accounts import card_reader, sessions
from accounts.actors import Capacity
from accounts.middleware import actor_of
from accounts.models import Professional, Session, User
from accounts.session_cache import session_cache
from accounts.sessions import SessionStore
from dossiers import sharing
from dossiers.things import DossierAtTheDoor
from tests.cast import LEFEVRE, ROY, STAFF
from tests.signing_in import account_of, client_of

pytestmark = pytest.mark.django_db

ENDINGS = {
    "signed out": lambda owner: Session.objects.filter(owner_id=owner).delete(),
    "closed from another place": sessions.end_all,
    "its time is over": lambda owner: Session.objects.filter(owner_id=owner).update(
        idle_until=timezone.now() - timedelta(seconds=1)
    ),
    "given to somebody else": lambda owner: Session.objects.filter(owner_id=owner).update(
        owner_id=account_of(STAFF, timezone.now())
    ),
}
OF_AN_ACCOUNT = {
    "account closed": lambda owner: User.objects.filter(pk=owner).update(active=False),
    "another password": lambda owner: User.objects.filter(pk=owner).update(password_epoch=7),
}
OF_A_PROFESSIONAL = {
    "struck off": lambda owner: Professional.objects.filter(pk=owner).update(struck_off_at=timezone.now()),
}


@pytest.fixture
def people(open_at_the_counter, holder_of, reading, monkeypatch):
    monkeypatch.setattr(card_reader, "cards", list)
    now = timezone.now()
    opened = open_at_the_counter(at=now, reading=replace(reading, read_at=now))
    camille = holder_of(opened.dossier_id)
    return {"holder": camille, "professional": LEFEVRE, "agent": ROY, "staff": STAFF}


HOMES = {
    "holder": "patient:documents",
    "professional": "professional:search",
    "agent": "counter:home",
    "staff": "staff:home",
}
EVERY_ENDING = [
    (who, how, end)
    for who in HOMES
    for how, end in (ENDINGS | (OF_A_PROFESSIONAL if who == "professional" else OF_AN_ACCOUNT)).items()
    if (who, how) != ("staff", "given to somebody else")
]


@pytest.mark.parametrize(
    ("who", "how", "end"), EVERY_ENDING, ids=[f"{who}, {how}" for who, how, _ in EVERY_ENDING]
)
def test_once_it_has_ended_nothing_is_answered_though_redis_still_has_it(people, who, how, end):
    actor = people[who]
    client = client_of(actor)
    assert client.get(reverse(HOMES[who])).status_code == 200
    identifier = client.cookies[settings.SESSION_COOKIE_NAME].value
    name = b"session:" + sessions._id_mac(identifier)
    cached = session_cache()._redis.get(name)
    assert cached

    end(account_of(actor, timezone.now()))

    for page in (HOMES[who], "public:help"):
        client.cookies[settings.SESSION_COOKIE_NAME] = identifier
        session_cache()._redis.set(name, cached)
        answer = client.get(reverse(page))
        assert (answer.status_code, answer["Location"]) == (302, reverse(page))
        assert client.cookies[settings.SESSION_COOKIE_NAME].value == ""
    assert "/connexion/" in client.get(reverse(HOMES[who]))["Location"]


def test_a_form_sent_by_a_session_that_has_ended_does_nothing(people):
    dossier_id = people["holder"].dossier_id
    client = client_of(LEFEVRE)
    Session.objects.all().delete()  # Redis still has it

    answer = client.post(reverse("professional:agreement", args=[dossier_id]), {"accord": "oui"})

    assert answer["Location"] == reverse("professional:sign_in")
    assert sharing.people(dossier_id, by=people["holder"], at=timezone.now()).authorised == ()


def test_the_gate_refuses_whoever_signed_out_and_says_why(people):
    camille = people["holder"]
    client = client_of(camille)
    actor = actor_of(SessionStore(client.cookies[settings.SESSION_COOKIE_NAME].value))
    assert actor.credential

    sessions.end_all(actor.credential.account_id)

    with (
        pytest.raises(gate.Refused) as refused,
        gate.admitted(actor, Action.LIST, DossierAtTheDoor(actor.dossier_id), at=timezone.now()),
    ):
        pass
    assert refused.value.decision.reason is Reason.SIGNED_OUT


def test_whether_one_is_signed_in_is_read_in_the_statement_the_gate_sends_anyway(people):
    client = client_of(people["holder"])
    client.get(reverse("patient:documents"))

    with CaptureQueriesContext(connection) as asked:
        client.get(reverse("patient:documents"))

    # The house's key is read once for all, when a transaction commits.
    beside = ("SAVEPOINT", "RELEASE SAVEPOINT", "SELECT subject_id, kind")
    sent = [query["sql"] for query in asked if not query["sql"].startswith(beside)]
    assert [sql for sql in sent if "accounts_session" in sql] == [sent[0]]
    assert "dossiers_entered_web(" in sent[0]
    assert len(sent) == 3, sent  # in, the list, out


def test_who_is_still_proving_who_they_are_is_never_read_from_redis():
    session = SessionStore()
    session["awaiting_step"] = {"user": "somebody"}
    session.save()
    assert session_cache()._redis.get(b"session:" + sessions._id_mac(session.session_key)) is None

    sealed = bytes(Session.objects.get().sealed)
    session.delete()
    session_cache().put(sessions._id_mac(session.session_key), sealed, 60)

    assert dict(SessionStore(session.session_key).items()) == {}


def test_whoever_comes_by_a_door_carries_what_they_showed_there(people):
    for who, actor in people.items():
        client = client_of(actor)
        found = actor_of(SessionStore(client.cookies[settings.SESSION_COOKIE_NAME].value))
        assert found.capacity is Capacity(who)
        assert found.credential
        assert "credential" not in found.told()


def test_a_session_whose_row_was_given_more_time_ends_when_it_said():
    session = SessionStore()
    sessions.belongs_to(session, LEFEVRE.id, "professional", at=timezone.now() - timedelta(hours=9))
    session["actor"] = LEFEVRE.told()
    later = timezone.now() + timedelta(hours=1)
    sealed = sessions.subjects.system().seal_json(
        "accounts_session", "sealed", sessions._id_mac(session.session_key), session._get_session()
    )
    Session.objects.update(sealed=sealed, idle_until=later, ends_at=later)

    assert "actor" not in SessionStore(session.session_key)
