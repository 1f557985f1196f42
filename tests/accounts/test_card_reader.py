"""A card is read by the reader, now, for us; nothing else is a reading."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, RSAKey

from accounts import card_reader
from accounts.card_reader import CardInReader, CardNotRead, NoSuchPost, ReaderUnreachable
from accounts.identity import Ins, nir_key
from accounts.traits import absent
from tests.accounts.forgeries import signed_with_the_public_key
from tests.cast import NOON

KEY = ECKey.generate_key("P-256", {"kid": "reader-1"})
OTHER = ECKey.generate_key("P-256", {"kid": "reader-1"})
PHARMACY, POST = "310000017", "comptoir-1"
RSA = RSAKey.generate_key(2048, {"kid": "reader-1"})


def claims(nonce, **changes):
    told = {
        "nonce": nonce,
        "poste": POST,
        "iat": int(NOON.timestamp()),
        "ins": {"oid": "1.2.250.1.213.1.4.10", "valeur": "279035121518989"},
        "traits": {
            "nom_naissance": "MOREAU",
            "prenoms": ["CAMILLE", "ANNE"],
            "nom_utilise": None,
            "sexe": "F",
            "date_naissance": "19790307",
            "lieu_naissance": "31555",
        },
        "serie_vitale": "12345678901",
    }
    return told | changes


def signed(told, key=KEY, alg="ES256", **header):
    return jws.serialize_compact(
        {"alg": alg, "kid": "reader-1"} | header, json.dumps(told).encode(), key, algorithms=[alg]
    )


@pytest.fixture
def reader(settings):
    """A reader whose answer to a reading each test decides: a function of the nonce."""

    class Reader(BaseHTTPRequestHandler):
        answer = staticmethod(lambda nonce: signed(claims(nonce)))
        status = 200

        def do_GET(self):
            told = {"cartes": [{"id": "1", "libelle": "Camille MOREAU"}]}
            posts = {"postes": [{"id": POST, "libelle": "Comptoir"}] if PHARMACY in self.path else []}
            keys = KeySet([KEY]).as_dict(private=False)
            self._say(posts if "/postes?" in self.path else told if self.path.endswith("/cartes") else keys)

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._say({"lecture": Reader.answer(asked["nonce"])})

        def _say(self, told):
            body = json.dumps(told).encode()
            self.send_response(Reader.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Reader)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings.DMP_READER_URL = f"http://127.0.0.1:{server.server_port}/lecteur"
    settings.DMP_READER_JWKS_URL = f"{settings.DMP_READER_URL}/jwks"
    yield Reader
    server.shutdown()
    server.server_close()
    card_reader._keys.cache_clear()


def read_it(at, post=POST, structure=PHARMACY):
    return card_reader.read("1", post_id=post, structure=structure, at=at)


def test_a_reader_serves_its_own_structure_and_no_other(reader):
    assert [post.id for post in card_reader.posts(PHARMACY)] == [POST]
    assert card_reader.posts("750000018") == card_reader.posts("") == []
    for elsewhere in ("750000018", ""):
        with pytest.raises(NoSuchPost):
            card_reader.cards(POST, structure=elsewhere)
        with pytest.raises(NoSuchPost):
            read_it(NOON, structure=elsewhere)


def test_the_cards_in_the_reader_are_shown(reader):
    assert card_reader.cards(POST, structure=PHARMACY) == [CardInReader("1", "Camille MOREAU")]


def test_a_reading_tells_who_holds_the_card(reader):
    read = read_it(at=NOON + timedelta(minutes=1))

    assert read.ins.value == "279035121518989"
    assert read.traits.given_names == ("CAMILLE", "ANNE")
    assert read.traits.used_name is None
    assert read.vitale_serial == "12345678901"
    assert read.read_at == NOON


def test_a_card_tells_the_numbers_that_its_holder_had_before(reader):
    nia = {"oid": "1.2.250.1.213.1.4.11", "valeur": "8790351215189" + nir_key("8790351215189")}
    reader.answer = staticmethod(lambda nonce: signed(claims(nonce, ins_anciens=[nia])))

    assert read_it(at=NOON).former == (Ins(nia["oid"], nia["valeur"]),)


@pytest.mark.parametrize("none", ["", None, "-", "SANS PRENOM"])
def test_a_card_may_tell_that_somebody_has_no_given_name_or_no_birth_name(reader, none):
    lacking = {"prenoms": [none], "nom_naissance": none if none != "SANS PRENOM" else "SANS NOM"}
    reader.answer = staticmethod(
        lambda nonce: signed(claims(nonce, traits=claims(nonce)["traits"] | lacking))
    )

    read = read_it(at=NOON + timedelta(minutes=1))

    assert read.traits.given_names == ()
    assert absent(read.traits.birth_name)


FORGERIES = {
    "signed by another": lambda nonce: signed(claims(nonce), OTHER),
    "signed with another algorithm": lambda nonce: signed(claims(nonce), RSA, "RS256"),
    "signed with the public key as a secret": lambda nonce: signed_with_the_public_key(claims(nonce), KEY),
    "by a key nobody knows": lambda nonce: signed(claims(nonce), kid="reader-2"),
    "not signed": lambda nonce: signed(claims(nonce)).rpartition(".")[0] + ".",
    "altered": lambda nonce: signed(claims(nonce)).replace(".", ".eyJ", 1),
    "read on another post": lambda nonce: signed(claims(nonce, poste="comptoir-2")),
    "another's answer": lambda nonce: signed(claims("another")),
    "old": lambda nonce: signed(claims(nonce, iat=int(NOON.timestamp()) - 301)),
    "from the future": lambda nonce: signed(claims(nonce, iat=int(NOON.timestamp()) + 60)),
    "a real identity": lambda nonce: signed(
        claims(nonce, ins={"oid": "1.2.250.1.213.1.4.8", "valeur": "279035121518989"})
    ),
    "a wrong key": lambda nonce: signed(
        claims(nonce, ins={"oid": "1.2.250.1.213.1.4.10", "valeur": "279035121518988"})
    ),
    "no traits": lambda nonce: signed(claims(nonce, traits={})),
    "no sex": lambda nonce: signed(claims(nonce, traits=claims(nonce)["traits"] | {"sexe": ""})),
    "born on no date": lambda nonce: signed(
        claims(nonce, traits=claims(nonce)["traits"] | {"date_naissance": "1979"})
    ),
    "not an object": lambda nonce: signed([nonce]),
    "an instant that is none": lambda nonce: signed(claims(nonce, iat="soon")),
    "nothing": lambda nonce: "",
    "garbage": lambda nonce: "a.b.c",
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_or_old_reading_is_no_reading(reader, forged):
    reader.answer = staticmethod(forged)

    with pytest.raises(CardNotRead):
        read_it(at=NOON)


def test_a_card_that_left_is_not_read(reader):
    reader.status = 404

    with pytest.raises(CardNotRead):
        read_it(at=NOON)


def test_a_silent_reader_is_told(settings):
    settings.DMP_READER_URL = "http://127.0.0.1:9/lecteur"

    with pytest.raises(ReaderUnreachable) as told:
        card_reader.cards(POST, structure=PHARMACY)

    assert str(told.value).startswith("Le lecteur de cartes ne répond pas")


def test_keys_that_rotate_are_fetched_again(reader, monkeypatch):
    from accounts import issuer_keys

    read_it(at=NOON)
    renewed = ECKey.generate_key("P-256", {"kid": "reader-2"})
    monkeypatch.setattr(issuer_keys, "AT_MOST_EVERY", 0.0)
    monkeypatch.setattr("tests.accounts.test_card_reader.KEY", renewed)
    reader.answer = staticmethod(lambda nonce: signed(claims(nonce), renewed, kid="reader-2"))

    assert read_it(at=NOON).vitale_serial
