"""What somebody who writes in the database without a key changes is believed by nobody, and named.

Each right that stands in clear is tried: its row is changed by a superuser, then met as it is every day.
"""

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from access import gate
from access.policy import Action, Reason
from accounts import logins, people, programs, signing_in
from accounts.browsers import Browser
from accounts.models import AccessToken, Program, User
from documents import consultation, deposit
from dossiers import applications, finding, home, sharing
from dossiers.applications import CardRead
from dossiers.counter import DossierOfAVisit
from dossiers.identity import Identity
from tests.api.test_tokens import STRANGER, assertion, claims, register
from tests.cast import LEFEVRE, NADIA, NOON, PHARMACY, ROY
from tests.documents.conftest import content_store  # noqa: F401  (fixture)
from tests.documents.files import pdf
from tests.dossiers.conftest import CAMILLE_NIR, nir
from vault import rows
from vault.binding import BINDINGS

LATER = NOON + timedelta(hours=1)
BROWSER = Browser("192.0.2.1/32", "0" * 43)


@pytest.fixture
def write(real_database):
    """The pen of somebody who may write anywhere, and has no key."""

    def write(statement, *values):
        with real_database.superuser() as server:
            server.execute("SET session_replication_role = replica")  # neither triggers nor foreign keys
            return server.execute(statement, values).rowcount

    return write


@pytest.fixture
def sheet(real_database, open_at_the_counter):
    return open_at_the_counter()


@pytest.fixture
def camille(sheet, holder_of):
    return holder_of(sheet.dossier_id)


@pytest.fixture
def paul(camille, open_at_the_counter, holder_of, reading):
    his = replace(
        reading,
        ins=replace(reading.ins, value=nir("1800412115003")),
        traits=replace(reading.traits, birth_name="ADAM", given_names=("PAUL",), sex="M", used_name=None),
    )
    return holder_of(open_at_the_counter(reading=his, contact=None).dossier_id)


def deposited(camille, **how):
    given = {"masked": False, "withheld": False, "hidden_from_representatives": False} | how
    return deposit.deposit(
        camille.dossier_id,
        content=pdf(),
        media_type="application/pdf",
        type_code="11488-4",
        title="Compte rendu",
        created_on=NOON.date(),
        by=NADIA,
        at=NOON,
        **given,
    ).document_id


def why(ask):
    """The reason for which it is refused."""
    with pytest.raises(gate.Refused) as refusal:
        ask()
    return refusal.value.decision.reason


def named():
    """What `verify_rows` names, by table."""
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_rows", stdout=said)
    return {line.split()[1].removeprefix("table=") for line in said.getvalue().splitlines()[:-1]}


def test_nothing_is_named_while_nobody_altered_anything(camille, paul):
    sharing.declare_agreement(camille.dossier_id, by=LEFEVRE, at=NOON)
    deposited(camille)
    register()
    verification = rows.RowVerification()

    assert list(verification.of_all()) == []
    assert verification.rows >= 6


def test_every_clear_column_that_decides_is_among_these():
    assert {table: bound.columns for table, bound in sorted(BINDINGS.items())} == {
        "accounts_accesstoken": ("program_id", "scopes", "expires_at"),
        "accounts_program": ("structure_id", "keys", "scopes", "active"),
        "accounts_user": ("kind", "person_id", "dossier_id", "structure_id", "active"),
        "documents_document": (
            *("dossier_id", "type_code", "class_code", "created_on", "deposited_at", "status"),
            *("masked", "withheld", "hidden_from_representatives"),
            *("author_id", "author_structure_id", "replaces_id"),
        ),
        "dossiers_dossier": ("holder_id", "opened_at", "closed_at"),
        "dossiers_grant": ("dossier_id", "grantee_id", "structure_id", "since", "until"),
        "dossiers_objection": ("dossier_id", "to", "since", "until"),
    }


# Whose dossier it is --------------------------------------------------------------------------


