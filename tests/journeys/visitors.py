"""Somebody in front of a window of Chromium, who reads, answers and presses; and looks hard at each page."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from tests.journeys.outside import PATIENCE, World
from tests.portal import examining

FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const block = at.closest('.choice') || at;
  const drawn = [at, block].some(one => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  });
  const place = block.getBoundingClientRect();
  const over = document.elementFromPoint(place.left + place.width / 2, place.top + place.height / 2);
  const words = at.labels && at.labels.length ? at.labels[0].innerText : at.innerText || at.value || at.id;
  return {words, drawn, uncovered: over !== null && (block.contains(over) || over.contains(block))};
}"""


@dataclass
class Visitor:
    """One person's window. `complaints` is what the browser reproached the pages with."""

    page: Page
    world: World
    complaints: list[str] = field(default_factory=list)
    refusals_expected: bool = False

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("console", lambda said: said.type in {"error", "warning"} and self._complain(said.text))
        self.page.on("pageerror", lambda error: self._complain(str(error)))

    def _complain(self, words: str) -> None:
        if self.refusals_expected and "the server responded with a status of 40" in words:
            return
        self.complaints.append(f"{self.page.url}: {words}")

    # -- Going about -------------------------------------------------------------------------------

    def go(self, path: str) -> None:
        self.page.goto(self.world.address + path)

    def is_refused(self, path: str) -> int:
        """Ask for a page that one must not have; the status of the answer."""
        self.refusals_expected = True
        return self.page.goto(self.world.address + path).status

    def go_outside(self, path: str) -> None:
        self.page.goto(self.world.sandbox + path)

    def answer(self, **fields: str) -> None:
        for name, words in fields.items():
            self.page.fill(f"#id_{name}", words)

    def tick(self, words: str) -> None:
        """As a hand does: the whole block answers."""
        self.page.locator(".choice label").filter(has_text=words).first.click()

    def unfold(self, words: str) -> None:
        """Open what is folded, unless it is open already."""
        folded = self.page.locator("details").filter(has_text=words).first
        if folded.get_attribute("open") is None:
            folded.locator("summary").first.click()

    def press(self, words: str | re.Pattern[str]) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=words, exact=isinstance(words, str)).first.click()

    def follow(self, words: str | re.Pattern[str]) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=words, exact=isinstance(words, str)).first.click()

    # -- Reading -----------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        return _plain(self.page.inner_text("h1"))

    @property
    def words(self) -> str:
        """What the page says, whatever its spaces are made of."""
        return _plain(self.page.inner_text("main"))

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.world.address)

    def secrets(self) -> tuple[str, str]:
        """The login and the first password of a printed sheet."""
        _, login, password = self.page.locator("dd.secret").all_inner_texts()
        return login, password

    def waits_to_read(self, words: str, *, asking_again: str = "") -> None:
        """Until the page says so: by itself, or each time `asking_again` is followed."""
        for _ in range(int(PATIENCE * 4)):
            if words in self.words:
                return
            self.page.wait_for_timeout(250)
            if asking_again:
                self.follow(asking_again)
        raise AssertionError(f"never read « {words} » but: {self.words}")

    def look(self, name: str) -> None:
        """Once for each page: nothing wrong with it, narrow in the dark or wide by daylight, in turn."""
        if name in self.world.looked_at:
            return
        view = examining.THE_OTHER_TWO[len(self.world.looked_at) % 2]
        self.world.looked_at.add(name)
        was = self.page.viewport_size

        def picture(view: str) -> None:
            if examining.SHOTS:
                self.page.screenshot(path=Path(examining.SHOTS) / f"{name}-{view}.png", full_page=True)

        examining.look(self.page, picture, [view])
        self.page.set_viewport_size(was)
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")

    # -- With a keyboard alone ---------------------------------------------------------------------

    def reach(self, words: str) -> None:
        """Tab until there. At each stop one sees where one is."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(FOCUS)
            if focus is None:
                continue
            assert focus["drawn"], f"{self.path}: the focus on « {focus['words']} » is not drawn"
            assert focus["uncovered"], f"{self.path}: the focus on « {focus['words']} » is hidden"
            if words in _plain(focus["words"]):
                return
        raise AssertionError(f"{self.path}: no way to « {words} » with Tab")

    def type_in(self, words: str, typed: str) -> None:
        self.reach(words)
        self.page.keyboard.type(typed)

    def key(self, key: str) -> None:
        """Enter or Space, which leads to another page."""
        with self.page.expect_navigation():
            self.page.keyboard.press(key)


def _plain(words: str) -> str:
    return " ".join(words.replace("\u202f", " ").replace("\u00a0", " ").replace("’", "'").split())
