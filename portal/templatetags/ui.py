"""The parts that pages are made of.

Arguments are named, so that a typing error is an error. What a part looks like in each of its states is in
`static/css`; a part says what it is, never how it looks.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from itertools import count

from django import template
from django.forms import BaseForm, BoundField
from django.forms.utils import flatatt
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify

from accounts import birth_places, sessions
from accounts.sessions import Lasts
from portal import dates, names
from portal.operator import Operator, operator
from portal.typography import french_once

register = template.Library()

NOTHING = SafeString()


def joined(pieces: Iterable[str]) -> SafeString:
    """Pieces of HTML one after the other; each has escaped what it shows."""
    return mark_safe("".join(pieces))  # noqa: S308


class Tone(StrEnum):
    """What something means; a shade is never the only one to say it."""

    PLAIN = "plain"
    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    DANGER = "danger"
    ACCENT = "accent"
    NEW = "new"
    MASKED = "masked"


class Kind(StrEnum):
    """How much a button asks for."""

    MAIN = ""
    SECONDARY = "secondary"
    QUIET = "quiet"
    DANGER = "danger"


_SYMBOL_OF_TONE = {
    Tone.PLAIN: "info",
    Tone.INFO: "info",
    Tone.SUCCESS: "check",
    Tone.WARNING: "warning",
    Tone.DANGER: "warning",
}


# Words --------------------------------------------------------------------------


@register.filter(is_safe=True)
def french(text: object) -> str:
    """The words with their typography."""
    return french_once(str(text))


register.filter("day", dates.day)
register.filter("short_day", dates.short_day)
register.filter("in_figures", dates.in_figures)
register.filter("weekday", dates.weekday)
register.filter("hour", dates.hour)
register.filter("instant", dates.instant)
register.filter("birth", dates.birth)


@register.filter
def nir(value: str) -> str:
    """2 58 03 99 999 042 20, in the groups that the card shows."""
    digits = "".join(value.split())
    groups = (digits[:1], digits[1:3], digits[3:5], digits[5:7], digits[7:10], digits[10:13], digits[13:])
    return " ".join(group for group in groups if group)


@register.filter
def ins_end(value: str) -> str:
    """2 58 03 •• ••• ••• 20: enough to compare two people, not to write the number down."""
    return f"{value[:1]} {value[1:3]} {value[3:5]} •• ••• ••• {value[-2:]}"


@register.filter
def ins_last(value: str) -> str:
    """301 75: the last digits, between the groups that the card shows."""
    return f"{value[-5:-2]} {value[-2:]}"


@register.filter("names")
def given_names(given: Iterable[str]) -> str:
    """Marie, Louise, Anne, as their owner would write them."""
    return ", ".join(map(names.soft, given))


register.filter("place", birth_places.named)
register.filter("named", names.soft)
register.filter("of", names.of)


@register.filter
def called(name: str) -> SafeString:
    """A person in the header: the given name alone where there is little room."""
    given, _, rest = names.soft(name).partition(" ")
    return (
        format_html('{}<span class="wide-name"> {}</span>', given, rest) if rest else format_html("{}", given)
    )


@register.filter
def counted(number: int, words: str) -> str:
    """« 3 documents » from « document,documents »; none and one are singular in French."""
    one, many = words.split(",")
    return french_once(f"{number} {many if number > 1 else one}")


@register.filter
def tone(level: str) -> str:
    """The tone of a message of Django's, from its level."""
    return {"error": Tone.WARNING, "warning": Tone.WARNING, "success": Tone.SUCCESS}.get(level, Tone.INFO)


@register.simple_tag
def printed_at() -> str:
    """The instant of the page, for what is printed of it."""
    return dates.instant(timezone.now())


class _Once(template.Node):
    """Rendered at the first page and kept: for what is the same on every page, whoever reads."""

    def __init__(self, nodes: template.NodeList) -> None:
        self.nodes = nodes
        self.kept: SafeString | None = None

    def render(self, context: template.Context) -> SafeString:
        if self.kept is None:
            self.kept = self.nodes.render(template.Context())
        return self.kept


@register.tag
def once(parser: template.base.Parser, token: template.base.Token) -> _Once:
    """`{% once %}…{% endonce %}`: what is inside knows nothing of the page, and is written once."""
    nodes = parser.parse(("endonce",))
    parser.delete_first_token()
    return _Once(nodes)


@register.simple_tag
def service_operator() -> Operator | None:
    """`{% service_operator as operator %}`: who answers for this service, nobody in a demonstration."""
    return operator()


