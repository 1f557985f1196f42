"""What people have at hand beside their browser: the box of messages, the codes of an application."""

import html
import re
import time
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

from sandbox import totp
from tests.proof.house import House
from tests.proof.processes import until

PATIENCE = 60.0  # seconds: the machine may be busy with something else


@dataclass
class World:
    """A house that lives, the world outside it, and what is remembered from one journey to the next."""

    house: House
    inside: dict[str, dict] = field(default_factory=dict)  # the cookies of whoever has signed in
    looked_at: set[str] = field(default_factory=set)

    @property
    def address(self) -> str:
        return self.house.address

    @cached_property
    def sandbox(self) -> str:
        """Where the sandbox lives, as `make run` prints it."""
        printed = (self.house.var / "run.log").read_text(encoding="utf-8")
        return re.findall(r"(http://127\.0\.0\.1:\d+)/boite/", printed)[-1]

    def messages(self, to: str) -> list[str]:
        """What arrived for somebody, newest first."""
        opener = build_opener(ProxyHandler({}))
        with opener.open(f"{self.sandbox}/boite/?pour={quote(to)}", timeout=PATIENCE) as answer:
            page = answer.read().decode()
        words = (
            re.sub(r"<[^>]+>", " ", article) for article in re.findall(r"<article.*?</article>", page, re.S)
        )
        return [" ".join(html.unescape(said).split()) for said in words]

    def message(self, to: str, *, after: int) -> str:
        """The one that comes after the `after` that were already there."""
        assert until(lambda: len(self.messages(to)) > after, within=PATIENCE, every=0.1), f"nothing for {to}"
        return self.messages(to)[0]

    def code(self, to: str, *, after: int) -> str:
        return re.search(r"\b\d{6}\b", self.message(to, after=after))[0]

    def wake_code(self, to: str, *, after: int) -> str:
        """The nine digits of a message or a letter."""
        return re.search(r"\b\d{3} \d{3} \d{3}\b", self.message(to, after=after))[0]

    def code_of_the_application(self, slug: str) -> str:
        """What the telephone of an agent shows, with time left to type it."""
        if totp.seconds_left(time.time()) < 3:
            time.sleep(3)
        return totp.code(self.house.borrowed(slug)["totp_secret"], time.time())
