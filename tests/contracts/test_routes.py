"""Each address and each kind of visitor: served, refused, unknown, or sent to sign in. As this table says.

An address that is missing from the table fails; so does one that answers otherwise.
"""

from dataclasses import dataclass, replace
from datetime import date

import pytest
from django.conf import settings
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts import card_reader
from accounts.identity import nir_key
from documents import deposit
from dossiers import counter, sharing
from jobs import queue
from tests.bench.world import pdf
from tests.cast import LEFEVRE, NADIA, PAUL, PHARMACIST, ROY, STAFF
from tests.signing_in import client_of, session_of

pytestmark = pytest.mark.django_db

VISITORS = (
    "nobody",
    "holder",
    "another patient",
    "granted doctor",
    "nurse",
    "pharmacist",
    "agent",
    "staff",
)

# 200 served · 302 sent on · 403 refused with a sentence · 404 as if it did not exist · 405 other verb
# "in" sent to sign in
PUBLIC = dict.fromkeys(VISITORS, 200)
SENT_ON = dict.fromkeys(VISITORS, 302)
AFTER_SIGNING_IN = dict.fromkeys(VISITORS, "in")  # whoever is in already is sent on
HOLDERS_IN = AFTER_SIGNING_IN | {"holder": 302, "another patient": 302}
ACTED_UPON = dict.fromkeys(VISITORS, 405)
CARERS = ("granted doctor", "nurse", "pharmacist")


def only(*who, served=200):
    """A space of its own: others are refused, nobody in particular signs in."""
    return dict.fromkeys(VISITORS, 403) | {"nobody": "in"} | dict.fromkeys(who, served)


HOLDERS = only("holder", "another patient")
HOLDER_ALONE = HOLDERS | {"another patient": 404}
# Inside a dossier, another patient is not told that there is one.
CARERS_OF = only(*CARERS) | {"another patient": 404}
THOSE_AGREED_TO = only("granted doctor") | {"another patient": 404}
COUNTER = only("agent", *CARERS)
THE_AGENT_WHO_READ_THE_CARD = COUNTER | dict.fromkeys(CARERS, 404)

READING = {
    "healthz": PUBLIC,
    "readyz": PUBLIC,
    "public:home": PUBLIC,
    "public:help": PUBLIC,
    "public:accessibility": PUBLIC,
    "public:privacy": PUBLIC,
    "public:legal": PUBLIC,
    "public:sitemap": PUBLIC,
    "public:sign_in": PUBLIC,
    "public:sign_in_where": AFTER_SIGNING_IN,
    "public:sign_in_code": HOLDERS_IN,
    "public:first_password": HOLDERS_IN,
    "public:asleep": HOLDERS_IN,
    "public:nothing_received": ACTED_UPON,
    "public:sign_out": ACTED_UPON,
    "public:signed_out": PUBLIC,
    "public:still_in": dict.fromkeys(VISITORS, 204) | {"nobody": 403},
    "public:enrol": PUBLIC,
    "public:enrol_counter": PUBLIC,
    "public:enrol_unreachable": PUBLIC,
    **dict.fromkeys(
        (
            "public:enrol_nir",
            "public:enrol_name",
            "public:enrol_birth",
            "public:enrol_card",
            "public:enrol_review",
            "public:enrol_channel",
            "public:enrol_code",
            "public:enrol_exists",
            "public:enrol_login",
            "public:enrol_contact",
            "public:enrol_contact_code",
            "public:enrol_information",
            "public:enrol_consent",
        ),
        SENT_ON,  # without an opening under way, back to its beginning
    ),
    "public:enrol_give_up": ACTED_UPON,
    "patient:home": HOLDERS,
    "patient:documents": HOLDERS,
    "patient:document": HOLDER_ALONE,
    "patient:page": HOLDER_ALONE,
    "patient:original": HOLDER_ALONE,
    "patient:care": HOLDERS,
    "patient:import": HOLDERS,
    "patient:traces": HOLDERS,
    "patient:people": HOLDERS,
    "patient:withdraw": HOLDER_ALONE,
    "professional:sign_in": PUBLIC,
    "professional:psc_start": ACTED_UPON,
    "professional:psc_return": PUBLIC | dict.fromkeys(CARERS, 302),  # nothing awaited: begin again, or go on
    "professional:practice": AFTER_SIGNING_IN | dict.fromkeys(CARERS, 302),
    "professional:search": only(*CARERS),
    "professional:dossier": CARERS_OF | {"nurse": 302, "pharmacist": 302},  # to the question of agreement
    "professional:agreement": CARERS_OF,
    "professional:care": THOSE_AGREED_TO,
    "professional:deposit": CARERS_OF,
    "professional:receipt": CARERS_OF | {"nurse": 404, "pharmacist": 404},
    "professional:document": THOSE_AGREED_TO,
    "professional:page": THOSE_AGREED_TO,
    "professional:original": THOSE_AGREED_TO,
    "counter:sign_in": PUBLIC,
    "counter:sign_in_code": AFTER_SIGNING_IN | {"agent": 302},
    "counter:sign_in_password": AFTER_SIGNING_IN | {"agent": 302},
    "counter:home": COUNTER,
    "counter:information": COUNTER,
    "counter:thinking": COUNTER,
    "counter:post": only("agent", *CARERS, served=405),
    "counter:card": only("agent", *CARERS, served=405),
    "counter:identity": THE_AGENT_WHO_READ_THE_CARD,
    # Another page of the visit comes first.
    **dict.fromkeys(
        ("counter:exists", "counter:agreement", "counter:code", "counter:sheet"),
        THE_AGENT_WHO_READ_THE_CARD | {"agent": 302},
    ),
    "counter:turned": THE_AGENT_WHO_READ_THE_CARD,
    "counter:think_it_over": only("agent", *CARERS, served=405),
    "staff:sign_in": PUBLIC,
    "staff:sign_in_code": AFTER_SIGNING_IN | {"staff": 302},
    "staff:sign_in_password": AFTER_SIGNING_IN | {"staff": 302},
    "staff:home": only("staff"),
    "staff:retry": only("staff", served=404),  # nothing of that name waits
    "staff:retry_all": only("staff", served=405),
    "staff:close": only("staff", served=404),
    "api:token": ACTED_UPON,
    "api:whoami": dict.fromkeys(VISITORS, 401),
}

