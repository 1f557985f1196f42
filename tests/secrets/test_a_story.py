"""A story is told through the pages; then everything a thief could carry away is searched for its secrets."""

import base64
import html

import pytest
from django.utils import timezone

from accounts import directory
from accounts.userinfo import PlaceOfPractice
from jobs import queue
from tests.proof import copies, story
from tests.proof.browsers import Within
from tests.proof.scanner import Scanner
from tests.sandbox.world import running

CPAM = PlaceOfPractice(number="99900000100015", name="CPAM de la Haute-Garonne")


@pytest.fixture
def told(real_database, redis_server, tmp_path, settings, capfd):
    """The story, told by people in front of pages; copies of all it left are in the folder `copies`."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": tmp_path / "copies" / "store"}}
    }
    (tmp_path / "copies" / "store").mkdir(parents=True)
    overheard = copies.Overheard(real_database.var, tmp_path / "copies" / "redis-monitor")
    with running(tmp_path / "world") as world:
        for name, value in world.settings().items():
            setattr(settings, name, value)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", world.smtp_port
        directory.provision_agent(
            login=story.AGENT_LOGIN,
            name=story.AGENT_NAME,
            structure=CPAM,
            at=timezone.now(),
            password=story.AGENT_PASSWORD,
            totp_secret=story.AGENT_SECRET,
        )
        agent = story.Agent(
            login=story.AGENT_LOGIN,
            password=story.AGENT_PASSWORD,
            totp_secret=base64.b32encode(story.AGENT_SECRET).decode(),
        )
        play = story.Story(Within, tmp_path / "world" / "sandbox", agent, lambda: queue.work_due(20))
        try:
            play.told()
        finally:
            overheard.stop()
    copies.everything_in_redis(real_database.var, tmp_path / "copies" / "redis-content")
    copies.dump(real_database.var, real_database.name, tmp_path / "copies" / "dump.sql")
    said = capfd.readouterr()
    (tmp_path / "copies" / "log").write_text(said.err + said.out, encoding="utf-8")
    return play


def test_nothing_that_is_copied_names_anybody_or_tells_anything(told, tmp_path):
    scanner = Scanner(told.secrets)

    hits = scanner.in_tree(tmp_path / "copies")

    assert [str(hit) for hit in hits] == []
    assert {path.name for path in (tmp_path / "copies").iterdir()} == {
        "store", "dump.sql", "redis-monitor", "redis-content", "log",
    }  # fmt: skip
    assert sum(path.stat().st_size for path in (tmp_path / "copies" / "store").rglob("*")) > 90_000
    assert (tmp_path / "copies" / "dump.sql").stat().st_size > 100_000
    assert b"jobs.look" in (tmp_path / "copies" / "redis-monitor").read_bytes()
    assert (tmp_path / "copies" / "log").stat().st_size > 500
    # The scanner was not deaf: the pages say what the copies do not, and the messages neither.
    said = "\n".join(html.unescape(page.text) for page in told.pages.values())

    seen = {hit.kind for hit in scanner.in_bytes(said.encode(), "pages")}
    sent = told.messages()
    in_messages = {hit.kind for hit in scanner.in_bytes("\n".join(sent).encode(), "messages")}

    assert seen >= {"birth name", "title", "content", "care line", "professional's whole name", "structure"}
    assert len(sent) >= 4
    assert in_messages == set()