@register.simple_tag(takes_context=True)
def session_lasts(context: template.Context) -> Lasts | None:
    """`{% session_lasts as lasts %}`: how long what is shown may stay on the screen without a gesture."""
    session = getattr(context["request"], "session", None)
    return sessions.lasts(session, at=timezone.now()) if session is not None else None


# Small parts ----------------------------------------------------------------------


@register.simple_tag
@cache
def icon(name: str, *, label: str = "") -> SafeString:
    """A drawing; silent unless it is the only one to say something."""
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"/></svg>',
            french_once(label), static("icons.svg"), name,
        )  # fmt: skip
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), name
    )


@register.simple_tag
def tag(label: str, *, tone: str = "", symbol: str = "") -> SafeString:
    """A word or two about a line."""
    return format_html(
        '<span class="tag{}">{}{}</span>',
        f" {Tone(tone)}" if tone else "", icon(symbol) if symbol else NOTHING, french_once(label),
    )  # fmt: skip


@register.simple_tag
def button(
    label: str, *, kind: str = "", symbol: str = "", small: bool = False, name: str = "", value: str = ""
) -> SafeString:
    """The act of a form."""
    return format_html(
        '<button class="{}" type="submit"{}>{}{}</button>',
        _button_class(kind, small),
        format_html(' name="{}" value="{}"', name, value) if name else NOTHING,
        icon(symbol) if symbol else NOTHING,
        french_once(label),
    )


@register.simple_tag
def link_button(
    label: str,
    *,
    href: str,
    kind: str = "secondary",
    symbol: str = "",
    small: bool = False,
    rel: str = "",
    of: str = "",
) -> SafeString:
    """A way to another page, as visible as an act. `of` says of what, to those who only hear the links."""
    return format_html(
        '<a class="{}" href="{}"{}>{}{}{}</a>',
        _button_class(kind, small),
        href,
        format_html(' rel="{}"', rel) if rel else NOTHING,
        icon(symbol) if symbol else NOTHING,
        french_once(label),
        format_html('<span class="visually-hidden">\u00a0: {}</span>', of) if of else NOTHING,
    )


def _button_class(kind: str, small: bool) -> str:
    return " ".join(filter(None, ("button", Kind(kind), "small" if small else "")))


def when(moment: date, *, timed: bool = False) -> SafeString:
    """A date for the margin: its day large, its hour under it when the hour matters."""
    shown = dates.in_paris(moment)
    return format_html(
        '<p class="entry-when"><time datetime="{}"><b>{}</b> {}</time>{}</p>',
        shown.strftime("%Y-%m-%dT%H:%M") if isinstance(shown, datetime) else shown.isoformat(),
        dates.day_in_month(shown),
        dates.short_month(shown),
        format_html("<span>{}</span>", dates.hour(moment))
        if timed and isinstance(moment, datetime)
        else NOTHING,
    )


@register.simple_tag
def progress(*, label: str, value: int | None = None, maximum: int | None = None) -> SafeString:
    """How far something has come; without a value, that it is under way."""
    if value is None:
        return format_html('<progress aria-label="{}">En attente</progress>', label)
    return format_html(
        '<progress aria-label="{}" value="{}" max="{}">{} sur {}</progress>',
        label,
        value,
        maximum,
        value,
        maximum,
    )


# Blocks ---------------------------------------------------------------------------

_identities = count(1)


def _identity(title: str) -> str:
    return f"{slugify(title)[:32]}-{next(_identities) % 100_000}"


@register.simple_block_tag
def panel(
    content: str, *, title: str, level: int = 2, name: str = "", more: str = "", more_label: str = ""
) -> SafeString:
    """What is true all the time, beside what is being read. `more` is the way out of it."""
    identity = name or _identity(title)
    return format_html(
        '<section class="panel" aria-labelledby="{}"><h{} id="{}">{}</h{}>{}{}</section>',
        identity, level, identity, title, level, content,
        format_html('<footer><a href="{}">{}</a></footer>', more, french_once(more_label)) if more else "",
    )  # fmt: skip


@register.simple_block_tag
def notice(
    content: str, *, title: str = "", tone: str = "info", symbol: str = "", role: str = "", level: int = 2
) -> SafeString:
    """Something to know before going on. A role only when it appears after the page has been loaded."""
    return format_html(
        '<div class="notice {}"{}>{}{}{}</div>',
        Tone(tone),
        format_html(' role="{}"', role) if role else NOTHING,
        icon(symbol or _SYMBOL_OF_TONE[Tone(tone)]),
        format_html("<h{}>{}</h{}>", level, title, level) if title else NOTHING,
        content,
    )


@register.simple_block_tag
def empty(content: str, *, title: str, level: int = 3) -> SafeString:
    """Why there is nothing, what will come, one way on."""
    return format_html('<div class="empty"><h{}>{}</h{}>{}</div>', level, title, level, content)


