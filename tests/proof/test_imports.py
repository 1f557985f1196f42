"""Two hundred imports, twenty kills, Redis emptied in the middle."""

import pytest

from tests.proof import imports
from tests.proof.figures import Sheet

IMPORTS, KILLS, SEED = 200, 20, 20160704

DONE = """
Two hundred dossiers are opened. Their care histories are imported by two workers woken by a scheduler,
through the real job and the real HTTP protocol, from the insurer of the sandbox in its own process.
Meanwhile, at moments drawn at random, workers and scheduler are killed without a word (SIGKILL): the whole
process group, or the parent alone so that its children are orphans, or a child in the middle of its work.
Redis is emptied halfway.
"""


@pytest.mark.slow
def test_two_hundred_histories_arrive_once_whoever_is_killed(real_database, redis_server, outside, tmp_path):
    ended = imports.under_kills(real_database, outside, tmp_path, imports=IMPORTS, kills=KILLS, seed=SEED)

    sheet = Sheet("imports-under-kills", "Each history arrives once, whoever is killed", DONE)
    sheet.count("Imports", ended.imports)
    sheet.count("Kills", ended.kills)
    sheet.count("Kills while an import was under way", ended.kills_during_an_import)
    sheet.count("Times the insurer was asked", ended.asked)
    sheet.count("Imports told by the ledger", ended.imported)
    sheet.count("**Current statements**", ended.current)
    sheet.count("**Duplicates**", ended.statements - ended.current)
    sheet.count("Statements that show every line sent, once", ended.whole)
    sheet.count("Documents", ended.documents)
    sheet.count("Held apart", ended.held)
    sheet.count("Jobs left", ended.jobs_left)
    sheet.count("Alterations found in the ledger", ended.alterations)
    sheet.write()
    assert (ended.current, ended.statements, ended.whole, ended.documents) == (IMPORTS,) * 4
    assert (ended.imported, ended.held, ended.jobs_left, ended.alterations) == (IMPORTS, 0, 0, 0)
    assert ended.kills_during_an_import > 0
