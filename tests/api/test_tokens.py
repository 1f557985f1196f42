"""Programs get a token for a signed assertion, once, and say who they are with it."""

import json
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from rest_framework.response import Response
from rest_framework.views import APIView

from access import gate
from access.policy import Action, Reason
from accounts import programs
from accounts.models import AccessToken, Program
from audit.ledger import SYSTEM_CHAIN
from dossiers.things import Register
from tests.accounts.forgeries import signed_with_the_public_key
from tests.accounts.test_races import race
from tests.accounts.test_signing_in import chain

ELLIPTIC = ECKey.generate_key("P-384", {"kid": "ec-1"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})
SMALLER = ECKey.generate_key("P-256", {"kid": "ec-2"})
STRANGER = ECKey.generate_key("P-384", {"kid": "ec-1"})
PUBLIC = KeySet([ELLIPTIC, SMALLER, RSA]).as_dict(private=False)
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def register(**changes):
    told = {"name": "Laboratoire du Pont", "keys": PUBLIC, "scopes": ("feed.write", "feed.status")}
    return programs.register(**(told | {"at": timezone.now()} | changes))


def tiny_exponent() -> RSAKey:
    private = rsa.generate_private_key(public_exponent=3, key_size=2048)
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return RSAKey.import_key(pem)


def claims(program_id, **changes):
    now = int(datetime.now().timestamp())
    told = {"iss": str(program_id), "sub": str(program_id), "aud": programs.token_address(), "exp": now + 240}
    return told | {"jti": str(uuid4()), "iat": now} | changes


def assertion(told, key=ELLIPTIC, alg="ES384", **header):
    header = {"alg": alg, "kid": key.kid if key.kid else "ec-1", "typ": "JWT"} | header
    return jws.serialize_compact(header, json.dumps(told).encode(), key, algorithms=[alg])


def post(client, signed, **changes):
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": signed,
    }
    body = urlencode(form | changes, doseq=True)
    return client.post("/oauth/token", body, content_type="application/x-www-form-urlencoded")


