"""What a release left is brought up to date by `prepare`: everything is there, and means the same.

The rows are those of a real installation of that release, sealed by it, with its demonstration's keys.
"""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.test import override_settings

from access.gate import Refused
from access.policy import Reason
from accounts import logins, signing_in, web_access
from accounts.actors import Actor, Authentication, Capacity
from accounts.browsers import Browser
from accounts.identity import BirthDate
from accounts.models import User
from dmp import pg, schema
from dmp.management.commands import bind_rows
from documents import consultation
from dossiers import enrolment, finding, home, search_forms, sharing, traces
from history import consultation as history
from tests.cast import PHARMACY
from tests.releases import rows
from vault import subjects

NOON = datetime(2026, 11, 27, 16, 25, tzinfo=UTC)  # some minutes after the rows were recorded
LOGIN, PASSWORD = "camille.moreau", "tilleul marée quartz 58"
LEFEVRE, SAIDI, NADIA = "Dr Anne LEFÈVRE", "Dr Karim SAÏDI", "Nadia BENALI"


@pytest.fixture(params=sorted(Path(rows.__file__).parent.glob("*.rows.json")), ids=lambda path: path.stem)
def left(request, real_database, tmp_path):
    """The database as the release left it, and what `prepare` does of it."""
    told = json.loads(request.param.read_text())
    keys = tmp_path / "kek.json"
    keys.write_text(json.dumps(told["keys"]))
    keys.chmod(0o600)
    connections.close_all()
    with real_database.superuser() as server:
        server.execute("DROP SCHEMA public CASCADE")
        server.execute("CREATE SCHEMA public")
        pg.raise_walls(server)
    MigrationExecutor(connections["owner"]).migrate(list(told["changes"].items()))
    with real_database.superuser() as server:
        rows.write(server, told["tables"])
    vault = {"PROVIDER": "file", "KEYS": keys}
    subjects.forget_all_cached()
    with override_settings(VAULT=vault, DMP_DEMO=True):
        yield real_database
    subjects.forget_all_cached()


@pytest.fixture
def brought(left, monkeypatch):
    monkeypatch.setattr(bind_rows, "timezone", SimpleNamespace(now=lambda: NOON))
    schema.bring_up_to_date(lambda _: None)
    call_command("bind_rows", verbosity=0)
    call_command("complete_search", verbosity=0)
    return left


def camille() -> Actor:
    user = User.objects.get(login_mac=logins.login_mac(LOGIN))
    return Actor(
        capacity=Capacity.HOLDER,
        id=user.person_id,
        name="Camille Moreau",
        authentication=Authentication.PASSWORD_AND_CODE,
        dossier_id=user.dossier_id,
    )


def doctor(grantee_id: UUID, structure_id: UUID | None) -> Actor:
    return Actor(
        capacity=Capacity.PROFESSIONAL,
        id=grantee_id,
        profession="10",
        structure_id=structure_id,
        authentication=Authentication.PRO_SANTE_CONNECT,
    )


