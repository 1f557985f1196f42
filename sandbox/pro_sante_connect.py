"""Pro Santé Connect: an OpenID provider that checks what the real one checks, and lets one pick who to be.

Authorization code with PKCE S256 and a nonce, both compulsory; a code serves once; RS256 identity tokens.
"""

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Generic, TypeVar
from urllib.parse import unquote_plus, urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from joserfc import jwt
from joserfc.errors import JoseError

from sandbox import userinfo
from sandbox.keys import provider_key
from sandbox.population import PROFESSIONALS, Professional, professionals_by_slug
from sandbox.wire import bearer, refusal, same

CODE_LASTS = 60
ACCESS_LASTS = 300
IDENTITY_LASTS = 300
ASSURANCE = "eidas1"
RETURN_PATH = "/pro/psc/retour/"

Held = TypeVar("Held")


class Once(Generic[Held]):
    """Things kept under a random name for a while, in memory."""

    def __init__(self, lasts: float) -> None:
        self._lasts = lasts
        self._lock = Lock()
        self._held: dict[str, tuple[float, Held]] = {}

    def keep(self, thing: Held) -> str:
        now, name = time.monotonic(), secrets.token_urlsafe(32)
        with self._lock:
            self._held = {key: kept for key, kept in self._held.items() if kept[0] > now}
            self._held[name] = now + self._lasts, thing
        return name

    def look(self, name: str) -> Held | None:
        with self._lock:
            until, thing = self._held.get(name, (0.0, None))
        return thing if until > time.monotonic() else None

    def drop(self, name: str) -> None:
        with self._lock:
            self._held.pop(name, None)


@dataclass(slots=True)
class Grant:
    """What was agreed on the authorisation page, until the code is exchanged."""

    professional: Professional
    redirect_uri: str
    challenge: str
    nonce: str
    session: str
    authenticated_at: int
    tokens: list[str] = field(default_factory=list)  # filled when the code is used: revoked if it comes back


@cache
def codes() -> Once[Grant]:
    return Once(CODE_LASTS)


@cache
def access_tokens() -> Once[Professional]:
    return Once(ACCESS_LASTS)


_exchanging = Lock()


def issuer() -> str:
    return f"{settings.HERE}/psc"


def return_address() -> str:
    """The only place codes are sent back to."""
    return f"{settings.SERVICE_URL}{RETURN_PATH}"


@require_GET
def discovery(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "issuer": issuer(),
            "authorization_endpoint": f"{issuer()}/authorize",
            "token_endpoint": f"{issuer()}/token",
            "userinfo_endpoint": f"{issuer()}/userinfo",
            "jwks_uri": f"{issuer()}/certs",
            "end_session_endpoint": f"{issuer()}/logout",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "scope_all"],
            "acr_values_supported": [ASSURANCE],
            "claims_supported": ["aud", "sub", "iss", "auth_time", "acr", "nonce", "sid"],
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }
    )


@require_GET
def certs(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"keys": [provider_key().as_dict(private=False) | {"use": "sig", "alg": "RS256"}]})


