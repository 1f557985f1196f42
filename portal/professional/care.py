"""What the Assurance Maladie reimbursed, as far as the reader's profession may know."""

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history import consultation
from history.consultation import SectionShown
from portal.civility import civility
from portal.lines import care_lines

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
        "civility": civility(history.holder, minor=history.holder.minor),
    }
    return render(request, "professional/care.html", page)


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
