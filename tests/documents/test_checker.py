"""The checker as the house asks it: what it answers, what is believed of it, what happens when it falls."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from access.policy import Status
from dmp import checking, children
from documents import checker, child, inert_html, inspection
from documents import deposit as depositing
from documents.inspection import CDA, PDF, Inspection
from jail import client
from jail.client import Answer
from jail.wire import Ending
from jobs import queue
from jobs.models import State
from tests.cast import LEFEVRE, NOON
from tests.proof.processes import ROOT

from . import files
from .files import CORPORA, needs_corpora

pytestmark = pytest.mark.usefixtures("checker")


@pytest.fixture
def answering(monkeypatch):
    """The checker answers this, whatever it is asked."""

    def answer(output=b"", *, lost=None, **ending):
        def ask(*_, **__):
            if lost:
                raise lost
            return Answer(output, Ending(**{"status": 0, "killed_by": 0, "processor_seconds": 0.1} | ending))

        monkeypatch.setattr(client, "ask", ask)

    return answer


# What it says --------------------------------------------------------------------------------------


def test_a_jailed_child_says_what_the_same_code_says_in_the_open():
    for content, media_type in ((files.pdf(pages=3), PDF), (files.cda(), CDA), (b"", PDF), (b"<a/>", CDA)):
        assert child.inspect(content, media_type) == checker.inspect(content, media_type)


@pytest.mark.corpus
@needs_corpora
def test_a_jailed_child_lacks_nothing_to_read_unusual_files():
    samples = [*CORPORA.glob("pdf-samples/*/*.pdf"), *CORPORA.glob("cda-fr-ans-3.0/*.xml")]
    assert len(samples) > 50
    for sample in sorted(samples)[::3]:
        media_type = PDF if sample.suffix == ".pdf" else CDA
        assert child.inspect(sample.read_bytes(), media_type) == checker.inspect(
            sample.read_bytes(), media_type
        )


def test_what_a_child_tells_is_exactly_what_it_announced():
    told = inspection.told(Inspection("", 1, 1, (("texts", b"[]"),)))

    assert inspection.understood(told).parts == (("texts", b"[]"),)
    for altered in (told + b"x", told[:-1], b"{}", b"[1]\n", b'{"parts": 1}\n'):
        with pytest.raises((ValueError, KeyError, TypeError)):
            inspection.understood(altered)


# What is believed ----------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n..."
WORDS = ("texts", b'["a"]')
SOUND = Inspection("", 1, 1, (("narrative", b"<p>a</p>"), WORDS, ("page/1", PNG)))
LIES = {
    "a script": Inspection("", 0, 0, (("narrative", b"<p>a</p><script>alert(1)</script>"),)),
    "a handler": Inspection("", 0, 0, (("narrative", b'<p onclick="x()">a</p>'),)),
    "an image from elsewhere": Inspection("", 0, 0, (("narrative", b'<img src="https://a.example/">'),)),
    "bytes that are no words": Inspection("", 0, 0, (("narrative", b"\xff"),)),
    "another kind of file": Inspection("", 1, 1, (WORDS, ("page/1", b"<svg onload='x()'>"))),
    "another part": Inspection("", 1, 1, (WORDS, ("page/1", PNG), ("original", b"..."))),
    "a part twice": Inspection("", 1, 1, (WORDS, ("page/1", PNG), ("page/1", PNG))),
    "a page too many": Inspection("", 1, 2, (WORDS, ("page/1", PNG), ("page/2", PNG))),
    "a page too few": Inspection("", 2, 2, (("texts", b'["a", "b"]'), ("page/1", PNG))),
    "words that are none": Inspection("", 1, 1, (("texts", b"{}"), ("page/1", PNG))),
    "words for no page": Inspection("", 1, 1, (("texts", b'["a", "b"]'), ("page/1", PNG))),
    "fewer pages in all": Inspection("", 1, 0, (WORDS, ("page/1", PNG))),
    "nothing": Inspection("", 0, 0, ()),
    "a refusal with parts": Inspection("pdf.script", 1, 1, (WORDS, ("page/1", PNG))),
    "a refusal in its own words": Inspection("Votre dossier est effacé", 0, 0, ()),
}


def test_a_sound_answer_is_believed(answering):
    answering(inspection.told(SOUND))

    assert child.inspect(b"", CDA) == SOUND


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_no_child_gives_is_not_believed(answering, lie):
    answering(inspection.told(LIES[lie]))

    with pytest.raises(child.ChildFailed, match=r"checks\.garbled"):
        child.inspect(b"", CDA)


INERT = [
    "",
    "bonjour &amp; merci",
    '<p class="lead">a<br>b</p>',
    '<div class="scroller" role="group" aria-label="a < b" tabindex="0"><table></table></div>',
    '<img src="data:image/png;base64,AAAA" alt="" width="1" height="1">',
]
ACTIVE = [
    "<script>x</script>", "<p onclick=x>", '<p onclick="x">a</p>', "<p class=lead>a</p>", "<P>a</P>", "<p>a",
    "a</p>", "<p><em></p></em>", "<!-- a -->", "<p/>", "<br/>", "</br>", "<svg></svg>", "<a href='x'>a</a>",
    "a<b", "<", "<p ", '<img src="https://a.example/x.png">', '<img src="data:image/svg+xml;base64,AAAA">',
    '<p class="a"onclick="x">a</p>', '<p class="a" style="x">a</p>', "<?php ?>", "<![CDATA[a]]>",
    "<p\n>a</p>",
    "<div>" * 501 + "</div>" * 501,
]  # fmt: skip


@pytest.mark.parametrize("html", INERT)
def test_html_of_ours_is_inert(html):
    assert inert_html.is_inert(html)


@pytest.mark.parametrize("html", ACTIVE)
def test_any_other_html_is_not(html):
    assert not inert_html.is_inert(html)


@pytest.mark.corpus
@needs_corpora
def test_what_real_documents_become_is_inert():
    shown = 0
    for sample in sorted(CORPORA.glob("cda-fr-ans-*/*.xml"))[::3]:
        html = dict(checker.inspect(sample.read_bytes(), CDA).parts).get("narrative", b"").decode()
        assert inert_html.is_inert(html), sample
        shown += bool(html)
    assert shown > 20


@pytest.mark.parametrize("output", [
    b"[" * 60_000 + b"\n", b"[" * 10_000_000, b'{"parts": [["texts", -1], ["texts", 1]], "refusal": ""}\n',
    b'{"refusal": "", "page_count": 1e999, "pages_in_all": 1, "parts": []}\n',
    b'{"refusal": "", "page_count": 1, "pages_in_all": ' + b"9" * 4000 + b', "parts": []}\n',
    inspection.told(Inspection("", 10**9, 10**9, (WORDS,))),
    inspection.told(Inspection("", 1, 1, (("texts", b"[" * 1_000_000), ("page/1", PNG)))),
    inspection.told(Inspection("", 1, 1, (("texts", b"[]" * (9 << 20)), ("page/1", PNG)))),
    inspection.told(Inspection("", 0, 0, (("narrative", b"<div>" * 5_000_000),))),
])  # fmt: skip
def test_an_answer_made_to_exhaust_whoever_reads_it_costs_next_to_nothing(answering, output):
    answering(output)
    began = time.process_time()

    with pytest.raises(child.ChildFailed, match=r"checks\.garbled"):
        child.inspect(b"", CDA)
    assert time.process_time() - began < 1


# How it ends ---------------------------------------------------------------------------------------

REFUSALS = {"out of time": {"out_of_time": True, "killed_by": 9}, "out of memory": {"out_of_memory": True}}
FAILURES = {
    "checks.killed": {"killed_by": signal.SIGKILL},
    "checks.crashed": {"killed_by": signal.SIGSEGV},
    "checks.stalled": {"killed_by": signal.SIGKILL, "stalled": True},
    "checks.unconfined": {"status": 4, "unconfined": True},
}


@pytest.mark.parametrize("how", REFUSALS)
def test_a_file_that_spends_a_budget_is_refused_for_that(answering, how):
    answering(**REFUSALS[how])

    assert child.inspect(b"", PDF) == Inspection("checks.exhausted", 0, 0, ())


def test_a_child_that_says_too_much_is_not_believed(monkeypatch):
    monkeypatch.setattr(child, "MOST_TOLD", 10)

    assert child.inspect(files.pdf(), PDF).refusal == "checks.exhausted"


@pytest.mark.parametrize("code", FAILURES)
def test_a_child_that_falls_says_nothing_of_the_file(answering, code):
    answering(**FAILURES[code])

    with pytest.raises(child.ChildFailed, match=code):
        child.inspect(b"", PDF)


def test_a_checker_that_goes_away_says_nothing_of_the_file(answering):
    answering(lost=client.Lost())
    with pytest.raises(child.ChildFailed, match=r"checks\.killed"):
        child.inspect(b"", PDF)

    answering(lost=client.Unreachable())
    with pytest.raises(child.CheckerAway):
        child.inspect(b"", PDF)


# What becomes of the document -----------------------------------------------------------------------


def worked(job_id) -> queue.JobState:
    """The job after one attempt, due again at once."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET run_after = now() - interval '1 s' WHERE id = %s", [job_id])
    assert queue.work(job_id)
    state = queue.state(job_id)
    assert state is not None
    return state


