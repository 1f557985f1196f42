"""Who may do what to a dossier, and why.

Pure: no database, no clock, no settings. Every right in the system is decided here, by `decide`.
A law has three parts, read in this order: barriers, which refuse whatever the ground; grounds, of
which one must be found; conditions, which an act still has to meet once a ground is found.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from accounts.actors import Actor, Authentication, Capacity

from . import matrix


class Action(StrEnum):
    """What one may ask to do. The value is also the kind of the trace, in clear in the ledger."""

    ENTER = "enter"
    ENROL = "enrol"
    CHECK_EXISTENCE = "check_existence"
    OPEN = "open"
    ASK_CONTACTS = "ask_contacts"
    GIVE_ACCESS = "give_access"
    SEND_WAKE_CODE = "send_wake_code"
    WAKE = "wake"
    SEARCH = "search"
    VISIT = "visit"
    LIST = "list"
    READ = "read"
    DEPOSIT = "deposit"
    FOLLOW_DEPOSIT = "follow_deposit"
    TRACES = "traces"
    PEOPLE = "people"
    AUTHORISE = "authorise"
    WITHDRAW = "withdraw"
    FOLLOW = "follow"
    ASK_HISTORY = "ask_history"
    IMPORT = "import"
    CHECK = "check"
    NOTIFY = "notify"
    REVIEW = "review"


class Reason(StrEnum):
    """Why the answer is what it is. People read its sentence, written in `portal.wording`."""

    OWN_DOSSIER = "own_dossier"
    OWN_APPLICATION = "own_application"
    OWN_ACCESS = "own_access"
    OWN_DOCUMENT = "own_document"
    GRANTED = "granted"
    HOLDER_PRESENT = "holder_present"
    IDENTITY_PROVED = "identity_proved"
    OWN_SPACE = "own_space"
    DUTY_TO_FEED = "duty_to_feed"
    AGREEMENT_DECLARED = "agreement_declared"
    CARE = "care"
    HOUSE_TASK = "house_task"
    STAFF_TASK = "staff_task"

    SIGNED_OUT = "signed_out"
    WEAK_PROOF = "weak_proof"
    WRONG_SPACE = "wrong_space"
    ABSENT = "absent"
    ALTERED = "altered"
    CLOSED = "closed"
    EXPIRED = "expired"
    ALREADY_OPEN = "already_open"
    NO_DOSSIER = "no_dossier"
    NO_CONSENT = "no_consent"
    NO_REPRESENTATIVE = "no_representative"
    HOLDER_ABSENT = "holder_absent"
    IDENTITY_NOT_PROVED = "identity_not_proved"
    NOT_GRANTED = "not_granted"
    OUTSIDE_MATRIX = "outside_matrix"
    MASKED = "masked"
    WITHHELD = "withheld"
    BEING_CHECKED = "being_checked"
    REFUSED_BY_CHECKS = "refused_by_checks"
    SUPERSEDED = "superseded"
    NEVER_CONTENT = "never_content"
    NOT_YOURS = "not_yours"
    NO_GROUND = "no_ground"


# What one may not know to exist is answered as if it did not exist.
HIDDEN = frozenset({Reason.ABSENT, Reason.MASKED, Reason.WITHHELD, Reason.OUTSIDE_MATRIX, Reason.NOT_YOURS})


class Status(StrEnum):
    """Where a document stands. Stored as such."""

    QUARANTINE = "quarantine"
    AVAILABLE = "available"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is asked for, described by facts alone."""

    exists: bool = True
    altered: bool = False  # what decides in clear is not as somebody with the key wrote it
    audience: frozenset[Capacity] = frozenset()  # of a space: patients', professionals', the counter, staff's
    dossier_id: UUID | None = None
    holder_id: UUID | None = None
    open: bool = True
    expired: bool = False
    minor: bool = False
    owner_id: UUID | None = None  # of an application or a visit at the counter
    document_id: UUID | None = None
    document_type: str | None = None
    document_class: str | None = None
    author_id: UUID | None = None
    status: Status = Status.AVAILABLE
    masked: bool = False
    withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the holder's decisions and presence make of this actor at this moment."""

    granted: bool = False
    grant_altered: bool = False
    holder_present: bool = False
    identity_proved: bool = False
    consented: bool = False
    represented: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    actor: Actor
    action: Action
    target: Target
    standing: Standing
    at: datetime
    signed_in: bool = True  # what was shown at the door still holds

    def about(self, target: Target, *, action: Action) -> "Question":
        return replace(self, target=target, action=action)

    @property
    def by_holder(self) -> bool:
        return self.actor.capacity is Capacity.HOLDER and self.actor.id == self.target.holder_id

    @property
    def by_health_professional(self) -> bool:
        return self.actor.capacity is Capacity.PROFESSIONAL and matrix.knows(self.actor.profession)


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    reason: Reason

    @property
    def hidden(self) -> bool:
        """Whether the refusal must look like absence."""
        return not self.allowed and self.reason in HIDDEN


