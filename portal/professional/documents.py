"""One document of a patient: its pages, or its words."""

from itertools import zip_longest
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from documents import consultation
from documents.consultation import NoSuchPart
from portal.civility import civility

from .rows import tags_of
from .whom import professionals_only


@professionals_only
@require_safe
def document(request: HttpRequest, dossier_id: UUID, document_id: UUID) -> HttpResponse:
    reading = consultation.read(dossier_id, document_id, by=request.actor, at=timezone.now())
    if reading.kind == "history":
        return redirect("professional:care", dossier_id)
    page = {
        "holder": reading.holder,
        "reading": reading,
        "summary": reading.summary,
        "leaves": zip_longest(range(1, reading.page_count + 1), reading.page_texts),
        "tags": tags_of(reading.summary),
        "civility": civility(reading.holder, minor=reading.holder.minor),
    }
    return render(request, "professional/document.html", page)


@professionals_only
@require_safe
def page(request: HttpRequest, dossier_id: UUID, document_id: UUID, number: int) -> HttpResponse:
    """The picture of one page, drawn from the file by a process that could do nothing else."""
    try:
        image = consultation.page_image(dossier_id, document_id, number, by=request.actor, at=timezone.now())
    except NoSuchPart:
        raise Http404 from None
    return HttpResponse(image.content, content_type=image.media_type)


@professionals_only
@require_safe
def original(request: HttpRequest, dossier_id: UUID, document_id: UUID) -> HttpResponse:
    """The file as it was deposited, to keep or to print; browsers never open it in place."""
    try:
        file = consultation.original(dossier_id, document_id, by=request.actor, at=timezone.now())
    except NoSuchPart:
        raise Http404 from None
    headers = {"Content-Disposition": content_disposition_header(as_attachment=True, filename=file.file_name)}
    return HttpResponse(file.content, content_type=file.media_type, headers=headers)
