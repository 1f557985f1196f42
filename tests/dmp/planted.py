"""A job of a worker that is tested, and what it does: everything that could let somebody's number out."""

import logging
import threading
import warnings

from jobs.handlers import handles
from jobs.urgency import Urgency

NIR = "279035121518989"
KIND = "tests.planted"


class Unspeakable:
    """Its end is ignored, and told."""

    def __del__(self) -> None:
        raise RuntimeError(f"of {NIR}")


def dies() -> None:
    raise RuntimeError(f"of {NIR}, Moreau Camille")


@handles(KIND, urgency=Urgency.CODES)
def fail(lease: object) -> None:
    logging.getLogger("some.library").warning(f"cannot open bilan-Moreau-Camille-{NIR}.pdf")
    warnings.warn(f"bilan-Moreau-Camille-{NIR}.pdf is old", stacklevel=1)
    thread = threading.Thread(target=dies)
    thread.start()
    thread.join()
    Unspeakable()
    open(f"/nowhere/bilan-Moreau-Camille-{NIR}.pdf")  # noqa: PTH123, SIM115