@register.simple_block_tag
def trace_line(content: str, *, at: datetime, symbol: str, tone: str = "") -> SafeString:
    """One line of the access log; its body is a sentence."""
    return format_html(
        '<li class="entry trace{}">{}<span class="bead{}">{}</span><div class="entry-body">{}</div></li>',
        " is-emergency" if tone == Tone.DANGER else "",
        when(at, timed=True),
        " danger" if tone == Tone.DANGER else "",
        icon(symbol),
        content,
    )


# Ways through -----------------------------------------------------------------------


@register.simple_tag
def pagination(
    *,
    name: str,
    older: str = "",
    older_label: str = "Plus anciens",
    first: str = "",
    first_label: str = "Revenir aux plus récents",
) -> SafeString:
    """Ways to the older lines and back to the first page; nothing when everything is shown."""
    if not older and not first:
        return NOTHING
    return format_html(
        '<nav class="pagination" aria-label="{}">{}{}</nav>',
        name,
        format_html(
            '<a class="button secondary small" href="{}" rel="first">{}{}</a>',
            first,
            icon("back"),
            first_label,
        )
        if first
        else SafeString("<span></span>"),
        format_html(
            '<a class="button secondary small" href="{}" rel="next">{} {}</a>',
            older,
            older_label,
            icon("next"),
        )
        if older
        else NOTHING,
    )


@register.simple_tag
def steps(*, labels: Sequence[str], current: int) -> SafeString:
    """The steps of a procedure, in the index; `current` counts from 1."""
    lines = format_html_join(
        "", "{}", ((_step(label, place, current),) for place, label in enumerate(labels, start=1))
    )
    return format_html(
        '<nav class="index steps-nav" aria-label="Étapes"><ol class="steps">{}</ol></nav>', lines
    )


def _step(label: str, place: int, current: int) -> SafeString:
    if place < current:
        return format_html(
            '<li class="done">{}<span class="visually-hidden">\u00a0: fait</span></li>', french_once(label)
        )
    if place == current:
        return format_html('<li aria-current="step">{}</li>', french_once(label))
    return format_html("<li>{}</li>", french_once(label))


@register.simple_tag
def step_note(*, current: int, total: int) -> SafeString:
    """« 3 sur 5 » in the margin, « Étape 3 sur 5 » where there is no margin."""
    return format_html(
        '<p class="aside-note" aria-hidden="true"><b>{}</b> sur {}</p>'
        '<p class="steps-brief">Étape {} sur {}</p>',
        current, total, current, total,
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def index_link(
    context: template.Context,
    label: str,
    *,
    to: str,
    symbol: str,
    more: str = "",
    count: int | None = None,
    href: str = "",
) -> SafeString:
    """A thumb tab of the index: lit when the page, or one under it, is the one being read."""
    address = href or _address(to)
    here = _is_here(context["request"].path, address)
    return format_html(
        '<li><a href="{}"{}>{}<span>{}{}</span>{}</a></li>',
        address,
        format_html(' aria-current="{}"', here) if here else "",
        icon(symbol),
        label,
        format_html('<span class="wide-only"> {}</span>', more) if more else "",
        format_html('<span class="count">{}</span>', count) if count is not None else "",
    )


@cache
def _address(name: str) -> str:
    return reverse(name)


def _is_here(path: str, address: str) -> str:
    """`page` on the page itself, `true` under it; a portal's home, above all the others, says nothing."""
    if path == address:
        return "page"
    return "true" if path.startswith(address) and address.strip("/").count("/") else ""


# Forms --------------------------------------------------------------------------------


@register.inclusion_tag("ui/error_summary.html")
def error_summary(form: BaseForm | None) -> dict:
    """What is wrong with the form, first, with a way to each field. Stands before the title."""
    return {"form": form, "faults": _faults(form) if form is not None and form.is_bound else []}


def _faults(form: BaseForm) -> list[tuple[str, str]]:
    general = [("", str(fault)) for fault in form.non_field_errors()]
    return general + [(_first_input(bound), str(fault)) for bound in form for fault in bound.errors]


def _first_input(bound: BoundField) -> str:
    """The id of the first thing one can type in or tick."""
    return f"{bound.auto_id}_0" if bound.use_fieldset else bound.id_for_label


@register.simple_tag
def attributes(of: dict[str, object]) -> SafeString:
    """The attributes of a widget, in its template."""
    return flatatt(of)


@register.simple_tag
def field(bound: BoundField) -> SafeString:
    """A field with its label, its hint, its fault, in this order."""
    return bound.as_field_group()
