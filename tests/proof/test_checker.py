"""The checker on a machine that has no time left, and on everything that attacked or surprised others."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from documents import checker, child
from documents.inspection import CDA, PDF
from tests.documents import files
from tests.documents.files import CORPORA, needs_corpora
from tests.proof.figures import Sheet

pytestmark = [pytest.mark.proof, pytest.mark.usefixtures("checker")]

LOAD = 20
PAGES = 80

DONE = f"""
A document of {PAGES} pages is opened on a machine at rest, then beside {LOAD} processes that never stop: the
same pages, byte for byte. Then every file of the corpora (unusual, broken, malicious) is opened in a jailed
child and in the open: the same answer, and no child that fell.
"""


@contextmanager
def busy(processes: int):
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def sheet():
    written = Sheet(
        "checker", "A hostile file meets a jail, and a sound one is never blamed for our haste", DONE
    )
    yield written
    written.write()


def test_the_same_pages_are_drawn_at_rest_and_beside_twenty_processes_that_never_stop(sheet):
    content = files.pdf("Le compte rendu dit que tout va bien", pages=PAGES)
    began = time.monotonic()
    at_rest = child.inspect(content, PDF)
    rest, began = time.monotonic() - began, time.monotonic()

    with busy(LOAD):
        under_load = child.inspect(content, PDF)

    assert (at_rest.refusal, at_rest.page_count) == ("", PAGES)
    assert under_load == at_rest
    sheet.count(f"{PAGES} pages at rest", f"{rest:.1f} s")
    sheet.count(f"the same {PAGES} pages beside {LOAD} busy processes", f"{time.monotonic() - began:.1f} s")


@pytest.mark.corpus
@needs_corpora
def test_nothing_of_the_corpora_brings_a_child_down_nor_is_read_otherwise_in_a_jail(sheet):
    kinds = ("pdf-samples/*/*.pdf", "malicious/pdf-*/*.pdf", "cda-fr-*/*.xml", "malicious/x*/**/*.xml")
    tried = sorted(path for kind in kinds for path in CORPORA.glob(kind) if path.is_file())
    assert len(tried) > 700

    with ThreadPoolExecutor(os.cpu_count()) as at_once:
        found = list(at_once.map(lambda path: child.inspect(path.read_bytes(), kind_of(path)), tried))
    different = [
        path for path, jailed in zip(tried, found, strict=True)
        if jailed != checker.inspect(path.read_bytes(), kind_of(path))
    ]  # fmt: skip

    assert different == []
    sheet.count("files of others opened in a jail, and in the open: the same answers", len(tried))
    sheet.count("of which refused, each under a code", sum(bool(inspected.refusal) for inspected in found))


def kind_of(path) -> str:
    return PDF if path.suffix == ".pdf" else CDA
