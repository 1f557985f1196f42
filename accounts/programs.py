"""Programs: they prove themselves with a private key and get a token for five minutes.

SMART Backend Services' `private_key_jwt` (RFC 7523): the assertion is signed, short-lived, addressed
to our token address, and serves once. The token is opaque and kept as a keyed digest.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from audit import ledger
from audit.events import Event
from vault import blind, subjects

from . import models
from .actors import Actor, Authentication, Capacity, Channel, Credential, CredentialKind
from .jwt_claims import BadClaims, claims_of, seconds
from .key_strength import algorithm_of, strong

ALGORITHMS = ["RS384", "ES384", "ES256"]
ASSERTION_LIVES = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(seconds=30)
TOKEN_LIVES = timedelta(seconds=300)
SCOPES = frozenset({"feed.write", "feed.status"})
LONGEST_ASSERTION = 8192
LONGEST_JTI = 255


class InvalidClient(Exception):
    """RFC 6749 §5.2: unknown program, or an assertion that proves nothing. Never says which."""


class InvalidScope(Exception):
    """RFC 6749 §5.2: a scope that was never given to this program."""


class InvalidToken(Exception):
    """RFC 6750 §3.1: unknown, or ended."""


@dataclass(frozen=True, slots=True)
class Token:
    """What the program receives, the only time it exists in clear."""

    value: str
    scopes: tuple[str, ...]
    lives: timedelta


@dataclass(frozen=True, slots=True)
class AuthenticatedProgram:
    actor: Actor
    scopes: tuple[str, ...]
    expires_at: datetime


def token_address() -> str:
    return f"{settings.DMP_BASE_URL}/oauth/token"


def register(
    *,
    name: str,
    keys: dict[str, Any],
    scopes: tuple[str, ...],
    structure_id: UUID | None = None,
    at: datetime,
) -> UUID:
    """Make a program known by its public keys (JWKS); its identifier is its client_id.

    Raises ValueError when a key is private, or of another kind than those we verify. A key without a
    kid is named by its thumbprint (RFC 7638).
    """
    if not scopes or not SCOPES.issuperset(scopes):
        raise ValueError("unknown scopes")
    program_id, house = uuid4(), subjects.system()
    program = models.Program(
        id=program_id,
        structure_id=structure_id,
        sealed=house.seal_json("accounts_program", "sealed", program_id, {"name": name}),
        keys=_public(keys),
        scopes=" ".join(scopes),
        active=True,
        created_at=at,
    )
    program.facts_mac = models.PROGRAM.mac(house, program_id, *_facts(program))
    program.save(force_insert=True)
    return program_id


def close(program_id: UUID) -> bool:
    """Let this program in no more; its tokens end with it. False when it was closed already."""
    with transaction.atomic():
        program = models.Program.objects.select_for_update(of=("self",)).filter(pk=program_id).first()
        if program is None or not program.active:
            return False
        program.active = False
        mac = models.PROGRAM.mac(subjects.system(), program_id, *_facts(program))
        models.Program.objects.filter(pk=program_id).update(active=False, facts_mac=mac)
        models.AccessToken.objects.filter(program_id=program_id).delete()
    return True


def token(assertion: str, *, scope: str = "", client_id: str = "", at: datetime) -> Token:
    """Exchange a signed assertion for a token. Raises InvalidClient, InvalidScope."""
    try:
        return _token(assertion, scope, client_id, at)
    except InvalidClient:
        _trace_a_refusal(at)
        raise


def _token(assertion: str, scope: str, client_id: str, at: datetime) -> Token:
    program, claims = _proved(assertion, at)
    if client_id and client_id != str(program.pk):
        raise InvalidClient
    granted = tuple(program.scopes.split())
    asked = tuple(dict.fromkeys(scope.split())) or granted
    if not set(asked) <= set(granted):
        raise InvalidScope
    value = secrets.token_urlsafe(32)
    with transaction.atomic():
        _use_once(program, claims, at)
        token_mac, scopes, expires_at = _token_mac(value), " ".join(asked), at + TOKEN_LIVES
        models.AccessToken.objects.create(
            token_mac=token_mac,
            program=program,
            scopes=scopes,
            expires_at=expires_at,
            facts_mac=models.ACCESS_TOKEN.mac(subjects.system(), token_mac, program.pk, scopes, expires_at),
        )
        _trace(program, asked, at)
    return Token(value, asked, TOKEN_LIVES)


def program_of(value: str, *, at: datetime) -> AuthenticatedProgram:
    """The program that shows a token. Raises InvalidToken."""
    found = (
        models.AccessToken.objects.select_related("program")
        .filter(token_mac=_token_mac(value), expires_at__gt=at, program__active=True)
        .first()
    )
    if found is None or not _token_holds(found) or not _holds(found.program):
        raise InvalidToken
    credential = Credential(
        kind=CredentialKind.TOKEN, mac=bytes(found.token_mac), account_id=found.program_id
    )
    actor = replace(_actor_of(found.program), credential=credential)
    return AuthenticatedProgram(actor, tuple(found.scopes.split()), found.expires_at)


def forget_old(*, at: datetime) -> None:
    """Tokens that ended, assertions that could not serve again anyway."""
    models.AccessToken.objects.filter(expires_at__lt=at).delete()
    models.UsedAssertion.objects.filter(expires_at__lt=at).delete()


# Inside ---------------------------------------------------------------------------------------


def _facts(program: models.Program) -> tuple[Any, ...]:
    return program.structure_id, program.keys, program.scopes, program.active


def _holds(program: models.Program) -> bool:
    """Whether its keys and what it may do are as they were registered."""
    return models.PROGRAM.holds(subjects.system(), program.facts_mac, program.pk, *_facts(program))


def _token_holds(token: models.AccessToken) -> bool:
    told = token.program_id, token.scopes, token.expires_at
    return models.ACCESS_TOKEN.holds(subjects.system(), token.facts_mac, bytes(token.token_mac), *told)


def _public(keys: dict[str, Any]) -> dict[str, Any]:
    try:
        key_set = KeySet.import_key_set(keys)
    except (JoseError, KeyError, TypeError) as error:
        raise ValueError("not a key set") from error
    for key in key_set.keys:
        if key.is_private:
            raise ValueError("public keys, nothing else")
        if not strong(key):
            raise ValueError("RSA of 2,048 bits or more, P-256 or P-384, nothing else")
    if not key_set.keys:
        raise ValueError("a program has at least one key")
    return key_set.as_dict(private=False)


def _proved(assertion: str, at: datetime) -> tuple[models.Program, dict[str, Any]]:
    if len(assertion) > LONGEST_ASSERTION:
        raise InvalidClient
    try:
        unproved = jws.extract_compact(assertion.encode())
        program = models.Program.objects.get(pk=UUID(claims_of(unproved.payload)["sub"]), active=True)
        if not _holds(program):
            raise InvalidClient
        signed = jws.deserialize_compact(
            assertion.encode(), _key(program, unproved.headers()), algorithms=ALGORITHMS
        )
        claims = claims_of(signed.payload)
        _check(claims, program, at)
    except (
        JoseError,
        BadClaims,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        models.Program.DoesNotExist,
    ):
        raise InvalidClient from None
    return program, claims


def _key(program: models.Program, header: dict[str, Any]) -> Any:
    """The one key the header names, with the algorithm its kind goes with. One that was registered when
    weaker ones were taken proves nothing any more."""
    key = KeySet.import_key_set(program.keys).get_by_kid(header["kid"])
    if algorithm_of(key) != header["alg"]:
        raise InvalidClient
    return key


def _check(claims: dict[str, Any], program: models.Program, at: datetime) -> None:
    expires, jti = seconds(claims, "exp"), claims["jti"]
    audience = claims["aud"]
    addressed = audience == token_address() or audience == [token_address()]
    early = {name for name in ("nbf", "iat") if name in claims and seconds(claims, name) > at + CLOCKS_DIFFER}
    if (
        claims["iss"] != str(program.pk)
        or claims["sub"] != str(program.pk)
        or not addressed
        or not at < expires <= at + ASSERTION_LIVES + CLOCKS_DIFFER
        or early
        or not isinstance(jti, str)
        or not 8 <= len(jti) <= LONGEST_JTI
    ):
        raise InvalidClient


def _use_once(program: models.Program, claims: dict[str, Any], at: datetime) -> None:
    """Of any number of simultaneous uses, the primary key lets one through."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_usedassertion (jti_mac, expires_at) VALUES (%s::bytea, %s::timestamptz)"
            " ON CONFLICT (jti_mac) DO NOTHING",
            [
                blind.keyed_mac("jti", f"{program.pk}|{claims['jti']}".encode()),
                seconds(claims, "exp") + CLOCKS_DIFFER,
            ],
        )
        if cursor.rowcount != 1:
            raise InvalidClient


