"""Signing in with Pro Santé Connect: OpenID Connect, authorisation code, PKCE S256, state and nonce.

Authlib speaks OAuth, joserfc verifies signatures, our outbound carries both. A professional then
says in which of their situations they act.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from django.conf import settings
from django.http import HttpRequest

from . import directory, outbound, signing_in, userinfo
from .actors import Actor, Authentication, Capacity
from .directory import PracticeKnown
from .issuer_keys import BadSignature, IssuerKeys
from .jwt_claims import BadClaims, claims_of, seconds
from .professions import said
from .userinfo import BadUserinfo

SCOPE = "openid scope_all"
ASSURANCE = "eidas1"
ENOUGH_ASSURANCE = frozenset({"eidas1", "eidas2", "eidas3"})
ALGORITHMS = ["RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512"]
CLOCKS_DIFFER = timedelta(seconds=30)
TOKEN_IS_FRESH = timedelta(minutes=5)
STARTED_FOR = timedelta(minutes=15)
DISCOVERY_KEPT_SECONDS = 600.0
MOST_BYTES = 1_000_000
MOST_AT_ONCE = 5  # sign-ins under way in one browser: a sixth takes the place of the oldest
_STARTED, _PROVED = "psc_started", "psc_proved"


class NothingAwaited(Exception):
    """An answer to nothing that this browser asked: reloaded, forged, or much too late."""


class SignInRefused(Exception):
    """Nobody signed in; `str` is the sentence to show, `code` says why to the log; `silent` when it is
    nobody's doing: the provider does not answer."""

    def __init__(self, sentence: str, code: str, *, silent: bool = False) -> None:
        super().__init__(sentence)
        self.code, self.silent = code, silent


@dataclass(frozen=True, slots=True)
class PracticeChoice:
    """One situation the professional may act in."""

    index: int
    profession: str
    profession_label: str
    specialty: str
    structure: str


@dataclass(frozen=True, slots=True)
class Returned:
    """Who comes back: the situations to choose from, none when they are in already, and the page wished
    for."""

    choices: tuple[PracticeChoice, ...]
    wished: str


@dataclass(frozen=True, slots=True)
class Provider:
    """What the issuer publishes of itself."""

    issuer: str
    authorization: str
    token: str
    userinfo: str
    keys: IssuerKeys


def return_address() -> str:
    return f"{settings.DMP_BASE_URL}/pro/psc/retour/"


# Going and coming back ------------------------------------------------------------------------


def start(request: HttpRequest, *, wished: str = "", at: datetime) -> str:
    """The address to send the professional to; `wished` is where they want to go afterwards.

    Several may be under way in one browser, in several tabs. Raises SignInRefused when nobody answers there.
    """
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    url, state = _client().create_authorization_url(
        _provider().authorization, code_verifier=verifier, nonce=nonce, acr_values=ASSURANCE
    )
    begun = {
        "nonce": nonce,
        "verifier": verifier,
        "wished": wished,
        "until": (at + STARTED_FOR).isoformat(),
    }
    under_way = [*request.session.get(_STARTED, {}).items(), (state, begun)]
    request.session[_STARTED] = dict(under_way[-MOST_AT_ONCE:])
    return url


def finish(request: HttpRequest, *, at: datetime) -> Returned:
    """Take the professional back from Pro Santé Connect: who they are is proved, the situation in
    which they act is still to choose. Raises NothingAwaited, which takes nothing from what is under way, and
    SignInRefused."""
    started = _started(request)
    code = _code_of(request, started, at)
    try:
        told = _proved(code, started, at)
    except (outbound.Unreachable, OAuth2Error) as error:
        raise _silent(error) from None
    except (BadSignature, BadClaims, _NotProved):
        raise SignInRefused(
            "Pro Santé Connect n’a pas prouvé qui vous êtes : recommencez.", "proof"
        ) from None
    except BadUserinfo as error:
        raise SignInRefused(str(error), "userinfo") from None
    known = directory.learn(told, at=at)
    if known.struck_off:
        raise SignInRefused(
            "Le répertoire ne vous connaît plus comme professionnel en exercice : appelez votre ordre.",
            "struck_off",
        )
    if request.actor.capacity is Capacity.PROFESSIONAL and request.actor.id == known.id:
        return Returned((), started["wished"])
    request.session.cycle_key()
    request.session[_PROVED] = {
        "id": str(known.id),
        "name": known.name,
        "civility": known.civility,
        "practices": [
            [p.profession, p.specialty, str(p.structure_id or ""), p.structure] for p in known.practices
        ],
        "wished": started["wished"],
        "until": (at + STARTED_FOR).isoformat(),
    }
    return Returned(choices(request), started["wished"])


