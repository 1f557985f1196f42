"""Everything hostile or wrong that an insurer could send, through the real job, to one real worker."""

import os
from pathlib import Path

import pytest

from tests.proof import hostile
from tests.proof.figures import Sheet, megabytes, milliseconds

CORPORA = os.environ.get("DMP_CORPORA")
FOLDERS = ("xml-defusedxml", "xslt-patt", "xxe-patt", "xxe-payloadbox", "fuzzdb/xml", "upload-patt")
MOST_MEMORY, MOST_SECONDS = 256 * 10**6, 1.0

DONE = """
For each line below a dossier was opened, and an insurer that lies answered over HTTP when the real job
asked for its care history. One worker did them all, then imported a true statement. An address that hostile
files try to lead to was listening, to count who called.

*held*: kept apart under a code, a person is told. *ready*: it was not even a statement, it will be asked
for again.
"""


@pytest.mark.slow
def test_whatever_is_sent_nothing_is_filed_and_the_worker_lives(real_database, redis_server, tmp_path):
    attacks = hostile.ATTACKS | hostile.of_files(_corpora())

    ended = hostile.sent_to_a_worker(real_database, tmp_path, attacks)

    longest = max(met.seconds for met in ended.met.values())
    sheet = Sheet("hostile-statements", "Hostile statements are kept out", DONE)
    sheet.count("Hostile or wrong statements", len(attacks))
    sheet.count("**Filed**", ended.filed)
    sheet.count("Deaths of the worker", ended.worker_deaths)
    sheet.count("Calls to the outside", ended.calls_outside)
    sheet.count("Most memory of the worker", megabytes(ended.most_memory))
    sheet.count("Longest, download included", milliseconds(longest))
    rows = [(name, met.state, met.code, milliseconds(met.seconds)) for name, met in ended.met.items()]
    sheet.table("Each of them", ("Sent", "Job", "Code", "Time"), rows)
    sheet.write()
    assert {met.state for met in ended.met.values()} <= {"held", "ready"}
    assert [name for name, met in ended.met.items() if not met.code] == []
    assert (ended.filed, ended.good_ones_filed) == (0, 2)
    assert (ended.worker_deaths, ended.calls_outside) == (0, 0)
    assert ended.most_memory < MOST_MEMORY
    assert longest < MOST_SECONDS


def _corpora() -> list[Path]:
    if not CORPORA:
        return []
    folder = Path(CORPORA) / "malicious"
    return sorted(path for name in FOLDERS for path in (folder / name).iterdir() if path.is_file())
