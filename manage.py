#!/usr/bin/env python
"""The commands of the house: `manage.py help` lists them."""

import os
import sys
from pathlib import Path

# Nothing is written in the tree outside .venv and var: this process, then those it starts.
PYCACHE = Path(__file__).resolve().parent / "var" / "pycache"
sys.pycache_prefix = os.environ.setdefault("PYTHONPYCACHEPREFIX", str(PYCACHE))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
