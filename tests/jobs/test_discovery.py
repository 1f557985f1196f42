"""The scheduler and the workers find every chore and every handler by themselves."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from jobs import handlers
from jobs.urgency import Urgency

ROOT = Path(__file__).parents[2]
FOUND = """
import json, django
django.setup()
from jobs import chores, handlers
named = [every.name for every in chores.chores()]
found = [kind.handler for kind in handlers._kinds.values()]
print(json.dumps([named, [f"{one.__module__}.{one.__name__}" for one in found]]))
"""
OUTSIDE = ("sandbox", "tests", "var", "deploy", "docs")


def written(decorator):
    """What the source decorates so, wherever it is written in the house."""
    for path in ROOT.glob("*/**/*.py"):
        where = path.relative_to(ROOT)
        if where.parts[0] in OUTSIDE or where.parts[0].startswith("."):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(call, ast.Call)
                and getattr(call.func, "id", getattr(call.func, "attr", "")) == decorator
                for call in node.decorator_list
            ):
                yield ".".join((*where.with_suffix("").parts, node.name))


@pytest.fixture(scope="module")
def found():
    """The chores and the handlers known to a process that imported nothing else."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "dmp.settings", "DMP_VAR": str(settings.DMP_VAR)}
    command = [sys.executable, "-c", FOUND]
    asked = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    chores, handlers = json.loads(asked.stdout)
    return {"every": chores, "handles": handlers}


@pytest.mark.parametrize("decorator", ["every", "handles"])
def test_whatever_is_written_is_found_once(found, decorator):
    assert sorted(found[decorator]) == sorted(written(decorator))


def test_the_work_of_every_package_is_among_it(found):
    assert {
        "accounts.tasks.forget_what_has_ended",
        "dmp.tasks.summarise_repeated_refusals",
        "documents.tasks.remove_what_no_row_names",
        "dossiers.tasks.forget_what_waited_too_long",  # expired applications
        "jobs.tasks.forget_what_is_done",
    } <= set(found["every"])
    assert {
        "accounts.tasks.send_code",
        "accounts.tasks.send_notice",
        "documents.tasks.check",
        "history.tasks.import_history",
    } <= set(found["handles"])
    assert {app.name for app in apps.get_app_configs()} >= {name.split(".")[0] for name in found["every"]}


@pytest.mark.parametrize(
    ("kind", "urgency"),
    [
        ("notices.code", Urgency.CODES),
        ("history.import", Urgency.FOREGROUND),
        ("documents.check", Urgency.CHECKS),
        ("notices.send", Urgency.BULK),
        ("history.leave_out", Urgency.BULK),
        ("documents.refuse", Urgency.BULK),
        ("a kind that nobody handles", Urgency.BULK),
    ],
)
def test_each_kind_has_its_urgency(kind, urgency):
    assert handlers.urgency_of(kind) is urgency


@pytest.mark.django_db
def test_a_round_of_the_scheduler_does_each_of_them(monkeypatch):
    from dossiers import applications
    from jobs.scheduling import Rounds
    from tests.cast import NOON

    purged = []
    monkeypatch.setattr(applications, "purge", lambda *, at: purged.append(at))
    rounds = Rounds()
    rounds.go(NOON)
    rounds.go(NOON)

    assert purged == [NOON]  # the second round came before its minute