def test_a_dossier_given_to_somebody_else_shows_itself_to_neither(write, camille, paul):
    write("DELETE FROM dossiers_dossier WHERE id = %s", paul.dossier_id)
    write("UPDATE dossiers_dossier SET holder_id = %s WHERE id = %s", paul.id, camille.dossier_id)
    intruder = replace(paul, dossier_id=camille.dossier_id)

    for who in (camille, intruder):
        assert why(lambda who=who: home.front(camille.dossier_id, by=who, at=LATER)) is Reason.ALTERED
        assert why(lambda who=who: consultation.contents(camille.dossier_id, by=who, at=LATER)) is (
            Reason.ALTERED
        )
    assert not finding.by_ins(nir("1800412115003"), by=LEFEVRE, at=LATER)
    assert named() == {"dossiers_dossier", "accounts_person"}


def test_a_person_given_another_s_number_is_not_found_by_it(write, camille, paul, reading):
    write("UPDATE accounts_person SET ins_mac = '\\x00' WHERE id = %s", camille.id)
    write("UPDATE accounts_person SET ins_mac = %s WHERE id = %s", people.ins_mac(reading.ins), paul.id)

    assert not finding.by_ins(CAMILLE_NIR, by=LEFEVRE, at=LATER)
    assert named() == {"accounts_person"}


def test_a_person_given_another_s_number_is_given_no_access_to_that_dossier(write, camille, paul, reading):
    """At a counter, the card of one would otherwise open the dossier of the other."""
    visit_id, visit_mac = uuid4(), uuid4().bytes * 2
    told = {
        "identity": Identity(reading.ins, reading.traits).told(),
        "card_read_at": NOON.isoformat(),
        "desk": "",
        "structure": str(ROY.structure_id),
    }
    with gate.admitted(ROY, Action.CHECK_EXISTENCE, CardRead(visit_mac, NOON), at=NOON):
        applications.begin(visit_id, told, owner_id=ROY.id, at=NOON, visit_mac=visit_mac)

    def give():
        with gate.admitted(
            ROY, Action.GIVE_ACCESS, DossierOfAVisit(visit_id=visit_id, desk=""), at=NOON
        ) as passage:
            return passage.dossier_id

    assert give() == camille.dossier_id

    write("UPDATE accounts_person SET ins_mac = '\\x00' WHERE id = %s", camille.id)
    write("UPDATE accounts_person SET ins_mac = %s WHERE id = %s", people.ins_mac(reading.ins), paul.id)

    assert why(give) is Reason.ALTERED


def test_a_closed_dossier_is_not_opened_again_by_a_pen(write, camille):
    write("UPDATE dossiers_dossier SET closed_at = %s", LATER)

    assert why(lambda: home.front(camille.dossier_id, by=camille, at=LATER)) is Reason.ALTERED


def test_the_trace_of_the_refusal_is_where_the_holder_reads(write, camille):
    [before] = [home.front(camille.dossier_id, by=camille, at=NOON).opened_at]
    write("UPDATE dossiers_dossier SET opened_at = %s", LATER)
    why(lambda: home.front(camille.dossier_id, by=LEFEVRE, at=LATER))
    write("UPDATE dossiers_dossier SET opened_at = %s", before)

    [told] = home.front(camille.dossier_id, by=camille, at=LATER).recent[0].traces
    assert (told.kind, told.detail["reason"]) == ("visit.refused", "altered")


@pytest.mark.parametrize("cell", ["dossiers_dossier SET sealed_identity", "vault_subjectkey SET wrapped"])
def test_a_sealed_cell_that_was_altered_is_said_and_never_breaks_a_page(write, camille, cell):
    where = "id" if "identity" in cell else "subject_id"
    write(f"UPDATE {cell} = '\\x0101' WHERE {where} = %s", camille.dossier_id)

    assert why(lambda: home.front(camille.dossier_id, by=camille, at=LATER)) is Reason.ALTERED


# Who signs in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "dossier_id = %(dossier)s, person_id = %(person)s",
        "kind = 'staff', dossier_id = NULL, person_id = NULL",
    ],
    ids=["another's dossier", "another space"],
)
def test_a_login_pointed_elsewhere_signs_nobody_in(write, real_database, sheet, paul, change):
    with real_database.superuser() as server:
        server.execute(
            f"UPDATE accounts_user SET {change} WHERE dossier_id = %(mine)s",
            {"dossier": paul.dossier_id, "person": paul.id, "mine": sheet.dossier_id},
        )
    kinds = User.Kind.values

    with pytest.raises(signing_in.AccountAltered):
        signing_in.begin(sheet.login, sheet.first_password, at=LATER, browser=BROWSER, kinds=kinds)
    assert named() == {"accounts_user"}


