"""A login is opened in one statement, under the roles that open dossiers, and they never read it back."""

from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts import logins, people
from accounts.devices import contact_of
from accounts.hashers import matches
from accounts.models import ContactDevice, Notice, User
from tests.accounts.people import AWAKE, CAMILLE, PHONE, person_for, take
from tests.cast import NOON
from vault import subjects

pytestmark = pytest.mark.django_db


def open_login(**changes):
    told = {"dossier_id": uuid4(), "login": None, "password_hash": None, "contact": PHONE, "access": AWAKE}
    told |= {"name": "Camille Moreau", "at": NOON}
    person_id = changes.pop("person_id", None) or person_for(CAMILLE)
    return logins.create_login(person_id=person_id, **(told | changes))


@pytest.mark.parametrize("role", ["dmp_counter", "dmp_web"])
def test_a_login_its_key_and_its_device_are_made_in_one_statement(role, django_assert_num_queries):
    take(role)
    person_id = person_for(CAMILLE)

    with django_assert_num_queries(1):
        credentials = open_login(person_id=person_id)

    take("none")
    user = User.objects.get(pk=credentials.user_id)
    device = ContactDevice.objects.get(user=user)
    assert user.must_change_password
    assert matches(credentials.first_password, user.password)
    assert contact_of(device, subjects.keyring(user.pk)) == PHONE


@pytest.mark.parametrize("role", ["dmp_counter", "dmp_web", "dmp_feed", "dmp_worker"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password FROM accounts_user",
        "SELECT sealed FROM accounts_contactdevice",
        "SELECT sealed FROM accounts_totpdevice",
        "SELECT id_mac FROM accounts_session",
        "SELECT sealed FROM accounts_notice",
        "UPDATE accounts_user SET active = true",
        "DELETE FROM accounts_user",
    ],
)
def test_the_roles_of_the_gate_read_no_secret_and_change_no_account(role, statement):
    take(role)

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_user SET login_mac = '\\x00'",
        "DELETE FROM accounts_user",
        "INSERT INTO accounts_contactdevice (id) VALUES (gen_random_uuid())",
        "UPDATE accounts_contactdevice SET sealed = '\\x00'",
        "UPDATE accounts_program SET keys = '{}'",
        "SELECT ins_mac FROM accounts_person",
        "TRUNCATE accounts_session",
    ],
)
def test_the_running_system_signs_people_in_and_no_more(statement):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)


def test_a_chosen_login_that_is_taken_is_told():
    take("dmp_web")
    assert logins.login_is_free("Camille.Moreau")

    open_login(login="camille.moreau", password_hash="argon2$x")

    assert not logins.login_is_free(" CAMILLE.moreau ")
    with pytest.raises(logins.LoginTaken):
        open_login(login="Camille.Moreau")


def test_without_a_contact_there_is_no_web_access():
    take("dmp_counter")

    assert open_login(contact=None) == logins.Credentials(None, None, None)

    take("none")
    assert not User.objects.exists()


def test_a_person_is_known_once_whoever_asks():
    take("dmp_counter")
    assert people.find(CAMILLE) is None

    first = person_for(CAMILLE)

    assert person_for(CAMILLE) == first == people.find(CAMILLE)


@pytest.mark.parametrize("role", ["dmp_web", "dmp_counter", "dmp_feed", "dmp_worker"])
def test_every_act_may_leave_a_notice(role):
    from accounts import notices

    take(role)
    notice_id = notices.queue(notices.NoticeKind.CHANGED, dossier_id=uuid4(), at=NOON)

    take("none")
    assert Notice.objects.get(pk=notice_id).sealed is None
