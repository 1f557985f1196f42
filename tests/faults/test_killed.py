"""Whoever works is killed, at any moment: each care history arrives once, whole."""

import pytest

from tests.proof import imports


@pytest.mark.slow
def test_each_history_arrives_once_whoever_is_killed(real_database, world, tmp_path):
    ended = imports.under_kills(real_database, world, tmp_path, imports=20, kills=2, seed=11)

    assert (ended.current, ended.statements, ended.whole, ended.documents) == (20, 20, 20, 20)
    assert (ended.imported, ended.held, ended.jobs_left, ended.alterations) == (20, 0, 0, 0)