def test_a_login_that_was_closed_is_not_opened_again_by_a_pen(write, sheet):
    assert logins.close(User.objects.get(dossier_id=sheet.dossier_id).pk)
    with pytest.raises(signing_in.WrongCredentials):
        signing_in.begin(sheet.login, sheet.first_password, at=LATER, browser=BROWSER)

    write("UPDATE accounts_user SET active = true")

    with pytest.raises(signing_in.AccountAltered):
        signing_in.begin(sheet.login, sheet.first_password, at=LATER, browser=BROWSER)


def test_a_contact_planted_in_an_account_receives_no_code(write, sheet):
    user = User.objects.get(dossier_id=sheet.dossier_id)
    write(
        "INSERT INTO accounts_contactdevice"
        " (id, user_id, name, confirmed, channel, sealed, tries_left, sent_in_hour)"
        " SELECT %s, user_id, '', true, channel, sealed, 0, 0 FROM accounts_contactdevice WHERE user_id = %s",
        *(uuid4(), user.pk),
    )

    begun = signing_in.begin(sheet.login, sheet.first_password, at=LATER, browser=BROWSER)

    assert len(begun.contacts) == 1


def test_a_program_whose_key_or_rights_were_changed_proves_nothing(write, real_database):
    program_id = register(scopes=("feed.status",))
    token = programs.token(assertion(claims(program_id)), at=timezone.now())
    stranger = STRANGER.as_dict(private=False) | {"kid": "ec-1"}
    write("UPDATE accounts_program SET keys = %s", f'{{"keys": [{json.dumps(stranger)}]}}')

    with pytest.raises(programs.InvalidClient):
        programs.token(assertion(claims(program_id), key=STRANGER), at=timezone.now())
    with pytest.raises(programs.InvalidToken):
        programs.program_of(token.value, at=timezone.now())
    assert named() == {"accounts_program"}


def test_a_token_given_more_rights_or_another_program_opens_nothing(write, real_database):
    program_id = register(scopes=("feed.status",))
    token = programs.token(assertion(claims(program_id)), at=timezone.now())
    assert programs.program_of(token.value, at=timezone.now())
    write("UPDATE accounts_accesstoken SET scopes = 'feed.status feed.write'")

    with pytest.raises(programs.InvalidToken):
        programs.program_of(token.value, at=timezone.now())
    assert (AccessToken.objects.count(), Program.objects.count()) == (1, 1)


# Whom the holder lets in ----------------------------------------------------------------------


def test_an_agreement_that_nobody_with_the_key_wrote_lets_nobody_in(write, camille):
    write(
        "INSERT INTO dossiers_grant"
        " (id, dossier_id, grantee_id, structure_id, since, until, sealed, facts_mac)"
        " VALUES (%s, %s, %s, %s, %s, %s, '\\x01', '\\x00112233445566778899aabbccddeeff')",
        *(uuid4(), camille.dossier_id, LEFEVRE.id, LEFEVRE.structure_id, NOON, LATER + timedelta(days=9)),
    )

    assert why(lambda: consultation.contents(camille.dossier_id, by=LEFEVRE, at=LATER)) is Reason.ALTERED
    assert sharing.people(camille.dossier_id, by=camille, at=LATER).authorised == ()
    [found] = finding.by_ins(CAMILLE_NIR, by=LEFEVRE, at=LATER)
    assert found.granted_until is None
    assert named() == {"dossiers_grant"}


@pytest.mark.parametrize(
    "change",
    [
        ("until", NOON + timedelta(days=9999)),
        ("since", NOON - timedelta(days=1)),
        ("grantee_id", NADIA.id),
        ("structure_id", PHARMACY),
    ],
    ids=lambda change: change[0],
)
def test_an_agreement_made_longer_or_given_to_somebody_else_lets_nobody_in(write, camille, change):
    sharing.declare_agreement(camille.dossier_id, by=LEFEVRE, at=NOON)
    column, value = change
    write(f"UPDATE dossiers_grant SET {column} = %s", value)
    who = NADIA if column == "grantee_id" else replace(LEFEVRE, structure_id=PHARMACY)
    who = LEFEVRE if column in ("until", "since") else who

    assert why(lambda: consultation.contents(camille.dossier_id, by=who, at=LATER)) is Reason.ALTERED


