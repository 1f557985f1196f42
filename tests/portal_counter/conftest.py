"""The portals through HTTP: all of the house is real, the world outside is the sandbox in its own process."""

import base64
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import directory
from accounts.userinfo import PlaceOfPractice
from jobs import queue
from sandbox import totp
from sandbox.population import ROY
from tests.conscience import Conscience
from tests.portal.chromium import house, window  # noqa: F401  (fixtures)
from tests.sandbox.world import World, running

PASSWORD = "une phrase que Bernard retient 31"
SECRET = b"twenty bytes, no more"[:20]
CPAM = PlaceOfPractice(number=ROY.siret, name=ROY.employer)


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    memory: Path = tmp_path_factory.mktemp("world")
    with running(memory) as world:
        yield world


@pytest.fixture(autouse=True)
def outside(world: World, settings) -> None:
    """The house talks to this world and to no other."""
    for name, value in world.settings().items():
        setattr(settings, name, value)


def code_now() -> str:
    """What the telephone of an agent shows."""
    return totp.code(base64.b32encode(SECRET).decode(), time.time())


def prove_identity(client: Client, slug: str, **wished: str) -> str:
    """Go to Pro Santé Connect and come back; answers where one is sent then."""
    return client.get(authorised(client, slug, **wished))["Location"]


def authorised(client: Client, slug: str, **wished: str) -> str:
    """Go to Pro Santé Connect and agree; answers the return address, which is still to be opened."""
    asked = client.post(reverse("professional:psc_start"), wished)
    told = {"professional": slug}
    answer = requests.post(asked["Location"], data=told, allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


@pytest.fixture
def sign_in_professional() -> Callable[[str], Client]:
    """A browser that came in by Pro Santé Connect, in the first of the professional's situations."""

    def sign_in(slug: str) -> Client:
        client = Conscience()
        sent_to = prove_identity(client, slug)
        if sent_to == reverse("professional:practice"):
            sent_to = client.post(sent_to, {"practice": "0"})["Location"]
        assert sent_to == reverse("professional:search")
        return client

    return sign_in


def sign_in_with_a_code(namespace: str, login: str) -> Client:
    client = Conscience()
    asked = client.post(reverse(f"{namespace}:sign_in"), {"login": login, "password": PASSWORD})
    entered = client.post(asked["Location"], {"code": code_now()})
    assert entered["Location"] == reverse(f"{namespace}:home")
    return client


@pytest.fixture
def roy_has_an_account() -> None:
    directory.provision_agent(
        login="bernard.roy",
        name="Bernard Roy",
        structure=CPAM,
        at=timezone.now(),
        password=PASSWORD,
        totp_secret=SECRET,
    )


@pytest.fixture
def roy(roy_has_an_account) -> Client:
    """The browser of M. Roy, agent at the CPAM."""
    return sign_in_with_a_code("counter", "bernard.roy")


@pytest.fixture
def staff() -> Client:
    """The browser of Inès Astruc, who runs the service."""
    at = timezone.now()
    directory.provision_staff(
        login="ines.astruc", name="Inès Astruc", at=at, password=PASSWORD, totp_secret=SECRET
    )
    return sign_in_with_a_code("staff", "ines.astruc")


@pytest.fixture
def lefevre(sign_in_professional) -> Client:
    return sign_in_professional("lefevre")


@pytest.fixture
def saidi(sign_in_professional) -> Client:
    """The cardiologist."""
    return sign_in_professional("deux-lieux")


@pytest.fixture
def pharmacist(sign_in_professional) -> Client:
    return sign_in_professional("pharmacienne")


def receive(client: Client, card: str) -> str:
    """Read a card, and let the insurer answer; answers the address of the visit."""
    client.get(reverse("counter:home"))
    visit = client.post(reverse("counter:card"), {"carte": card})["Location"]
    work("dossiers.ask_contacts")
    return visit


def compare(client: Client, visit: str, paper: str = "ID_CARD") -> str:
    """Say which paper was looked at, unless it was already; answers where one goes on."""
    if visit.endswith("/accord/"):
        return visit
    return client.post(visit, {"piece": paper})["Location"]


def work(*kinds: str) -> None:
    """Do the jobs of these kinds that wait."""
    for job in queue.waiting(["ready"]):
        if job.kind in kinds:
            queue.work(job.id)


AGREED = {"agreed": "on", "regulation": "on", "break_glass": "on"}
NOTHING = {"contact": "rien"}


def typed(contact: str, whose: str = "elle") -> dict[str, str]:
    return {"other": contact, "a_qui": whose}


def known(page, mask: str) -> dict[str, str]:
    """The button of the insurer's contact that shows this mask."""
    found = re.search(rf'name="contact" value="([^"]+)"[^>]*>.{{0,400}}?{re.escape(mask)}', page, re.S)
    return {"contact": found[1]}


def choose(client: Client, card: str, **answers: str):
    """From the card to how to be reached; the answer to the last button."""
    agreement = compare(client, receive(client, card))
    given = {name: answer for name, answer in (AGREED | answers).items() if answer}
    return client.post(agreement, given)


def open_for(client: Client, card: str, **answers: str) -> str:
    """Open somebody's dossier at the counter, page after page; answers the sheet. No code comes back."""
    answered = choose(client, card, **(answers or NOTHING))
    if answered["Location"].endswith("/code/"):
        answered = client.post(answered["Location"], {"suite": "sans-code"})
    sheet = client.get(answered["Location"])
    assert sheet.status_code == 200, sheet
    return sheet.content.decode()


def said(response) -> str:
    """A page with ordinary spaces, as one types the words one looks for."""
    return response.content.decode().replace("\u00a0", " ").replace("\u202f", " ")
