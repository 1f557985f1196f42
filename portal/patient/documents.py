"""The holder's documents: the list, and each of them."""

from urllib.parse import quote
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from documents import consultation
from portal.doors import holders_only
from portal.lines import documents_by_year


@require_safe
@holders_only
def contents(request: HttpRequest) -> HttpResponse:
    before = request.GET.get("avant")
    page = consultation.contents(request.actor.dossier_id, by=request.actor, at=timezone.now(), before=before)
    shelf, care = reverse("patient:documents"), reverse("patient:care")
    years = documents_by_year(
        page.summaries, address=lambda one: care if one.is_history else f"{shelf}{one.id}/"
    )
    older, newest = f"{shelf}?avant={quote(page.next)}" if page.next else "", shelf if before else ""
    return render(
        request,
        "patient/documents.html",
        {"holder": page.holder, "years": years, "older": older, "newest": newest, "before": before},
    )


@require_safe
@holders_only
def read(request: HttpRequest, document_id: UUID) -> HttpResponse:
    reading = consultation.read(request.actor.dossier_id, document_id, by=request.actor, at=timezone.now())
    if reading.kind == "history":
        return redirect("patient:care")
    texts = (*reading.page_texts, *[""] * (reading.page_count - len(reading.page_texts)))
    leaves = list(enumerate(texts, start=1))
    context = {
        "holder": reading.holder,
        "reading": reading,
        "document": reading.summary,
        "leaves": leaves,
    }
    return render(request, "patient/document.html", context)


@require_safe
@holders_only
def page(request: HttpRequest, document_id: UUID, number: int) -> HttpResponse:
    image = consultation.page_image(
        request.actor.dossier_id, document_id, number, by=request.actor, at=timezone.now()
    )
    return HttpResponse(image.content, content_type=image.media_type)


@require_safe
@holders_only
def original(request: HttpRequest, document_id: UUID) -> HttpResponse:
    file = consultation.original(request.actor.dossier_id, document_id, by=request.actor, at=timezone.now())
    return as_download(file)


def as_download(file: consultation.Original) -> HttpResponse:
    """The file as it was deposited, which the browser keeps and never opens in our name."""
    disposition = content_disposition_header(as_attachment=True, filename=file.file_name)
    return HttpResponse(
        file.content, content_type=file.media_type, headers={"Content-Disposition": disposition}
    )
