"""The readers of cartes Vitale, one on each post of a structure: they sign what they have read, so that
nobody can type a card, and say on which post, so that nobody reads a card at another's counter.

One gateway (`DMP_READER_URL`) knows the posts of every structure, by the structure's number.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.conf import settings

from . import outbound
from .identity import BadNumber, BirthDate, Ins, former_numbers, parse_ins
from .issuer_keys import BadSignature, IssuerKeys
from .paris import paris_day
from .traits import Traits, told_name

FRESH = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(seconds=30)
MOST_BYTES = 100_000
ALGORITHMS = ["ES256", "ES384"]


class ReaderUnreachable(Exception):
    def __str__(self) -> str:
        return "Le lecteur de cartes ne répond pas : vérifiez qu’il est branché, puis recommencez."


class CardNotRead(Exception):
    """The card left, or the reading is not one that can be trusted."""

    def __str__(self) -> str:
        return "La carte Vitale n’a pas été lue : remettez-la dans le lecteur, puis recommencez."


class NoSuchPost(Exception):
    """This structure has no such post: its reader is somebody else's."""

    def __str__(self) -> str:
        return "Ce poste n’est pas de votre structure : choisissez le vôtre."


@dataclass(frozen=True, slots=True)
class Post:
    """A counter with its reader, in one structure."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class CardInReader:
    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReading:
    """What a carte Vitale says of its holder, certified, at an instant, on one post."""

    ins: Ins
    traits: Traits
    vitale_serial: str
    read_at: datetime
    former: tuple[Ins, ...] = ()  # the numbers that they had before


def posts(structure: str) -> list[Post]:
    """The posts of a structure, by its number; none for no structure. Raises ReaderUnreachable."""
    if not structure:
        return []
    body = _ask("GET", f"/postes?structure={quote(structure, safe='')}")
    try:
        return [Post(str(post["id"]), str(post["libelle"])) for post in body["postes"]]
    except (KeyError, TypeError):
        raise ReaderUnreachable from None


def cards(post_id: str, *, structure: str) -> list[CardInReader]:
    """The cards in the reader of this post now. Raises ReaderUnreachable, NoSuchPost."""
    _of_this_structure(post_id, structure)
    body = _ask("GET", f"/postes/{quote(post_id, safe='')}/cartes")
    try:
        return [CardInReader(str(card["id"]), str(card["libelle"])) for card in body["cartes"]]
    except (KeyError, TypeError):
        raise ReaderUnreachable from None


def read(card_id: str, *, post_id: str, structure: str, at: datetime | None = None) -> CardReading:
    """Read one card on one post. Raises CardNotRead, ReaderUnreachable, NoSuchPost."""
    _of_this_structure(post_id, structure)
    nonce = secrets.token_urlsafe(24)
    path = f"/postes/{quote(post_id, safe='')}/lectures"
    told = _ask("POST", path, {"carte": card_id, "nonce": nonce})
    try:
        _, payload = _keys(settings.DMP_READER_JWKS_URL).verified(str(told["lecture"]), ALGORITHMS)
        return reading(json.loads(payload), nonce=nonce, post_id=post_id, at=at or datetime.now(UTC))
    except outbound.Unreachable:
        raise ReaderUnreachable from None
    except (BadSignature, BadNumber, KeyError, TypeError, ValueError, RecursionError):
        raise CardNotRead from None


def _of_this_structure(post_id: str, structure: str) -> None:
    if post_id not in {post.id for post in posts(structure)}:
        raise NoSuchPost


def reading(claims: dict[str, Any], *, nonce: str, post_id: str, at: datetime) -> CardReading:
    """The reading that signed claims tell. Raises CardNotRead when it answers another question, was made on
    another post or is old, and KeyError, TypeError, ValueError when it is no reading at all."""
    read_at = datetime.fromtimestamp(claims["iat"], UTC)
    if claims["nonce"] != nonce or claims["poste"] != post_id:
        raise CardNotRead
    if not -CLOCKS_DIFFER <= at - read_at <= FRESH:
        raise CardNotRead
    told = claims["traits"]
    traits = Traits(
        birth_name=told_name(told["nom_naissance"]),
        given_names=tuple(filter(None, map(told_name, told["prenoms"] or ()))),
        used_name=told.get("nom_utilise") or None,
        sex=str(told["sexe"]),
        birth_date=str(told["date_naissance"]),
        birth_place=told.get("lieu_naissance") or None,
    )
    BirthDate.parse(traits.birth_date, on=paris_day(read_at))
    if traits.sex not in ("F", "M"):
        raise CardNotRead
    ins = parse_ins(str(claims["ins"]["oid"]), str(claims["ins"]["valeur"]), settings.DMP_INS_OIDS)
    return CardReading(
        ins=ins,
        traits=traits,
        vitale_serial=str(claims["serie_vitale"]),
        read_at=read_at,
        former=former_numbers(claims.get("ins_anciens"), of=ins, installation=settings.DMP_INS_OIDS),
    )


def _ask(method: str, path: str, body: Any = None) -> Any:
    try:
        answer = outbound.call(method, settings.DMP_READER_URL + path, json=body, most=MOST_BYTES)
        if answer.status == 404:
            raise CardNotRead
        if answer.status != 200:
            raise ReaderUnreachable
        return answer.json()
    except outbound.Unreachable:
        raise ReaderUnreachable from None


@lru_cache(maxsize=4)
def _keys(url: str) -> IssuerKeys:
    return IssuerKeys(url)