Rule = Callable[[Question], Decision | None]


@dataclass(frozen=True, slots=True)
class Law:
    barriers: tuple[Rule, ...]
    grounds: tuple[Rule, ...]
    conditions: tuple[Rule, ...] = ()


def decide(question: Question) -> Decision:
    """Answer one question. The first barrier refuses; without a ground, the answer is no."""
    law = LAWS[question.action]
    if (barrier := _first(law.barriers, question)) is not None:
        return barrier
    ground = _first(law.grounds, question) or refuse(Reason.NO_GROUND)
    if not ground.allowed:
        return ground
    return _first(law.conditions, question) or ground


def _first(rules: tuple[Rule, ...], question: Question) -> Decision | None:
    for rule in rules:
        if (decision := rule(question)) is not None:
            return decision
    return None


def allow(reason: Reason) -> Decision:
    return Decision(allowed=True, reason=reason)


def refuse(reason: Reason) -> Decision:
    return Decision(allowed=False, reason=reason)


# --- Barriers -------------------------------------------------------------------------------------

STRONG_PROOFS = {
    # An applicant proves who they are on the way: `whoever_proves_to_be_the_person_opens_their_own`.
    Capacity.APPLICANT: {Authentication.NONE, Authentication.INSURER_CODE},
    Capacity.HOLDER: {Authentication.PASSWORD_AND_CODE, Authentication.INSURER_CODE},
    Capacity.PROFESSIONAL: {Authentication.PRO_SANTE_CONNECT},
    Capacity.AGENT: {Authentication.PASSWORD_AND_TOTP},
    Capacity.STAFF: {Authentication.PASSWORD_AND_TOTP},
    Capacity.PROGRAM: {Authentication.PRIVATE_KEY},
    Capacity.SYSTEM: {Authentication.HOUSE},
}


def whoever_has_signed_out_is_nobody(q: Question) -> Decision | None:
    return None if q.signed_in else refuse(Reason.SIGNED_OUT)


def everyone_proves_who_they_are(q: Question) -> Decision | None:
    # CSP art. L. 1470-5: electronic identification by at least two factors for all who reach health data.
    return (
        None
        if q.actor.authentication in STRONG_PROOFS.get(q.actor.capacity, ())
        else refuse(Reason.WEAK_PROOF)
    )


def whose_access_sleeps_has_shown_both_factors(q: Question) -> Decision | None:
    asleep = q.actor.capacity is Capacity.HOLDER and q.actor.authentication is Authentication.ASLEEP
    return None if asleep else everyone_proves_who_they_are(q)


def what_does_not_exist_is_absent(q: Question) -> Decision | None:
    return None if q.target.exists else refuse(Reason.ABSENT)


def what_was_altered_is_believed_by_nobody(q: Question) -> Decision | None:
    return refuse(Reason.ALTERED) if q.target.altered else None


