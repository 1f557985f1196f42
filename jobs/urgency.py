"""How urgent a job is. Each class has slots that the others cannot take."""

from enum import IntEnum
from typing import Self


class Urgency(IntEnum):
    """The classes, most urgent first. The values are stored: they never change."""

    CODES = 0  # somebody waits in front of a page for six digits
    FOREGROUND = 1  # somebody follows it: the import of a dossier just opened
    CHECKS = 2  # a document that was deposited is looked at before it is shown
    BULK = 3  # whatever nobody waits for

    @property
    def queue(self) -> str:
        """The name of the class in a message, a setting, a log."""
        return self.name.lower()

    @classmethod
    def named(cls, name: str) -> Self:
        """The class of this name. Raises KeyError."""
        return cls[name.upper()]
