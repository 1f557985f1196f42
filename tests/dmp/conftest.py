"""A dossier to act upon."""

from tests.dossiers.conftest import open_at_the_counter, reading

__all__ = ["open_at_the_counter", "reading"]
