"""Templates with their typography, corrected when they are read and never again."""

from django.template import Origin
from django.template.loaders import filesystem

from portal.typography import french_source


class Loader(filesystem.Loader):
    """The project's templates; meant to stand inside Django's cached loader."""

    def get_contents(self, origin: Origin) -> str:
        return french_source(super().get_contents(origin))
