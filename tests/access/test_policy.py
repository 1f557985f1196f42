"""The law as a table: for each act, who may and why. No database, no clock."""

from dataclasses import replace

import pytest

from access.policy import (
    HIDDEN,
    LAWS,
    Action,
    Question,
    Reason,
    Standing,
    Status,
    Target,
    decide,
    refuse,
)
from accounts.actors import Authentication, Capacity
from dossiers.house import HOUSE
from tests.cast import (
    APPLICANT,
    CAMILLE,
    DOSSIER,
    LEFEVRE,
    NADIA,
    NOBODY,
    NOON,
    OPTICIAN,
    PAUL,
    PHARMACIST,
    PROGRAM,
    ROY,
    STAFF,
    STUDENT,
)

# Login, password and code of a web access that nothing has woken yet.
ASLEEP = replace(CAMILLE, authentication=Authentication.ASLEEP)
EVERYBODY = (
    CAMILLE,
    PAUL,
    LEFEVRE,
    NADIA,
    PHARMACIST,
    OPTICIAN,
    STUDENT,
    ROY,
    STAFF,
    PROGRAM,
    NOBODY,
    APPLICANT,
    HOUSE,
)
DOOR = Target(dossier_id=DOSSIER, holder_id=CAMILLE.id)
LETTER = replace(DOOR, document_id=DOSSIER, document_type="11490-0", document_class="10", author_id=NADIA.id)
GRANTED = Standing(granted=True)
STRANGER = Standing()


def answer(actor, action, target=DOOR, standing=STRANGER):
    decision = decide(Question(actor=actor, action=action, target=target, standing=standing, at=NOON))
    return decision.allowed, decision.reason


def yes(reason):
    return True, reason


def no(reason):
    return False, reason


READING = [
    ("the holder reads at home", CAMILLE, LETTER, STRANGER, yes(Reason.OWN_DOSSIER)),
    ("another holder learns nothing", PAUL, LETTER, STRANGER, no(Reason.NOT_YOURS)),
    ("a doctor without agreement reads nothing", LEFEVRE, LETTER, STRANGER, no(Reason.NOT_GRANTED)),
    ("a doctor with agreement reads", LEFEVRE, LETTER, GRANTED, yes(Reason.GRANTED)),
    (
        "a pharmacist with agreement reads what the matrix gives",
        PHARMACIST,
        LETTER,
        GRANTED,
        yes(Reason.GRANTED),
    ),
    (
        "a pharmacist does not read a psychiatric summary",
        PHARMACIST,
        replace(LETTER, document_type="68599-0", document_class="11"),
        GRANTED,
        no(Reason.OUTSIDE_MATRIX),
    ),
    (
        "an optician does not read reimbursements",
        OPTICIAN,
        replace(LETTER, document_type="REMB", document_class="60"),
        GRANTED,
        no(Reason.OUTSIDE_MATRIX),
    ),
    (
        "a type nobody knows is read by nobody",
        LEFEVRE,
        replace(LETTER, document_type="0-0", document_class=None),
        GRANTED,
        no(Reason.OUTSIDE_MATRIX),
    ),
    ("an author keeps sight of their own", NADIA, LETTER, STRANGER, yes(Reason.OWN_DOCUMENT)),
    ("a profession without a line reads nothing", STUDENT, LETTER, GRANTED, no(Reason.OUTSIDE_MATRIX)),
    ("an agent never reads", ROY, LETTER, GRANTED, no(Reason.NEVER_CONTENT)),
    ("staff never reads", STAFF, LETTER, GRANTED, no(Reason.NEVER_CONTENT)),
    ("a program reads nothing yet", PROGRAM, LETTER, STRANGER, no(Reason.NO_GROUND)),
    ("nobody reads without signing in", NOBODY, LETTER, GRANTED, no(Reason.WEAK_PROOF)),
    ("masked is hidden from a doctor", LEFEVRE, replace(LETTER, masked=True), GRANTED, no(Reason.MASKED)),
    ("masked stays with its author", NADIA, replace(LETTER, masked=True), STRANGER, yes(Reason.OWN_DOCUMENT)),
    (
        "masked stays with the holder",
        CAMILLE,
        replace(LETTER, masked=True),
        STRANGER,
        yes(Reason.OWN_DOSSIER),
    ),
    (
        "withheld is hidden from the holder",
        CAMILLE,
        replace(LETTER, withheld=True),
        STRANGER,
        no(Reason.WITHHELD),
    ),
    ("withheld is read by a doctor", LEFEVRE, replace(LETTER, withheld=True), GRANTED, yes(Reason.GRANTED)),
    (
        "what is being checked waits, for its author too",
        NADIA,
        replace(LETTER, status=Status.QUARANTINE),
        STRANGER,
        no(Reason.BEING_CHECKED),
    ),
    (
        "what the checks refused is absent for all but its author",
        CAMILLE,
        replace(LETTER, status=Status.REFUSED),
        STRANGER,
        no(Reason.ABSENT),
    ),
    (
        "an older version gives way to the current one",
        CAMILLE,
        replace(LETTER, status=Status.SUPERSEDED),
        STRANGER,
        no(Reason.SUPERSEDED),
    ),
    (
        "a closed dossier is shut to its holder",
        CAMILLE,
        replace(LETTER, open=False),
        STRANGER,
        no(Reason.CLOSED),
    ),
    (
        "a closed dossier is shut to a doctor",
        LEFEVRE,
        replace(LETTER, open=False),
        GRANTED,
        no(Reason.CLOSED),
    ),
    ("what does not exist is absent", LEFEVRE, replace(LETTER, exists=False), GRANTED, no(Reason.ABSENT)),
]


