"""What the Assurance Maladie reimbursed, as far as the reader's profession may know."""

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history import consultation
from history.consultation import ImportState, Phase, SectionShown
from portal import imports
from portal.civility import civility
from portal.lines import care_lines
from portal.statements import dated, period
from portal.typography import french

from .whom import professionals_only

# What goes with the cell before it: nobody reads a specialty without the name it belongs to.
WITH_THE_CELL_BEFORE = ("Spécialité", "Établissement", "Composants actifs")


@professionals_only
@require_safe
def care(request: HttpRequest, dossier_id: UUID) -> HttpResponse:
    history = consultation.care_history(dossier_id, by=request.actor, at=timezone.now())
    page = {
        "holder": history.holder,
        "history": history,
        "sections": [dense(section) for section in history.sections],
        "missing": missing(history.state),
        "period": period(history),
        "dated": dated(history),
        "civility": civility(history.holder, minor=history.holder.minor),
    }
    return render(request, "professional/care.html", page)


def missing(state: ImportState) -> str:
    """Why there is nothing, or nothing newer, to read; empty when all that was asked for is here."""
    match state.phase:
        case Phase.DONE if state.dated_on is not None:
            return ""
        case Phase.DONE:
            sentence = "L'Assurance Maladie n'a envoyé aucun relevé : cela ne dit rien de ses soins."
        case Phase.NOTHING if state.cause == "unknown":
            sentence = (
                "L'Assurance Maladie ne trouve personne sous ce numéro : cela ne dit rien de ses soins."
            )
        case Phase.NOTHING:
            sentence = "L'Assurance Maladie ne connaît aucun soin remboursé à cette personne."
        case Phase.TRYING_AGAIN:
            sentence = f"{imports.silence(state.cause).title}. Le relevé lui sera redemandé."
        case Phase.HELD:
            sentence = f"{imports.cause(state.cause)[0].professional} L'équipe du service s'en occupe."
        case Phase.LEFT_OUT if not state.cause:
            sentence = (
                "Ce qu'elle a envoyé n'était pas complet, ou pas sûrement au patient : rien n'est versé."
            )
        case Phase.LEFT_OUT:
            sentence = f"{imports.cause(state.cause)[0].professional} Rien n'est versé."
        case _:
            sentence = "Le relevé est demandé. Il paraît dès son arrivée."
    return french(sentence)


def dense(section: SectionShown) -> dict[str, object]:
    """A section in few columns: whole as it came, a specialty or a place standing beside its name."""
    alone = [not column.startswith(WITH_THE_CELL_BEFORE) for column in section.columns]
    columns = [column for column, stands in zip(section.columns, alone, strict=True) if stands]
    lines = ((line.marker, _joined(line.cells, alone)) for line in section.lines)
    return {
        "section": section,
        "columns": columns,
        "count": len(section.lines),
        "rows": care_lines(columns, lines),
    }


def _joined(cells: Sequence[str], alone: Sequence[bool]) -> list[str]:
    joined: list[str] = []
    for cell, stands in zip(cells, alone, strict=True):
        if stands:
            joined.append(cell)
        elif cell:
            joined[-1] = f"{joined[-1]}, {cell}" if joined[-1] else cell
    return joined