def a_closed_dossier_is_shut_to_all(q: Question) -> Decision | None:
    # CSP art. R. 1111-36: a closed dossier is archived, nobody reads it.
    return None if q.target.open else refuse(Reason.CLOSED)


def an_application_waits_thirty_minutes(q: Question) -> Decision | None:
    return refuse(Reason.EXPIRED) if q.target.expired else None


def an_application_belongs_to_who_started_it(q: Question) -> Decision | None:
    return None if q.target.owner_id == q.actor.id else refuse(Reason.NOT_YOURS)


def one_person_has_one_dossier(q: Question) -> Decision | None:
    return refuse(Reason.ALREADY_OPEN) if q.target.holder_id is not None else None


def no_dossier_without_consent(q: Question) -> Decision | None:
    # CSP art. R. 1111-26 (2016): consentement exprès et éclairé, recueilli par tout moyen.
    return None if q.standing.consented else refuse(Reason.NO_CONSENT)


def a_minor_is_represented(q: Question) -> Decision | None:
    # CSP art. R. 1111-27: for a minor, a holder of parental authority agrees, in person.
    represented = not q.target.minor or q.standing.represented
    return None if represented else refuse(Reason.NO_REPRESENTATIVE)


def a_minor_has_no_access_of_their_own(q: Question) -> Decision | None:
    return refuse(Reason.NO_REPRESENTATIVE) if q.target.minor else None


def agents_never_reach_contents(q: Question) -> Decision | None:
    # Agents and staff open, watch and mend; medical content is not their business (CSP art. L. 1111-18).
    never = {Capacity.AGENT, Capacity.STAFF}
    return refuse(Reason.NEVER_CONTENT) if q.actor.capacity in never else None


def the_holder_waits_for_what_is_withheld(q: Question) -> Decision | None:
    # CSP art. R. 1111-53 (R. 1111-42 in 2016): consultation d'annonce.
    return refuse(Reason.WITHHELD) if q.by_holder and q.target.withheld else None


def a_holder_knows_one_dossier(q: Question) -> Decision | None:
    return refuse(Reason.NOT_YOURS) if q.actor.capacity is Capacity.HOLDER and not q.by_holder else None


def masked_documents_keep_their_author_alone(q: Question) -> Decision | None:
    # CSP art. R. 1111-49: hidden from professionals, but for the author and the médecin traitant.
    if q.actor.capacity is Capacity.PROFESSIONAL and q.target.masked and q.actor.id != q.target.author_id:
        return refuse(Reason.MASKED)
    return None


def what_the_checks_refused_stays_with_its_author(q: Question) -> Decision | None:
    if q.target.status is Status.REFUSED:
        return refuse(Reason.REFUSED_BY_CHECKS if q.actor.id == q.target.author_id else Reason.ABSENT)
    return None


# --- Grounds --------------------------------------------------------------------------------------


def a_space_serves_its_own(q: Question) -> Decision | None:
    return allow(Reason.OWN_SPACE) if q.actor.capacity in q.target.audience else refuse(Reason.WRONG_SPACE)


def the_holder_is_at_home(q: Question) -> Decision | None:
    return allow(Reason.OWN_DOSSIER) if q.by_holder else None


def applicants_fill_in_their_own_form(q: Question) -> Decision | None:
    return allow(Reason.OWN_APPLICATION) if q.actor.capacity is Capacity.APPLICANT else None


def whose_access_sleeps_may_wake_it(q: Question) -> Decision | None:
    # Password and code are right; they open nothing else until a known contact or a letter has answered.
    asleep = q.by_holder and q.actor.authentication is Authentication.ASLEEP
    return allow(Reason.OWN_ACCESS) if asleep else None


def an_access_leads_to_a_dossier(q: Question) -> Decision | None:
    return refuse(Reason.NO_DOSSIER) if q.target.dossier_id is None else None


def authors_keep_sight_of_their_own(q: Question) -> Decision | None:
    mine = q.target.author_id is not None and q.actor.id == q.target.author_id
    return allow(Reason.OWN_DOCUMENT) if mine and q.actor.capacity is Capacity.PROFESSIONAL else None


