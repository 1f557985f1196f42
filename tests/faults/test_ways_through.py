"""Looking for a way through the doors: somebody else's identifiers, replays, odd and oversized requests."""

import html
import re
from dataclasses import replace
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from access import gate
from access.policy import Action
from accounts import attempts
from accounts.actors import Actor
from accounts.contacts import Contact
from documents import deposit as depositing
from dossiers import sharing
from dossiers.house import HOUSE
from dossiers.things import DossierAtTheDoor
from jobs import queue
from sandbox.population import ANGE, ELISE
from tests.cast import CAMILLE, LEFEVRE, NADIA, ROY, STAFF
from tests.documents.files import pdf
from tests.proof.people import open_dossier, received
from tests.signing_in import client_of

pytestmark = pytest.mark.django_db

HER_TITLE, HIS_TITLE = "Radiographie du genou droit", "Courrier de sortie confidentiel"


def holder_of(dossier_id) -> Actor:
    with gate.admitted(HOUSE, Action.NOTIFY, DossierAtTheDoor(dossier_id), at=timezone.now()) as passage:
        return replace(CAMILLE, id=passage.question.target.holder_id, dossier_id=dossier_id)


def deposited(dossier_id, title, by=LEFEVRE):
    receipt = depositing.deposit(
        dossier_id,
        content=pdf(title.replace("é", "e")),
        media_type="application/pdf",
        type_code="11488-4",
        title=title,
        created_on=date(2026, 1, 15),
        masked=False,
        withheld=False,
        hidden_from_representatives=False,
        by=by,
        at=timezone.now(),
    )
    assert queue.work(queue.job_id_of(depositing.CHECK, str(receipt.document_id)))
    return receipt.document_id


