"""Pro Santé Connect: a professional is who a fresh, signed, addressed answer says, and nobody else."""

import json
import threading
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from joserfc import jws
from joserfc.jwk import KeySet, RSAKey

from accounts import pro_sante_connect, userinfo
from accounts.actors import Authentication, Capacity
from accounts.models import Professional
from accounts.pro_sante_connect import NothingAwaited, SignInRefused
from tests.accounts.forgeries import signed_with_the_public_key
from tests.accounts.people import next_visit, visit
from tests.accounts.test_userinfo import LEFEVRE

pytestmark = pytest.mark.django_db

KEY = RSAKey.generate_key(2048, {"kid": "psc-1"})
OTHER = RSAKey.generate_key(2048, {"kid": "psc-1"})
NOW = timezone.now()


def half_hash(text: str) -> str:
    return urlsafe_b64encode(sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


class Issuer:
    """An issuer that checks PKCE for real, and lets each test bend one thing."""

    def __init__(self) -> None:
        self.challenges: dict[str, dict[str, str]] = {}  # code → what was asked with it
        self.claims: dict[str, object] = {}
        self.userinfo: object = LEFEVRE
        self.discovery: dict[str, object] = {}
        self.sign = lambda told: jws.serialize_compact(
            {"alg": "RS256", "kid": "psc-1"}, json.dumps(told).encode(), KEY, algorithms=["RS256"]
        )
        self.posted: list[dict[str, str]] = []
        self.url = ""

    def authorise(self, address: str) -> dict[str, str]:
        """What the browser brings back after the professional has agreed."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.challenges)}"
        self.challenges[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, form: dict[str, str]) -> tuple[int, object]:
        self.posted.append(form)
        asked = self.challenges.pop(form.get("code", ""), None)
        proof = (
            urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        )
        if asked is None or proof != asked["code_challenge"] or form.get("client_secret") != "s3cret & é":
            return 400, {"error": "invalid_grant"}
        now = int(NOW.timestamp())
        told = {"iss": self.url, "aud": "dmp", "sub": LEFEVRE["sub"], "nonce": asked["nonce"], "iat": now}
        told |= {"exp": now + 120, "acr": "eidas1", "at_hash": half_hash("access")} | self.claims
        told = {name: value for name, value in told.items() if value is not None}
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": self.sign(told)}

    def get(self, path: str, authorization: str) -> tuple[int, object]:
        match path:
            case "/.well-known/openid-configuration":
                return 200, {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/auth",
                    "token_endpoint": f"{self.url}/token",
                    "userinfo_endpoint": f"{self.url}/userinfo",
                    "jwks_uri": f"{self.url}/jwks",
                } | self.discovery
            case "/jwks":
                return 200, KeySet([KEY]).as_dict(private=False)
            case "/userinfo" if authorization == "Bearer access":
                return 200, self.userinfo
        return 404, {}


@pytest.fixture
def issuer(settings):
    told = Issuer()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self):
            self._say(*told.get(urlsplit(self.path).path, self.headers.get("Authorization", "")))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._say(*told.token({name: values[0] for name, values in parse_qs(body).items()}))

        def _say(self, status, answer):
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    settings.DMP_PSC_ISSUER, settings.DMP_PSC_CLIENT_ID = told.url, "dmp"
    settings.DMP_PSC_CLIENT_SECRET = "s3cret & é"
    yield told
    server.shutdown()
    server.server_close()
    pro_sante_connect._discovered.cache_clear()
    pro_sante_connect._keys.cache_clear()


def started(issuer):
    """A browser that went to the issuer, and what it brings back."""
    request = visit()
    back = issuer.authorise(pro_sante_connect.start(request, at=NOW))
    return next_visit(request), back


def returned(request, back):
    request.session.save()
    came = visit(request.session.session_key, "/pro/psc/retour/", **back)
    return came, pro_sante_connect.finish(came, at=NOW).choices


def test_a_doctor_signs_in_and_chooses_where_she_acts(issuer):
    request, back = started(issuer)

    request, offered = returned(request, back)
    assert [(c.index, c.profession_label, c.structure) for c in offered] == [
        (0, "Médecin", "Cabinet des Tilleuls"),
        (1, "Médecin", "Hôpital du Nord"),
    ]
    assert next_visit(request).actor.capacity is Capacity.ANONYMOUS
    actor = pro_sante_connect.choose_practice(request, 1, at=NOW)

    assert actor.name == "Dr Anne LEFÈVRE"
    assert (actor.profession, actor.specialty, actor.structure) == ("10", "SM54", "Hôpital du Nord")
    assert actor.authentication is Authentication.PRO_SANTE_CONNECT
    assert actor.id == Professional.objects.get().pk
    assert next_visit(request).actor == actor


def test_what_is_asked_carries_a_challenge_a_nonce_a_state_and_the_assurance(issuer):
    address = pro_sante_connect.start(visit(), at=NOW)

    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["acr_values"] == "eidas1"
    assert asked["response_type"] == "code"
    assert len(asked["nonce"]) >= 32
    assert len(asked["state"]) >= 30
    assert "s3cret" not in address
    assert asked["redirect_uri"].endswith("/pro/psc/retour/")


def refused(issuer, code, change=None):
    request, back = started(issuer)
    with pytest.raises(SignInRefused) as told:
        returned(request, back | (change or {}))
    assert told.value.code == code
    assert str(told.value).endswith(".")
    assert not Professional.objects.exists()


CLAIMS = {
    "another issuer": {"iss": "https://psc.example"},
    "for another client": {"aud": "another"},
    "for several, and ours is not the party": {"aud": ["dmp", "another"]},
    "authorised for another": {"azp": "another"},
    "expired": {"exp": int(NOW.timestamp()) - 60},
    "without an end": {"exp": None},
    "issued long ago": {"iat": int(NOW.timestamp()) - 3600},
    "issued tomorrow": {"iat": int(NOW.timestamp()) + 86_400},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "a nonce that is none": {"nonce": 7},
    "too little assurance": {"acr": "eidas0"},
    "no assurance": {"acr": None},
    "nobody": {"sub": None},
    "somebody else than the user information": {"sub": "f:1:899700218897"},
    "another access token": {"at_hash": half_hash("another")},
}


@pytest.mark.parametrize("claims", CLAIMS.values(), ids=CLAIMS)
def test_an_identity_told_wrongly_is_refused(issuer, claims):
    issuer.claims = claims

    refused(issuer, "proof")


SIGNATURES = {
    "signed by another": lambda told: jws.serialize_compact(
        {"alg": "RS256", "kid": "psc-1"}, json.dumps(told).encode(), OTHER, algorithms=["RS256"]
    ),
    "signed by a key it brings along": lambda told: jws.serialize_compact(
        {
            "alg": "RS256",
            "kid": "psc-1",
            "jwk": OTHER.as_dict(private=False),
            "jku": "https://e.example/jwks",
        },
        json.dumps(told).encode(),
        OTHER,
        algorithms=["RS256"],
    ),
    "the public key as a secret": lambda told: signed_with_the_public_key(told, KEY),
    "alg none": lambda told: ".".join(
        [
            urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in ({"alg": "none"}, told)
        ]
        + [""]
    ),
    "garbage": lambda told: "a.b.c",
    "not a text": lambda told: None,
}


@pytest.mark.parametrize("sign", SIGNATURES.values(), ids=SIGNATURES)
def test_an_identity_signed_wrongly_is_refused(issuer, sign):
    issuer.sign = sign

    refused(issuer, "proof")


def test_an_answer_to_another_question_takes_nothing_away(issuer):
    request, back = started(issuer)
    with pytest.raises(NothingAwaited):
        returned(request, back | {"state": "another"})

    assert returned(request, back)[1]


def test_more_tabs_than_anybody_opens_forget_the_oldest(issuer):
    request = visit()
    backs = [issuer.authorise(pro_sante_connect.start(request, at=NOW)) for _ in range(7)]
    with pytest.raises(NothingAwaited):
        returned(request, backs[1])

    assert returned(request, backs[2])[1]


def test_an_answer_of_another_issuer_is_refused(issuer):
    refused(issuer, "issuer", {"iss": "https://psc.example"})


def test_a_professional_who_gives_up_is_told(issuer):
    refused(issuer, "cancelled", {"code": "", "error": "access_denied"})


def test_a_code_of_somebody_else_does_not_pass_the_challenge(issuer):
    _, stolen = started(issuer)

    refused(issuer, "token_refused", {"code": stolen["code"]})


def test_an_answer_serves_once(issuer):
    request, back = started(issuer)
    request, _ = returned(request, back)

    with pytest.raises(NothingAwaited):
        returned(request, back)


def test_an_answer_in_another_browser_is_refused(issuer):
    _, back = started(issuer)

    with pytest.raises(NothingAwaited):
        returned(visit(), back)


def test_an_answer_too_late_is_refused(issuer):
    request, back = started(issuer)
    came = visit(request.session.session_key, "/pro/psc/retour/", **back)

    with pytest.raises(SignInRefused, match="trop de temps"):
        pro_sante_connect.finish(came, at=NOW + timedelta(minutes=16))


def test_an_issuer_that_tells_of_another_is_not_believed(issuer):
    issuer.discovery = {"issuer": "https://psc.example"}

    with pytest.raises(SignInRefused) as told:
        pro_sante_connect.start(visit(), at=NOW)

    assert told.value.code == "discovery.another_issuer"


def test_an_issuer_that_sends_secrets_in_clear_is_not_followed(issuer):
    issuer.discovery = {"token_endpoint": "http://psc.example/token"}

    refused(issuer, "address.not_https")


def test_a_silent_issuer_is_told(settings):
    settings.DMP_PSC_ISSUER = "http://127.0.0.1:9"

    with pytest.raises(SignInRefused, match="ne répond pas"):
        pro_sante_connect.start(visit(), at=NOW)


def test_a_professional_without_a_number_is_told(issuer):
    issuer.userinfo = LEFEVRE | {"SubjectNameID": "ANS20210107161422"}

    refused(issuer, "userinfo")


@pytest.mark.parametrize("index", [-1, 2, 99])
def test_a_situation_of_nobody_is_not_chosen(issuer, index):
    request, back = started(issuer)
    request, _ = returned(request, back)

    with pytest.raises(SignInRefused):
        pro_sante_connect.choose_practice(request, index, at=NOW)


def test_nobody_chooses_without_coming_back(issuer):
    with pytest.raises(SignInRefused):
        pro_sante_connect.choose_practice(visit(), 0, at=NOW)


def test_keys_are_fetched_again_when_they_rotate_and_not_at_each_unknown_name(issuer, monkeypatch):
    from accounts import issuer_keys
    from accounts.issuer_keys import BadSignature, IssuerKeys

    fetched = []
    monkeypatch.setattr(issuer_keys, "_fetched", lambda url: fetched.append(url) or KeySet([KEY]))
    keys = IssuerKeys(f"{issuer.url}/jwks")
    stranger = jws.serialize_compact({"alg": "RS256", "kid": "psc-2"}, b"{}", OTHER, algorithms=["RS256"])

    for _ in range(10):
        with pytest.raises(BadSignature):
            keys.verified(stranger, ["RS256"])

    assert len(fetched) == 1


def test_whoever_is_struck_off_signs_in_no_more_until_the_directory_knows_them_again(issuer):
    request, back = started(issuer)
    request, _ = returned(request, back)
    pro_sante_connect.choose_practice(request, 0, at=NOW)
    rpps = userinfo.read(LEFEVRE).rpps
    call_command("close_account", rpps=rpps, stdout=StringIO())

    request, back = started(issuer)
    with pytest.raises(SignInRefused) as told:
        returned(request, back)
    assert told.value.code == "struck_off"

    Professional.objects.update(struck_off_at=None)  # by a pen: the sealed cell still says it
    request, back = started(issuer)
    with pytest.raises(SignInRefused):
        returned(request, back)

    call_command("close_account", rpps=rpps, reinstate=True, stdout=StringIO())
    request, back = started(issuer)
    assert returned(request, back)


def test_closing_what_is_not_there_says_so():
    for which in (
        {"login": "nobody.here"},
        {"rpps": "10000000000"},
        {"program": str(uuid4())},
        {"program": "x"},
    ):
        with pytest.raises(CommandError):
            call_command("close_account", **which, stdout=StringIO())
    with pytest.raises(CommandError, match="Dites lequel"):
        call_command("close_account", stdout=StringIO())
