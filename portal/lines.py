"""The lines of long lists, written as strings: a component for each line would cost more than the page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from django.templatetags.static import static
from django.utils.safestring import SafeString

from access.policy import Status
from documents.consultation import Summary
from history import days, revisions
from history.consultation import SectionShown
from history.revisions import Revision
from portal import dates
from portal.names import soft
from portal.templatetags.ui import joined
from portal.typography import french_once


@dataclass(frozen=True, slots=True)
class Year:
    """The documents of one year, ready to stand in `ol.entries`."""

    year: int
    lines: SafeString


MASKED = ("masked", "eye-off", "Masqué")
WITHHELD = ("warning", "clock", "Consultation d’annonce")
CHECKED = ("info", "clock", "En cours de vérification")
REFUSED = ("warning", "warning", "Fichier refusé")


def documents_by_year(
    summaries: Iterable[Summary], *, address: Callable[[Summary], str], level: int = 3
) -> list[Year]:
    """Documents, newest first as they come, a year at a time."""
    icons = static("icons.svg")
    return [
        Year(year, joined(_document(one, address(one), icons, level) for one in ones))
        for year, ones in groupby(summaries, key=lambda one: one.day.year)
    ]


def _icon(icons: str, name: str) -> str:
    return f'<svg class="icon" aria-hidden="true"><use href="{icons}#{name}"/></svg>'


def _document(one: Summary, href: str, icons: str, level: int) -> str:
    day = one.day
    meta = ", ".join(escape(part) for part in (one.structure, soft(one.author)) if part)
    return (
        f'<li class="entry{" is-masked" if one.masked else ""}">'
        f'<p class="entry-when"><time datetime="{day.iso}"><b>{day.number}</b> {day.month}</time></p>'
        f'<span class="bead">{_icon(icons, one.icon)}</span>'
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
        f'<span class="tag {tone}">{_icon(icons, symbol)}{label}</span>' for tone, symbol, label in states
    )
    return f'<div class="entry-side tags">{tags}</div>'


SYMBOLS = {
    "medicaments": "pill",
    "vaccinations": "syringe",
    "dispositifs_medicaux": "heart",
    "hospitalisations": "bed",
    "soins_medicaux_dentaires": "stethoscope",
    "radiologie": "scan",
    "biologie": "flask",
}
HOSPITAL = ' <span class="tag info">Hôpital</span>'
# A line through words is not seen by everybody: what became of them is said too.
REVISED = {
    Revision.NONE: ("", ""),
    Revision.DELETED: (
        '<del><span class="visually-hidden">supprimé : </span>',
        '<span class="visually-hidden"> (fin de ce qui est supprimé)</span></del> ',
    ),
    Revision.ADDED: (
        '<ins><span class="visually-hidden">ajouté : </span>',
        '<span class="visually-hidden"> (fin de ce qui est ajouté)</span></ins> ',
    ),
}


def care_entries(section: SectionShown) -> SafeString:
    """One section of a care history: a date in the margin, what was done, each other column by its name."""
    bead = f'<span class="bead">{_icon(static("icons.svg"), SYMBOLS[section.key])}</span>'
    labels = [escape(french_once(column)) for column in section.columns]
    title = next((i for i, column in enumerate(section.columns) if column.startswith("Libellé")), 1)
    return joined(_care_entry(labels, title, line.marker, line.cells, bead) for line in section.lines)


def _care_entry(labels: Sequence[str], title: int, marker: str, cells: Sequence[str], bead: str) -> str:
    # A day alone stands in the margin and says everything; any other cell keeps its own words beside it.
    elsewhere = {title, 0} if days.says_only_a_day(cells[0]) else {title}
    told = "".join(
        f"<div><dt>{labels[place]}\u00a0:</dt> <dd>{_care_cell(cell, ', ')}</dd></div>"
        for place, cell in enumerate(cells)
        if cell and place not in elsewhere
    )
    hospital = HOSPITAL if marker == "H" else ""
    return (
        f'<li class="entry">{_care_date(cells[0])}{bead}<div class="entry-body">'
        f'<p class="entry-title">{_care_cell(cells[title], ", ")}{hospital}</p>'
        f'<dl class="facts">{told}</dl></div></li>'
    )


def _care_cell(cell: str, line_end: str) -> str:
    """A cell as it was written, `line_end` between its lines."""
    if not revisions.revised(cell):
        return escape(cell).replace("\n", line_end)
    told = (
        f"{REVISED[kind][0]}{escape(words)}{REVISED[kind][1]}".replace("\n", line_end)
        for kind, words in revisions.parts(cell)
    )
    return "".join(told).strip()


def _care_date(cell: str) -> str:
    """The first date of a cell as far as it is known, for the margin; empty when it has none."""
    found = days.named(cell)
    if not found:
        return '<p class="entry-when"></p>'
    first = found[0]
    if first.month is None:
        return (
            f'<p class="entry-when"><span><time datetime="{first.year:04}">{first.year:04}</time></span></p>'
        )
    month = dates.SHORT_MONTHS[first.month - 1]
    if first.day is None:
        told = f'<time datetime="{first.year:04}-{first.month:02}">{month}</time>'
    else:
        number = "1er" if first.day == 1 else first.day
        told = f'<time datetime="{first.first.isoformat()}"><b>{number}</b> {month}</time>'
    return f'<p class="entry-when">{told}<span>{first.year}</span></p>'


def care_lines(columns: Sequence[str], lines: Iterable[tuple[str, Sequence[str]]]) -> SafeString:
    """The rows of one section as a table: (marker, cells), the date first, then what was done."""
    labels = [escape(french_once(column)) for column in columns]
    return joined(_care_line(labels, marker, cells) for marker, cells in lines)


def _care_line(labels: Sequence[str], marker: str, cells: Sequence[str]) -> str:
    when, what, *others = (_care_cell(cell, "<br>") for cell in cells)
    told = "".join(
        f'<td data-label="{label}">{value}</td>' for label, value in zip(labels[2:], others, strict=True)
    )
    return f'<tr><td>{when}</td><th scope="row">{what}{HOSPITAL if marker == "H" else ""}</th>{told}</tr>'