def whoami(client, token):
    return client.get("/api/whoami", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.django_db
@pytest.mark.parametrize(("key", "alg"), [(ELLIPTIC, "ES384"), (SMALLER, "ES256"), (RSA, "RS384")])
def test_a_program_gets_a_token_for_five_minutes_and_says_who_it_is(client, key, alg):
    program_id = register()

    answer = post(client, assertion(claims(program_id), key, alg))

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    told = answer.json()
    assert told["token_type"] == "Bearer"
    assert told["expires_in"] == 300
    assert told["scope"] == "feed.write feed.status"
    me = whoami(client, told["access_token"]).json()
    assert me["client_id"] == str(program_id)
    assert me["name"] == "Laboratoire du Pont"
    assert chain(program_id) == [("sign_in", "program", "api")]


@pytest.mark.django_db
def test_fewer_scopes_may_be_asked_and_no_other(client):
    program_id = register(scopes=("feed.write",))

    assert post(client, assertion(claims(program_id)), scope="feed.write").json()["scope"] == "feed.write"
    refused = post(client, assertion(claims(program_id)), scope="feed.write feed.status")
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_scope"})


def minutes(n):
    return int((datetime.now() + timedelta(minutes=n)).timestamp())


def unended():
    """Lists in lists, deeper than anybody reads."""
    return urlsafe_b64encode(b"[" * 3000).decode()


FORGERIES = {
    "signed by another": lambda p: assertion(claims(p), STRANGER),
    "by a key it brings along": lambda p: assertion(
        claims(p), STRANGER, jwk=STRANGER.as_dict(private=False), jku="https://e.example/jwks"
    ),
    "by a key nobody knows": lambda p: assertion(claims(p), kid="ec-2"),
    "no key named": lambda p: jws.serialize_compact(
        {"alg": "ES384"}, json.dumps(claims(p)).encode(), ELLIPTIC, algorithms=["ES384"]
    ),
    "not signed": lambda p: assertion(claims(p)).rpartition(".")[0] + ".",
    "alg none": lambda p: "eyJhbGciOiJub25lIiwia2lkIjoiZWMtMSJ9." + assertion(claims(p)).split(".")[1] + ".",
    "the public key as a secret": lambda p: signed_with_the_public_key(claims(p), ELLIPTIC),
    "another algorithm of the same key": lambda p: assertion(claims(p), RSA, "PS384"),
    "another's name": lambda p: assertion(claims(p, sub=str(uuid4()))),
    "issued for another": lambda p: assertion(claims(p, iss=str(uuid4()))),
    "addressed elsewhere": lambda p: assertion(claims(p, aud="https://elsewhere.example/oauth/token")),
    "addressed to several": lambda p: assertion(
        claims(p, aud=[programs.token_address(), "https://e.example"])
    ),
    "expired": lambda p: assertion(claims(p, exp=minutes(0) - 1)),
    "longer than five minutes": lambda p: assertion(claims(p, exp=minutes(7))),
    "without an end": lambda p: assertion({k: v for k, v in claims(p).items() if k != "exp"}),
    "an end that is none": lambda p: assertion(claims(p, exp="never")),
    "an infinite end": lambda p: assertion(claims(p, exp=1e400)),
    "not yet": lambda p: assertion(claims(p, nbf=minutes(3))),
    "without an identifier": lambda p: assertion({k: v for k, v in claims(p).items() if k != "jti"}),
    "a short identifier": lambda p: assertion(claims(p, jti="1")),
    "an identifier that is none": lambda p: assertion(claims(p, jti=["a", "b"])),
    "nobody": lambda p: assertion(claims("nobody")),
    "not an object": lambda p: assertion([str(p)]),
    "garbage": lambda p: "a.b.c",
    "a header that never ends": lambda p: ".".join((unended(), assertion(claims(p)).split(".")[1], "c")),
    "claims that never end": lambda p: ".".join((assertion(claims(p)).split(".")[0], unended(), "c")),
    "too long": lambda p: "a" * 10_000,
    "not ASCII": lambda p: "é.é.é",
}


@pytest.mark.django_db
@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_whatever_proves_nothing_is_refused_alike(client, forged):
    program_id = register()

    answer = post(client, forged(program_id))

    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert not AccessToken.objects.exists()
    assert chain(SYSTEM_CHAIN) == [("sign_in.refused", "anonymous", "api")]


@pytest.mark.django_db
def test_a_closed_program_gets_nothing_and_its_token_dies(client):
    program_id = register()
    token = post(client, assertion(claims(program_id))).json()["access_token"]

    Program.objects.filter(pk=program_id).update(active=False)

    assert post(client, assertion(claims(program_id))).status_code == 401
    assert whoami(client, token).status_code == 401


@pytest.mark.django_db
def test_an_assertion_serves_once(client):
    signed = assertion(claims(register()))

    assert post(client, signed).status_code == 200
    assert post(client, signed).json() == {"error": "invalid_client"}


def test_of_twenty_simultaneous_uses_of_an_assertion_one_gets_a_token(real_database):
    signed = assertion(claims(register()))

    results = race(20, lambda: programs.token(signed, at=timezone.now()))

    assert results.count("") == 1
    assert results.count("InvalidClient") == 19


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "other"}, "invalid_client"),
        ({"client_assertion": ""}, "invalid_client"),
        ({"scope": ["feed.write", "feed.status"]}, "invalid_request"),
    ],
)
def test_a_wrong_request_has_the_error_of_the_standard(client, form, error):
    answer = post(client, assertion(claims(register())), **form)

    assert answer.json() == {"error": error}
    assert answer.status_code == (401 if error == "invalid_client" else 400)


@pytest.mark.django_db
def test_only_forms_are_read_and_only_json_is_answered(client):
    answer = client.post(
        "/oauth/token", "{}", content_type="application/json", headers={"Accept": "text/html"}
    )

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    assert answer["Content-Type"] == "application/json"
    assert client.get("/oauth/token").status_code == 405