@pytest.fixture
def two(tmp_path, settings):
    """Élise, whom Dr Lefèvre may read, and Ange, whom she may not; a document each."""
    store = {"BACKEND": "documents.store.DurableFileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = settings.STORAGES | {"default": store}
    hers, his = open_dossier(ELISE), open_dossier(ANGE)
    sharing.declare_agreement(hers, by=LEFEVRE, at=timezone.now())
    sharing.declare_agreement(his, by=NADIA, at=timezone.now())
    return {
        "hers": hers,
        "his": his,
        "her document": deposited(hers, HER_TITLE),
        "his document": deposited(his, HIS_TITLE, by=NADIA),
        "his grant": sharing.people(his, by=holder_of(his), at=timezone.now()).authorised[0].grant_id,
    }


# Somebody else's ------------------------------------------------------------------------------


PARTS = (("document", []), ("page", [1]), ("original", []))


def test_a_document_is_reached_through_its_own_dossier_only(two):
    doctor = client_of(LEFEVRE)
    elsewhere = (("hers", "his document"), ("his", "his document"), ("his", "her document"))

    def asked(part, number, dossier, document):
        return doctor.get(reverse(f"professional:{part}", args=[two[dossier], two[document], *number]))

    for part, number in PARTS:
        assert asked(part, number, "hers", "her document").status_code == 200
    for part, number, dossier, document in ((*part, *pair) for part in PARTS for pair in elsewhere):
        refused = asked(part, number, dossier, document)
        assert refused.status_code in (403, 404), (part, dossier, document)
        assert not any(word in html.unescape(refused.content.decode()) for word in (HIS_TITLE, "Colonna"))


def test_a_holder_reaches_her_own_documents_only(two):
    elise, nobodys = client_of(holder_of(two["hers"])), "6f0e1d0e-8a53-4a06-9a8b-3c1f5b0f2d77"

    for part, number in PARTS:
        own, other, invented = (
            elise.get(reverse(f"patient:{part}", args=[document, *number]))
            for document in (two["her document"], two["his document"], nobodys)
        )
        assert (own.status_code, other.status_code, invented.status_code) == (200, 404, 404)
        assert _said(other) == _said(invented), "what exists elsewhere looks like what does not exist"


def test_a_holder_ends_her_own_authorisations_only(two):
    elise, until = client_of(holder_of(two["hers"])), timezone.now()

    page = elise.get(reverse("patient:withdraw", args=[two["his grant"]]))
    elise.post(reverse("patient:withdraw", args=[two["his grant"]]))

    assert page.status_code == 404
    (kept,) = sharing.people(two["his"], by=holder_of(two["his"]), at=until).authorised
    assert kept.in_force


def test_what_somebody_else_deposited_has_no_receipt(two):
    doctor = client_of(LEFEVRE)

    own = doctor.get(reverse("professional:receipt", args=[two["hers"], two["her document"]]))
    other = doctor.get(reverse("professional:receipt", args=[two["hers"], two["his document"]]))

    assert (own.status_code, other.status_code) == (200, 404)


# Odd and oversized ----------------------------------------------------------------------------


def form(**changed):
    return {
        "type": "compte rendu d’imagerie médicale",
        "created_on": f"{timezone.localdate():%d/%m/%Y}",
        "title": "Essai",
        "shown_to_professionals": "oui",
        "shown_to_holder": "oui",
        **file_of(),
    } | changed


def file_of(content=None, name="essai.pdf"):
    return {"content": SimpleUploadedFile(name, pdf() if content is None else content, "application/pdf")}


def odd_deposits():
    return {
        "a file of 55 MB": file_of(b"%PDF-1.4\n" + bytes(55_000_000)),
        "an empty file": file_of(b""),
        "a page that says it is a PDF": file_of(b"<script>alert(1)</script>"),
        "a name that leads elsewhere": file_of(name="../../../etc/passwd\r\nX: y.pdf"),
        "a name of two thousand characters": file_of(name="é" * 2000 + ".pdf"),
        "a title of three megabytes": {"title": "a" * 3_000_000},
        "a null in the title": {"title": "Essai\x00"},
        "a title that reads backwards": {"title": "\u202eEssai\u202c"},
        "a date of another age": {"created_on": "01/01/0001"},
        "a date that is a number": {"created_on": "9" * 400},
        "an unknown type": {"type": "<img src=x onerror=alert(1)>"},
        "an unknown answer": {"shown_to_holder": "peut-être"},
    }


def test_an_odd_deposit_is_answered_and_breaks_nothing(two):
    doctor = client_of(LEFEVRE)
    doctor.raise_request_exception = False

    for odd, changed in odd_deposits().items():
        answer = doctor.post(reverse("professional:deposit", args=[two["hers"]]), form(**changed))
        assert answer.status_code in (200, 302, 400, 413), odd

    assert doctor.get(reverse("professional:dossier", args=[two["hers"]])).status_code == 200


def test_too_many_fields_are_not_read():
    browser = Client(raise_request_exception=False)

    answer = browser.post(reverse("public:sign_in"), {f"field{n}": "" for n in range(300)})

    assert answer.status_code == 400


NAUGHTY = (
    "\x00", "\x00\x01\x02", "\ufffd\U0001f9d1\u200d\u2695\ufe0f" * 50, "' OR '1'='1", "{{7*7}}", "%s%n%d",
    "a" * 100_000, "../../etc/passwd", "\u202e\u2066", "-1", "1e400", "NaN", "[]", "١٢٣٤٥٦", "²", "0" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("name", ["sign_in", "enrol_nir", "enrol_name", "enrol_birth", "enrol_card"])
def test_whatever_is_typed_before_signing_in_gets_an_answer(name):
    browser = Client(raise_request_exception=False)
    browser.post(reverse("public:enrol"))
    fields = (
        "login", "password", "nir", "birth_name", "given_name", "vitale_serial", "code",
        "birth_date_jour", "birth_date_mois", "birth_date_annee", "suite",
    )  # fmt: skip

    for typed in NAUGHTY:
        answer = browser.post(reverse(f"public:{name}"), dict.fromkeys(fields, typed))
        assert answer.status_code < 500, repr(typed[:20])


def test_whatever_a_professional_types_gets_an_answer(two):
    doctor = client_of(LEFEVRE)
    doctor.raise_request_exception = False
    search, hers = reverse("professional:search"), reverse("professional:dossier", args=[two["hers"]])

    for typed in NAUGHTY:
        fields = {"ins": typed, "birth_name": typed, "given_name": typed, "birth_date": typed}
        for answer in (
            doctor.post(search, {"par": "numero", **fields}),
            doctor.post(search, {"par": "nom", **fields}),
            doctor.post(search, {"par": "nom", **fields, "birth_date": "01/02/1950"}),
            doctor.get(hers, {"avant": typed}),
            doctor.get(reverse("professional:psc_return"), {"code": typed, "state": typed, "iss": typed}),
        ):
            assert answer.status_code < 500, repr(typed[:20])


def test_other_verbs_and_huge_numbers_get_an_answer(two):
    doctor = client_of(LEFEVRE)
    doctor.raise_request_exception = False
    page = reverse("professional:document", args=[two["hers"], two["her document"]])

    assert doctor.get(f"{page}page/{'9' * 60}/").status_code == 404
    assert doctor.get(f"{page}page/0/").status_code == 404
    for verb in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
        assert doctor.generic(verb, page).status_code < 500


def test_a_program_that_sends_nonsense_gets_an_answer():
    program = Client(raise_request_exception=False)
    deep = "[" * 100_000
    assertion = f"{'e' * 100}.{'e' * 100}.{'e' * 100}"
    for body, kind in (
        (deep, "application/json"),
        ("\x00" * 1000, "application/x-www-form-urlencoded"),
        ("grant_type=client_credentials&client_assertion=" + assertion, "application/x-www-form-urlencoded"),
        ("a=" + "b" * 3_000_000, "application/x-www-form-urlencoded"),
        ("--x\r\n", "multipart/form-data; boundary=x"),
    ):
        assert 400 <= program.post("/oauth/token", body, content_type=kind).status_code < 500
    for shown in ("", "Bearer", "Bearer x", "Bearer \x00", "Basic eDp5", "Bearer " + "a" * 50_000):
        assert program.get("/api/whoami", HTTP_AUTHORIZATION=shown).status_code == 401


ODD_COOKIES = (
    "", "x", "\x00", "\x01\x1f\x7f", '"\\000\\015\\012"', "é" * 20, "\xff\xfe", "a" * 8000, "' OR 1=1 --",
    "x; session=y; session", "\t\r\n x",
)  # fmt: skip


@pytest.mark.parametrize("name", ["session", "csrf", "ouverture"])
@pytest.mark.parametrize("cookie", ODD_COOKIES)
def test_an_odd_cookie_is_no_cookie(cookie, name):
    """The header as it may come: a client's own cookies library refuses to write what an attacker writes."""
    browser = Client(raise_request_exception=False)

    for path, status in ((reverse("patient:home"), 302), (reverse("public:sign_in"), 200)):
        answer = browser.generic("GET", path, HTTP_COOKIE=f"{name}={cookie}")
        assert answer.status_code == status


def test_another_host_is_not_ours():
    assert Client(raise_request_exception=False).get("/", HTTP_HOST="evil.example").status_code == 400


# From elsewhere -------------------------------------------------------------------------------


def _addresses(resolver=None, prefix=""):
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern)


def test_no_page_acts_on_a_form_that_another_site_sent(two):
    some = {"<uuid:dossier_id>": str(two["hers"]), "<int:number>": "1"}
    someone = "6f0e1d0e-8a53-4a06-9a8b-3c1f5b0f2d77"
    acted = []
    for actor in (None, LEFEVRE, ROY, STAFF, holder_of(two["hers"])):
        browser = client_of(actor, enforce_csrf_checks=True)
        browser.raise_request_exception = False
        for address in _addresses():
            for name, value in some.items():
                address = address.replace(name, value)
            path = "/" + re.sub(r"<uuid:\w+>", someone, address)
            if path in ("/oauth/token", "/api/whoami"):  # programs have no cookie, they sign
                continue
            answer = browser.post(path, {}, HTTP_ORIGIN="https://evil.example")
            if answer.status_code not in (403, 404, 405):
                acted.append((path, answer.status_code))
    assert acted == []


@pytest.mark.parametrize(
    "led",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "\thttps://evil.example",
    ],
)
def test_signing_in_leads_nowhere_else(led, settings):
    browser = Client()

    page = browser.get(reverse("public:sign_in"), {"suite": led})

    assert f'href="{led}' not in html.unescape(page.content.decode())


# Again and again ------------------------------------------------------------------------------


@pytest.fixture
def her_login(db):
    sheet = received(ELISE, Contact("sms", "+33639981107"))
    return {"login": sheet.login, "password": sheet.first_password}


def test_signing_in_twice_in_a_minute_gets_an_answer(her_login):
    browsers = [Client(raise_request_exception=False) for _ in range(3)]

    answers = [browser.post(reverse("public:sign_in"), her_login) for browser in browsers]

    assert [answer.status_code for answer in answers] == [302, answers[1].status_code, answers[2].status_code]
    assert all(answer.status_code in (200, 302) for answer in answers)


def test_addresses_that_somebody_claims_are_told_no_more_verdicts(her_login):
    wrong = her_login | {"password": "pas le bon"}
    tries = int(attempts.FOR_A_LOGIN.burst) + 3

    answers = [
        Client().post(reverse("public:sign_in"), wrong, headers={"X-Forwarded-For": f"198.51.100.{n}"})
        for n in range(tries)
    ]

    assert [answer.status_code for answer in answers[-3:]] == [
        302
    ] * 3  # to the code page, whatever was typed


def _said(answer) -> str:
    page = html.unescape(answer.content.decode())
    return page[page.find("<main") : page.find("</main>")]
