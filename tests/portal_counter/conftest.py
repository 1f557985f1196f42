"""The portals through HTTP: everything in the house is real, the outside world is the sandbox in its own process."""

import base64
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
from sandbox import totp
from tests.sandbox.world import World, running

PASSWORD = "une phrase que Bernard retient 31"
SECRET = b"twenty bytes, no more"[:20]
CPAM = PlaceOfPractice(number="310000000", name="CPAM de la Haute-Garonne")


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


@pytest.fixture
def sign_in_professional(db) -> Callable[..., Client]:
    """A browser that came in by Pro Santé Connect, in the first of the professional's situations."""

    def sign_in(slug: str = "lefevre", *, practice: str = "0") -> Client:
        client = Client()
        asked = client.post(reverse("professional:psc_start"))
        answer = requests.post(
            asked["Location"], data={"professional": slug}, allow_redirects=False, timeout=10
        )
        back = urlsplit(answer.headers["Location"])
        entered = client.get(f"{back.path}?{back.query}")
        if entered["Location"] == reverse("professional:practice"):
            entered = client.post(entered["Location"], {"practice": practice})
        assert entered["Location"] == reverse("professional:search"), entered.content
        return client

    return sign_in


def type_code_and_password(namespace: str, login: str) -> Client:
    client = Client()
    asked = client.post(reverse(f"{namespace}:sign_in"), {"login": login, "password": PASSWORD})
    assert asked["Location"] == reverse(f"{namespace}:sign_in_code"), asked.content
    entered = client.post(
        asked["Location"], {"code": totp.code(base64.b32encode(SECRET).decode(), time.time())}
    )
    assert entered["Location"] == reverse(f"{namespace}:home"), entered.content
    return client


@pytest.fixture
def roy(db) -> Client:
    """The browser of M. Roy, agent at the CPAM."""
    directory.provision_agent(
        login="bernard.roy",
        name="Bernard Roy",
        structure=CPAM,
        at=timezone.now(),
        password=PASSWORD,
        totp_secret=SECRET,
    )
    return type_code_and_password("counter", "bernard.roy")


@pytest.fixture
def staff(db) -> Client:
    directory.provision_staff(
        login="ines.astruc", name="Inès Astruc", at=timezone.now(), password=PASSWORD, totp_secret=SECRET
    )
    return type_code_and_password("staff", "ines.astruc")


@pytest.fixture
def lefevre(sign_in_professional) -> Client:
    return sign_in_professional("lefevre")


@pytest.fixture
def pharmacist(sign_in_professional) -> Client:
    return sign_in_professional("pharmacienne")


@pytest.fixture
def nadia(sign_in_professional) -> Client:
    return sign_in_professional("nadia")


@pytest.fixture
def opened(roy) -> Callable[..., str]:
    """Somebody's dossier, opened at the counter through its pages; answers the HTML of the sheet."""

    def open_for(card: str, **answers: str) -> str:
        visit = roy.post(reverse("counter:card"), {"carte": card})
        step = roy.post(visit["Location"], {"shown": "ID_CARD"})
        given = {"agreed": "on", "regulation": "on", "break_glass": "on", "channel": "aucun"} | answers
        sheet = roy.post(step["Location"], {name: value for name, value in given.items() if value})
        assert sheet.status_code == 200, sheet
        return sheet.content.decode()

    return open_for
