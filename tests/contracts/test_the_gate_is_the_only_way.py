"""Rules about the code itself: nothing goes round the gate."""

import ast
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from access import gate
from access.policy import Action
from dossiers.things import DossierAtTheDoor
from tests.cast import CAMILLE, DOSSIER, NOON, OTHER_DOSSIER, ROY

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "vault",
    "audit",
    "jobs",
    "accounts",
    "access",
    "dossiers",
    "documents",
    "history",
    "portal",
    "api",
    "dmp",
)

# What lies inside a dossier, and what surrounds it: neither is readable by the login of the running system.
CONTENTS = ("documents_document", "documents_content", "history_statement", "history_held", "audit_event")
REGISTER = (
    "dossiers_dossier",
    "dossiers_grant",
    "dossiers_consent",
    "dossiers_objection",
    "dossiers_searchtoken",
)


def sources():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def callers(name):
    return {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name
    }


def test_only_the_gate_issues_passages():
    assert callers("Passage") == {"access/gate.py"}


def test_only_the_gate_takes_a_role_or_a_pin():
    takers = {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "set_config(" in node.value
    }
    assert {path for path in takers if "/migrations/" not in path} == {"access/gate.py"}


def test_nothing_imports_the_sandbox():
    importers = {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(a.name.split(".")[0] == "sandbox" for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sandbox")
    }
    assert importers == set()


def denied():
    return pytest.raises(DatabaseError, match="permission denied")


@pytest.mark.django_db
@pytest.mark.parametrize("table", CONTENTS + REGISTER)
def test_a_view_that_forgets_the_gate_reads_nothing(table):
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT * FROM {table}")


READ_BY_WEB = tuple(table for table in CONTENTS if table != "history_held")  # which not even readers read


@pytest.mark.django_db
@pytest.mark.parametrize("table", READ_BY_WEB)
def test_under_the_gate_s_own_role_but_without_its_pin_there_are_no_rows(table, opened):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'dmp_web', true)")
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT set_config('dmp.pin', %s, true)", [str(OTHER_DOSSIER)])
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")


@pytest.mark.django_db
@pytest.mark.parametrize("table", CONTENTS)
def test_the_counter_s_role_reaches_no_content(table):
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT set_config('role', 'dmp_counter', true)")
        cursor.execute(f"SELECT * FROM {table}")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("function", "role"),
    [
        *((f"dossiers_entered_{role}", role) for role in ("web", "counter", "feed", "worker")),
        *(("documents_entered_" + role, role) for role in ("web", "worker")),
        *(("history_entered_" + role, role) for role in ("web", "worker")),
    ],
)
def test_what_enters_a_dossier_leaves_under_its_role_and_that_pin(function, role, opened):
    more = ", gen_random_uuid(), '{}'" if function.startswith("documents") else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT holder_id FROM {function}(%s, gen_random_uuid(), NULL, now(){more})", [opened.dossier_id]
        )
        assert cursor.fetchone()
        cursor.execute("SELECT current_user, current_setting('dmp.pin')")
        assert cursor.fetchone() == (f"dmp_{role}", str(opened.dossier_id))
        cursor.execute("SELECT set_config('role', 'none', true), set_config('dmp.pin', '', true)")


@pytest.mark.django_db
def test_nobody_but_the_gate_s_roles_reads_what_is_at_the_door(opened):
    with denied(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM dossiers_at_the_door(%s, %s, NULL, now())", [opened.dossier_id] * 2)


@pytest.mark.django_db
def test_the_gate_gives_role_and_pin_back():
    for actor in (CAMILLE, ROY):
        with (
            pytest.raises(gate.Refused),
            gate.admitted(actor, Action.LIST, DossierAtTheDoor(DOSSIER), at=NOON),
        ):
            pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, coalesce(current_setting('dmp.pin', true), '')")
        assert cursor.fetchone() == ("dmp_app", "")


def test_the_gate_does_not_hide_inside_another_transaction(real_database):
    door = DossierAtTheDoor(DOSSIER)
    with (
        transaction.atomic(),
        pytest.raises(RuntimeError),
        gate.admitted(CAMILLE, Action.LIST, door, at=NOON),
    ):
        pass


def test_an_act_that_fails_leaves_neither_act_nor_trace(real_database, opened):
    holder = opened.holder
    with real_database.superuser() as server:
        [before] = server.execute("SELECT count(*) FROM audit_event").fetchone()
        with (
            pytest.raises(ZeroDivisionError),
            gate.admitted(holder, Action.TRACES, DossierAtTheDoor(opened.dossier_id), at=NOON),
        ):
            raise ZeroDivisionError
        assert server.execute("SELECT count(*) FROM audit_event").fetchone() == (before,)


def test_a_search_meets_fifty_people_at_most():
    from uuid import uuid4

    from access.policy import Question, Reason, Standing, Target, allow

    question = Question(actor=ROY, action=Action.SEARCH, target=Target(), standing=Standing(), at=NOON)
    passage = gate.Passage(question, allow(Reason.CARE), gate.Facts(target=Target()), {})
    passage._met = {uuid4() for _ in range(gate.MOST_IDENTITIES)}

    with pytest.raises(gate.OutOfReach):
        passage.keyring_of(uuid4(), None)
