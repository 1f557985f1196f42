#!/usr/bin/env python
"""The commands of the house: `manage.py help` lists them."""

import os
import sys
from pathlib import Path

# Nothing is written in the tree outside .venv and var: this process, then those it starts.
PYCACHE = Path(__file__).resolve().parent / "var" / "pycache"
sys.pycache_prefix = os.environ.setdefault("PYTHONPYCACHEPREFIX", str(PYCACHE))


# What may be done before the house is sound, because it makes it so or touches nobody's data.
MAY_RUN_UNSOUND = frozenset(
    (
        *(
            "check",
            "collectstatic",
            "diffsettings",
            "doctor",
            "help",
            "make_keys",
            "makemigrations",
            "migrate",
        ),
        *("prepare", "run", "showmigrations", "sqlmigrate", "version", "--help", "-h", "--version"),
    )
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")
    from django.core.management import execute_from_command_line

    command = next(iter(sys.argv[1:]), "help")
    if command not in MAY_RUN_UNSOUND:
        refuse_to_run_unsound(command)
    execute_from_command_line(sys.argv)


def refuse_to_run_unsound(command: str) -> None:
    import django

    django.setup()
    from dmp import checks

    process = checks.Process.SCHEDULER if command == "scheduler" else checks.Process.COMMAND
    checks.refuse_to_start_unsound(process)
    if process is checks.Process.SCHEDULER:
        from dmp import metrics

        metrics.serve_if_asked(of_the_house=True)


if __name__ == "__main__":
    main()