@pytest.mark.parametrize(
    ("actor", "target", "standing", "expected"), [case[1:] for case in READING], ids=[c[0] for c in READING]
)
def test_reading(actor, target, standing, expected):
    assert answer(actor, Action.READ, target, standing) == expected
    assert answer(actor, Action.LIST, target, standing) == expected


ALLOWED = {
    # who may, on a living dossier, without any agreement of its holder
    Action.VISIT: {CAMILLE, LEFEVRE, NADIA, PHARMACIST, OPTICIAN},
    Action.LIST: {CAMILLE},
    Action.READ: {CAMILLE},
    Action.DEPOSIT: {LEFEVRE, NADIA, PHARMACIST, OPTICIAN},
    Action.FOLLOW_DEPOSIT: set(),  # its author's alone, and nobody is one here
    Action.AUTHORISE: {LEFEVRE, NADIA, PHARMACIST, OPTICIAN},
    Action.TRACES: {CAMILLE},
    Action.PEOPLE: {CAMILLE},
    Action.WITHDRAW: {CAMILLE, HOUSE},
    Action.FOLLOW: {CAMILLE},
    Action.ASK_HISTORY: {HOUSE},
    Action.IMPORT: {HOUSE},
    Action.CHECK: {HOUSE},
    Action.NOTIFY: {HOUSE},
    Action.SEARCH: {LEFEVRE, NADIA, PHARMACIST, OPTICIAN},
    Action.REVIEW: {STAFF},
    Action.ASK_CONTACTS: {HOUSE},
    Action.SEND_WAKE_CODE: {HOUSE, ASLEEP},
    Action.WAKE: {ASLEEP},
}


@pytest.mark.parametrize("action", ALLOWED, ids=str)
def test_each_act_is_open_to_exactly_those(action):
    may = {actor for actor in (*EVERYBODY, ASLEEP) if answer(actor, action)[0]}

    assert may == ALLOWED[action]


def test_every_action_has_a_law_and_a_line_in_this_table():
    assert set(LAWS) == set(Action)
    elsewhere = {Action.ENTER, Action.ENROL, Action.CHECK_EXISTENCE, Action.OPEN, Action.GIVE_ACCESS}
    assert set(ALLOWED) | elsewhere == set(Action)