def choices(request: HttpRequest) -> tuple[PracticeChoice, ...]:
    """The situations to choose from; none when nobody is coming back from Pro Santé Connect."""
    proved = request.session.get(_PROVED) or {"practices": []}
    civility = proved.get("civility", "")
    return tuple(
        PracticeChoice(index, profession, _begun(said(profession, civility)), specialty, structure)
        for index, (profession, specialty, _, structure) in enumerate(proved["practices"])
    )


def _begun(words: str) -> str:
    """As they begin a line."""
    return words[:1].upper() + words[1:]


def choose_practice(request: HttpRequest, index: int, *, at: datetime) -> Actor:
    """Enter in one of the situations. Raises SignInRefused."""
    proved = request.session.get(_PROVED)
    if not proved or datetime.fromisoformat(proved["until"]) <= at:
        raise SignInRefused("La connexion a pris trop de temps : recommencez.", "late")
    if not 0 <= index < len(proved["practices"]):
        raise SignInRefused("Choisissez une de vos situations d’exercice.", "no_such_practice")
    profession, specialty, structure_id, structure = proved["practices"][index]
    professional_id, under_way = UUID(proved["id"]), request.session.get(_STARTED, {})
    practice = PracticeKnown(profession, specialty, UUID(structure_id) if structure_id else None, structure)
    actor = directory.professional_acting(
        professional_id,
        proved["name"],
        practice,
        authentication=Authentication.PRO_SANTE_CONNECT,
        civility=proved.get("civility", ""),
    )
    request.session.flush()
    signing_in.enter(request, actor, owner_id=professional_id, at=at)
    request.session[_STARTED] = under_way  # the other tabs come back too
    return actor


def wished_page(request: HttpRequest) -> str:
    """The page that whoever comes back wished for; nothing when nobody does."""
    return str((request.session.get(_PROVED) or {}).get("wished", ""))


# Proof ----------------------------------------------------------------------------------------


class _NotProved(Exception):
    pass


def _started(request: HttpRequest) -> dict[str, Any]:
    """What this browser asked under the state of the answer: asked once, answered once. Another state takes
    nothing away, so that a page elsewhere cannot spoil what is under way."""
    under_way = dict(request.session.get(_STARTED, {}))
    started = under_way.pop(request.GET.get("state", ""), None)
    if started is None:
        raise NothingAwaited
    request.session[_STARTED] = under_way
    return dict(started)


def _code_of(request: HttpRequest, started: dict[str, Any], at: datetime) -> str:
    """The code of the answer."""
    if datetime.fromisoformat(started["until"]) <= at:
        raise SignInRefused("La connexion a pris trop de temps : recommencez.", "late")
    if request.GET.get("iss", settings.DMP_PSC_ISSUER) != settings.DMP_PSC_ISSUER:
        raise SignInRefused("Cette réponse ne vient pas de Pro Santé Connect : recommencez.", "issuer")
    if not (code := request.GET.get("code")):
        raise SignInRefused("Vous n’avez pas terminé la connexion avec Pro Santé Connect.", "cancelled")
    return code


def _proved(code: str, started: dict[str, Any], at: datetime) -> userinfo.ProfessionalTold:
    provider = _provider()
    tokens = _client().fetch_token(
        provider.token, grant_type="authorization_code", code=code, code_verifier=started["verifier"]
    )
    access_token, id_token = tokens.get("access_token"), tokens.get("id_token")
    if not isinstance(access_token, str) or not isinstance(id_token, str):
        raise _NotProved
    header, payload = provider.keys.verified(id_token, ALGORITHMS)
    claims = claims_of(payload)
    check_claims(claims, issuer=provider.issuer, nonce=started["nonce"], at=at)
    if "at_hash" in claims and claims["at_hash"] != _half_hash(access_token, header["alg"]):
        raise _NotProved
    answer = outbound.call(
        "GET", provider.userinfo, headers={"Authorization": f"Bearer {access_token}"}, most=MOST_BYTES
    )
    if answer.status != 200:
        raise outbound.Unreachable(f"userinfo.status_{answer.status}")
    told = answer.json()
    if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
        raise _NotProved  # OpenID Connect Core, 5.3.2: both speak of one person
    return userinfo.read(told)


