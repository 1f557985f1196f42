"""The header says whose dossier it is, as the dossier itself says it, whatever the login was told."""

import re
from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import sharing

pytestmark = pytest.mark.django_db
SOMEBODY_ELSE = "Paul Adam"
PAGES = ("home", "documents", "care", "people", "traces", "import")


@pytest.fixture
def mistaken(camille, entered):
    """Her visit, begun by a login whose own cell has somebody else's name."""
    return entered(replace(camille, name=SOMEBODY_ELSE))


def header(response):
    [summary] = re.findall(
        r'class="site-tools">.*?<summary>(.*?)</summary>', response.content.decode(), re.DOTALL
    )
    return " ".join(re.sub(r"<[^>]+>|\s", " ", summary).split())


def pages(deposited, camille):
    document_id = deposited("Compte rendu")
    granted = sharing.people(camille.dossier_id, by=camille, at=timezone.now()).authorised[0].grant_id
    yield from (reverse(f"patient:{name}") for name in PAGES)
    yield reverse("patient:document", args=[document_id])
    yield reverse("patient:withdraw", args=[granted])


def test_every_page_names_the_holder_of_the_dossier(mistaken, camille, deposited):
    for page in pages(deposited, camille):
        response = mistaken.get(page)

        assert response.status_code == 200, page
        assert header(response) == "Camille Lacoste", page
        lines = re.findall("Dossier de ([^,]*), imprimé", response.content.decode())
        assert (page, lines) == (page, ["Camille Lacoste"])
        assert "Adam" not in response.content.decode(), page


def test_a_page_that_entered_no_dossier_names_nobody(mistaken):
    response = mistaken.get(reverse("patient:document", args=[uuid4()]))

    assert response.status_code == 404
    assert header(response) == "Mon compte"
    assert "Adam" not in response.content.decode()


def test_it_is_among_what_the_gate_read(hers, mistaken):
    counts = []
    for client in (hers, mistaken):
        client.get(reverse("patient:people"))
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("patient:people"))
        counts.append(sum("SAVEPOINT" not in query["sql"] for query in captured.captured_queries))

    # The session, unless the cache has it; the dossier as it is entered, whom she let in, the trace.
    assert set(counts) <= {3, 4}
