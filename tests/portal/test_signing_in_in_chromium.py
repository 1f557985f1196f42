"""Signing in, in a real browser: narrow and wide, without scripts, by keyboard."""

import pytest
from django.urls import reverse

from accounts import attempts, notices
from tests.portal.examining import examine
from tests.portal.test_in_chromium import answer

pytestmark = pytest.mark.browser


@pytest.fixture
def codes(monkeypatch):
    sent = []
    monkeypatch.setattr(notices, "queue_device_code", lambda device, code, *, at: sent.append(code))
    return sent


@pytest.mark.parametrize(("width", "scripts"), [(390, True), (1280, False)])
def test_from_the_printed_sheet_to_four_words_taken(window, dossier, codes, width, scripts):
    with window(width=width, scripts=scripts) as seen:
        page = seen.open(reverse("public:sign_in"))
        answer(page, login=dossier.login, password=dossier.first_password)
        seen.picture(f"code-{width}")
        look(seen, scripts)
        page.go_back()
        page.reload()
        assert page.url.endswith(reverse("public:sign_in_code"))  # the code that waits is found again
        answer(page, code=codes[-1])

        seen.picture(f"first-password-{width}")
        look(seen, scripts)
        answer(page, password="motdepasse2024", again="motdepasse2024")
        seen.picture(f"four-words-{width}")
        look(seen, scripts)
        assert len(page.locator(".words li").all()) == 4

        with page.expect_navigation():
            page.get_by_role("button", name="Prendre ces quatre mots").click()
        assert page.url.endswith(reverse("patient:home"))
        assert len(codes) == 1


@pytest.mark.parametrize(("width", "scripts"), [(390, True), (1280, False)])
def test_the_code_page_when_the_verdict_is_not_said(window, dossier, codes, monkeypatch, width, scripts):
    monkeypatch.setattr(attempts, "FOR_A_LOGIN", attempts.Allowance(1, 1))
    with window(width=width, scripts=scripts) as seen:
        page = seen.open(reverse("public:sign_in"))
        answer(page, login=dossier.login, password="autre chose")
        answer(page, login=dossier.login, password="autre chose encore")
        seen.picture(f"unsaid-{width}")
        look(seen, scripts)
        answer(page, code="000000")
        seen.picture(f"unsaid-wrong-{width}")
        look(seen, scripts)

    with window(width=width, scripts=scripts) as hers:
        page = hers.open(reverse("public:sign_in"))
        answer(page, login=dossier.login, password=dossier.first_password)
        answer(page, code=codes[-1])
        assert page.url.endswith(reverse("public:first_password"))


def look(seen, scripts):
    assert seen.complaints == []
    if scripts:  # axe is one
        examine(seen.page)
        seen.complaints.clear()