def check_claims(claims: dict[str, Any], *, issuer: str, nonce: str, at: datetime) -> None:
    """OpenID Connect Core, 3.1.3.7, and the assurance asked for. Raises when anything is amiss."""
    client, audience = settings.DMP_PSC_CLIENT_ID, claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    issued, expires = seconds(claims, "iat"), seconds(claims, "exp")
    given = claims.get("nonce")
    proved = (
        claims.get("iss") == issuer
        and client in audiences
        and (len(audiences) == 1 or claims.get("azp") == client)
        and claims.get("azp", client) == client
        and expires > at - CLOCKS_DIFFER
        and at - TOKEN_IS_FRESH <= issued <= at + CLOCKS_DIFFER
        and isinstance(given, str)
        and hmac.compare_digest(given.encode(), nonce.encode())
        and claims.get("acr") in ENOUGH_ASSURANCE
        and isinstance(claims.get("sub"), str)
        and claims["sub"] != ""
    )
    if not proved:
        raise _NotProved


def _half_hash(access_token: str, algorithm: str) -> str:
    digest = hashlib.new(f"sha{algorithm[-3:]}", access_token.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


# The provider ---------------------------------------------------------------------------------


def _provider() -> Provider:
    try:
        return _discovered(settings.DMP_PSC_ISSUER, int(time.monotonic() // DISCOVERY_KEPT_SECONDS))
    except outbound.Unreachable as error:
        raise _silent(error) from None


@lru_cache(maxsize=4)
def _discovered(issuer: str, _while: int) -> Provider:
    """What the issuer publishes, asked again every ten minutes."""
    answer = outbound.call(
        "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration", most=MOST_BYTES, read_seconds=5.0
    )
    if answer.status != 200:
        raise outbound.Unreachable(f"discovery.status_{answer.status}")
    told = answer.json()
    try:
        if told["issuer"] != issuer:
            raise outbound.Unreachable("discovery.another_issuer")
        return Provider(
            issuer,
            str(told["authorization_endpoint"]),
            str(told["token_endpoint"]),
            str(told["userinfo_endpoint"]),
            _keys(str(told["jwks_uri"])),
        )
    except (KeyError, TypeError):
        raise outbound.Unreachable("discovery.not_understood") from None


@lru_cache(maxsize=4)
def _keys(url: str) -> IssuerKeys:
    return IssuerKeys(url)


def _silent(error: Exception) -> SignInRefused:
    unreachable = isinstance(error, outbound.Unreachable)
    code = error.code if isinstance(error, outbound.Unreachable) else "token_refused"
    sentence = "Pro Santé Connect ne répond pas : recommencez dans un moment."
    return SignInRefused(sentence, code, silent=unreachable)


def _client() -> OAuth2Client:
    return OAuth2Client(
        _Carrier(),
        client_id=settings.DMP_PSC_CLIENT_ID,
        client_secret=settings.DMP_PSC_CLIENT_SECRET,
        token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a method
        scope=SCOPE,
        redirect_uri=return_address(),
        code_challenge_method="S256",
    )


class _Carrier:
    """The session Authlib posts with: our own way out, its limits and its refusals."""

    def post(self, url: str, *, data: dict[str, str], headers: dict[str, str], auth: Any) -> "_Carried":
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _Carried(outbound.call("POST", url, headers=headers, data=body, most=MOST_BYTES))


@dataclass(frozen=True, slots=True)
class _Carried:
    """An answer as Authlib reads one."""

    answer: outbound.Answer

    @property
    def status_code(self) -> int:
        return self.answer.status

    def json(self) -> Any:
        return json.loads(self.answer.body)

    def raise_for_status(self) -> None:
        if self.answer.status >= 400:
            raise outbound.Unreachable(f"token.status_{self.answer.status}")
