"""Every document of the corpora, good and hostile, through the checker."""

import os
import socket
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from threading import Thread

import pytest

from documents import child
from documents.inspection import CDA, PDF
from tests.proof.figures import Sheet, milliseconds

PHONE = 9999  # where hostile PDFs of the corpora try to call
CORPORA = Path(os.environ.get("DMP_CORPORA", "/nowhere"))
FOLDERS = {
    "real CDA documents": (CDA, ("cda-fr-ans-3.0/*.xml", "cda-fr-ans-2.41/*.xml")),
    "valid but unusual PDFs": (PDF, ("pdf-samples/**/*.pdf",)),
    "hostile PDFs": (PDF, ("malicious/pdf-*/*.pdf",)),
    "hostile XML": (CDA, ("malicious/xml-defusedxml/*", "malicious/xslt-patt/*", "malicious/xxe-patt/*.xml")),
}
AT_MOST = 12.0  # seconds: six of drawing, the rest for a busy machine

DONE = """
Documents that nobody on this project wrote go through the checker, under its limits of memory and
time, as any deposit does. What may be shown is shown as pictures and as a narrative of allowed elements
only; the rest is refused under a code.
"""

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.usefixtures("checker"),
    pytest.mark.skipif(not CORPORA.is_dir(), reason="DMP_CORPORA names no folder of corpora"),
]


@pytest.fixture
def calls():
    """Whoever calls where hostile files lead."""
    called = []
    with socket.create_server(("127.0.0.1", PHONE)) as listening:

        def listen():
            while True:
                try:
                    called.append(listening.accept()[1])
                except OSError:
                    return

        Thread(target=listen, daemon=True).start()
        yield called


@pytest.mark.slow
def test_each_document_is_shown_safely_or_refused_under_a_code(calls):
    sheet = Sheet("documents", "Every document is shown safely, or refused under a code", DONE)
    rows, verdicts = [], {}
    for kind, (media_type, patterns) in FOLDERS.items():
        times, told = [], Counter()
        for path in _files(patterns):
            started = time.perf_counter()
            inspection = child.inspect(path.read_bytes(), media_type)
            times.append(time.perf_counter() - started)
            told[inspection.refusal or "shown"] += 1
        verdicts[kind] = told
        rows.append(
            (
                kind,
                told.total(),
                told["shown"],
                told.total() - told["shown"],
                milliseconds(median(times)),
                milliseconds(max(times)),
            )
        )
        assert max(times) < AT_MOST, kind
    sheet.table("By kind", ("Documents", "How many", "Shown", "Refused", "Median", "Longest"), rows)
    for kind, told in verdicts.items():
        sheet.table(f"Of the {kind}", ("Verdict", "How many"), told.most_common())
    sheet.count("**Calls that hostile files made**", len(calls))
    sheet.write()
    assert calls == []
    assert verdicts["hostile XML"]["shown"] == 0
    assert verdicts["real CDA documents"]["shown"] >= 0.9 * verdicts["real CDA documents"].total()


def _files(patterns: Iterable[str]) -> list[Path]:
    return sorted(path for pattern in patterns for path in CORPORA.glob(pattern) if path.is_file())
