"""What the Assurance Maladie reimbursed, as far as the reader's profession may know."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from history import consultation
from history.consultation import SectionShown
from portal.civility import civility

from .whom import carers_only


@carers_only
@require_safe
def care(request: HttpRequest, dossier_id: UUID) -> HttpResponse:
    history = consultation.care_history(dossier_id, by=request.actor, at=timezone.now())
    page = {
        "holder": history.holder,
        "history": history,
        "sections": [(section, lines_of(section)) for section in history.sections],
        "civility": civility(history.holder, minor=history.holder.minor),
    }
    return render(request, "professional/care.html", page)


_IN_HOSPITAL = ' <abbr title="Pendant un séjour à l’hôpital">H</abbr>'


def lines_of(section: SectionShown) -> SafeString:
    """The lines of one section, its date in the margin, its wording as their heading."""
    labels = [escape(column) for column in section.columns]
    lines = []
    for line in section.lines:
        day, wording, *others = (escape(cell).replace("\n", "<br>") for cell in line.cells)
        cells = "".join(
            f'<td data-label="{label}">{cell}</td>' for label, cell in zip(labels[2:], others, strict=True)
        )
        mark = _IN_HOSPITAL if line.marker else ""
        lines.append(
            f'<tr><td data-label="{labels[0]}">{day}</td><th scope="row">{wording}{mark}</th>{cells}</tr>'
        )
    return mark_safe("".join(lines))  # noqa: S308 - every cell is escaped above
