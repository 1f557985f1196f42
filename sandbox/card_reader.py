"""The reader on a counter: which cartes Vitale one may insert, and what the reader attests of each."""

import json
import time
from functools import cache
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from joserfc import jws

from sandbox.keys import reader_key
from sandbox.population import CAST, Person
from sandbox.wire import Malformed, body, refusal, text

FIRST_CARD = 16  # younger people stand on a parent's card


@cache
def _cards() -> dict[str, Person]:
    today = timezone.localdate()
    return {p.slug: p for p in CAST if p.died_on is None and p.age_on(today) >= FIRST_CARD}


@require_GET
def cards(request: HttpRequest) -> JsonResponse:
    listed = [
        {"id": slug, "libelle": f"Carte Vitale de {person.name}, {person.birth_date_said}"}
        for slug, person in _cards().items()
    ]
    return JsonResponse({"cartes": listed})


@require_POST
def read(request: HttpRequest) -> JsonResponse:
    """What the chip says, signed by the reader with the caller's nonce and the instant."""
    try:
        told = body(request)
        card, nonce = text(told, "carte"), text(told, "nonce")
    except Malformed as error:
        return refusal(400, "bad_request", str(error))
    if not 16 <= len(nonce) <= 200:
        return refusal(400, "bad_request", "A nonce has 16 to 200 characters.")
    person = _cards().get(card)
    if person is None:
        return refusal(404, "no_card", "This card left the reader.")
    return JsonResponse({"lecture": attested(person, nonce)})


@require_GET
def jwks(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"keys": [reader_key().as_dict(private=False) | {"use": "sig", "alg": "ES256"}]})


def attested(person: Person, nonce: str) -> str:
    oid, value = person.ins
    claims = {
        "iss": f"{settings.HERE}/lecteur",
        "iat": int(time.time()),
        "jti": str(uuid4()),
        "nonce": nonce,
        "ins": {"oid": oid, "valeur": value},
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
