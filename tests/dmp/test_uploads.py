"""Nobody makes the house hold more than a form, but those who deposit, where they deposit."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dmp.front.application import ANNOUNCED, Announced
from dmp.front.bodies import FORM_BYTES
from tests.cast import LEFEVRE, ROY
from tests.signing_in import client_of

pytestmark = pytest.mark.django_db

MEGABYTE = 1_000_000


def asked(client: Client, path: str, size: int | None) -> tuple[int, int, str]:
    """What is answered before a body of this size is read: how much is taken, a status, words."""
    ask = Announced(size)
    answer = client.post(path, **{ANNOUNCED: ask})
    return ask.most, answer.status_code, " ".join(answer.content.decode().split())


@pytest.fixture
def address(open_at_the_counter, reading):
    at = timezone.now()
    opened = open_at_the_counter(at=at, reading=replace(reading, read_at=at))
    return reverse("professional:deposit", args=[opened.dossier_id])


@pytest.mark.parametrize(
    "path", ["/connexion/", "/ouvrir/numero/", "/deconnexion/", "/nulle-part/", "/healthz"]
)
def test_nothing_larger_than_a_form_is_taken_from_anybody(path):
    most, status, words = asked(Client(enforce_csrf_checks=True), path, 45 * MEGABYTE)

    assert (most, status) == (FORM_BYTES, 413)
    assert "Rien n’a été enregistré" in words


def test_a_program_is_told_in_its_own_way():
    answer = Client().post("/oauth/token", **{ANNOUNCED: Announced(MEGABYTE)})

    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 413


def test_a_file_is_taken_from_a_professional_who_is_signed_in(address):
    assert asked(client_of(LEFEVRE, enforce_csrf_checks=True), address, 45 * MEGABYTE)[:2] == (
        51 * MEGABYTE,
        204,
    )
    assert asked(client_of(LEFEVRE), address, None)[:2] == (51 * MEGABYTE, 204)


@pytest.mark.parametrize("who", [None, ROY], ids=["nobody", "an agent"])
def test_a_file_is_taken_from_nobody_else(address, who):
    most, status, words = asked(client_of(who), address, 45 * MEGABYTE)

    assert (most, status) == (FORM_BYTES, 403)
    assert "Votre session est terminée" in words
    assert "Rien n’a été enregistré" in words


def test_a_file_beyond_the_limit_is_told_by_the_form_itself(address):
    most, status, words = asked(client_of(LEFEVRE, enforce_csrf_checks=True), address, 60 * MEGABYTE)

    assert (most, status) == (51 * MEGABYTE, 413)
    assert "Le fichier dépasse 50 Mo" in words
    assert "Titre" in words
    assert "Choisissez le fichier." not in words


def test_nothing_is_traced_nor_deposited_when_asked_whether_a_file_may_come(
    address, django_assert_max_num_queries
):
    client = client_of(LEFEVRE)

    with django_assert_max_num_queries(1):  # the session, unless the cache has it
        assert asked(client, address, MEGABYTE)[1] == 204


def test_a_client_cannot_pretend_to_be_the_front():
    answer = Client().post(
        "/connexion/", {"login": "x"}, headers={"dmp.announced": "1", "DMP-TOO-LARGE": "1"}
    )

    assert answer.status_code == 200


def test_a_form_larger_than_that_is_refused_without_the_front_too():
    assert Client().post("/connexion/", {"login": "x" * (FORM_BYTES + 1)}).status_code == 400
