"""The demonstration is played through the operations everybody uses, once."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management.base import CommandError
from django.utils import timezone

from access.policy import Status
from accounts import directory, signing_in
from accounts.actors import Actor
from accounts.models import User
from documents import consultation
from dossiers import finding, sharing, traces
from history.consultation import care_history
from sandbox import totp, userinfo, whoswho
from sandbox.management.commands.demo import Command
from sandbox.memory import Memory
from sandbox.population import BERNARD, CAMILLE, LEFEVRE, ROY, STAFF
from tests.accounts.people import HOME
from tests.sandbox.world import running


def play() -> str:
    said = StringIO()
    Command(stdout=said).handle()
    return said.getvalue()


def lefevre(at) -> Actor:
    return directory.professional_from(userinfo.told(LEFEVRE), 0, at=at)


@pytest.fixture
def outside(tmp_path, settings):
    with running(tmp_path) as world:
        for name, value in world.settings().items():
            setattr(settings, name, value)
        settings.DMP_DEMO = True
        settings.DMP_VAR = tmp_path
        yield world


def test_nothing_is_played_on_a_real_installation(settings):
    settings.DMP_DEMO = False

    with pytest.raises(CommandError):
        play()


def test_before_an_insurer_that_does_not_know_the_cast_only_accounts_are_made(
    real_database, tmp_path, settings
):
    settings.DMP_DEMO, settings.DMP_VAR = True, tmp_path
    said = StringIO()

    Command(stdout=said).handle(employees_only=True)
    Command(stdout=said).handle(employees_only=True)

    assert "i.astruc" in said.getvalue()
    assert "camille" not in said.getvalue()


@pytest.mark.slow
def test_the_cast_plays_itself_once(real_database, outside):
    said = play()
    now = timezone.now()
    doctor = lefevre(now)
    (found,) = finding.by_ins(CAMILLE.nir, by=doctor, at=now)
    notes = Memory(outside.memory / "sandbox", "played", {})
    holder = Actor.from_told(notes.read()["opening"])

    # Camille opened long ago; her documents were checked, her history imported, the rest withheld from her.
    seen = consultation.contents(found.dossier_id, by=holder, at=now).summaries
    assert len([one for one in seen if not one.is_history]) == 6
    assert all(one.status is Status.AVAILABLE for one in seen)
    assert care_history(found.dossier_id, by=holder, at=now).total > 20
    assert found.granted_until > now + timedelta(days=200)
    in_force = [one for one in sharing.people(found.dossier_id, by=holder, at=now).authorised if one.in_force]
    assert {one.name for one in in_force} == {"Dr Anne LEFÈVRE", "Dr Karim SAÏDI"}

    # What she may read of who came.
    told = traces.traces(found.dossier_id, by=holder, at=now).entries
    assert min(one.at for one in told) < now - timedelta(days=420)

    # Bernard was received at the counter; nothing of the cast is open twice.
    (bernard,) = finding.by_ins(BERNARD.nir, by=doctor, at=now)
    assert bernard.granted_until is None

    # Everybody signs in with what is written.
    logins = whoswho.prepared(outside.memory / "sandbox")
    for employee, kind in ((ROY, "agent"), (STAFF, "staff")):
        login = logins[employee.slug]
        pending = signing_in.begin(login.login, login.password, at=now, browser=HOME, kinds=(kind,))
        proved = signing_in.check_code(
            pending, totp.code(login.totp_secret, now.timestamp()), browser=HOME, at=now
        )
        assert not User.objects.get(pk=proved.user_id).must_change_password
    login = logins[CAMILLE.slug]
    assert signing_in.begin(login.login, login.password, at=now, browser=HOME).contacts
    assert login.login in said
    assert login.password in said

    # Once: nothing moves when it is played again.
    before = notes.read()
    play()
    assert notes.read() == before
    assert len(consultation.contents(found.dossier_id, by=holder, at=now).summaries) == len(seen)