def a_deposit_is_followed_by_its_author_alone(q: Question) -> Decision | None:
    return authors_keep_sight_of_their_own(q) or refuse(Reason.NOT_YOURS)


def a_grant_reaches_no_further_than_the_matrix(q: Question) -> Decision | None:
    # Arrêté du 26 octobre 2023: matrice d'habilitation, by profession and type of document.
    if q.standing.granted and q.target.document_type is not None:
        read = matrix.lets_read(q.actor.profession, q.target.document_type, q.target.document_class)
        return None if read else refuse(Reason.OUTSIDE_MATRIX)
    return None


def a_grant_opens(q: Question) -> Decision | None:
    return allow(Reason.GRANTED) if q.standing.granted and q.by_health_professional else None


def without_a_grant_a_professional_reads_nothing(q: Question) -> Decision | None:
    if q.actor.capacity is not Capacity.PROFESSIONAL:
        return None
    return refuse(Reason.ALTERED if q.standing.grant_altered else Reason.NOT_GRANTED)


def professionals_declare_the_agreement_given_to_them(q: Question) -> Decision | None:
    return allow(Reason.AGREEMENT_DECLARED) if q.by_health_professional else None


def professionals_feed_the_dossiers_of_those_they_treat(q: Question) -> Decision | None:
    # CSP art. L. 1111-15: at each act, whatever the right to consult; feeding reads nothing.
    return allow(Reason.DUTY_TO_FEED) if q.by_health_professional else None


def professionals_find_those_they_treat(q: Question) -> Decision | None:
    return allow(Reason.CARE) if q.by_health_professional else None


def a_counter_serves_who_stands_before_it(q: Question) -> Decision | None:
    if q.actor.capacity is Capacity.AGENT or q.by_health_professional:
        return allow(Reason.HOLDER_PRESENT) if q.standing.holder_present else refuse(Reason.HOLDER_ABSENT)
    return None


def whoever_proves_to_be_the_person_opens_their_own(q: Question) -> Decision | None:
    if q.actor.capacity is not Capacity.APPLICANT:
        return None
    return allow(Reason.IDENTITY_PROVED) if q.standing.identity_proved else refuse(Reason.IDENTITY_NOT_PROVED)


def the_house_does_its_own_tasks(q: Question) -> Decision | None:
    return allow(Reason.HOUSE_TASK) if q.actor.capacity is Capacity.SYSTEM else None


def staff_mend_what_waits_for_a_person(q: Question) -> Decision | None:
    return allow(Reason.STAFF_TASK) if q.actor.capacity is Capacity.STAFF else None


# --- Conditions -----------------------------------------------------------------------------------


def what_is_being_checked_waits(q: Question) -> Decision | None:
    return refuse(Reason.BEING_CHECKED) if q.target.status is Status.QUARANTINE else None


def the_current_version_is_the_one_read(q: Question) -> Decision | None:
    return refuse(Reason.SUPERSEDED) if q.target.status is Status.SUPERSEDED else None


PROVED_OR_ASLEEP = (whoever_has_signed_out_is_nobody, whose_access_sleeps_has_shown_both_factors)
PROVED = (whoever_has_signed_out_is_nobody, everyone_proves_who_they_are)
ALIVE = (
    what_does_not_exist_is_absent,
    what_was_altered_is_believed_by_nobody,
    a_closed_dossier_is_shut_to_all,
    a_holder_knows_one_dossier,
)
OWN_APPLICATION = (
    what_does_not_exist_is_absent,
    an_application_belongs_to_who_started_it,
    an_application_waits_thirty_minutes,
)
READING = Law(
    barriers=(
        *PROVED,
        *ALIVE,
        agents_never_reach_contents,
        the_holder_waits_for_what_is_withheld,
        masked_documents_keep_their_author_alone,
        what_the_checks_refused_stays_with_its_author,
    ),
    grounds=(
        the_holder_is_at_home,
        authors_keep_sight_of_their_own,
        a_grant_reaches_no_further_than_the_matrix,
        a_grant_opens,
        without_a_grant_a_professional_reads_nothing,
    ),
    conditions=(what_is_being_checked_waits, the_current_version_is_the_one_read),
)
AT_HOME = Law(barriers=(*PROVED, *ALIVE), grounds=(the_holder_is_at_home,))
HOUSE_TASK = Law(barriers=(*PROVED, *ALIVE), grounds=(the_house_does_its_own_tasks,))

