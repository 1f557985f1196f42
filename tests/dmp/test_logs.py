"""A log line keeps allowed keys, and names nobody."""

import json
import logging
import time
from datetime import UTC, datetime

import pytest
import structlog
from django.conf import settings

from dmp import logs

NIR = "279035121518989"


@pytest.fixture
def written(capsys):
    """What comes out of a process that logs as ours do."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    logs.configure({"level": "INFO"})

    def lines():
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield lines
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.configure(**_configuration)


_configuration = structlog.get_config()


def test_a_key_that_is_not_allowed_is_dropped(written):
    structlog.get_logger("test").info("job worked", job="7f", name="Camille", nir=NIR)

    (line,) = written()
    assert line["event"] == "job worked"
    assert line["job"] == "7f"
    assert not {"name", "nir"} & set(line)


def test_an_exception_is_its_class_and_its_place_never_its_message(written):
    def breaks():
        raise ValueError(f"no such person: {NIR} camille@example.fr")

    try:
        breaks()
    except ValueError:
        structlog.get_logger("test").exception("job failed")

    (line,) = written()
    assert line["error"] == "ValueError"
    assert ".breaks:" in line["where"]
    assert NIR not in json.dumps(line)


def test_an_exception_is_placed_in_our_own_innermost_frame(written):
    """Where it was raised in a library says little; where we called it says what we were doing."""
    try:
        logs.configure({"level": None})
    except TypeError:
        structlog.get_logger("test").exception("job failed")

    (line,) = written()
    assert line["where"].startswith("dmp.logs.configure:")


def test_our_packages_are_those_of_the_house():
    folders = {path.parent.name for path in settings.BASE_DIR.glob("*/apps.py")}

    assert folders <= set(logs.OURS)
    assert all((settings.BASE_DIR / name).is_dir() for name in logs.OURS)


def test_a_library_keeps_its_words_and_loses_the_values(written):
    logging.getLogger("somebody.else").warning("cannot reach %s for %s", "example.fr", "Camille")

    (line,) = written()
    assert line["event"] == "cannot reach … for …"
    assert line["where"].startswith("test_logs.test_a_library_keeps")


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        (f"for {NIR}.", "for [nir]."),
        ("for 2 79 03 51 215 189 89.", "for [nir]."),
        ("for 2-79-03-51-215-189-89.", "for [nir]."),
        ("for 2+79+03+51+215+189+89.", "for [nir]."),
        ("for 2%2079%2003%2051%20215%20189%2089.", "for [nir]."),
        ("for 7 79 03 51 215 189 89.", "for [nir]."),
        ("for 1780a2B", "for 1780a2B"),
        ("for 180052A123456 there", "for [nir] there"),
        ("to camille.martin@example.fr now", "to [courriel] now"),
        ("call 06 12 34 56 78", "call [téléphone]"),
        ("call +33612345678", "call [téléphone]"),
        ("call 0033 6 12 34 56 78", "call [téléphone]"),
        ("to camille.martin%40example.fr now", "to [courriel] now"),
        ("to c.m@example.fr+d.n@example.fr now", "to [courriel] now"),
        ("to c@m@example.fr now", "to c@[courriel] now"),
        ("took 0.123456789 s", "took 0.123456789 s"),
        ("job 2f1e7a34-9a61-4c0e-8a1b-0123456789ab", "job 2f1e7a34-9a61-4c0e-8a1b-0123456789ab"),
    ],
)
def test_what_looks_like_a_person_is_struck_out(text, struck):
    assert logs.struck_out(text) == struck


@pytest.mark.parametrize("run", ["a" * 60_000 + "1", "@" + "a" * 60_000, "a@" + "a-" * 30_000, "00" * 30_000])
def test_the_time_to_look_at_a_text_grows_with_its_length_and_no_faster(run):
    began = time.process_time()
    logs.struck_out(run)

    assert time.process_time() - began < 2


def test_an_instant_is_never_taken_for_a_telephone(monkeypatch, capsys):
    class Clock(datetime):
        @classmethod
        def now(cls, tz):
            return datetime(2026, 11, 27, 19, 52, 8, 97071, tz)

    monkeypatch.setattr(logs, "datetime", Clock)

    logs.write(event="request", level="info")

    assert json.loads(capsys.readouterr().err)["timestamp"] == Clock.now(UTC).isoformat()
