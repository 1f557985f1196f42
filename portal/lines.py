"""The lines of long lists, written as strings: a component for each line would cost more than the page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.templatetags.static import static
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from access.policy import Status
from documents.consultation import Summary
from portal.typography import french_once


@dataclass(frozen=True, slots=True)
class Year:
    """The documents of one year, ready to stand in `ol.entries`."""

    year: int
    lines: SafeString


MASKED = ("masked", "eye-off", "Masqué")
WITHHELD = ("warning", "clock", "Consultation d’annonce")
CHECKED = ("info", "clock", "En cours de vérification")
REFUSED = ("danger", "warning", "Fichier refusé")


def documents_by_year(
    summaries: Iterable[Summary], *, address: Callable[[Summary], str], level: int = 3
) -> list[Year]:
    """Documents, newest first as they come, a year at a time."""
    icons = static("icons.svg")
    return [
        Year(year, mark_safe("".join(_document(one, address(one), icons, level) for one in ones)))
        for year, ones in groupby(summaries, key=lambda one: one.day.year)
    ]


def _document(one: Summary, href: str, icons: str, level: int) -> str:
    day = one.day
    meta = ", ".join(escape(part) for part in (one.structure, one.author) if part)
    return (
        f'<li class="entry{" is-masked" if one.masked else ""}">'
        f'<p class="entry-when"><time datetime="{day.iso}"><b>{day.number}</b> {day.month}</time></p>'
        f'<span class="bead"><svg class="icon" aria-hidden="true"><use href="{icons}#{one.icon}"/></svg></span>'
        f'<div class="entry-body"><h{level} class="entry-title">{_title(one, href)}</h{level}>'
        f'<p class="entry-meta">{meta}</p></div>{_states(one, icons)}</li>'
    )


def _title(one: Summary, href: str) -> str:
    title = escape(french_once(one.title or one.type_label))
    # What is still being checked cannot be opened yet.
    return f'<a class="stretch" href="{href}">{title}</a>' if one.status == Status.AVAILABLE else title


def _states(one: Summary, icons: str) -> str:
    states = [
        state
        for state, holds in (
            (MASKED, one.masked),
            (WITHHELD, one.withheld),
            (CHECKED, one.status == Status.QUARANTINE),
            (REFUSED, one.status == Status.REFUSED),
        )
        if holds
    ]
    if not states:
        return ""
    tags = "".join(
        f'<span class="tag {tone}"><svg class="icon" aria-hidden="true"><use href="{icons}#{symbol}"/></svg>{label}</span>'
        for tone, symbol, label in states
    )
    return f'<div class="entry-side tags">{tags}</div>'


def care_lines(columns: Sequence[str], lines: Iterable[tuple[str, Sequence[str]]]) -> SafeString:
    """The rows of one section of a care history: (marker, cells). The date stands in the margin."""
    labels = [escape(french_once(column)) for column in columns]
    return mark_safe("".join(_care_line(labels, marker, cells) for marker, cells in lines))


HOSPITAL = '<span class="tag info">Hôpital</span> '


def _care_line(labels: Sequence[str], marker: str, cells: Sequence[str]) -> str:
    when, what, *others = (escape(cell).replace("\n", "<br>") for cell in cells)
    told = "".join(
        f'<td data-label="{label}">{value}</td>' for label, value in zip(labels[2:], others, strict=True)
    )
    return f'<tr><td>{when}</td><th scope="row">{HOSPITAL if marker == "H" else ""}{what}</th>{told}</tr>'
