"""Whether somebody exists is not told: neither by what a page says nor by how long it takes."""

import html
import random
import re
import time
from statistics import median

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.contacts import Contact
from accounts.logins import hash_password
from accounts.models import User
from sandbox.population import ELISE, MARCEL, everybody
from tests.proof.figures import Sheet, milliseconds
from tests.proof.people import received

pytestmark = pytest.mark.django_db

TRIES, ENROLMENTS = 120, 8
LOGIN_MEDIANS_APART, ENROLMENT_MEDIANS_APART = 0.005, 0.030

DONE = """
At the door of patients, the same wrong password is tried on logins that exist, that were closed, that still
have their printed password, and that never existed, in rounds of a random order, each from an address of
its own. Then openings online are tried with answers that match nobody, a minor, somebody deceased, or the
right person with the wrong card. What is said is compared word for word, the median times with one another.
"""


def said(answer) -> str:
    page = html.unescape(answer.content.decode())
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
    return re.sub(r'value="[^"]*"', "", page)


def timed(act):
    started = time.perf_counter()
    answer = act()
    return answer, time.perf_counter() - started


@pytest.fixture
def logins(db):
    """Three logins that exist in their own way, and one that does not."""
    people = [person for person in everybody() if person.slug.startswith("habitant")][:3]
    sheets = [received(person, Contact("sms", person.phone or "+33612345642")) for person in people]
    users = {
        login: User.objects.get(dossier_id=sheet.dossier_id)
        for login, sheet in zip("abc", sheets, strict=True)
    }
    with connection.cursor() as cursor:
        for user in (users["a"], users["b"]):
            cursor.execute(
                "UPDATE accounts_user SET password = %s, must_change_password = false WHERE id = %s",
                [hash_password("sept mirabelles au soleil"), user.pk],
            )
        cursor.execute("UPDATE accounts_user SET active = false WHERE id = %s", [users["b"].pk])
    existing, closed, printed = (sheet.login for sheet in sheets)
    return {
        "exists": existing,
        "closed": closed,
        "printed password": printed,
        "never existed": "nobody-482913",
    }


@pytest.mark.slow
def test_a_door_answers_alike_whoever_is_tried(logins, outside, settings):
    draw = random.Random(8)
    order = [kind for _ in range(TRIES) for kind in draw.sample(sorted(logins), len(logins))]
    pages, times = {kind: set() for kind in logins}, {kind: [] for kind in logins}
    Client().post(reverse("public:sign_in"), {"login": "someone-else", "password": "x"})  # all is loaded
    for number, kind in enumerate(order):
        _forget_the_tries()
        address = f"10.{number // 250}.{number % 250}.7"
        browser = Client(REMOTE_ADDR=address)
        answer, seconds = timed(
            lambda browser=browser, kind=kind: browser.post(
                reverse("public:sign_in"), {"login": logins[kind], "password": "ce n'est pas lui"}
            )
        )
        pages[kind].add((answer.status_code, said(answer)))
        times[kind].append(seconds)

    enrolments = _enrolments()

    # Round by round, so that what else the machine was doing weighs on all of them alike.
    rounds = list(zip(*times.values(), strict=True))
    apart = {kind: median(one[rank] - median(one) for one in rounds) for rank, kind in enumerate(times)}
    sheet = Sheet("enumeration", "Whether somebody exists is not told", DONE)
    sheet.table(
        f"Signing in, {TRIES} each",
        ("Login", "Different pages", "Median", "From the others of the same round"),
        [
            (
                kind,
                len(pages[kind]),
                milliseconds(median(times[kind])),
                f"{apart[kind] * 1000:+.2f} ms",
            )
            for kind in logins
        ],
    )
    enrolled = {kind: median(some) for kind, (_, some) in enrolments.items()}
    sheet.table(
        f"Opening online, {ENROLMENTS} each",
        ("Answers", "Led to", "Median"),
        [
            (kind, " ".join(sorted(ends)), milliseconds(enrolled[kind]))
            for kind, (ends, _) in enrolments.items()
        ],
    )
    sheet.write()
    assert len(set.union(*pages.values())) == 1
    assert max(apart.values()) - min(apart.values()) < LOGIN_MEDIANS_APART
    assert {end for ends, _ in enrolments.values() for end in ends} == {reverse("public:enrol_counter")}
    assert max(enrolled.values()) - min(enrolled.values()) < ENROLMENT_MEDIANS_APART


def _forget_the_tries() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_allowance")


def _enrolments() -> dict[str, tuple[set[str], list[float]]]:
    unknown = {
        "nir": "279035121518989",
        "birth_name": "Moreau",
        "given_name": "Camille",
        "born": "19790328",
        "card": "1" * 11,
    }
    # Not a minor: what they typed says it, and they are told on the page before anybody is asked.
    answers = {
        "match nobody": unknown,
        "somebody deceased": _answers_of(MARCEL),
        "the wrong card": _answers_of(ELISE) | {"card": "50719330259"},
    }
    found: dict[str, tuple[set[str], list[float]]] = {kind: (set(), []) for kind in answers}
    for _ in range(ENROLMENTS):
        for kind, typed in answers.items():
            _forget_the_tries()  # each is the first that anybody makes
            browser = Client()
            born = typed["born"]
            browser.post(reverse("public:enrol"))
            browser.post(reverse("public:enrol_nir"), {"nir": typed["nir"]})
            browser.post(
                reverse("public:enrol_name"),
                {"birth_name": typed["birth_name"], "given_name": typed["given_name"]},
            )
            browser.post(
                reverse("public:enrol_birth"),
                {"birth_date_jour": born[6:], "birth_date_mois": born[4:6], "birth_date_annee": born[:4]},
            )
            browser.post(reverse("public:enrol_card"), {"vitale_serial": typed["card"]})
            answer, seconds = timed(lambda browser=browser: browser.post(reverse("public:enrol_review")))
            found[kind][0].add(answer["Location"])
            found[kind][1].append(seconds)
    return found


def _answers_of(person) -> dict[str, str]:
    return {
        "nir": person.nir,
        "birth_name": person.birth_name,
        "given_name": person.given_names[0],
        "born": person.birth_date,
        "card": person.vitale_serial,
    }
