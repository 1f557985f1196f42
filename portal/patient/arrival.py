"""The arrival of the care history, told truthfully."""

from dataclasses import dataclass
from datetime import datetime

from history.consultation import ImportState, Phase
from portal import dates
from portal.typography import french


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What is said of an import. While `moving`, the page looks again every `every` seconds."""

    phase: str
    title: str
    sentence: str
    tone: str
    moving: bool = False
    every: int = 0


def arrival(state: ImportState, *, at: datetime) -> Arrival:
    title, sentence, tone = _words(state, at)
    return Arrival(
        phase=str(state.phase),
        title=french(title),
        sentence=french(sentence),
        tone=tone,
        moving=state.moving,
        every=3 if state.phase is Phase.ASKED else 30,
    )


def _words(state: ImportState, at: datetime) -> tuple[str, str, str]:
    match state.phase:
        case Phase.ASKED:
            since = f" {dates.soon(state.since, at=at).capitalize()}," if state.since else ""
            return (
                "Votre parcours de soins arrive",
                f"{since} nous l'avons demandé à l'Assurance maladie. "
                "Vous pouvez quitter cette page.".strip(),
                "plain",
            )
        case Phase.TRYING_AGAIN:
            when = (
                f" Nous réessaierons {dates.soon(state.retry_at, at=at)}."
                if state.retry_at
                else " Nous réessaierons bientôt."
            )
            kept = " Ce qui était déjà reçu reste lisible." if state.lines else ""
            return (
                "L'Assurance maladie ne répond pas",
                f"{when.strip()} Vous n'avez rien à faire.{kept}",
                "warning",
            )
        case Phase.NOTHING:
            when = f"Le {dates.day(state.since)}, elle" if state.since else "Elle"
            return (
                "L'Assurance maladie n'a rien à verser",
                f"{when} ne connaissait aucun soin remboursé à votre nom depuis 24 mois.",
                "info",
            )
        case Phase.HELD:
            kept = " Ce qui était déjà reçu reste lisible." if state.lines else ""
            return (
                "Votre parcours de soins est vérifié par une personne",
                "Ce que l'Assurance maladie a envoyé n'était pas complet, ou pas sûrement le vôtre. "
                "Nous ne l'avons pas versé, et l'équipe du service s'en occupe. "
                f"Vous n'avez rien à faire.{kept}",
                "warning",
            )
        case Phase.LEFT_OUT:
            return (
                "Votre parcours de soins n'a pas été versé",
                "Ce que l'Assurance maladie a envoyé n'était pas complet, ou pas sûrement le vôtre. "
                "Une personne de l'équipe l'a examiné et l'a laissé dehors. "
                "Votre caisse peut vous dire ce qu'elle sait de vous.",
                "info",
            )
    if not state.lines:
        on = f"Au {dates.day(state.dated_on)}, l" if state.dated_on else "L"
        return (
            "Aucun soin remboursé",
            f"{on}'Assurance maladie ne connaît aucun soin remboursé dans la période.",
            "info",
        )
    lines = f"{state.lines} lignes" if state.lines > 1 else "1 ligne"
    on = f", à jour au {dates.day(state.dated_on)}" if state.dated_on else ""
    return "Votre parcours de soins est là", f"{lines}{on}.", "success"