@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Asks who signs in, then sends the browser back with a code."""
    asked = request.GET
    if asked.get("client_id") != settings.PSC_CLIENT_ID or asked.get("redirect_uri") != return_address():
        # Neither the client nor the way back is known: nobody to send this answer to.
        return render(request, "sandbox/psc_error.html", status=400)
    if fault := _fault(asked.get):
        return _back(asked, error=fault[0], error_description=fault[1])
    if request.method == "GET":
        return render(request, "sandbox/psc_authorize.html", {"professionals": PROFESSIONALS})

    professional = professionals_by_slug().get(request.POST.get("professional", ""))
    if professional is None:
        return _back(asked, error="access_denied", error_description="The professional gave up.")
    code = codes().keep(
        Grant(
            professional=professional,
            redirect_uri=asked["redirect_uri"],
            challenge=asked["code_challenge"],
            nonce=asked["nonce"],
            session=secrets.token_urlsafe(16),
            authenticated_at=int(time.time()),
        )
    )
    return _back(asked, code=code)


@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """Exchanges a code, once, for an access token and a signed identity."""
    if not _is_our_client(request):
        return refusal(
            401, "invalid_client", "Unknown client or secret.", WWW_Authenticate='Basic realm="psc"'
        )
    if request.POST.get("grant_type") != "authorization_code":
        return refusal(400, "unsupported_grant_type", "Only authorization_code.")

    with _exchanging:
        code = request.POST.get("code", "")
        grant = codes().look(code)
        if grant is None:
            return refusal(400, "invalid_grant", "Unknown or expired code.")
        if grant.tokens:
            # RFC 6749 §4.1.2: a code that comes back may have been stolen; what it gave is taken away.
            codes().drop(code)
            for name in grant.tokens:
                access_tokens().drop(name)
            return refusal(400, "invalid_grant", "This code was used already.")
        if request.POST.get("redirect_uri") != grant.redirect_uri:
            return refusal(
                400, "invalid_grant", "The redirect_uri differs from the one of the authorization."
            )
        if not _proves(request.POST.get("code_verifier", ""), grant.challenge):
            codes().drop(code)
            return refusal(400, "invalid_grant", "The code_verifier does not match the code_challenge.")
        access = access_tokens().keep(grant.professional)
        grant.tokens.append(access)

    return JsonResponse(
        {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": ACCESS_LASTS,
            "scope": "openid scope_all",
            "id_token": _identity(grant, access),
        },
        headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
    )


@require_http_methods(["GET", "POST"])
def who(request: HttpRequest) -> HttpResponse:
    professional = access_tokens().look(bearer(request))
    if professional is None:
        return refusal(
            401, "invalid_token", "Unknown or expired token.", WWW_Authenticate='Bearer error="invalid_token"'
        )
    return JsonResponse(userinfo.told(professional), json_dumps_params={"ensure_ascii": False})


@require_http_methods(["GET", "POST"])
def logout(request: HttpRequest) -> HttpResponse:
    """Ends the session here; goes back to the service when it shows an identity token of ours."""
    asked = request.GET if request.method == "GET" else request.POST
    back = asked.get("post_logout_redirect_uri", "")
    if not (back.startswith(f"{settings.SERVICE_URL}/") and _is_ours(asked.get("id_token_hint", ""))):
        return render(request, "sandbox/psc_logged_out.html")
    state = asked.get("state")
    return HttpResponseRedirect(f"{back}?{urlencode({'state': state})}" if state else back)


def _fault(asked: Callable[[str, str], str]) -> tuple[str, str] | None:
    """What is wrong with an authorization request, as OAuth names it."""
    rules = (
        (asked("response_type", "") == "code", "unsupported_response_type", "Only response_type=code."),
        ("openid" in asked("scope", "").split(), "invalid_scope", "The scope lacks openid."),
        (bool(asked("state", "")), "invalid_request", "state is missing."),
        (bool(asked("nonce", "")), "invalid_request", "nonce is missing."),
        (asked("code_challenge_method", "") == "S256", "invalid_request", "PKCE with S256 is compulsory."),
        (
            _is_challenge(asked("code_challenge", "")),
            "invalid_request",
            "The code_challenge is not a SHA-256.",
        ),
    )
    return next(((error, sentence) for holds, error, sentence in rules if not holds), None)


def _back(asked, **answer: str) -> HttpResponse:
    told = answer | ({"state": asked["state"]} if asked.get("state") else {}) | {"iss": issuer()}
    return HttpResponseRedirect(f"{asked['redirect_uri']}?{urlencode(told)}")


def _is_our_client(request: HttpRequest) -> bool:
    """client_secret_basic or client_secret_post, never both (RFC 6749 §2.3)."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        if "client_secret" in request.POST:
            return False
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False
        name, secret = unquote_plus(name), unquote_plus(secret)
    else:
        name, secret = request.POST.get("client_id", ""), request.POST.get("client_secret", "")
    known = same(name, settings.PSC_CLIENT_ID)
    return same(secret, settings.PSC_CLIENT_SECRET) and known


def _is_challenge(challenge: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge) is not None


def _proves(verifier: str, challenge: str) -> bool:
    """RFC 7636 §4.6."""
    if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier):
        return False
    return same(_base64url(hashlib.sha256(verifier.encode()).digest()), challenge)


def _identity(grant: Grant, access: str) -> str:
    now = int(time.time())
    claims = {
        "iss": issuer(),
        "aud": settings.PSC_CLIENT_ID,
        "azp": settings.PSC_CLIENT_ID,
        "sub": userinfo.subject(grant.professional),
        "iat": now,
        "exp": now + IDENTITY_LASTS,
        "auth_time": grant.authenticated_at,
        "nonce": grant.nonce,
        "acr": ASSURANCE,
        "sid": grant.session,
        "jti": secrets.token_urlsafe(16),
        "typ": "ID",
        "at_hash": _base64url(hashlib.sha256(access.encode()).digest()[:16]),
        "preferred_username": grant.professional.national_id,
    }
    return jwt.encode({"alg": "RS256", "kid": provider_key().kid, "typ": "JWT"}, claims, provider_key())


def _is_ours(identity_token: str) -> bool:
    """Signed by us for this client; it may have expired (OpenID RP-Initiated Logout §2)."""
    try:
        claims = jwt.decode(identity_token, provider_key(), algorithms=["RS256"]).claims
    except (JoseError, ValueError):
        return False
    return claims.get("aud") == settings.PSC_CLIENT_ID


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