def _token_mac(value: str) -> bytes:
    return blind.keyed_mac("token", value.encode())


def _actor_of(program: models.Program) -> Actor:
    told = subjects.system().unseal_json("accounts_program", "sealed", program.pk, bytes(program.sealed))
    return Actor(
        capacity=Capacity.PROGRAM,
        id=program.pk,
        name=told["name"],
        structure_id=program.structure_id,
        channel=Channel.API,
        authentication=Authentication.PRIVATE_KEY,
    )


def _trace(program: models.Program, scopes: tuple[str, ...], at: datetime) -> None:
    actor = _actor_of(program)
    event = Event(
        chain=actor.id,
        kind="sign_in",
        at=at,
        actor=actor.told(),
        detail={"scopes": " ".join(scopes)},
        channel=Channel.API.value,
        capacity=Capacity.PROGRAM.value,
        structure=str(program.structure_id or ""),
    )
    ledger.record(event, subjects.system())


def _trace_a_refusal(at: datetime) -> None:
    event = Event(
        chain=ledger.SYSTEM_CHAIN,
        kind="sign_in.refused",
        at=at,
        actor={"capacity": Capacity.ANONYMOUS.value, "id": "program"},
        detail={"reason": "invalid_client"},
        channel=Channel.API.value,
        capacity=Capacity.ANONYMOUS.value,
    )
    with transaction.atomic():
        ledger.refusal(event, subjects.system())
