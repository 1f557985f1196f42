"""What somebody damaged in the database is said on the page; it never takes the page away."""

import pytest
from django.db import connection
from django.utils import timezone

from dossiers import sharing
from tests.cast import LEFEVRE
from tests.history.cast import statement
from tests.portal.conftest import INSURED
from vault.binding import Binding
from vault.keyring import Keyring, Unsealable

pytestmark = pytest.mark.django_db

HOME, PEOPLE, TRACES = "/mon-dmp/", "/mon-dmp/soignants/", "/mon-dmp/acces/"
UNREADABLE = "Une ligne ne peut pas être lue."


@pytest.fixture
def junk(dossier_id):
    """What the application's own login can append, after somebody got hold of it."""

    def append(times: int = 1, kind: str = "read") -> None:
        with connection.cursor() as cursor:
            for _ in range(times):
                cursor.execute(
                    "SELECT audit_append(2, %s, now(), %s, 'web', 'professional', '', '', '', %s, %s)",
                    [dossier_id, kind, b"x" * 80, b"d" * 32],
                )

    return append


@pytest.mark.parametrize("kind", ["read", "read.refused", "follow", "junk", ""])
def test_a_junk_line_of_the_log_is_shown_as_such(hers, junk, kind):
    junk(kind=kind)

    assert hers.get(HOME).status_code == 200
    assert UNREADABLE in hers.get(TRACES).content.decode()
    assert "a ouvert votre dossier avec vous" in hers.get(TRACES).content.decode()


def test_many_junk_lines_in_a_row_take_one_line(hers, junk):
    junk(times=20)

    page = hers.get(TRACES).content.decode()

    assert page.count(UNREADABLE) == 1
    assert "(20 fois)" in page


def test_a_log_full_of_junk_still_leads_to_what_is_older(hers, junk):
    junk(times=260)

    assert "a ouvert votre dossier avec vous" in hers.get(TRACES).content.decode()


@pytest.mark.parametrize("after", ["9" * 19, "9" * 5000, "٣"])
def test_a_place_in_the_log_that_no_page_gave_is_not_a_breakdown(hers, after):
    assert hers.get(f"{TRACES}?suite={after}").status_code == 400


@pytest.fixture
def damaged(monkeypatch):
    """As if every cell of this column had been altered."""

    def damage(table: str, column: str) -> None:
        unseal = Keyring.unseal

        def altered(self, its_table, its_column, row_id, sealed):
            if (its_table, its_column) == (table, column):
                raise Unsealable
            return unseal(self, its_table, its_column, row_id, sealed)

        monkeypatch.setattr(Keyring, "unseal", altered)

    return damage


def test_a_grant_whose_name_was_damaged_is_shown_and_can_be_ended(hers, dossier_id, damaged):
    grant_id = sharing.declare_agreement(dossier_id, by=LEFEVRE, at=timezone.now()).grant_id
    damaged("dossiers_grant", "sealed")

    page = hers.get(PEOPLE).content.decode()
    answer = hers.post(f"{PEOPLE}{grant_id}/retirer/", follow=True).content.decode()

    assert "Quelqu’un dont le nom ne peut pas être lu" in page
    assert "ne peut plus lire votre dossier" in answer
    assert "Personne ne peut lire votre dossier" in answer


def test_a_damaged_cell_elsewhere_is_one_sentence(hers, damaged):
    damaged("dossiers_dossier", "sealed_identity")

    answer = hers.get(HOME)

    assert answer.status_code == 409
    assert "Une donnée de cette page ne peut pas être lue" in answer.content.decode()


def test_an_altered_care_history_closes_its_own_page_and_no_other(hers, history, imported, monkeypatch):
    history.sends(statement(INSURED, lines=3))
    imported()
    holds = Binding.holds
    monkeypatch.setattr(
        Binding, "holds", lambda self, *facts: self.table != "documents_document" and holds(self, *facts)
    )

    home, care, importing = (hers.get(page) for page in (HOME, "/mon-dmp/soins/", "/mon-dmp/soins/import/"))

    assert care.status_code == 409
    assert home.status_code == 200
    assert "Voir mon parcours de soins" in home.content.decode()
    assert importing.status_code == 200
