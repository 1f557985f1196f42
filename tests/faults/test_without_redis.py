"""Redis dies, or falls silent, while people open dossiers: nobody notices, and the work is done."""

import pytest

from tests.proof import processes, without_redis

HALF_A_SECOND = 0.5
BUSY_MACHINE = 2.0  # seconds that an opening itself may take where other tests run


@pytest.mark.slow
def test_dossiers_open_without_redis_and_the_scheduler_does_the_work(
    real_database, world, tmp_path, settings
):
    with processes.redis_of_our_own(tmp_path) as server:
        times = without_redis.opening(real_database, world, server, tmp_path, settings, each=3)

    assert set(times) == {"there", "dead", "silent", "back"}
    for state in ("dead", "silent"):
        assert times[state].bell < HALF_A_SECOND, state
        assert max(times[state].openings) < HALF_A_SECOND + BUSY_MACHINE, state