# The same with a form sent empty: what it does to whom it may serve, and to the others nothing.
ACTING = {
    "professional:agreement": CARERS_OF | dict.fromkeys(CARERS, 302),
    "professional:deposit": CARERS_OF,
    "patient:withdraw": HOLDERS | {"holder": 302, "another patient": 302},  # back to a list of one's own
    "counter:card": only("agent", *CARERS, served=409),
    "counter:post": only("agent", *CARERS, served=302),
    "counter:identity": THE_AGENT_WHO_READ_THE_CARD,
    "counter:think_it_over": only("agent", *CARERS, served=302) | dict.fromkeys(CARERS, 404),
    "staff:retry": only("staff", served=302),
    "staff:retry_all": only("staff", served=302),
    "staff:close": only("staff", served=302),
    "api:token": dict.fromkeys(VISITORS, 400),
}


@dataclass(frozen=True)
class Scene:
    """A dossier with a document, somebody else's dossier, a card being read at the counter."""

    clients: dict
    arguments: dict


@pytest.fixture
def scene(open_at_the_counter, reading, holder_of):
    at = timezone.now()
    read_now = replace(reading, read_at=at)
    dossier_id = open_at_the_counter(at=at, reading=read_now).dossier_id
    other = replace(
        read_now,
        ins=replace(reading.ins, value="1800412115003" + nir_key("1800412115003")),
        traits=replace(reading.traits, birth_name="ADAM", given_names=("PAUL",), sex="M", used_name=None),
    )
    other_id = open_at_the_counter(at=at, reading=other).dossier_id
    grant = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=at)
    receipt = deposit.deposit(
        dossier_id,
        content=pdf(),
        media_type="application/pdf",
        type_code="11490-0",
        title="Lettre de liaison",
        created_on=date(2026, 11, 3),
        masked=False,
        withheld=False,
        hidden_from_representatives=False,
        by=LEFEVRE,
        at=at,
    )
    job = queue.job_id_of(deposit.CHECK, str(receipt.document_id))
    queue.work(job)
    third = replace(other, ins=replace(reading.ins, value="1800412115004" + nir_key("1800412115004")))
    visit = counter.receive(third, by=ROY, at=at, desk="poste bureau")
    people = {
        "nobody": None,
        "holder": holder_of(dossier_id),
        "another patient": replace(holder_of(other_id), name=PAUL.name),
        "granted doctor": LEFEVRE,
        "nurse": NADIA,
        "pharmacist": PHARMACIST,
        "agent": ROY,
        "staff": STAFF,
    }
    clients = {who: client_of(actor) for who, actor in people.items()}
    at_the_desk = session_of(ROY, counter_post="poste", counter_desk="bureau")
    clients["agent"].cookies[settings.SESSION_COOKIE_NAME] = at_the_desk
    return Scene(
        clients=clients,
        arguments={
            "dossier_id": dossier_id,
            "document_id": receipt.document_id,
            "grant_id": grant.grant_id,
            "visit_id": visit.id,
            "task_id": job,
            "number": 1,
        },
    )


def routes(resolver, namespaces=(), taking=()):
    for pattern in resolver.url_patterns:
        wanted = (*taking, *pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            inside = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from routes(pattern, inside, wanted)
        else:
            yield ":".join((*namespaces, pattern.name or str(pattern.pattern))), wanted


ROUTES = dict(routes(get_resolver()))


def outcome(response):
    if response.status_code == 302 and "/connexion/" in response["Location"]:
        return "in"
    return response.status_code


def answers(scene, route, verb):
    arguments = {name: scene.arguments[name] for name in ROUTES[route]}
    address = reverse(route, kwargs=arguments) if ":" in route else f"/{route}"
    return {who: outcome(getattr(client, verb)(address)) for who, client in scene.clients.items()}


@pytest.fixture(autouse=True)
def outside(monkeypatch):
    """The reader holds no card; nothing else outside is spoken to."""

    def no_card(card_id, **_):
        raise card_reader.CardNotRead

    monkeypatch.setattr(card_reader, "posts", lambda structure: [card_reader.Post("poste", "Guichet")])
    monkeypatch.setattr(card_reader, "cards", lambda post, structure: [])
    monkeypatch.setattr(card_reader, "read", no_card)


def test_every_address_is_in_the_table():
    assert set(ROUTES) == set(READING)


def test_each_visitor_is_served_refused_or_sent_to_sign_in_as_the_table_says(scene):
    got = {route: answers(scene, route, "get") for route in ROUTES}

    assert {
        route: (answer, READING[route]) for route, answer in got.items() if answer != READING[route]
    } == {}


@pytest.mark.parametrize("route", ACTING)
def test_an_empty_form_does_nothing_it_should_not(scene, route):
    assert answers(scene, route, "post") == ACTING[route]


def test_every_act_has_its_line():
    """What answers 405 to reading, or takes a form inside a space, is tried with a form too."""
    acts = {
        route
        for route, served in READING.items()
        if 405 in served.values() and not route.startswith("public:") and route != "professional:psc_start"
    }
    assert acts <= set(ACTING)
