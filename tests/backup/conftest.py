"""A dossier in a real database, and the services of docker-compose.yml run by hand against it."""

from tests.revocation.conftest import holder_of, open_at_the_counter, own_codes, reading, the_insurer, world

from .saving import house

__all__ = ["holder_of", "house", "open_at_the_counter", "own_codes", "reading", "the_insurer", "world"]
