"""A page looked at hard: nothing wrong with it for axe, nothing wider than its window."""

from collections.abc import Callable, Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe().axe_script
Rules = dict[str, Any]
WCAG: Rules = {
    "preload": False,  # axe fetches and styles nothing: what the page is reproached with is its own
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
}
COLOURS: Rules = {
    "preload": False,
    "resultTypes": ["violations"],
    "runOnly": ["color-contrast", "link-in-text-block"],
}
# A width, a light, and what is judged there. In the dark only colours change: where the same width is seen by
# daylight too, the other rules are judged once.
View = tuple[int, str, Rules]
FOUR: tuple[View, ...] = (
    (390, "light", WCAG),
    (390, "dark", COLOURS),
    (1280, "dark", COLOURS),
    (1280, "light", WCAG),
)
TWO: tuple[View, ...] = ((390, "light", WCAG), (1280, "dark", WCAG))
# Of a long list, the first lines are enough: the others are made alike.
ALL_BUT_REPEATS = {"include": [["html"]], "exclude": [[".entry:nth-child(n+9)"], ["tbody tr:nth-child(n+9)"]]}
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def examine(page: Page, rules: Rules = WCAG) -> None:
    """As it is shown now."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    wrong = page.evaluate("asked => axe.run(...asked)", [ALL_BUT_REPEATS, rules])["violations"]
    found = [(one["id"], [node["html"] for node in one["nodes"]]) for one in wrong]
    assert not found, f"{page.url}: {found}"
    wider = page.evaluate(WIDER)
    assert wider <= 0, f"{page.url} is {wider} px too wide"


def look(page: Page, picture: Callable[[str], None], views: Sequence[View] = TWO) -> None:
    """At each width, in each light; `picture` is told what is shown, as in “390-light”."""
    for width, light, rules in views:
        page.emulate_media(color_scheme=light, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 844 if width < 700 else 900})
        picture(f"{width}-{light}")
        examine(page, rules)
