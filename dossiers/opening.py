"""Opening a dossier: consent, key, identity, oppositions, web access and the first job, all or nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection

from access import gate
from access.gate import Facts, Passage
from access.policy import Action, Target
from accounts import logins, name_search, people
from accounts.actors import Actor
from accounts.contacts import Contact
from accounts.logins import Credentials, Printed
from accounts.paris import paris_day
from accounts.web_access import AccessState
from jobs import queue
from vault import subjects
from vault.subjects import SubjectKind

from . import identity as identities
from . import numbers
from .applications import ApplicationAtTheDoor, ApplicationRow, keep_instead, present, sealed_again
from .finding import tokens_of
from .identity import Identity
from .models import DOSSIER, OBJECTION, Objection

IMPORT_HISTORY = "history.import"
SEND_WAKE_CODE = "dossiers.send_wake_code"


OBJECTED = "objected"  # in the sealed consent, to what the holder said no: a row taken away is missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What was agreed to, and how it was captured."""

    information_version: str
    break_glass: bool
    regulation: bool
    captured: dict[str, str]  # who saw what: sealed, kept as the proof
    represented: bool = False  # a holder of parental authority agreed, for a minor


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAccess:
    """The login to create. Without a contact there is none: the dossier lives without web access.

    `state` says whether the access is awake; `contact_known`, that the insurer knew the contact.
    `kept` makes the answers that stay in the application from what is printed; without it the application
    ends with the opening. `wake_code_wanted`: nine digits must leave for somewhere that the insurer knows.
    """

    contact: Contact | None = None
    state: AccessState | None = None
    contact_known: bool = False
    login: str | None = None  # None: one is made, with a first password to print
    password_hash: str | None = None
    kept: Callable[[Printed | None], dict[str, Any]] | None = None
    wake_code_wanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    dossier_id: UUID
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class ApplicationToOpen(ApplicationAtTheDoor):
    """An application whose person may already have a dossier: that is known before anything is decided."""

    consent_of: Callable[[dict[str, Any]], Consent | None] = lambda told: None
    on: date = date.max
    complete: Callable[[dict[str, Any]], None] | None = None  # raises when an answer is still missing

    def answered(self, target: Target, row: ApplicationRow, at: datetime) -> Facts:
        if self.complete is not None:
            self.complete(row.told)
        facts = ApplicationAtTheDoor.answered(self, target, row, at)
        if "identity" not in row.told:
            return facts
        who = Identity.from_told(row.told["identity"])
        person_id, dossier_id = numbers.person_of(who)
        holds_one = dossier_id is not None
        consent = self.consent_of(row.told)
        return replace(
            facts,
            row=replace(row, person_id=person_id),
            target=replace(
                target,
                holder_id=person_id if holds_one else None,
                minor=identities.minor(who.traits.birth_date, on=self.on),
            ),
            standing=replace(
                facts.standing,
                holder_present=present(row.told, at),
                consented=consent is not None,
                represented=consent is not None and consent.represented,
            ),
        )


def asked_again_when_raced(opening: Callable[..., Opened]) -> Callable[..., Opened]:
    """Two openings of one person at once: the database lets one through, the other is asked again and
    then finds the dossier."""

    @wraps(opening)
    def ask(*args: Any, **kwargs: Any) -> Opened:
        try:
            return opening(*args, **kwargs)
        except IntegrityError:
            return opening(*args, **kwargs)

    return ask


@asked_again_when_raced
def open_from(
    application_id: UUID,
    consent_of: Callable[[dict[str, Any]], Consent | None],
    access: Callable[[ApplicationRow, UUID], WebAccess],
    *,
    through: str,
    by: Actor,
    at: datetime,
    desk: str = "",
    complete: Callable[[dict[str, Any]], None] | None = None,
    after: Callable[[Passage, ApplicationRow, UUID], None] | None = None,
) -> Opened:
    """Turn an application into a dossier. Refused without a consent in what was answered, or when there is
    a dossier already.

    `after` writes, in the same passage, what else the opening leaves.
    `complete` is given the answers before anything is decided, and raises when one is missing.
    """
    thing = ApplicationToOpen(application_id, desk, consent_of, paris_day(at), complete)
    with gate.admitted(by, Action.OPEN, thing, at=at, through=through) as passage:
        row: ApplicationRow = passage.facts.row
        consent = consent_of(row.told)
        assert consent is not None  # the policy refused otherwise
        who = Identity.from_told(row.told["identity"])
        dossier_id = uuid4()
        person_id, web = row.person_id or uuid4(), access(row, dossier_id)
        printed = logins.printed(who.traits.display_name) if web.contact and not web.password_hash else None
        kept = sealed_again(row, web.kept(printed)) if web.kept else None
        _write(passage, dossier_id, person_id, who, consent, application_id, web, kept, through=through)
        credentials = logins.create_login(
            person_id=person_id,
            dossier_id=dossier_id,
            login=web.login,
            password_hash=web.password_hash,
            printed=printed,
            contact=web.contact,
            contact_known=web.contact_known,
            access=web.state,
            name=who.traits.display_name,
            personal=who.known_to_others(card=row.told.get("vitale_serial", "")),
            at=at,
        )
        if web.kept and printed and credentials.login != printed.login:
            # The login proposed had just been taken: the sheet tells the one that was made instead.
            again = Printed(credentials.login or "", printed.password)
            keep_instead(row, web.kept(again))
        passage.tell(
            break_glass=consent.break_glass,
            regulation=consent.regulation,
            web_access=web.contact is not None,
            awake=web.state is not None and web.state.awake,
        )
        if after is not None:
            after(passage, row, dossier_id)
        return Opened(dossier_id=dossier_id, credentials=credentials)


