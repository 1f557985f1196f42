"""Messages arrive, cards are read, pages are served, and other sites are kept out."""

import json
import smtplib
import time
from email.message import EmailMessage

import pytest
import requests
from joserfc import jws
from joserfc.jwk import KeySet

from sandbox import totp
from sandbox.population import ANGE, CAMILLE, LEO, MARCEL, ROY
from sandbox.whoswho import Borrowed, prepare
from tests.sandbox.world import World

NONCE = "a-nonce-of-the-counter"


def send(
    world: World, number: str, text: str, *, token: str | None = None, **headers: str
) -> requests.Response:
    authorization = {"Authorization": f"Bearer {world.sms_token if token is None else token}"}
    told = {"numero": number, "texte": text}
    return requests.post(f"{world.url}/sms", json=told, headers=authorization | headers, timeout=5)


def newest(world: World) -> str:
    return world.box().partition("<article")[2].partition("</article>")[0]


@pytest.mark.parametrize("number", ["+33639981042", "+262639981042", "06 39 98 10 42"])
def test_a_text_message_arrives_under_the_name_of_its_reader(world: World, number: str):
    answer = send(world, number, "Votre code est 602 918.")

    assert answer.status_code == 202
    assert "SMS pour Camille Moreau" in newest(world)
    assert '<strong class="secret">602918</strong>' in newest(world)


def test_a_text_message_asked_twice_with_one_key_arrives_once(world: World):
    first = send(world, "0639981042", "Une fois, pas deux", **{"Idempotency-Key": "k1"})
    again = send(world, "0639981042", "Une fois, pas deux", **{"Idempotency-Key": "k1"})

    assert first.json() == again.json()
    assert world.box().count("Une fois, pas deux") == 1


def test_the_operator_knows_its_customer(world: World):
    assert send(world, "0639981042", "Bonjour", token="other").status_code == 401


def test_a_mail_arrives_for_each_of_its_readers(world: World):
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "DMP <ne-pas-repondre@dmp.example>", "Votre DMP a changé"
    mail["To"] = f"{CAMILLE.email}, {ANGE.email}"
    mail.set_content("Une nouveauté vous attend.\nÀ bientôt.")

    with smtplib.SMTP("127.0.0.1", world.smtp_port, timeout=5) as server:
        server.send_message(mail)

    for person in (CAMILLE, ANGE):
        assert f"Courriel pour {person.name}" in world.box(to=person.email)
        assert "Votre DMP a changé" in world.box(to=person.email)
    assert "Une nouveauté vous attend.<br>À bientôt." in newest(world)


def test_what_arrives_is_shown_as_text(world: World):
    send(world, "0639981042", "<script>alert(1)</script>")

    assert "&lt;script&gt;" in newest(world)


def read(world: World, card: str, nonce: str = NONCE) -> requests.Response:
    return requests.post(
        f"{world.url}/lecteur/postes/cpam-1/lectures", json={"carte": card, "nonce": nonce}, timeout=5
    )


def test_the_reader_lists_the_cards_one_may_insert(world: World):
    listed = requests.get(f"{world.url}/lecteur/postes/cpam-1/cartes", timeout=5).json()["cartes"]
    cards = {card["id"] for card in listed}

    assert CAMILLE.slug in cards
    assert not {LEO.slug, MARCEL.slug} & cards
    assert all(card["libelle"].startswith("Carte Vitale de ") for card in listed)


def test_a_reading_is_signed_and_answers_this_question(world: World):
    keys = KeySet.import_key_set(requests.get(f"{world.url}/lecteur/jwks", timeout=5).json())

    told = jws.deserialize_compact(read(world, ANGE.slug).json()["lecture"], keys, algorithms=["ES256"])
    claims = json.loads(told.payload)

    assert claims["nonce"] == NONCE
    assert abs(claims["iat"] - time.time()) < 60
    assert claims["ins"] == {"oid": "1.2.250.1.213.1.4.10", "valeur": ANGE.nir}
    assert claims["traits"]["nom_naissance"] == "Colonna d’Istria"
    assert claims["traits"]["prenoms"] == ["Ange-Toussaint", "François"]
    assert claims["serie_vitale"] == ANGE.vitale_serial


def test_no_private_key_is_published(world: World):
    for path in ("psc/certs", "lecteur/jwks"):
        (key,) = requests.get(f"{world.url}/{path}", timeout=5).json()["keys"]
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)


def test_a_card_that_left_the_reader_is_not_read(world: World):
    assert read(world, MARCEL.slug).status_code == 404
    assert read(world, CAMILLE.slug, nonce="short").status_code == 400


@pytest.mark.parametrize("path", ["/", "/boite/", "/boite/?suivre=1", "/codes/", "/assureur/"])
def test_a_page_has_no_script_and_a_strict_policy(world: World, path):
    page = requests.get(world.url + path, timeout=5)

    assert page.status_code == 200
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Set-Cookie" not in page.headers


def test_following_the_box_is_a_choice(world: World):
    assert "Refresh" not in requests.get(f"{world.url}/boite/", timeout=5).headers
    assert requests.get(f"{world.url}/boite/?suivre=1", timeout=5).headers["Refresh"] == "4"


def test_the_codes_page_shows_what_the_agent_s_telephone_would(world: World):
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    login = Borrowed(
        slug=ROY.slug, door="/guichet/connexion/", login="roy", password="motdepasse", totp_secret=secret
    )
    prepare(world.memory / "sandbox", [login])

    before = totp.code(secret, time.time())
    page = requests.get(f"{world.url}/codes/", timeout=5).text
    after = totp.code(secret, time.time())

    assert before in page or after in page
    assert "motdepasse" in requests.get(f"{world.url}/", timeout=5).text


@pytest.mark.parametrize(
    ("instant", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_a_code_is_the_one_of_the_standard(instant, code):
    # RFC 6238, appendix B, last six digits
    assert totp.code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", instant) == code


def test_another_site_posts_nothing_here(world: World):
    form = {"person": ANGE.slug, "behaviour": "unavailable"}
    foreign = {"Sec-Fetch-Site": "cross-site"}

    assert requests.post(f"{world.url}/assureur/", data=form, headers=foreign, timeout=5).status_code == 403


def test_another_name_for_this_machine_is_refused(world: World):
    assert requests.get(f"{world.url}/boite/", headers={"Host": "evil.example"}, timeout=5).status_code == 400


def test_what_is_kept_is_kept_for_this_user_alone(world: World):
    send(world, "0639981042", "Pour les yeux d’une seule personne")

    kept = list((world.memory / "sandbox").glob("*.json"))

    assert {"box.json", "keys.json"} <= {file.name for file in kept}
    assert all(file.stat().st_mode & 0o077 == 0 for file in kept)