@pytest.mark.parametrize("code", FAILURES)
def test_a_document_whose_check_fails_three_times_waits_in_quarantine_for_a_person(
    deposit, dossier_id, answering, code
):
    receipt = deposit(checked=False)
    job_id = queue.job_id_of(depositing.CHECK, str(receipt.document_id))

    answering(**FAILURES[code])
    states = [worked(job_id) for _ in range(3)]

    assert [(state.state, state.code) for state in states] == [
        (State.READY, code), (State.READY, code), (State.HELD, code),
    ]  # fmt: skip
    assert not queue.work(job_id)
    assert (
        depositing.receipt(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON).status is Status.QUARANTINE
    )


def test_a_checker_that_is_away_is_waited_for_as_long_as_it_takes(deposit, dossier_id, answering):
    receipt = deposit(checked=False)
    job_id = queue.job_id_of(depositing.CHECK, str(receipt.document_id))

    answering(lost=client.Unreachable())
    states = [worked(job_id) for _ in range(10)]

    assert {(state.state, state.code, state.attempts) for state in states} == {
        (State.READY, "checks.away", 0)
    }


def test_a_document_held_is_checked_when_a_person_tries_again(deposit, dossier_id, monkeypatch):
    receipt = deposit(checked=False)
    job_id = queue.job_id_of(depositing.CHECK, str(receipt.document_id))
    with monkeypatch.context() as falling:
        falling.setattr(client, "ask", lambda *_, **__: Answer(b"", Ending(0, 9, 0.1)))
        held = [worked(job_id) for _ in range(3)][-1]
    assert held.state == State.HELD

    assert queue.retry(job_id, seen_at=held.run_after)
    assert worked(job_id).state == State.DONE
    assert depositing.receipt(dossier_id, receipt.document_id, by=LEFEVRE, at=NOON).status is Status.AVAILABLE


