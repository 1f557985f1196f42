"""Two hundred queued checks and twenty dripping answers keep nobody waiting for a code."""

import pytest

from tests.proof import queues
from tests.proof.figures import Sheet, said

CHECKS, DRIPS, CODES, AT_MOST = 200, 20, 10, 2.0

DONE = """
Twenty dossiers are opened and two hundred documents of three pages deposited. Then two workers start, one for
codes and one for the rest. The insurer accepts every question, then says a byte of its headers each second.
Codes are asked for one after another; what is measured is the time from there to the SMS gateway.
"""


@pytest.mark.slow
def test_a_code_leaves_within_two_seconds(real_database, redis_server, outside, tmp_path, settings):
    seen = queues.under_load(real_database, tmp_path, checks=CHECKS, drips=DRIPS, codes=CODES)

    sheet = Sheet("queues", "A code leaves at once, whatever else waits", DONE)
    sheet.count("Checks queued", CHECKS)
    sheet.count("Checks still waiting when the last code left", seen.checks_waiting)
    sheet.count("Questions waiting for the insurer meanwhile", seen.questions_waiting)
    sheet.table("Until a code arrives", ("Codes", "Time"), [(str(CODES), said(seen.codes))])
    sheet.write()
    assert max(seen.codes) <= AT_MOST
    assert seen.questions_waiting == DRIPS