LAWS: dict[Action, Law] = {
    Action.ENTER: Law(barriers=(whoever_has_signed_out_is_nobody,), grounds=(a_space_serves_its_own,)),
    Action.ENROL: Law(barriers=(*PROVED, *OWN_APPLICATION), grounds=(applicants_fill_in_their_own_form,)),
    Action.CHECK_EXISTENCE: Law(
        barriers=(*PROVED, *OWN_APPLICATION), grounds=(a_counter_serves_who_stands_before_it,)
    ),
    Action.OPEN: Law(
        barriers=(
            *PROVED,
            *OWN_APPLICATION,
            one_person_has_one_dossier,
            no_dossier_without_consent,
            a_minor_is_represented,
        ),
        grounds=(whoever_proves_to_be_the_person_opens_their_own, a_counter_serves_who_stands_before_it),
    ),
    Action.ASK_CONTACTS: Law(
        barriers=(*PROVED, what_does_not_exist_is_absent, an_application_waits_thirty_minutes),
        grounds=(the_house_does_its_own_tasks,),
    ),
    Action.GIVE_ACCESS: Law(
        barriers=(
            *PROVED,
            *OWN_APPLICATION,
            an_access_leads_to_a_dossier,
            what_was_altered_is_believed_by_nobody,
            a_closed_dossier_is_shut_to_all,
            a_minor_has_no_access_of_their_own,
        ),
        grounds=(a_counter_serves_who_stands_before_it,),
    ),
    Action.SEND_WAKE_CODE: Law(
        barriers=(*PROVED_OR_ASLEEP, *ALIVE),
        grounds=(whose_access_sleeps_may_wake_it, the_house_does_its_own_tasks),
    ),
    Action.WAKE: Law(
        barriers=(*PROVED_OR_ASLEEP, *ALIVE),
        grounds=(whose_access_sleeps_may_wake_it,),
    ),
    Action.SEARCH: Law(barriers=PROVED, grounds=(professionals_find_those_they_treat,)),
    Action.VISIT: Law(
        barriers=(*PROVED, *ALIVE, agents_never_reach_contents),
        grounds=(the_holder_is_at_home, professionals_find_those_they_treat),
    ),
    Action.LIST: READING,
    Action.READ: READING,
    Action.DEPOSIT: Law(
        barriers=(*PROVED, *ALIVE), grounds=(professionals_feed_the_dossiers_of_those_they_treat,)
    ),
    Action.FOLLOW_DEPOSIT: Law(
        barriers=(*PROVED, *ALIVE, agents_never_reach_contents),
        grounds=(a_deposit_is_followed_by_its_author_alone,),
    ),
    Action.TRACES: AT_HOME,
    Action.PEOPLE: AT_HOME,
    Action.WITHDRAW: Law(
        barriers=(*PROVED, *ALIVE), grounds=(the_holder_is_at_home, the_house_does_its_own_tasks)
    ),
    Action.FOLLOW: AT_HOME,
    Action.AUTHORISE: Law(
        barriers=(*PROVED, *ALIVE), grounds=(professionals_declare_the_agreement_given_to_them,)
    ),
    Action.ASK_HISTORY: HOUSE_TASK,
    Action.IMPORT: HOUSE_TASK,
    Action.CHECK: HOUSE_TASK,
    Action.NOTIFY: HOUSE_TASK,
    Action.REVIEW: Law(barriers=PROVED, grounds=(staff_mend_what_waits_for_a_person,)),
}
