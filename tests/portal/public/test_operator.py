"""Who answers for the service is said; only a demonstration calls itself one."""

import re
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.template import engines

from portal import operator

PAGES = [
    "/",
    "/aide/",
    "/accessibilite/",
    "/donnees-personnelles/",
    "/mentions-legales/",
    "/plan-du-site/",
    "/connexion/",
]
OF_A_DEMONSTRATION = re.compile("démonstration|fictif|fictive|inventé|bac à sable", re.IGNORECASE)


@pytest.fixture
def served_as(settings):
    """The pages as an installation of one kind or the other shows them."""

    def told(*, demonstration: bool) -> None:
        settings.DMP_DEMO = demonstration
        forget()

    yield told
    settings.DMP_DEMO = False
    forget()


def forget() -> None:
    operator.operator.cache_clear()
    for engine in engines.all():
        for loader in engine.engine.template_loaders:
            loader.reset()


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_a_service_that_is_operated_never_calls_itself_a_demonstration(client, served_as, page):
    served_as(demonstration=False)

    answer = client.get(page)
    shown = answer.content.decode()

    assert answer.status_code == 200
    assert not OF_A_DEMONSTRATION.search(shown)
    assert configured.DMP_OPERATOR_NAME in shown


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_a_demonstration_says_so_on_every_page(client, served_as, page):
    served_as(demonstration=True)

    shown = client.get(page).content.decode()

    assert "démonstration" in shown
    assert configured.DMP_OPERATOR_NAME not in shown


def test_the_words_of_a_demonstration_stand_behind_a_condition():
    """No template says them to everybody."""
    templates = Path(configured.BASE_DIR) / "templates"
    said = {
        path.relative_to(templates).as_posix(): text
        for path in templates.rglob("*.html")
        if OF_A_DEMONSTRATION.search(text := path.read_text())
    }

    for name, text in said.items():
        outside = re.sub(r"{% else %}.*?{% endif %}", "", text, flags=re.DOTALL)
        assert not OF_A_DEMONSTRATION.search(outside), name


@pytest.mark.django_db
def test_the_legal_notice_says_what_the_law_wants(client, served_as):
    served_as(demonstration=False)

    notice = client.get("/mentions-legales/").content.decode()

    for name in ("NAME", "ADDRESS", "PHONE", "EMAIL", "DIRECTOR", "HOST"):
        assert getattr(configured, f"DMP_OPERATOR_{name}") in notice


@pytest.mark.django_db
def test_the_privacy_page_says_who_answers_and_for_how_long(client, served_as):
    served_as(demonstration=False)

    page = client.get("/donnees-personnelles/").content.decode()

    for name in ("NAME", "DPO", "HOST", "PROCESSORS"):
        assert getattr(configured, f"DMP_OPERATOR_{name}") in page
    for words in ("article 6.1", "article 9.2", "dix ans", "article 85", "article 34", "CNIL"):
        assert words in page.replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.django_db
def test_accessibility_is_declared_non_conforming_until_somebody_audits(client):
    assert "non conforme" in client.get("/").content.decode()
    assert "non conforme" in client.get("/accessibilite/").content.decode()
