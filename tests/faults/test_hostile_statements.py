"""The insurer sends something hostile or wrong: it is kept out under a code, and the work goes on."""

import pytest

from tests.proof import hostile

MOST_MEMORY = 256 * 10**6


@pytest.mark.slow
def test_what_is_hostile_or_wrong_is_kept_out_and_the_worker_lives(real_database, redis_server, tmp_path):
    attacks = {name: hostile.ATTACKS[name] for name in hostile.SHORT}

    ended = hostile.sent_to_a_worker(real_database, tmp_path, attacks)

    assert {name: met.state for name, met in ended.met.items()} == dict.fromkeys(attacks, "held")
    assert all(met.code for met in ended.met.values())
    assert (ended.filed, ended.good_ones_filed) == (0, 2)
    assert (ended.worker_deaths, ended.calls_outside) == (0, 0)
    assert ended.most_memory < MOST_MEMORY
