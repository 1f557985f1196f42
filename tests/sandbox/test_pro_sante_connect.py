"""The provider refuses what the real one refuses: a fake that lets everything through proves nothing."""

import base64
import hashlib
import json
import secrets
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox.population import LEFEVRE, NADIA, PROFESSIONALS, TWO_PRACTICES
from tests.sandbox.world import World

VERIFIER = "a-verifier-that-is-long-enough-to-be-one-0123456789"


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def return_address(world: World) -> str:
    return f"{world.service_url}/pro/psc/retour/"


def asking(world: World, **other: str | None) -> dict[str, str]:
    asked = {
        "response_type": "code",
        "client_id": world.client_id,
        "redirect_uri": return_address(world),
        "scope": "openid scope_all",
        "acr_values": "eidas1",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    } | other
    return {name: value for name, value in asked.items() if value is not None}


def authorize(world: World, who: str = LEFEVRE.slug, **other: str | None) -> requests.Response:
    return requests.post(
        f"{world.url}/psc/authorize",
        params=asking(world, **other),
        data={"professional": who},
        allow_redirects=False,
        timeout=5,
    )


def answer_of(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 302, response.text
    return {
        name: values[0] for name, values in parse_qs(urlsplit(response.headers["Location"]).query).items()
    }


def a_code(world: World, who: str = LEFEVRE.slug) -> str:
    return answer_of(authorize(world, who))["code"]


def exchange(world: World, code: str, **other: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": return_address(world),
        "code_verifier": VERIFIER,
        "client_id": world.client_id,
        "client_secret": world.client_secret,
    } | other
    return requests.post(f"{world.url}/psc/token", data=form, timeout=5)


def userinfo(world: World, token: str) -> requests.Response:
    return requests.get(f"{world.url}/psc/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=5)


def signed(world: World, token: str) -> dict:
    keys = KeySet.import_key_set(requests.get(f"{world.url}/psc/certs", timeout=5).json())
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


def test_discovery_names_only_addresses_that_answer(world: World):
    told = requests.get(f"{world.url}/psc/.well-known/openid-configuration", timeout=5).json()

    assert told["issuer"] == f"{world.url}/psc"
    assert told["code_challenge_methods_supported"] == ["S256"]
    addresses = [value for name, value in told.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) == 5
    assert all(requests.get(address, timeout=5).status_code != 404 for address in addresses)


def test_one_picks_who_signs_in(world: World):
    page = requests.get(f"{world.url}/psc/authorize", params=asking(world), timeout=5)

    assert page.status_code == 200
    assert all(professional.called in page.text for professional in PROFESSIONALS)


def test_the_browser_goes_back_with_a_code_and_the_state(world: World):
    response = authorize(world)

    assert response.headers["Location"].startswith(f"{return_address(world)}?")
    assert answer_of(response)["state"] == "the-state"
    assert len(answer_of(response)["code"]) > 30


def test_giving_up_is_an_answer_too(world: World):
    assert answer_of(authorize(world, who=""))["error"] == "access_denied"


@pytest.mark.parametrize(
    ("missing", "error"),
    [
        ({"nonce": None}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_an_incomplete_request_gets_no_code(world: World, missing, error):
    answer = answer_of(authorize(world, **missing))

    assert answer["error"] == error
    assert "code" not in answer


@pytest.mark.parametrize(
    "other", [{"client_id": "somebody"}, {"redirect_uri": "http://127.0.0.1:1/pro/psc/retour/"}]
)
def test_nothing_is_sent_to_an_address_nobody_knows(world: World, other):
    response = authorize(world, **other)

    assert response.status_code == 400
    assert "Location" not in response.headers


def test_the_identity_is_signed_for_this_client_and_this_request(world: World):
    told = exchange(world, a_code(world)).json()
    claims = signed(world, told["id_token"])

    assert claims["iss"] == f"{world.url}/psc"
    assert claims["aud"] == world.client_id
    assert claims["nonce"] == "the-nonce"
    assert claims["acr"] == "eidas1"
    assert claims["exp"] > claims["iat"]
    half = hashlib.sha256(told["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()


def test_userinfo_says_what_the_real_one_says(world: World):
    told = exchange(world, a_code(world, TWO_PRACTICES.slug)).json()
    answer = userinfo(world, told["access_token"]).json()

    assert answer["sub"] == signed(world, told["id_token"])["sub"]
    assert answer["SubjectNameID"] == f"8{TWO_PRACTICES.rpps}"
    assert answer["SubjectRole"] == ["10^1.2.250.1.213.1.1.5.5"]
    (exercise,) = answer["SubjectRefPro"]["exercices"]
    assert exercise["codeProfession"] == "10"
    assert exercise["codeSavoirFaire"] == "SM04"
    assert [activity["numeroFinessSite"] for activity in exercise["activities"]] == [
        practice.structure.finess for practice in TWO_PRACTICES.practices
    ]


@pytest.mark.corpus
def test_userinfo_has_every_field_of_a_real_one(world: World, real_userinfo):
    token = exchange(world, a_code(world)).json()["access_token"]
    ours = userinfo(world, token).json()

    assert set(real_userinfo) == set(ours)
    exercise, real = ours["SubjectRefPro"]["exercices"][0], real_userinfo["SubjectRefPro"]["exercices"][0]
    assert set(real) == set(exercise)
    assert set(real["activities"][0]) == set(exercise["activities"][0])


@pytest.fixture
def real_userinfo(corpora):
    return json.loads(
        (corpora / "psc-userinfo" / "userinfo_medecin_899700366240_3_situations.json").read_text()
    )


def test_a_code_serves_once_and_coming_back_takes_away_what_it_gave(world: World):
    code = a_code(world)
    token = exchange(world, code).json()["access_token"]
    assert userinfo(world, token).status_code == 200

    again = exchange(world, code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert userinfo(world, token).status_code == 401


@pytest.mark.parametrize(
    "verifier", ["", "too-short", VERIFIER + "x", challenge(), VERIFIER.replace("a", "é")], ids=range(5)
)
def test_a_code_without_its_verifier_is_worth_nothing(world: World, verifier):
    code = a_code(world)

    wrong = exchange(world, code, code_verifier=verifier)

    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert exchange(world, code).status_code == 400


@pytest.mark.parametrize(
    "other", [{"client_secret": "guessed"}, {"client_id": "somebody"}, {"client_secret": "", "client_id": ""}]
)
def test_only_the_known_client_exchanges_codes(world: World, other):
    answer = exchange(world, a_code(world), **other)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_the_client_may_show_its_secret_in_the_header(world: World):
    from urllib.parse import quote_plus

    pair = f"{quote_plus(world.client_id)}:{quote_plus(world.client_secret)}"
    form = {
        "grant_type": "authorization_code",
        "code": a_code(world, NADIA.slug),
        "redirect_uri": return_address(world),
        "code_verifier": VERIFIER,
    }
    header = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    assert requests.post(f"{world.url}/psc/token", data=form, headers=header, timeout=5).status_code == 200


def test_the_way_back_must_be_the_one_of_the_request(world: World):
    answer = exchange(world, a_code(world), redirect_uri=f"{world.service_url}/pro/")

    assert answer.json()["error"] == "invalid_grant"


def test_a_token_nobody_gave_opens_nothing(world: World):
    answer = userinfo(world, secrets.token_urlsafe(32))

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_signing_out_comes_back_only_with_an_identity_of_ours(world: World):
    identity = exchange(world, a_code(world)).json()["id_token"]

    def leave(hint: str, back: str) -> requests.Response:
        asked = {"id_token_hint": hint, "post_logout_redirect_uri": back, "state": "s"}
        return requests.get(f"{world.url}/psc/logout", params=asked, allow_redirects=False, timeout=5)

    assert leave(identity, f"{world.service_url}/").headers["Location"] == f"{world.service_url}/?state=s"
    assert leave(identity[:-4] + "AAAA", f"{world.service_url}/").status_code == 200
    assert leave(identity, "http://elsewhere.example/").status_code == 200


def test_the_key_is_still_the_same_after_a_restart(world: World, tmp_path):
    from tests.sandbox.world import running

    def key(of: World) -> str:
        return requests.get(f"{of.url}/psc/certs", timeout=5).json()["keys"][0]["kid"]

    with running(tmp_path) as first:
        before = key(first)
    with running(tmp_path) as second:
        assert key(second) == before
    assert before != key(world)
