"""The readers on counters: which cartes Vitale lie at each post, and what its reader attests of each."""

import json
import time
from dataclasses import dataclass
from functools import cache
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET, require_POST
from joserfc import jws

from sandbox.days import today
from sandbox.keys import reader_key
from sandbox.memory import Memory
from sandbox.newcomers import newcomers
from sandbox.population import CABINET, CARDIOLOGY, CAST, HOSPITAL, PHARMACY, ROY, Person
from sandbox.wire import Malformed, body, refusal, text

FIRST_CARD = 16  # younger people stand on a parent's card


@dataclass(frozen=True, slots=True)
class Post:
    """A counter with its reader, in one structure of the demonstration."""

    id: str
    structure: str  # its number, as the directory writes it
    label: str
    where: str


POSTS = (
    Post("cpam-1", ROY.siret, "Guichet 1", ROY.employer),
    Post("pharmacie-1", f"F{PHARMACY.finess}", "Comptoir", PHARMACY.name),
    *(
        Post(f"{place.finess}-1", f"F{place.finess}", "Accueil", place.name)
        for place in (CABINET, HOSPITAL, CARDIOLOGY)
    ),
)
NEWCOMERS = "nouveau"  # put in a reader: the cards of whoever comes
LENT = {"cpam-1", "pharmacie-1"}  # where the cards of the whole cast lie at first


@cache
def _cards() -> dict[str, Person]:
    day = today()
    return {p.slug: p for p in CAST if p.died_on is None and p.age_on(day) >= FIRST_CARD}


class Readers:
    """Which cards lie at each post: at two of them those of the cast, then of whoever comes next, unless
    somebody put one card there."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def at(self, post_id: str) -> dict[str, Person]:
        put = self._memory.read().get(post_id)
        if put is None:
            return _cards() | newcomers().cards() if post_id in LENT else {}
        held = {slug: _cards()[slug] for slug in put if slug in _cards()}
        return held | newcomers().cards() if NEWCOMERS in put else held

    def put(self, slug: str, post_id: str) -> None:
        """The one card in the reader of this post, from now on."""
        self._memory.write({**self._memory.read(), post_id: [slug]})


@cache
def readers() -> Readers:
    return Readers(Memory(settings.MEMORY, "readers", {}))


@require_GET
def posts(request: HttpRequest) -> JsonResponse:
    """The posts of a structure, by its number; nobody else's."""
    number = request.GET.get("structure", "")
    listed = [{"id": post.id, "libelle": post.label} for post in POSTS if post.structure == number]
    return JsonResponse({"postes": listed})


@require_GET
def cards(request: HttpRequest, post_id: str) -> JsonResponse:
    listed = [
        {"id": slug, "libelle": f"Carte Vitale de {person.name}, {person.birth_date_said}"}
        for slug, person in readers().at(post_id).items()
    ]
    return JsonResponse({"cartes": listed})


@require_POST
def read(request: HttpRequest, post_id: str) -> JsonResponse:
    """What the chip says, signed by the reader with the caller's nonce, the post and the instant."""
    try:
        told = body(request)
        card, nonce = text(told, "carte"), text(told, "nonce")
    except Malformed as error:
        return refusal(400, "bad_request", str(error))
    if not 16 <= len(nonce) <= 200:
        return refusal(400, "bad_request", "A nonce has 16 to 200 characters.")
    person = readers().at(post_id).get(card)
    if person is None:
        return refusal(404, "no_card", "This card left the reader.")
    newcomers().received(card)
    return JsonResponse({"lecture": attested(person, nonce, post_id)})


@require_GET
def jwks(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"keys": [reader_key().as_dict(private=False) | {"use": "sig", "alg": "ES256"}]})


def attested(person: Person, nonce: str, post_id: str) -> str:
    oid, value = person.ins
    claims = {
        "iss": f"{settings.HERE}/lecteur",
        "iat": int(time.time()),
        "jti": str(uuid4()),
        "nonce": nonce,
        "poste": post_id,
        "ins": {"oid": oid, "valeur": value},
        "ins_anciens": [{"oid": oid, "valeur": value} for oid, value in person.former],
        "traits": {
            "nom_naissance": person.birth_name,
            "nom_utilise": person.used_name,
            "prenoms": list(person.given_names),
            "sexe": person.sex,
            "date_naissance": person.birth_date,
            "lieu_naissance": person.birth_place,
        },
        "serie_vitale": person.vitale_serial,
    }
    header = {"alg": "ES256", "kid": reader_key().kid, "typ": "vitale+jwt"}
    return jws.serialize_compact(header, json.dumps(claims, ensure_ascii=False), reader_key())