def _write(
    passage: Passage,
    dossier_id: UUID,
    person_id: UUID,
    who: Identity,
    consent: Consent,
    application_id: UUID,
    web: WebAccess,
    kept: bytes | None,
    *,
    through: str,
) -> None:
    """One statement for all that a dossier is on its first day; the application ends with it, or keeps what
    is printed until the visit ends."""
    at = passage.at
    keyring, wrapped = subjects.prepare(dossier_id, SubjectKind.DOSSIER)
    passage.found(dossier_id, keyring)
    consent_id = uuid4()
    answers = {Objection.To.BREAK_GLASS: consent.break_glass, Objection.To.REGULATION: consent.regulation}
    objections = [(uuid4(), str(to)) for to, agreed in answers.items() if not agreed]
    job = queue.enqueuing(IMPORT_HISTORY, subject_id=dossier_id, idem=f"{dossier_id}:opening", at=at)
    wake: queue.Enqueuing | None = None
    if web.wake_code_wanted:
        wake = queue.enqueuing(SEND_WAKE_CODE, subject_id=dossier_id, idem=f"{dossier_id}:opening", at=at)
    over_sql = "DELETE FROM dossiers_application WHERE id = %s"
    over_values: tuple[object, ...] = (application_id,)
    if kept is not None:
        over_sql = "UPDATE dossiers_application SET sealed = %s::bytea, visit_mac = NULL WHERE id = %s"
        over_values = (kept, application_id)
    person_sql, person_values = people.making(who.ins, person_id)
    with connection.cursor() as cursor:
        cursor.execute(
            # Only statements of ours are spliced in; every value is a parameter.
            f"""WITH {person_sql}, key AS (
                  INSERT INTO vault_subjectkey (subject_id, kind, version, kek_version, wrapped, created_at)
                  VALUES (%s, %s, %s, %s, %s, %s)),
                dossier AS (
                  INSERT INTO dossiers_dossier
                    (id, opened_at, opened_through, sealed_identity, search_form, holder_id, facts_mac)
                  SELECT %s::uuid, %s::timestamptz, %s, %s::bytea, %s, id, %s::bytea FROM person
                  RETURNING holder_id),
                consent AS (
                  INSERT INTO dossiers_consent (id, dossier_id, information_version, given_at, sealed)
                  VALUES (%s, %s, %s, %s, %s)),
                tokens AS (
                  INSERT INTO dossiers_searchtoken (token, dossier_id)
                  SELECT t, %s FROM unnest(%s::bytea[]) t),
                objections AS (
                  INSERT INTO dossiers_objection (id, dossier_id, "to", since, facts_mac)
                  SELECT i, %s, o, %s, m FROM unnest(%s::uuid[], %s::text[], %s::bytea[]) AS x(i, o, m)),
                job AS ({job.sql}),
                {f"wake AS ({wake.sql})," if wake else ""}
                over AS ({over_sql})
                SELECT count(*) FROM dossier""",  # noqa: S608
            [
                *person_values,
                *(dossier_id, wrapped.kind, wrapped.version, wrapped.kek_version, wrapped.wrapped, at),
                *(dossier_id, at, through, identities.seal(who, dossier_id, keyring), name_search.FORM),
                DOSSIER.mac(keyring, dossier_id, person_id, at, None),
                *(consent_id, dossier_id, consent.information_version, at),
                keyring.seal_json(
                    "dossiers_consent",
                    "sealed",
                    consent_id,
                    {**consent.captured, OBJECTED: [str(to) for _, to in objections]},
                ),
                *(dossier_id, [*tokens_of(who.traits), *numbers.tokens_of(who.former, dossier_id)]),
                *(dossier_id, at, [row_id for row_id, _ in objections], [to for _, to in objections]),
                [OBJECTION.mac(keyring, row_id, dossier_id, to, at, None) for row_id, to in objections],
                *job.params,
                *(wake.params if wake else ()),
                *over_values,
            ],
        )
        [written] = cursor.fetchone()
    if not written:
        raise IntegrityError("the same person is being made by another transaction")
    queue.ring_on_commit(job)
    if wake is not None:
        queue.ring_on_commit(wake)
