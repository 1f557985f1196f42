"""Plays the cast into the database, through the operations everybody uses. Once: what was played stays."""

import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import HttpRequest
from django.utils import timezone

from access import gate
from accounts import card_reader, contacts, directory, logins, signing_in
from accounts.actors import Actor
from accounts.browsers import Browser
from accounts.contacts import ContactChannel
from accounts.paris import paris_day
from accounts.sessions import SessionStore
from accounts.userinfo import PlaceOfPractice
from documents import consultation, deposit
from dossiers import counter, enrolment, finding, information, sharing
from jobs import queue
from sandbox import story, totp, userinfo, whoswho
from sandbox.box import Box
from sandbox.memory import Memory
from sandbox.population import (
    BERNARD,
    CAMILLE,
    ELISE,
    LEFEVRE,
    NADIA,
    PHARMACIST,
    ROY,
    STAFF,
    TWO_PRACTICES,
    Employee,
    Person,
    Professional,
)
from sandbox.whoswho import Borrowed

PASSWORDS = {
    CAMILLE.slug: "tilleul marée quartz 58",
    ROY.slug: "guichet ardoise pluvier 31",
    STAFF.slug: "boussole cerise granit 76",
}
LOGINS = {CAMILLE.slug: "camille.moreau", ROY.slug: ROY.login, STAFF.slug: STAFF.login}
DOORS = {CAMILLE.slug: "/connexion/", ROY.slug: "/guichet/connexion/", STAFF.slug: "/equipe/connexion/"}
HERE = Browser("demonstration", "the command that tells the story")
PATIENCE = 8  # seconds for the jobs of the story to end
A_MOMENT = timedelta(minutes=1)


class Command(BaseCommand):
    help = "Plays the cast of the demonstration into the database. Idempotent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--employees-only",
            action="store_true",
            help="Only the accounts: the cast cannot play before an insurer that does not know it.",
        )

    def handle(self, *, employees_only: bool = False, **_: Any) -> None:
        if not settings.DMP_DEMO:
            raise CommandError("La démonstration ne se joue que sur une installation de démonstration.")
        memory = settings.DMP_VAR / "sandbox"
        play = Play(memory, timezone.now())
        with _quiet("jobs"):  # the programme alone is for people
            play.play(employees_only=employees_only)
        cast = [slug for slug in LOGINS if slug != CAMILLE.slug or play.has("opening")]
        whoswho.prepare(memory, [_borrowed(slug) for slug in cast])
        self.stdout.write(_programme(employees_only=employees_only))


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


