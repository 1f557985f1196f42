"""The Assurance Maladie: who somebody is, how to reach them, what was reimbursed.

Identity: POST verifications, POST verifications/<id>/codes. Source: POST historiques.
"""

import hashlib
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, wraps
from threading import Lock
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from sandbox import statements
from sandbox.box import LETTER, MAIL, SMS, box
from sandbox.days import today
from sandbox.memory import Memory
from sandbox.newcomers import newcomers
from sandbox.population import MARIE_OF_DIJON, Insurer, Person, by_ins
from sandbox.wire import Malformed, View, body, machine, refusal, text, text_or_nothing

ANSWERS_AFTER = 0.25  # seconds: every verification takes exactly as long, whoever it is about
VERIFICATION_LASTS = timedelta(minutes=30)
MAJORITY = 18
SLOWLY = 6.0
SENDER = "Assurance Maladie"
KNOWN_FOR = 1500  # days, unless the cast says otherwise


@dataclass(frozen=True, slots=True)
class Contact:
    id: str
    channel: str
    value: str
    mask: str
    since: date


@dataclass(frozen=True, slots=True)
class Verification:
    person: Person
    contacts: tuple[Contact, ...]
    until: float


class Verifications:
    """The people recognised in the last half hour, in memory only."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[str, Verification] = {}

    def open(self, person: Person) -> tuple[str, Verification]:
        now = time.monotonic()
        opened = Verification(person, tuple(_contacts(person)), now + VERIFICATION_LASTS.total_seconds())
        identifier = secrets.token_urlsafe(24)
        with self._lock:
            self._open = {key: kept for key, kept in self._open.items() if kept.until > now}
            self._open[identifier] = opened
        return identifier, opened

    def contact(self, identifier: str, contact_id: str) -> Contact | None:
        with self._lock:
            found = self._open.get(identifier)
        if found is None or found.until < time.monotonic():
            return None
        return next((contact for contact in found.contacts if contact.id == contact_id), None)


@cache
def verifications() -> Verifications:
    return Verifications()


def taking(seconds: float) -> Callable[[View], View]:
    """The answer leaves after `seconds`, neither before nor, in practice, later: time tells nothing."""

    def measured(view: View) -> View:
        @wraps(view)
        def unhurried(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
            due = time.monotonic() + seconds
            response = view(request, *args, **named)
            time.sleep(max(0.0, due - time.monotonic()))
            return response

        return unhurried

    return measured


@machine(lambda: settings.HISTORY_TOKEN)
@taking(ANSWERS_AFTER)
def verify(request: HttpRequest) -> HttpResponse:
    """Where this person can be reached, and since when; one and the same 404 for whoever does not match.

    Without a card's serial the service asks about somebody who has a dossier already.
    """
    told = body(request)
    ins = text(told, "ins", "oid"), text(told, "ins", "valeur")
    name, given_name = (text_or_nothing(told, "traits", trait) for trait in ("nom_naissance", "prenom"))
    born = text(told, "traits", "date_naissance")
    serial = text(told, "serie_vitale") if "serie_vitale" in told else None

    person = _insured(ins)
    if person is not None and person.contacts_silent:
        return refusal(503, "unavailable", "Come back later.", Retry_After="600")
    if person is None or not (
        _alike(name, person.birth_name)
        and _alike(given_name, person.given_name)
        and born.replace("-", "") == person.birth_date
        and (serial is None or serial.replace(" ", "") == person.vitale_serial)
        and _may_open_alone(person)
    ):
        return refusal(404, "no_match", "No insured person matches.")

    identifier, opened = verifications().open(person)
    contacts = [
        {
            "id": contact.id,
            "canal": contact.channel,
            "masque": contact.mask,
            "depuis": contact.since.isoformat(),
        }
        for contact in opened.contacts
    ]
    traits = {
        "nom_naissance": person.birth_name,
        "prenoms": list(person.given_names),
        "nom_utilise": person.used_name,
        "sexe": person.sex,
        "date_naissance": person.birth_date,
        "lieu_naissance": person.birth_place,
    }
    numbers = {
        "ins": {"oid": person.ins[0], "valeur": person.ins[1]},
        "ins_anciens": [{"oid": oid, "valeur": value} for oid, value in person.former],
    }
    return JsonResponse({"id": identifier, "contacts": contacts, "traits": traits, **numbers})


OPENING, COUNTER, WAKING = "ouverture", "guichet", "eveil"
DIGITS = {OPENING: 6, COUNTER: 6, WAKING: 9}
SUBJECTS = {
    OPENING: "Votre code pour ouvrir votre DMP",
    COUNTER: "Votre code au guichet",
    WAKING: "Un accès à votre DMP a été demandé",
}


@machine(lambda: settings.HISTORY_TOKEN)
def send_code(request: HttpRequest, verification_id: str) -> HttpResponse:
    """202: the code is on its way to a contact that only the Assurance Maladie knows in clear.

    `usage` says what it is for. At a counter the person has just asked to be reached there: the answer
    confides the contact.
    """
    told = body(request)
    code, use = text(told, "code"), told.get("usage", OPENING)
    if use not in DIGITS:
        return refusal(422, "bad_use", "A code is for an opening, a counter or a waking.")
    if not (len(code) == DIGITS[use] and code.isascii() and code.isdigit()):
        return refusal(422, "bad_code", "A code is six digits, nine to wake an access.")
    contact = verifications().contact(verification_id, text(told, "contact"))
    if contact is None or (use == COUNTER and contact.channel == LETTER):
        return refusal(404, "no_match", "No such contact in this verification.")
    asked_on = _day(text(told, "demande_le")) if use == WAKING else today()
    box().deliver(
        contact.channel,
        to=contact.value,
        sender=SENDER,
        subject="" if contact.channel == SMS else SUBJECTS[use],
        text=_words(code, contact.channel, use, asked_on),
    )
    if use == COUNTER:
        return JsonResponse({"canal": contact.channel, "valeur": contact.value}, status=202)
    return HttpResponse(status=202)


@machine(lambda: settings.HISTORY_TOKEN)
def history(request: HttpRequest) -> HttpResponse:
    """The statement of the care reimbursed since a day, or the way the insurer fails for this person."""
    told = body(request)
    person = _insured((text(told, "ins", "oid"), text(told, "ins", "valeur")))
    since = _day(text(told, "depuis"))
    if person is None:
        return refusal(404, "unknown_person", "No insured person bears this number.")
    if failure := behaviours().failure(person):
        return failure

    content = statement_of(person, behaviours().of(person), since)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if etag in [given.strip() for given in request.headers.get("If-None-Match", "").split(",")]:
        return HttpResponse(status=304, headers={"ETag": etag})
    return HttpResponse(content, content_type="text/xml", headers={"ETag": etag})


class Behaviours:
    """How the insurer answers about each person: as the cast says, unless somebody chose otherwise."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._lock = Lock()
        self._chosen: dict[str, str] = memory.read()
        self._refused: dict[str, int] = {}

    def of(self, person: Person) -> Insurer:
        return Insurer(self._chosen.get(person.slug, person.insurer))

    def choose(self, person: Person, behaviour: Insurer) -> None:
        with self._lock:
            self._chosen = {**self._chosen, person.slug: behaviour.value}
            self._refused.pop(person.slug, None)
            self._memory.write(self._chosen)

    def failure(self, person: Person) -> HttpResponse | None:
        """The answer without a statement that this person gets now, if any."""
        match self.of(person):
            case Insurer.UNKNOWN_PERSON:
                return refusal(404, "unknown_person", "No insured person bears this number.")
            case Insurer.KEY_REFUSED:
                return refusal(401, "invalid_token", "This key is not known.")
            case Insurer.KNOWS_NOTHING:
                return HttpResponse(status=204)
            case Insurer.UNAVAILABLE:
                return refusal(503, "unavailable", "Come back later.", Retry_After="600")
            case Insurer.UNAVAILABLE_TWICE if self._refusals(person) <= 2:
                return refusal(503, "unavailable", "Come back later.", Retry_After="15")
            case Insurer.TOO_BUSY_ONCE if self._refusals(person) <= 1:
                return refusal(429, "too_many_requests", "Come back later.", Retry_After="10")
            case Insurer.SLOW:
                time.sleep(SLOWLY)
        return None

    def _refusals(self, person: Person) -> int:
        """How many times this person was asked for, this time included."""
        with self._lock:
            self._refused[person.slug] = self._refused.get(person.slug, 0) + 1
            return self._refused[person.slug]