def test_an_agreement_moved_to_another_dossier_opens_neither(write, camille, paul):
    sharing.declare_agreement(camille.dossier_id, by=LEFEVRE, at=NOON)
    write("UPDATE dossiers_grant SET dossier_id = %s", paul.dossier_id)

    assert why(lambda: consultation.contents(camille.dossier_id, by=LEFEVRE, at=LATER)) is Reason.NOT_GRANTED
    assert why(lambda: consultation.contents(paul.dossier_id, by=LEFEVRE, at=LATER)) is Reason.ALTERED


def test_the_holder_ends_even_what_was_altered(write, camille):
    granted = sharing.declare_agreement(camille.dossier_id, by=LEFEVRE, at=NOON)
    write("UPDATE dossiers_grant SET until = %s, sealed = '\\x01'", NOON + timedelta(days=9999))

    assert sharing.withdraw(camille.dossier_id, granted.grant_id, by=camille, at=LATER)
    assert why(lambda: consultation.contents(camille.dossier_id, by=LEFEVRE, at=LATER)) is Reason.NOT_GRANTED


# Who reads a document -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "change"),
    [
        ({"withheld": True}, ("withheld", False)),
        ({"masked": True}, ("masked", False)),
        ({}, ("status", "available")),
        ({}, ("author_id", LEFEVRE.id)),
        ({}, ("type_code", "11490-0")),
        ({}, ("created_on", "2020-01-01")),
        ({}, ("facts_mac", None)),
    ],
    ids=["withheld", "masked", "status", "author", "type", "day", "nothing binds it"],
)
def test_a_document_shown_to_others_by_a_pen_is_shown_to_nobody(write, camille, how, change):
    document_id = deposited(camille, **how)
    sharing.declare_agreement(camille.dossier_id, by=LEFEVRE, at=NOON)
    write(f"UPDATE documents_document SET {change[0]} = %s", change[1])

    for who in (camille, LEFEVRE, NADIA):
        read = why(lambda who=who: consultation.read(camille.dossier_id, document_id, by=who, at=LATER))
        assert read is Reason.ALTERED
    for who in (camille, LEFEVRE):
        assert consultation.contents(camille.dossier_id, by=who, at=LATER).summaries == []
    assert named() == {"documents_document"}


def test_an_objection_that_was_altered_still_objects(write, open_at_the_counter, holder_of):
    camille = holder_of(open_at_the_counter(break_glass=False, regulation=True).dossier_id)
    assert home.front(camille.dossier_id, by=camille, at=NOON).break_glass is False
    write("UPDATE dossiers_objection SET \"to\" = 'regulation'")

    front = home.front(camille.dossier_id, by=camille, at=NOON)
    assert (front.break_glass, front.regulation) == (False, False)


def test_an_objection_that_was_taken_away_is_missed(write, open_at_the_counter):
    open_at_the_counter(break_glass=False, regulation=True)
    call_command("verify_rows", stdout=StringIO())  # names nothing yet
    write("DELETE FROM dossiers_objection")

    assert named() == {"dossiers_consent"}


# Rows of before -------------------------------------------------------------------------------


def test_rows_of_an_earlier_release_are_bound_once(write, camille):
    sharing.declare_agreement(
        camille.dossier_id, by=replace(LEFEVRE, structure_id=None, structure=""), at=NOON
    )
    doctor = replace(LEFEVRE, structure_id=None)
    for table in BINDINGS:
        write(f"UPDATE {table} SET facts_mac = NULL")
    assert why(lambda: home.front(camille.dossier_id, by=camille, at=LATER)) is Reason.ALTERED

    call_command("bind_rows", verbosity=0)

    assert home.front(camille.dossier_id, by=camille, at=LATER)
    assert consultation.contents(camille.dossier_id, by=doctor, at=LATER)
    assert list(rows.RowVerification().of_all()) == []

    write("UPDATE dossiers_grant SET until = %s, facts_mac = NULL", NOON + timedelta(days=9999))
    call_command("bind_rows", verbosity=0)

    assert why(lambda: consultation.contents(camille.dossier_id, by=doctor, at=LATER)) is Reason.ALTERED
    assert named() == {"dossiers_grant"}
