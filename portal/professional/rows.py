"""The lines of a list of documents, written in one go: a component for each would cost more than the page."""

from collections.abc import Iterable
from functools import cache
from html import escape
from uuid import UUID

from django.urls import reverse
from django.utils.safestring import SafeString

from access.policy import Status
from documents.consultation import Summary
from portal.names import soft
from portal.templatetags import ui
from portal.templatetags.ui import joined

_ROW = (
    '<tr><td data-label="Date"><time datetime="{iso}">{day}</time></td>'
    '<th scope="row">{title}</th>'
    '<td data-label="Auteur">{author}</td><td data-label="Type">{type}{tags}</td></tr>'
)


def rows_of(summaries: Iterable[Summary], dossier_id: UUID) -> SafeString:
    documents = reverse("professional:dossier", args=[dossier_id]) + "documents/"
    care = reverse("professional:care", args=[dossier_id])
    return joined(_row(summary, documents, care) for summary in summaries)


def _row(summary: Summary, documents: str, care: str) -> str:
    day = summary.created_on
    return _ROW.format(
        iso=day.isoformat(),
        day=f"{day:%d/%m/%Y}",
        title=_title(summary, documents, care),
        author=escape(", ".join(filter(None, (soft(summary.author), summary.structure)))),
        type=escape(summary.type_label),
        tags="".join(f" {tag}" for tag in tags_of(summary)),
    )


def _title(summary: Summary, documents: str, care: str) -> str:
    title = escape(summary.title or summary.type_label)
    if summary.status is not Status.AVAILABLE:
        return title
    href = care if summary.is_history else f"{documents}{summary.id}/"
    return f'<a href="{href}">{title}</a>'


def tags_of(summary: Summary) -> list[SafeString]:
    """What a professional must know before reading, or before speaking of it."""
    said = (
        (summary.masked, "Masqué, sauf pour vous", "masked", "eye-off"),
        (summary.withheld, "Pas encore visible du patient", "warning", "clock"),
        (summary.status is Status.QUARANTINE, "En cours de vérification", "info", "clock"),
        (summary.status is Status.REFUSED, "Refusé à la vérification", "warning", "warning"),
    )
    return [_tag(*words) for true, *words in said if true]


@cache
def _tag(label: str, tone: str, symbol: str) -> SafeString:
    return ui.tag(label, tone=tone, symbol=symbol)