@pytest.mark.parametrize("action", sorted(set(Action) - {Action.ENTER, Action.ENROL, Action.OPEN}), ids=str)
@pytest.mark.parametrize(
    "actor", [a for a in EVERYBODY if a is not APPLICANT], ids=lambda a: a.name or "nobody"
)
def test_a_weak_proof_never_passes(actor, action):
    everything = Standing(
        granted=True, holder_present=True, identity_proved=True, consented=True, represented=True
    )
    weak = replace(actor, authentication=Authentication.NONE)

    assert answer(weak, action, LETTER, everything) == no(Reason.WEAK_PROOF)


@pytest.mark.parametrize("action", Action, ids=str)
@pytest.mark.parametrize("actor", EVERYBODY, ids=lambda a: a.name or str(a.capacity))
def test_whoever_has_signed_out_passes_nowhere(actor, action):
    everything = Standing(
        granted=True, holder_present=True, identity_proved=True, consented=True, represented=True
    )
    question = Question(
        actor=actor, action=action, target=LETTER, standing=everything, at=NOON, signed_in=False
    )

    assert decide(question) == refuse(Reason.SIGNED_OUT)


@pytest.mark.parametrize(
    "action",
    [
        a
        for a in Action
        if a
        not in {
            Action.ENTER,
            Action.ENROL,
            Action.CHECK_EXISTENCE,
            Action.OPEN,
            Action.ASK_CONTACTS,
            Action.GIVE_ACCESS,
            Action.SEARCH,
            Action.REVIEW,
        }
    ],
    ids=str,
)
@pytest.mark.parametrize("actor", EVERYBODY, ids=lambda a: a.name or str(a.capacity))
def test_a_closed_dossier_is_shut_to_everybody(actor, action):
    allowed, reason = answer(actor, action, replace(LETTER, open=False), GRANTED)

    assert not allowed
    assert reason in {Reason.CLOSED, Reason.WEAK_PROOF}


APPLICATION = Target(owner_id=APPLICANT.id)
PRESENT = Standing(holder_present=True, consented=True)
PROVED = Standing(identity_proved=True, consented=True)
OPENING = [
    (
        "whoever proved who they are opens their own",
        APPLICANT,
        APPLICATION,
        PROVED,
        yes(Reason.IDENTITY_PROVED),
    ),
    (
        "knowing is not proving",
        APPLICANT,
        APPLICATION,
        Standing(consented=True),
        no(Reason.IDENTITY_NOT_PROVED),
    ),
    ("no consent, no dossier", APPLICANT, APPLICATION, Standing(identity_proved=True), no(Reason.NO_CONSENT)),
    ("half an hour has passed", APPLICANT, replace(APPLICATION, expired=True), PROVED, no(Reason.EXPIRED)),
    ("somebody else's form", APPLICANT, replace(APPLICATION, owner_id=PAUL.id), PROVED, no(Reason.NOT_YOURS)),
    (
        "a person has one dossier",
        APPLICANT,
        replace(APPLICATION, holder_id=CAMILLE.id),
        PROVED,
        no(Reason.ALREADY_OPEN),
    ),
    (
        "an agent opens for who is there",
        ROY,
        replace(APPLICATION, owner_id=ROY.id),
        PRESENT,
        yes(Reason.HOLDER_PRESENT),
    ),
    (
        "a pharmacist opens for who is there",
        PHARMACIST,
        replace(APPLICATION, owner_id=PHARMACIST.id),
        PRESENT,
        yes(Reason.HOLDER_PRESENT),
    ),
    (
        "an agent opens for nobody absent",
        ROY,
        replace(APPLICATION, owner_id=ROY.id),
        Standing(consented=True),
        no(Reason.HOLDER_ABSENT),
    ),
    (
        "a minor comes with a representative",
        ROY,
        replace(APPLICATION, owner_id=ROY.id, minor=True),
        PRESENT,
        no(Reason.NO_REPRESENTATIVE),
    ),
    (
        "a minor whose representative agreed",
        ROY,
        replace(APPLICATION, owner_id=ROY.id, minor=True),
        replace(PRESENT, represented=True),
        yes(Reason.HOLDER_PRESENT),
    ),
    (
        "a card read too long ago opens nothing",
        PHARMACIST,
        replace(APPLICATION, owner_id=PHARMACIST.id),
        replace(PRESENT, holder_present=False),
        no(Reason.HOLDER_ABSENT),
    ),
    ("staff opens nothing", STAFF, replace(APPLICATION, owner_id=STAFF.id), PRESENT, no(Reason.NO_GROUND)),
    (
        "a student opens nothing",
        STUDENT,
        replace(APPLICATION, owner_id=STUDENT.id),
        PRESENT,
        no(Reason.NO_GROUND),
    ),
]


