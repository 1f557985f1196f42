"""A page looked at hard: nothing wrong with it for axe, nothing wider than its window."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe().axe_script
WCAG: dict[str, Any] = {
    "preload": False,  # axe fetches and styles nothing: what the page is reproached with is its own
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
}
# A width and a light. Pages are seen narrow by daylight and wide in the dark; those of the journeys in one of
# the other two, in turn; and whoever wants pictures, in all four.
View = tuple[int, str]
TWO: tuple[View, ...] = ((390, "light"), (1280, "dark"))
THE_OTHER_TWO: tuple[View, ...] = ((390, "dark"), (1280, "light"))
FOUR = (*TWO, *THE_OTHER_TWO)
SHOTS = os.environ.get("DMP_SHOTS")  # a folder to keep pictures in, when somebody wants to look
# Of a long list, the first lines are enough: the others are made alike.
ALL_BUT_REPEATS = {"include": [["html"]], "exclude": [[".entry:nth-child(n+9)"], ["tbody tr:nth-child(n+9)"]]}
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Which fonts a reader has, nobody chooses. Letters are set apart until a sentence is as long as in the widest
# of the usual ones, DejaVu Sans: so many thousandths of an em for each of its characters.
WIDEST = 500
SENTENCE = "Voix ambiguë d’un cœur qui, au zéphyr, préfère les jattes de kiwis."
SET_WIDE = """([sentence, widest]) => {
    const ruler = document.body.appendChild(document.createElement("span"));
    ruler.style.cssText =
        "position: absolute; white-space: nowrap; letter-spacing: 0; font: 1000px var(--font-text)";
    ruler.textContent = sentence;
    const missing = Math.max(0, widest - ruler.getBoundingClientRect().width / sentence.length);
    ruler.remove();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`:not(input, textarea) { letter-spacing: ${missing / 1000}em !important }`);
    document.adoptedStyleSheets = [sheet];
    return missing;
}"""


def examine(page: Page) -> None:
    """As it is shown now."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    wrong = page.evaluate("asked => axe.run(...asked)", [ALL_BUT_REPEATS, WCAG])["violations"]
    found = [(one["id"], [node["html"] for node in one["nodes"]]) for one in wrong]
    assert not found, f"{page.url}: {found}"
    wider = page.evaluate(WIDER)
    assert wider <= 0, f"{page.url} is {wider} px too wide"


def set_wide(page: Page) -> None:
    """As with wide letters, until `set_as_it_is`."""
    page.evaluate(SET_WIDE, [SENTENCE, WIDEST])


def set_as_it_is(page: Page) -> None:
    page.evaluate("() => { document.adoptedStyleSheets = []; }")


def look(page: Page, picture: Callable[[str], None], views: Sequence[View] = TWO) -> None:
    """At each width, in each light; `picture` is told what is shown, as in “390-light”. Then on the
    narrowest of screens, set wide."""
    for width, light in FOUR if SHOTS else views:
        page.emulate_media(color_scheme=light, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 844 if width < 700 else 900})
        picture(f"{width}-{light}")
        examine(page)
        if width < 700:
            set_wide(page)
            page.set_viewport_size({"width": 320, "height": 640})
            wider = page.evaluate(WIDER)
            if SHOTS:
                picture(f"320-{light}")
            assert wider <= 0, f"{page.url}, set wide, is {wider} px too wide at 320"
            set_as_it_is(page)
