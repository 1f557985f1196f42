"""What the Assurance Maladie reimbursed, as far as the reader's profession may know."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history import consultation
from portal.civility import civility
from portal.lines import care_lines

from .whom import carers_only


@carers_only
@require_safe
def care(request: HttpRequest, dossier_id: UUID) -> HttpResponse:
    history = consultation.care_history(dossier_id, by=request.actor, at=timezone.now())
    page = {
        "holder": history.holder,
        "history": history,
        "sections": [
            (section, care_lines(section.columns, ((line.marker, line.cells) for line in section.lines)))
            for section in history.sections
        ],
        "civility": civility(history.holder, minor=history.holder.minor),
    }
    return render(request, "professional/care.html", page)