@pytest.mark.parametrize(
    ("actor", "target", "standing", "expected"), [case[1:] for case in OPENING], ids=[c[0] for c in OPENING]
)
def test_opening(actor, target, standing, expected):
    assert answer(actor, Action.OPEN, target, standing) == expected


def test_checking_existence_needs_the_person_there():
    mine = replace(APPLICATION, owner_id=ROY.id)

    assert answer(ROY, Action.CHECK_EXISTENCE, mine, Standing(holder_present=True)) == yes(
        Reason.HOLDER_PRESENT
    )
    assert answer(ROY, Action.CHECK_EXISTENCE, mine, STRANGER) == no(Reason.HOLDER_ABSENT)


def test_what_one_may_not_know_to_exist_looks_absent():
    hidden = {
        decide(Question(actor=actor, action=Action.READ, target=target, standing=standing, at=NOON)).hidden
        for _, actor, target, standing, (_, reason) in READING
        if reason in HIDDEN
    }

    assert hidden == {True}


def test_no_capacity_is_forgotten_by_the_proofs():
    from access.policy import STRONG_PROOFS

    assert set(STRONG_PROOFS) == set(Capacity) - {Capacity.ANONYMOUS}


@pytest.mark.parametrize("actor", EVERYBODY, ids=lambda a: a.name or str(a.capacity))
def test_a_space_serves_its_own(actor):
    allowed, _ = answer(actor, Action.ENTER, Target(audience=frozenset({Capacity.HOLDER})))

    assert allowed is (actor.capacity is Capacity.HOLDER)


DOSSIER_OF_A_VISIT = replace(DOOR, owner_id=ROY.id)
GIVING = [
    (
        "an agent gives an access to who is there",
        ROY,
        DOSSIER_OF_A_VISIT,
        PRESENT,
        yes(Reason.HOLDER_PRESENT),
    ),
    ("to nobody absent", ROY, DOSSIER_OF_A_VISIT, Standing(), no(Reason.HOLDER_ABSENT)),
    ("in nobody else's visit", PHARMACIST, DOSSIER_OF_A_VISIT, PRESENT, no(Reason.NOT_YOURS)),
    (
        "not when there is no dossier",
        ROY,
        replace(DOSSIER_OF_A_VISIT, dossier_id=None),
        PRESENT,
        no(Reason.NO_DOSSIER),
    ),
    ("not to a closed dossier", ROY, replace(DOSSIER_OF_A_VISIT, open=False), PRESENT, no(Reason.CLOSED)),
    ("not to a minor", ROY, replace(DOSSIER_OF_A_VISIT, minor=True), PRESENT, no(Reason.NO_REPRESENTATIVE)),
    (
        "staff gives none",
        STAFF,
        replace(DOSSIER_OF_A_VISIT, owner_id=STAFF.id),
        PRESENT,
        no(Reason.NO_GROUND),
    ),
]


@pytest.mark.parametrize(
    ("actor", "target", "standing", "expected"), [case[1:] for case in GIVING], ids=[c[0] for c in GIVING]
)
def test_giving_an_access_at_a_counter(actor, target, standing, expected):
    assert answer(actor, Action.GIVE_ACCESS, target, standing) == expected


@pytest.mark.parametrize("action", sorted(set(Action) - {Action.WAKE, Action.SEND_WAKE_CODE}), ids=str)
def test_an_access_asleep_opens_nothing_but_what_wakes_it(action):
    everything = Standing(
        granted=True, holder_present=True, identity_proved=True, consented=True, represented=True
    )
    target = replace(LETTER, owner_id=ASLEEP.id, audience=frozenset())

    assert not answer(ASLEEP, action, target, everything)[0]
