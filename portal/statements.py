"""When a statement speaks for, and when it was written, told no more precisely than it says."""

from history.consultation import CareHistory
from portal import dates
from portal.typography import french


def period(history: CareHistory) -> str:
    """« du 21 novembre 2024 au 21 novembre 2026 », « de novembre 2024 à 2026 », or nothing."""
    if history.period is None:
        return ""
    start, end = history.period
    told = history.partial
    since = (
        f"{_from(told['start'])}{dates.known(told['start'])}" if "start" in told else f"du {dates.day(start)}"
    )
    until = f"à {dates.known(told['end'])}" if "end" in told else f"au {dates.day(end)}"
    return french(f"{since} {until}")


def dated(history: CareHistory) -> str:
    """« au 21 novembre 2026 », « en novembre 2026 », « en 2026 », or nothing."""
    if history.dated_on is None:
        return ""
    written = history.partial.get("written")
    return french(f"en {dates.known(written)}" if written else f"au {dates.day(history.dated_on)}")


def _from(written: str) -> str:
    """« d’ » before April, August and October."""
    return "d'" if written[5:] in ("04", "08", "10") else "de "