@pytest.mark.django_db
def test_a_token_is_kept_as_a_digest(client):
    value = post(client, assertion(claims(register()))).json()["access_token"]

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(t)::text FROM accounts_accesstoken t")
        kept = cursor.fetchone()[0]

    assert value not in kept
    assert value.encode().hex() not in kept


@pytest.mark.django_db
def test_a_token_ends(client):
    value = post(client, assertion(claims(register()))).json()["access_token"]

    with pytest.raises(programs.InvalidToken):
        programs.program_of(value, at=timezone.now() + timedelta(seconds=301))

    programs.forget_old(at=timezone.now() + timedelta(minutes=10))
    assert not AccessToken.objects.exists()


@pytest.mark.django_db
def test_nobody_is_told_only_that_a_token_is_wanted(client):
    answer = client.get("/api/whoami")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="dmp"'
    assert answer.json() == {}
    refused = whoami(client, "invented")
    assert refused.json() == {"error": "invalid_token"}
    assert 'error="invalid_token"' in refused["WWW-Authenticate"]


@pytest.mark.django_db
def test_a_session_is_nobody_for_programs(client):
    from accounts import signing_in
    from tests.accounts.people import open_camille, visit

    request = visit()
    signing_in.after_opening(request, open_camille().user_id, at=timezone.now())
    request.session.save()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = request.session.session_key

    assert client.get("/api/whoami").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    "offered",
    [
        KeySet([ELLIPTIC]).as_dict(private=True),
        {"keys": []},
        {"keys": [OctKey.generate_key(256).as_dict()]},
        {},
    ],
)
def test_only_public_keys_make_a_program_known(offered):
    with pytest.raises(ValueError):
        register(keys=offered)


WEAK = {
    "1,024 bits": lambda: RSAKey.generate_key(1024),
    "1,536 bits": lambda: RSAKey.generate_key(1536),
    "an exponent of three": tiny_exponent,
    "another curve": lambda: ECKey.generate_key("P-521"),
    "the curve of coins": lambda: ECKey.generate_key("secp256k1"),
    "another kind": lambda: OKPKey.generate_key("Ed25519"),
}


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("weak", WEAK.values(), ids=WEAK)
def test_a_weak_key_makes_no_program_known_even_among_strong_ones(weak):
    for keys in ([weak()], [ELLIPTIC, weak()]):
        with pytest.raises(ValueError, match="nothing else"):
            register(keys=KeySet(keys).as_dict(private=False))


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_weak_key_registered_when_such_were_taken_proves_nothing_any_more(client, monkeypatch):
    weak = RSAKey.generate_key(1024, {"kid": "weak"})
    with monkeypatch.context() as earlier:
        earlier.setattr(programs, "strong", lambda key: True)
        program_id = register(keys=KeySet([weak]).as_dict(private=False))

    assert post(client, assertion(claims(program_id), weak, "RS384")).status_code == 401


@pytest.mark.django_db
def test_an_unknown_scope_is_given_to_nobody():
    with pytest.raises(ValueError):
        register(scopes=("dossiers.read",))


def test_a_view_that_says_nothing_of_its_visitors_serves_programs_only(rf):
    class Forgetful(APIView):
        def get(self, request):
            return Response("served")

    assert Forgetful.as_view()(rf.get("/")).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("ended", ["token", "program"])
def test_a_token_that_has_ended_passes_no_gate_even_by_a_request_that_had_shown_it(ended):
    program_id, at = register(), timezone.now()
    token = programs.token(assertion(claims(program_id)), at=at)
    actor = programs.program_of(token.value, at=at).actor
    with pytest.raises(gate.Refused) as before, gate.admitted(actor, Action.SEARCH, Register(), at=at):
        pass

    if ended == "token":
        AccessToken.objects.all().delete()
    else:
        Program.objects.update(active=False)

    with pytest.raises(gate.Refused) as after, gate.admitted(actor, Action.SEARCH, Register(), at=at):
        pass
    assert [one.value.decision.reason for one in (before, after)] == [Reason.NO_GROUND, Reason.SIGNED_OUT]
