"""The arrival of the care history, told truthfully."""

from dataclasses import dataclass
from datetime import datetime

from history.consultation import ImportState, Phase
from portal import dates, imports
from portal.typography import french


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What is said of an import. While `moving`, the page looks again every `every` seconds, and says which
    words it shows: `version`."""

    phase: str
    version: str
    title: str
    sentence: str
    tone: str
    moving: bool = False
    every: int = 0


def arrival(state: ImportState, *, at: datetime) -> Arrival:
    title, sentence, tone = _words(state, at)
    coming = state.phase is Phase.TRYING_AGAIN and state.retry_at is not None and state.retry_at > at
    return Arrival(
        phase=str(state.phase),
        # Each silence has its own sentence: when the insurer is asked again, and why it is waited for.
        version=f"{state.phase}-{state.retry_at:%Y%m%d%H%M%S}" if coming else str(state.phase),
        title=french(title),
        sentence=french(sentence),
        tone=tone,
        moving=state.moving,
        every=3 if state.phase is Phase.ASKED else 30,
    )


def _words(state: ImportState, at: datetime) -> tuple[str, str, str]:
    kept = " Ce qui était déjà reçu reste lisible." if state.lines else ""
    match state.phase:
        case Phase.ASKED:
            since = f" {dates.soon(state.since, at=at).capitalize()}," if state.since else ""
            return (
                "Votre parcours de soins arrive",
                f"{since} nous l'avons demandé à l'Assurance Maladie. "
                "Vous pouvez quitter cette page.".strip(),
                "plain",
            )
        case Phase.TRYING_AGAIN:
            when = (
                f"Nous réessaierons {dates.soon(state.retry_at, at=at)}."
                if state.retry_at and state.retry_at > at
                else "Nous réessaierons bientôt."
            )
            why = imports.silence(state.cause)
            told = " ".join(filter(None, (when, why.because, "Vous n'avez rien à faire.")))
            return why.title, f"{told}{kept}", "warning"
        case Phase.NOTHING if state.cause == "unknown":
            when = f"Le {dates.day(state.since)}, elle" if state.since else "Elle"
            return (
                "L'Assurance Maladie ne trouve personne sous votre numéro",
                f"{when} ne connaissait personne sous ce numéro de sécurité sociale. "
                "Cela ne dit rien de vos soins. Votre caisse peut vous dire pourquoi.",
                "info",
            )
        case Phase.NOTHING:
            when = f"Le {dates.day(state.since)}, elle" if state.since else "Elle"
            return (
                "L'Assurance Maladie n'a rien à verser",
                f"{when} ne connaissait aucun soin remboursé à votre nom depuis 24 mois.",
                "info",
            )
        case Phase.HELD:
            told, _ = imports.cause(state.cause)
            return told.title, f"{told.held} Vous n'avez rien à faire.{kept}", "warning"
        case Phase.LEFT_OUT if not state.cause:  # left out before causes were kept
            return (
                "Votre parcours de soins n'a pas été versé",
                "Ce que l'Assurance Maladie a envoyé n'était pas complet, ou pas sûrement le vôtre. "
                "Une personne de l'équipe l'a examiné et l'a laissé dehors. "
                "Votre caisse peut vous dire ce qu'elle sait de vous.",
                "info",
            )
        case Phase.LEFT_OUT:
            told, _ = imports.cause(state.cause)
            return "Votre parcours de soins n'a pas été versé", told.left_out, "info"
    if state.dated_on is None:
        return (
            "L'Assurance Maladie n'a rien envoyé",
            "Nous n'avons reçu aucun relevé. Cela ne dit rien de vos soins.",
            "info",
        )
    if not state.lines:
        return (
            "Aucun soin remboursé",
            f"Au {dates.day(state.dated_on)}, l'Assurance Maladie ne connaît aucun soin remboursé "
            "dans la période.",
            "info",
        )
    lines = f"{state.lines} lignes" if state.lines > 1 else "1 ligne"
    return "Votre parcours de soins est là", f"{lines}, à jour au {dates.day(state.dated_on)}.", "success"
