"""What the scheduler does for dossiers."""

from datetime import datetime

from jobs.chores import every

from . import applications


@every(60)
def forget_what_waited_too_long(*, at: datetime) -> None:
    applications.purge(at=at)
