"""The clients of accounts and the outside world understand each other, over real sockets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.utils import timezone

from accounts import card_reader, insurer, notices, pro_sante_connect
from accounts.actors import Capacity
from accounts.contacts import Contact
from accounts.identity import parse_ins
from accounts.traits import Traits
from sandbox.population import CAMILLE, LEFEVRE, ROY
from tests.accounts.people import next_visit, visit
from tests.sandbox.test_pro_sante_connect import answer_of
from tests.sandbox.world import World, running

INS = parse_ins(*CAMILLE.ins, "test")
TRAITS = Traits(
    birth_name=CAMILLE.birth_name,
    given_names=tuple(CAMILLE.given_names),
    sex=CAMILLE.sex,
    birth_date=CAMILLE.birth_date,
)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    memory: Path = tmp_path_factory.mktemp("world")
    with running(memory) as world:
        yield world


@pytest.fixture
def world(outside, settings) -> World:
    for name, value in outside.settings().items():
        setattr(settings, name, value)
    return outside


def test_the_insurer_recognises_camille_and_delivers_a_code(world):
    verification = insurer.verify(INS, TRAITS, CAMILLE.vitale_serial)
    contact = verification.contacts[0]

    insurer.send_code(verification.id, contact.id, "314159")

    assert contact.channel in ("sms", "courriel", "courrier")
    assert "314159" in world.box()


def test_the_insurer_does_not_recognise_a_card_that_is_not_hers(world):
    assert insurer.verify(INS, TRAITS, "00000000000") is None


def test_a_card_put_in_the_reader_is_read(world):
    [post] = card_reader.posts(ROY.siret)
    here = {"structure": ROY.siret}
    cards = card_reader.cards(post.id, **here)
    read = [card_reader.read(card.id, post_id=post.id, **here) for card in cards]

    camille = next(reading for reading in read if reading.ins == INS)
    assert camille.traits.birth_name == CAMILLE.birth_name
    assert camille.traits.given_names == tuple(CAMILLE.given_names)
    assert camille.vitale_serial == CAMILLE.vitale_serial


@pytest.mark.django_db
def test_dr_lefevre_signs_in(world):
    now = timezone.now()
    request = visit()
    address = pro_sante_connect.start(request, at=now)
    answered = requests.post(address, data={"professional": LEFEVRE.slug}, allow_redirects=False, timeout=5)
    request = next_visit(request)
    back = visit(request.session.session_key, "/pro/psc/retour/", **answer_of(answered))

    offered = pro_sante_connect.finish(back, at=now).choices
    actor = pro_sante_connect.choose_practice(back, 0, at=now)

    assert actor.capacity is Capacity.PROFESSIONAL
    assert actor.profession == "10"
    assert actor.structure == offered[0].structure


@pytest.mark.django_db
def test_an_sms_arrives(world):
    now = timezone.now()
    notice_id = notices.queue_code(Contact("sms", "+33612345642"), "271828", at=now)

    notices.deliver_all(notices.to_send(notice_id))

    assert "271828" in world.box()