@dataclass(frozen=True)
class Play:
    """The scenes in order. Each is noted when it ends; a play that was cut starts again where it stopped."""

    memory: Path
    now: datetime

    def play(self, *, employees_only: bool) -> None:
        if logins.login_is_free(LOGINS[STAFF.slug]):
            self._notes.write({})  # a new database: whatever was noted is about another one
        self.scene("staff", self.staff_is_given_an_account)
        self.scene("agent", self.the_agent_is_given_an_account)
        if employees_only:
            return
        camille = Actor.from_told(self.scene("opening", self.camille_opens_her_dossier_online))
        dossier_id = camille.dossier_id
        assert dossier_id is not None
        lefevre, cardiologist, nadia = (self.acting(p) for p in (LEFEVRE, TWO_PRACTICES, NADIA))
        at_the_hospital = self.acting(TWO_PRACTICES, 1)

        acts = [
            (story.AGREED, "lefevre", partial(self.is_let_in, dossier_id, lefevre)),
            (story.CARDIOLOGIST, "cardiologist", partial(self.is_let_in, dossier_id, cardiologist)),
            (story.NURSE, "nadia", partial(self.is_let_in, dossier_id, nadia)),
            (story.NURSE_LEFT, "nadia leaves", partial(self.nadia_is_thanked, dossier_id, camille)),
            (story.AGREED_AGAIN, "lefevre again", partial(self.is_let_in, dossier_id, lefevre)),
        ]
        for rank, one in enumerate(story.DEPOSITS):
            author = at_the_hospital if one.practice else self.acting(one.by)
            acts.append((one.when, f"deposit {rank}", partial(self.deposits, dossier_id, one, author)))
        for when, name, act in sorted(acts, key=lambda act: act[0].before(self.now)):
            self.scene(name, partial(act, at=when.before(self.now)))
        self.scene("bernard", self.bernard_is_received_at_the_counter)
        if self.scene("work", self.the_house_works):
            self.scene("reading", lambda: self.lefevre_reads(dossier_id, lefevre))
            self.scene("refusal", lambda: self.the_pharmacist_is_refused(dossier_id))

    # -- Scenes ------------------------------------------------------------------------------------

    def staff_is_given_an_account(self) -> str:
        made = directory.provision_staff(
            login=STAFF.login,
            name=f"{STAFF.given_name} {STAFF.name}",
            at=self.now,
            password=PASSWORDS[STAFF.slug],
            totp_secret=_totp_secret(STAFF.slug),
        )
        return str(made.user_id)

    def the_agent_is_given_an_account(self) -> str:
        made = directory.provision_agent(
            login=ROY.login,
            name=f"{ROY.given_name} {ROY.name}",
            structure=_cpam(ROY),
            at=self.now,
            password=PASSWORDS[ROY.slug],
            totp_secret=_totp_secret(ROY.slug),
        )
        return str(made.user_id)

    def camille_opens_her_dossier_online(self) -> dict[str, str]:
        """As in a browser: the insurer is asked, the box is read. Only the consent is dated back."""
        now = self.now
        application = enrolment.start(at=now)
        by = enrolment.applicant(application)
        enrolment.answer(
            application,
            nir=CAMILLE.nir,
            birth_name=CAMILLE.birth_name,
            given_name=CAMILLE.given_names[0],
            birth_date=CAMILLE.birth_date,
            vitale_serial=CAMILLE.vitale_serial,
            by=by,
            at=now,
        )
        known = enrolment.ask_insurer(application, by=by, at=now)
        sms = next(contact for contact in known if contact.channel == ContactChannel.SMS)
        asked_at = timezone.now()
        enrolment.send_code(application, sms.id, by=by, at=now)
        enrolment.verify_code(application, self.code_for(CAMILLE, since=asked_at), by=by, at=now)
        enrolment.choose_login(application, LOGINS[CAMILLE.slug], PASSWORDS[CAMILLE.slug], by=by, at=now)
        asked_at = timezone.now()
        phone = contacts.validate(ContactChannel.SMS, CAMILLE.phone or "")
        enrolment.give_contact(application, phone, by=by, at=now)
        enrolment.verify_contact(application, self.code_for(CAMILLE, since=asked_at), by=by, at=now)
        opened = enrolment.consent(
            application,
            information_version=information.VERSION,
            agreed=True,
            break_glass=True,
            regulation=True,
            by=by,
            at=story.OPENED.before(now),
        )
        assert opened.credentials.user_id is not None
        return _came_in(
            lambda visit: signing_in.after_opening(visit, opened.credentials.user_id, at=now)
        ).told()

    def is_let_in(self, dossier_id: UUID, professional: Actor, *, at: datetime) -> str:
        """The professional finds her by her number, and declares that she agrees."""
        found = finding.by_ins(CAMILLE.nir, by=professional, at=at)
        if [one.dossier_id for one in found] != [dossier_id]:
            raise CommandError("Le dossier de la démonstration est introuvable.")
        return str(sharing.declare_agreement(dossier_id, by=professional, at=at + A_MOMENT).grant_id)

    def nadia_is_thanked(self, dossier_id: UUID, camille: Actor, *, at: datetime) -> str:
        """The stay is over: Camille withdraws what she had let her read."""
        return sharing.withdraw(dossier_id, UUID(self._notes.read()["nadia"]), by=camille, at=at)

    def deposits(self, dossier_id: UUID, one: story.Deposit, author: Actor, *, at: datetime) -> str:
        day = paris_day(at)
        receipt = deposit.deposit(
            dossier_id,
            content=one.make(day),
            media_type=one.media_type,
            type_code=one.type_code,
            title=one.title,
            created_on=day,
            masked=one.masked,
            withheld=one.withheld,
            hidden_from_representatives=False,
            by=author,
            at=at,
            unique_id=f"{dossier_id}/{one.type_code}/{one.title}",
        )
        return str(receipt.document_id)

    def bernard_is_received_at_the_counter(self) -> str:
        """No telephone, no mail: a dossier without web access, and a receipt on paper."""
        roy = self.roy_signs_in()
        [post] = card_reader.posts(ROY.siret)
        read = card_reader.read(BERNARD.slug, post_id=post.id, structure=ROY.siret, at=self.now)
        at = story.COUNTER.before(self.now)
        reading = replace(read, read_at=at)
        visit = counter.receive(reading, by=roy, at=at)
        sheet = counter.open_here(
            visit.id,
            identity_document=counter.IdentityDocument.ID_CARD,
            answers=counter.Answers(agreed=True, break_glass=True, regulation=False),
            information_version=information.VERSION,
            by=roy,
            at=at + 4 * A_MOMENT,
        )
        return str(sheet.dossier_id)

    def roy_signs_in(self) -> Actor:
        """With the code of the half minute before, so that the present one is left to whoever comes next."""
        code = totp.code(_base32(ROY.slug), self.now.timestamp() - totp.STEP)
        pending = signing_in.begin(
            ROY.login, PASSWORDS[ROY.slug], at=self.now, browser=HERE, kinds=("agent",)
        )
        proved = signing_in.check_code(pending, code, browser=HERE, at=self.now)
        return _came_in(lambda visit: signing_in.finish(visit, proved, at=self.now))

    def the_house_works(self) -> str:
        """Checks the deposits, imports the care histories, sends what waits: the workers may help."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            queue.work_due(20)
            if not queue.waiting(["ready", "leased"]):
                return "done"
            time.sleep(0.1)
        return "done"  # what remains is retried later, as it would be for anybody

    def lefevre_reads(self, dossier_id: UUID, lefevre: Actor) -> str:
        page = consultation.contents(dossier_id, by=lefevre, at=self.now)
        readable = [one for one in page.summaries if not one.is_history][:2]
        for one in readable:
            consultation.read(dossier_id, one.id, by=lefevre, at=self.now)
        return str(len(readable))

    def the_pharmacist_is_refused(self, dossier_id: UUID) -> str:
        """She was never let in: she learns nothing, and Camille sees that she tried."""
        try:
            consultation.contents(dossier_id, by=self.acting(PHARMACIST), at=self.now)
        except gate.Refused as refused:
            return str(refused.decision.reason)
        raise CommandError("La pharmacienne a lu un dossier sans accord.")

    # -- How ---------------------------------------------------------------------------------------

    def scene(self, name: str, play: Callable[[], Any]) -> Any:
        """What the scene left, played now or before."""
        notes = self._notes.read()
        if name not in notes:
            notes[name] = play()
            self._notes.write(notes)
        return notes[name]

    def has(self, name: str) -> bool:
        """Whether a scene was played, now or before."""
        return name in self._notes.read()

    @property
    def _notes(self) -> Memory:
        return Memory(self.memory, "played", {})

    def acting(self, professional: Professional, practice: int = 0) -> Actor:
        return directory.professional_from(userinfo.told(professional), practice, at=self.now)

    def code_for(self, person: Person, *, since: datetime) -> str:
        """The code that arrived in the person's telephone since then."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for message in Box(Memory(self.memory, "box", [])).messages(to=person.phone):
                if message.code and message.moment >= since:
                    return message.code
            queue.work_due(5)
            time.sleep(0.05)
        raise CommandError("Aucun code n’est arrivé : le bac à sable ne répond pas.")


