"""At 400 %, 320 px wide: what is read comes first, and nothing lies over it."""

import pytest

from tests.portal.examining import examine

pytestmark = pytest.mark.browser

TITLE = """() => {
    const box = document.querySelector("h1").getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight
      && document.elementFromPoint(box.left + 4, box.top + box.height / 2).closest("h1") !== null;
}"""
SEEN = """(one) => {
    const [box] = one.getClientRects();
    const found = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return one === found || one.contains(found);
}"""
IN_LINES = """() => [...document.querySelectorAll(".entry-when time")].map(
    (time) => new Set([...time.getClientRects()].map((box) => Math.round(box.top))).size)"""


@pytest.mark.parametrize(("width", "height"), [(320, 256), (320, 640), (390, 844)])
def test_the_title_is_seen_first_and_a_date_stays_on_its_line(window, hers, deposited, width, height):
    deposited("Compte rendu de consultation")
    with window(width=390, signed_in=hers) as seen:
        seen.page.set_viewport_size({"width": width, "height": height})
        for name, address in {"accueil": "/mon-dmp/", "documents": "/mon-dmp/documents/"}.items():
            page = seen.open(address)
            seen.picture(f"etroit-{name}-{width}-{height}")
            assert page.evaluate(TITLE), address
            assert set(page.evaluate(IN_LINES)) == {1}
            last = page.locator("main :is(a, button, summary):visible").last
            last.focus()
            assert last.evaluate(SEEN), "something lies over it"
            examine(page)
