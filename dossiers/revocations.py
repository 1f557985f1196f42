"""What is done again in a dossier after a restore."""

from uuid import UUID

from revocation.acts import replays
from revocation.journal import Line

from . import sharing


@replays(sharing.WITHDRAWAL)
def withdraw_again(line: Line) -> None:
    sharing.withdraw_again(
        UUID(line.what["dossier"]), UUID(line.what["grantee"]), line=line.number, at=line.at
    )
