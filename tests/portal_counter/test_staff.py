"""What waits for a person: causes and dates, a decision, never a content."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs import queue
from portal.staff import waiting

from .conftest import open_for, said

pytestmark = pytest.mark.django_db

HOME = "/equipe/"


@pytest.fixture
def held(pharmacist):
    """The insurer sent somebody else's statement about Sophie Da Silva."""
    open_for(pharmacist, "sophie")
    queue.work_due(10)


def test_nothing_waits_on_a_good_day(staff):
    assert "Rien n’attend" in said(staff.get(HOME))


def test_a_statement_held_apart_is_told_without_its_content(staff, held):
    page = said(staff.get(HOME))

    assert "1 tâche" in page
    assert "Parcours de soins à recevoir" in page
    shown = re.sub(r"<[^>]*>", " ", page)
    assert re.search(r"…[0-9a-f]{4}\b", shown)
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|other_|_ins|_traits", shown)
    assert "Silva" not in page and "Sophie" not in page


@pytest.mark.parametrize(
    ("verb", "question", "told"),
    [
        ("relancer", "Relancer cette tâche ?", "La tâche repart"),
        ("clore", "Clore cette tâche ?", "La tâche est close"),
    ],
)
def test_a_decision_is_asked_for_then_done(staff, held, verb, question, told):
    address = re.search(rf'href="(/equipe/[^"]+/{verb}/)"', said(staff.get(HOME)))[1]
    asked = said(staff.get(address))
    decision = {"vu": re.search(r'name="vu" value="([^"]+)"', asked)[1]}
    done = said(staff.post(address, decision, follow=True))

    assert question in asked and "Ne rien changer" in asked
    assert told in done and "Rien n’attend" in done
    assert staff.get(address).status_code == 404
    assert "n’attend plus" in said(staff.post(address, decision, follow=True))


@pytest.mark.parametrize("verb", ["relancer", "clore"])
def test_a_decision_about_what_changed_since_decides_nothing(staff, held, verb):
    """Sent twice by a double click, or from a page left open: the task came back for another reason."""
    address = re.search(rf'href="(/equipe/[^"]+/{verb}/)"', said(staff.get(HOME)))[1]
    decision = {"vu": re.search(r'name="vu" value="([^"]+)"', said(staff.get(address)))[1]}
    [job] = queue.waiting(["held"])
    queue.retry(job.id, seen_at=job.run_after)
    queue.work(job.id)
    assert queue.state(job.id).state == "held"

    assert "n’attend plus" in said(staff.post(address, decision, follow=True))

    assert queue.state(job.id).state == "held"


def held_again(job, idem):
    """Another import of the same dossier, which the same cause stops."""
    again = queue.enqueue(job.kind, subject_id=job.subject_id, idem=idem, at=timezone.now())
    queue.work(again)
    assert queue.state(again).code == job.code
    return again


def test_all_that_one_cause_stopped_is_tried_again_in_one_gesture(staff, held):
    [job] = queue.waiting(["held"])
    for number in range(2):
        held_again(job, f"{number}")
    page = said(staff.get(HOME))
    form = dict(re.findall(r'name="(tache|cause|vu)" value="([^"]+)"', page))
    other = held_again(job, "later")

    done = said(staff.post(reverse("staff:retry_all"), form, follow=True))

    assert "3 tâches" in page and "Tout relancer" in page
    assert "3 tâches repartent dans quelques secondes" in done
    assert [job.id for job in queue.waiting(["held", "dead"])] == [other], "what was not seen stays"
    assert "Plus rien n’attend" in said(staff.post(reverse("staff:retry_all"), form, follow=True))


@pytest.mark.parametrize("form", [{}, {"tache": "\0", "cause": "x", "vu": "2026-11-27T00:00:00+00:00"}])
def test_a_gesture_about_nothing_tries_nothing_again(staff, held, form):
    assert "Plus rien n’attend" in said(staff.post(reverse("staff:retry_all"), form, follow=True))

    assert len(queue.waiting(["held"])) == 1


@pytest.mark.parametrize("seen", ["", "hier", "2026-11-27", "9999-99-99T00:00:00+00:00", "\x00"])
@pytest.mark.parametrize("verb", ["relancer", "clore"])
def test_a_decision_that_does_not_say_what_was_seen_decides_nothing(staff, held, verb, seen):
    address = re.search(rf'href="(/equipe/[^"]+/{verb}/)"', said(staff.get(HOME)))[1]

    assert "n’attend plus" in said(staff.post(address, {"vu": seen}, follow=True))

    assert len(queue.waiting(["held"])) == 1


def test_an_agent_is_not_staff(roy):
    assert roy.get(reverse("staff:home")).status_code == 403


@pytest.mark.parametrize(
    ("code", "said_of_it"),
    [
        ("other_ins", "ne parle pas du titulaire"),
        ("other_traits", "ne parle pas du titulaire"),
        ("truncated", "coupé en route"),
        ("wrong_template", "forme convenue"),
        ("missing_section", "pas complet"),
        ("xml.doctype", "dangereux à lire"),
        ("insurer.status_418", "pas répondu comme convenu"),
        ("", "sans explication connue"),
    ],
)
def test_every_code_is_explained_in_words(code, said_of_it):
    assert said_of_it in waiting.meaning(code)