@cache
def behaviours() -> Behaviours:
    return Behaviours(Memory(settings.MEMORY, "behaviours", {}))


def statement_of(person: Person, behaviour: Insurer, since: date) -> bytes:
    until = today()
    whose = MARIE_OF_DIJON if behaviour is Insurer.SOMEONE_ELSE else person
    written_at = datetime(2035, 1, 1, 8) if behaviour is Insurer.OF_2035 else None
    if behaviour is Insurer.REVERSED:
        since, until = until, since
    content = statements.write(
        whose,
        since=since,
        until=until,
        empty=behaviour is Insurer.NOTHING_REIMBURSED,
        written_at=written_at,
    )
    if behaviour is Insurer.IN_LISTS:
        for element, instead in (("table", "list"), ("tr", "item"), ("td", "content"), ("th", "content")):
            content = re.sub(rf"<(/?){element}\b".encode(), rf"<\1{instead}".encode(), content)
        content = re.sub(rb"</?t(?:head|body)>", b"", content)
    return content[: len(content) * 2 // 3] if behaviour is Insurer.TRUNCATED else content


def _may_open_alone(person: Person) -> bool:
    return person.died_on is None and person.age_on(today()) >= MAJORITY


def _contacts(person: Person) -> Iterator[Contact]:
    def since(channel: str) -> date:
        return today() - timedelta(days=person.known_for.get(channel, KNOWN_FOR))

    for phone in filter(None, (person.phone, person.other_phone)):
        mask = f"{phone[:2]} ** ** ** {phone[-2:]}"
        yield Contact(secrets.token_urlsafe(9), SMS, phone, mask, since(SMS))
    if person.email:
        local, _, domain = person.email.partition("@")
        mask = f"{local[:2]}***@{domain}"
        yield Contact(secrets.token_urlsafe(9), MAIL, person.email, mask, since(MAIL))
    if person.address:
        town = person.address.rpartition(", ")[2]
        to = f"{person.name}, {person.address}"
        yield Contact(secrets.token_urlsafe(9), LETTER, to, f"***, {town}", since(LETTER))


def _words(code: str, channel: str, use: str, asked_on: date) -> str:
    if use == WAKING:
        return _waking_words(f"{code[:3]} {code[3:6]} {code[6:]}", channel, asked_on)
    if use == COUNTER:
        return (
            f"Guichet : lisez {code} à la personne en face de vous. Ce code n'ouvre aucune connexion. "
            "Si vous n'y allez pas, ne le lisez à personne."
        )
    if channel == SMS:
        return f"Assurance Maladie : votre code pour ouvrir votre DMP est {code}. Ne le donnez à personne."
    return (
        "Bonjour,\n\n"
        "Vous ouvrez votre dossier médical partagé sur internet. "
        f"Voici le code à recopier : {code}\n\n"
        "Personne ne vous demandera ce code, ni par téléphone ni au guichet. "
        "Si vous n’avez rien demandé, ne faites rien : sans ce code, aucun dossier ne s’ouvre.\n\n"
        "L’Assurance Maladie"
    )


def _waking_words(code: str, channel: str, asked_on: date) -> str:
    now = today()
    when = "aujourd'hui" if asked_on == now else f"le {asked_on:%d/%m/%Y}"
    if channel != LETTER:
        return (
            f"Un accès à votre dossier médical partagé a été demandé {when} à un guichet. Si c'est vous, "
            f"tapez ce code à votre première connexion : {code}. Sinon ne faites rien, il restera fermé. "
            "Ne donnez ce code à personne, ni au téléphone."
        )
    until = now + timedelta(days=30)
    return (
        "Le code qui vous manque\n\n"
        f"Un accès à votre dossier médical partagé a été demandé le {asked_on:%d/%m/%Y} à un guichet. "
        f"Si c’est vous, voici le code : {code}. Il s’ajoute à la fiche que vous avez reçue ce jour-là. "
        f"Il sert une fois, jusqu’au {until:%d/%m/%Y}.\n\n"
        "Si ce n’est pas vous, ne faites rien : sans ce code, l’accès reste fermé.\n\n"
        "Ne donnez ce code à personne, ni au téléphone. Ni un soignant, ni un guichet, ni l’Assurance "
        "Maladie ne vous le demandera.\n\n"
        "L’Assurance Maladie"
    )


def _insured(ins: tuple[str, str]) -> Person | None:
    return by_ins().get(ins) or newcomers().by_ins(ins)


def _alike(left: str, right: str) -> bool:
    return _plain(left) == _plain(right)


def _plain(name: str) -> str:
    """Capitals without accents, apostrophe or hyphen, as the INS referential writes and compares them."""
    letters = unicodedata.normalize("NFKD", name.replace("’", "'")).upper()
    kept = (" " if letter in "'- " else letter for letter in letters if not unicodedata.combining(letter))
    return " ".join("".join(kept).split())


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise Malformed("depuis is not a date.") from error
