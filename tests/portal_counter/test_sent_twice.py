"""The forms of the counter, of professionals and of staff, sent again by the hand that doubts: one act."""

import re

import pytest
from django.urls import reverse

from jobs import queue
from sandbox.population import ELISE
from tests.conscience import Conscience
from tests.portal.public.test_sent_twice import with_the_cookies_of

from .conftest import authorised, choose, compare, open_for, receive, said, typed
from .test_staff import HOME, held, held_again  # noqa: F401  (fixture)
from .test_waking import come_in, nine_digits, send_everything

pytestmark = pytest.mark.django_db

SHOWN = {"csrfmiddlewaretoken": "what the page wrote in its form"}
LATER = {"csrfmiddlewaretoken": "what the same page wrote when it was shown again"}


def twice(client, address, **form):
    """The pages that a double click leads to, the second sent before the first was answered."""
    again = with_the_cookies_of(client)
    first, second = (one.post(address, form | SHOWN) for one in (client, again))
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    return said(again.get(second["Location"]))


def test_she_prefers_to_think(roy):
    visit = receive(roy, "bernard")
    compare(roy, visit)

    assert "Rien n'est ouvert, rien n'est gardé" in twice(roy, f"{visit}reflexion/").replace("’", "'")

    assert roy.post(f"{visit}reflexion/", LATER).status_code == 410


def test_a_visit_set_aside_twice_waits_once(roy):
    code = choose(roy, "elise", **typed("06 39 98 44 55"))["Location"]

    for form in (SHOWN, LATER):
        roy.post(code, {"suite": "suivant"} | form)

    home = said(roy.get(reverse("counter:home")))
    assert "Une visite vous attend" in home


def test_a_code_asked_for_again_at_the_counter(roy):
    open_for(roy, "lucette", **typed("06 39 98 44 55"))
    send_everything()
    exists = compare(roy, receive(roy, "lucette"))
    if "existe" not in exists:
        pytest.skip("nothing to ask for")

    page = twice(roy, exists)

    assert ("Le code repart" in page) != ("Un code est déjà parti" in page)


@pytest.mark.parametrize(("verb", "told"), [("relancer", "La tâche repart"), ("clore", "La tâche est close")])
def test_staff_decide_once(staff, held, verb, told):  # noqa: F811
    address = re.search(rf'href="(/equipe/[^"]+/{verb}/)"', said(staff.get(HOME)))[1]
    decision = {"vu": re.search(r'name="vu" value="([^"]+)"', said(staff.get(address)))[1]}

    assert told in twice(staff, address, **decision)
    assert "n’attend plus" in said(staff.post(address, decision | LATER, follow=True))


def test_the_place_where_one_practises(db):
    client = Conscience()
    assert client.get(authorised(client, "deux-lieux"))["Location"] == reverse("professional:practice")
    again, form = with_the_cookies_of(client), {"practice": "1"} | SHOWN

    for one in (client, again):
        assert one.post(reverse("professional:practice"), form)["Location"] == reverse("professional:search")
    assert again.get(reverse("professional:search")).status_code == 200


def test_the_nine_digits(roy, world):
    sheet = open_for(roy, "elise", **typed("06 39 98 44 55"))
    send_everything()
    elise, where = come_in(world, sheet, "0639984455")
    again, form = with_the_cookies_of(elise), {"code": nine_digits(world, ELISE.phone)} | SHOWN

    for one in (elise, again):
        assert one.post(where, form)["Location"].endswith("mot-de-passe/")


def test_nothing_received(roy, world):
    sheet = open_for(roy, "lucette", **typed("06 39 98 44 55"))
    send_everything()
    lucette, _ = come_in(world, sheet, "0639984455")

    page = twice(lucette, reverse("public:nothing_received"))

    assert ("Un code va repartir" in page) != ("Un code est déjà parti" in page)


def test_staff_try_all_again_once(staff, held):  # noqa: F811
    [job] = queue.waiting(["held"])
    held_again(job, "again")
    page = said(staff.get(HOME))
    form = dict(re.findall(r'name="(tache|cause|vu)" value="([^"]+)"', page))

    assert "2 tâches repartent" in twice(staff, reverse("staff:retry_all"), **form)
