"""The ledger of dossiers really opened: the application cannot touch it, what a superuser does is named."""

import io

import psycopg
import pytest
from django.core.management import CommandError, call_command

from dmp import pg
from dmp.pg import GATED_ROLES
from tests.proof.people import open_dossier, who_have_a_history

ALTERING = (
    "UPDATE audit_event SET kind = kind",
    "DELETE FROM audit_event",
    "TRUNCATE audit_event",
    "INSERT INTO audit_event SELECT * FROM audit_event",
    "UPDATE audit_head SET position = 0",
    "DELETE FROM audit_head",
    "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "DROP TABLE audit_event",
    "SET session_replication_role = replica",
    "CREATE FUNCTION audit_append() RETURNS int LANGUAGE sql AS 'SELECT 1'",
)


@pytest.fixture
def dossiers(real_database):
    return [open_dossier(person) for person in who_have_a_history(3)]


def verified(**only):
    told = io.StringIO()
    try:
        call_command("verify_ledger", stdout=told, **only)
    except CommandError as found:
        return found.returncode, told.getvalue()
    return 0, told.getvalue()


def test_the_application_cannot_alter_the_ledger_under_any_of_its_roles(real_database, dossiers):
    refused = 0
    with pg.connect(real_database.var, real_database.name, login="dmp_app") as application:
        for role in ("none", *GATED_ROLES):
            application.execute(f"SET ROLE {role}")
            for statement in ALTERING:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    application.execute(statement)
                refused += 1

    assert refused == 50
    assert verified()[0] == 0


def test_one_row_altered_by_a_superuser_is_named_by_dossier_and_position(real_database, dossiers):
    with real_database.superuser() as server:
        server.execute("SET session_replication_role = replica")
        server.execute("ALTER TABLE audit_event DISABLE TRIGGER ALL")
        server.execute(
            "UPDATE audit_event SET at = at - interval '1 day' WHERE chain = %s AND position = 1",
            [dossiers[1]],
        )

    code, told = verified()

    assert code == 1
    assert f"chain={dossiers[1]} position=1" in told
    assert not any(str(untouched) in told for untouched in (dossiers[0], dossiers[2]))
    assert verified(dossier=dossiers[0])[0] == 0