def test_everything_is_there_and_means_the_same(brought):
    holder = camille()
    dossier_id = holder.dossier_id

    # Signing in, and a web access that was opened online stays awake.
    begun = signing_in.begin(LOGIN, PASSWORD, at=NOON, browser=Browser("192.0.2.1/32", "0" * 43))
    assert len(begun.contacts) == 1
    user = User.objects.get(login_mac=logins.login_mac(LOGIN))
    assert web_access.state_of(user.pk, subjects.keyring(user.pk)).awake

    # Whom she let in, and until when.
    people = sharing.people(dossier_id, by=holder, at=NOON).authorised
    assert [(who.name, who.structure, who.in_force, f"{who.until:%d/%m/%Y}") for who in people] == [
        (LEFEVRE, "Cabinet des Tilleuls", True, "26/09/2027"),
        (SAIDI, "Centre de cardiologie Saint-Cyprien", True, "30/01/2027"),
        (NADIA, "Centre hospitalier de la Garonne", False, "09/06/2026"),
        (LEFEVRE, "Cabinet des Tilleuls", False, "26/09/2026"),
    ]
    with brought.superuser() as server:
        placed = server.execute(
            "SELECT grantee_id, structure_id FROM dossiers_grant WHERE until > %s", [NOON]
        ).fetchall()
    assert len(placed) == 2
    for grantee_id, structure_id in placed:
        assert structure_id is not None
        there, elsewhere = (doctor(grantee_id, where) for where in (structure_id, PHARMACY))
        assert consultation.contents(dossier_id, by=there, at=NOON).summaries
        with pytest.raises(Refused) as refusal:
            consultation.contents(dossier_id, by=elsewhere, at=NOON)
        assert refusal.value.decision.reason is Reason.NOT_GRANTED

    # What the dossier contains, what she objected to, who came.
    summaries = consultation.contents(dossier_id, by=holder, at=NOON).summaries
    assert [summary.title for summary in summaries] == [
        "Parcours de soins",
        "Ordonnance, traitement de fond de l’asthme",
        "Bilan sanguin annuel",
        "Compte rendu d’hospitalisation",
        "Consultation de cardiologie",
        "Compte rendu de consultation",
        "Ordonnance",
    ]
    for summary in summaries:
        if summary.is_history:
            care = history.care_history(dossier_id, by=holder, at=NOON)
            assert (care.total, care.state.phase) == (167, history.Phase.DONE)
            assert sum(len(section.lines) for section in care.sections) == 167
        else:
            assert consultation.read(dossier_id, summary.id, by=holder, at=NOON).summary == summary
            assert consultation.original(dossier_id, summary.id, by=holder, at=NOON).content
    front = home.front(dossier_id, by=holder, at=NOON)
    assert (front.holder.name, front.break_glass, front.regulation) == ("Camille Moreau", True, True)
    assert front.recent
    told = traces.traces(dossier_id, by=holder, at=NOON).entries
    assert {"deposit", "import", "read", "list.refused"} <= {trace.kind for trace in told}
    assert all(trace.readable for trace in told)


def test_who_was_opening_a_dossier_goes_on(brought):
    with brought.superuser() as server:
        waiting = [row[0] for row in server.execute("SELECT id FROM dossiers_application").fetchall()]

    assert waiting
    for application_id in waiting:
        by = enrolment.applicant(application_id)
        state = enrolment.state(application_id, by=by, at=NOON)
        assert state.step is enrolment.Step.CODE
        assert state.given_name == "Élise"


def test_nothing_is_named_by_those_who_verify(brought):
    for command in ("verify_rows", "verify_ledger"):
        said = StringIO()
        call_command(command, stdout=said)
        assert "verified" in said.getvalue()


def test_once_is_enough(brought):
    with brought.superuser() as server:
        before = server.execute("SELECT id, facts_mac FROM dossiers_grant ORDER BY id").fetchall()
    schema.bring_up_to_date(lambda _: None)
    call_command("bind_rows", verbosity=0)

    with brought.superuser() as server:
        assert server.execute("SELECT id, facts_mac FROM dossiers_grant ORDER BY id").fetchall() == before


def test_everybody_is_found_before_and_after_they_have_the_tokens_of_today(left, monkeypatch):
    monkeypatch.setattr(bind_rows, "timezone", SimpleNamespace(now=lambda: NOON))
    schema.bring_up_to_date(lambda _: None)
    call_command("bind_rows", verbosity=0)
    anne, camille_s = doctor(UUID(int=1, version=4), PHARMACY), camille().dossier_id

    def found(name: str) -> list[UUID]:
        born = BirthDate("19790328")
        return [one.dossier_id for one in finding.by_name(name, born, by=anne, at=NOON)]

    assert [found(name) for name in ("Moreau", "Moro", "More")] == [[camille_s]] * 3

    monkeypatch.setattr(search_forms, "AT_ONCE", 1)
    assert search_forms.complete() > 1
    with left.superuser() as server:
        server.execute("UPDATE dossiers_dossier SET search_form = 1 WHERE id = %s", [camille_s])
    assert search_forms.complete() == 1  # one that a stop had left out, its tokens written
    assert search_forms.complete() == 0
    assert [found(name) for name in ("Moreau", "Moro", "More")] == [[camille_s]] * 3
