"""What anybody may read."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db

PAGES = [
    "home",
    "help",
    "accessibility",
    "privacy",
    "legal",
    "sitemap",
    "sign_in",
    "enrol",
    "enrol_counter",
    "enrol_unreachable",
]


@pytest.mark.parametrize("name", PAGES)
def test_a_public_page_is_read_by_anybody(browser, name):
    answer = browser.get(reverse(f"public:{name}"))

    assert answer.status_code == 200


def test_a_page_that_does_not_exist_says_where_to_go(browser):
    answer = browser.get("/nulle-part/")

    assert answer.status_code == 404
    assert "Cette page n’existe pas, ou ne vous est pas ouverte" in answer.content.decode()


def test_words_have_their_typography(browser):
    page = browser.get(reverse("public:sign_in")).content.decode()

    assert "Vous êtes professionnel de santé\u202f?" in page
    assert "l’ouverture" in page
    assert "l'ouverture" not in page


def test_scripts_and_styles_come_from_the_house_alone(browser):
    answer = browser.get(reverse("public:home"))

    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