# The process ---------------------------------------------------------------------------------------


def test_the_checker_loads_no_django_no_key_and_no_database():
    ours = {"django", "psycopg", "vault", "jobs", "access", "audit", "dossiers", "dmp", "celery", "redis"}
    listing = "import documents.checker, sys; print(*{name.partition('.')[0] for name in sys.modules})"

    told = subprocess.run(
        [sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "pypdfium2" in told.stdout.split()
    assert ours & set(told.stdout.split()) == set()


def test_whoever_has_keys_does_not_load_what_reads_hostile_files():
    listing = (
        "import django; django.setup(); from documents import tasks; import dmp.urls, sys;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )

    told = subprocess.run(
        [sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "django" in told.stdout.split()
    assert {"pikepdf", "pypdfium2", "PIL"} & set(told.stdout.split()) == set()


def a_checker(tmp_path: Path, monkeypatch) -> subprocess.Popen[bytes]:
    process = checking.start(tmp_path)
    monkeypatch.setattr(settings, "DMP_CHECKER_SOCKET", checking.socket_path(tmp_path))
    return process


def test_the_process_is_told_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("DMP_HISTORY_TOKEN", "a secret")
    process = a_checker(tmp_path, monkeypatch)
    try:
        told = (
            dict(
                line.split("=", 1)
                for line in Path(f"/proc/{process.pid}/environ").read_text().split("\0")
                if "=" in line
            )
            if os.geteuid() == 0
            else {}
        )
        # PWD: the shell that looks whether we still live says where it is.
        assert set(told) <= {"LANG", "PWD", "PYTHONPATH", *checking.HARMLESS}
        assert child.inspect(files.pdf(), PDF).page_count == 1
    finally:
        children.stop(process)


def test_a_checker_that_is_killed_and_started_again_goes_on(tmp_path, monkeypatch):
    process = a_checker(tmp_path, monkeypatch)
    process.kill()
    process.wait()

    process = checking.start(tmp_path)
    try:
        assert child.inspect(files.pdf(), PDF).page_count == 1
    finally:
        children.stop(process)


def test_the_house_says_why_its_checker_does_not_start(tmp_path, monkeypatch):
    sentence = "import sys; sys.exit('Ce système n’autorise rien.')"
    monkeypatch.setattr(children, "dying_with_us", lambda *_, **__: [sys.executable, "-c", sentence])

    with pytest.raises(children.CannotStart, match=r"^Ce système n’autorise rien\.$"):
        checking.start(tmp_path)


def test_files_are_looked_at_side_by_side():
    with ThreadPoolExecutor(20) as at_once:
        found = list(at_once.map(lambda pages: child.inspect(files.pdf(pages=pages), PDF), range(1, 21)))

    assert [inspected.page_count for inspected in found] == list(range(1, 21))