def _cpam(employee: Employee) -> PlaceOfPractice:
    return PlaceOfPractice(number=employee.siret, name=employee.employer)


def _totp_secret(slug: str) -> bytes:
    """Always the same for this installation, and for it alone."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"sandbox.totp.{slug}".encode(), hashlib.sha1)


def _base32(slug: str) -> str:
    return base64.b32encode(_totp_secret(slug)).decode()


def _came_in(sign_in: Callable[[HttpRequest], Actor | None]) -> Actor:
    """Who a visit is for, once signed in; the visit ends there."""
    visit = HttpRequest()
    visit.session = SessionStore()
    actor = sign_in(visit)
    if actor is None:
        raise CommandError("La démonstration n’a pas pu se connecter.")
    visit.session.flush()
    return actor


def _borrowed(slug: str) -> Borrowed:
    has_application = slug in (ROY.slug, STAFF.slug)
    secret = _base32(slug) if has_application else ""
    return Borrowed(
        slug=slug, door=DOORS[slug], login=LOGINS[slug], password=PASSWORDS[slug], totp_secret=secret
    )


def _programme(*, employees_only: bool) -> str:
    """Who one can be, what to type, and where messages arrive."""
    outside, service = f"http://127.0.0.1:{settings.DMP_SANDBOX_PORT}", settings.DMP_BASE_URL
    patients = [
        f"  {CAMILLE.name}, qui lit son DMP : {service}{DOORS[CAMILLE.slug]}",
        f"      {LOGINS[CAMILLE.slug]}  /  {PASSWORDS[CAMILLE.slug]}   puis le code de {outside}/boite/",
        f"  {ELISE.name}, qui ouvre le sien en ligne : {service}/ouvrir/",
        f"      {ELISE.nir}, {ELISE.birth_name}, {ELISE.given_names[0]}, {ELISE.birth_date_said}, "
        f"carte {ELISE.vitale_serial}",
    ]
    employees = [
        f"  {who.given_name} {who.name}, {role} : {service}{DOORS[who.slug]}\n"
        f"      {LOGINS[who.slug]}  /  {PASSWORDS[who.slug]}   puis le code de {outside}/codes/"
        for who, role in ((ROY, "agent à la CPAM"), (STAFF, "de l’équipe du service"))
    ]
    return "\n".join(
        (
            "",
            "Qui être :",
            *([] if employees_only else patients),
            f"  {LEFEVRE.called}, ou un autre soignant : {service}/pro/connexion/   puis choisir son nom",
            *employees,
            f"Tout le monde, et quoi taper : {outside}/",
            f"Courriels, SMS et courriers : {outside}/boite/",
            "",
        )
    )
