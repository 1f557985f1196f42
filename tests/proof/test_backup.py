"""What the profile `backup` finds each night in what it saved, its commands run by hand."""

import shutil
from datetime import datetime

from django.utils import timezone

from tests.backup.conftest import (  # noqa: F401  (fixtures)
    holder_of,
    house,
    open_at_the_counter,
    own_codes,
    reading,
    the_insurer,
    world,
)
from tests.backup.saving import deposited, running, saved_since, verified


def test_a_backup_is_restored_each_night_where_nobody_sees_it(world, house):  # noqa: F811
    assert house.run("prepare").returncode == 0
    with running(house.start("archive")) as archive:
        world.withdraw(world.grant())
        world.grant()
        deposited(world.dossier_id)
        saved_since(house, timezone.now(), archive)

    assert verified(house)["codes"] == []

    with running(house.start("archive")) as archive:
        with world.database.superuser() as server:
            server.execute("UPDATE dossiers_grant SET until = until + interval '1 year' WHERE until > now()")
        saved_since(house, timezone.now(), archive)
    shutil.rmtree(house.folder("backups") / "store")
    (house.folder("backup-status") / "verify.json").unlink()

    assert verified(house)["codes"] == ["contents", "rows"]
    assert list(house.folder("scratch").iterdir()) == []


def test_a_log_with_a_gap_begins_a_new_series(world, house):  # noqa: F811
    assert house.run("prepare").returncode == 0
    with running(house.start("archive")) as archive:
        saved_since(house, timezone.now(), archive)
    with world.database.superuser() as server:
        server.execute("SELECT pg_drop_replication_slot('dmp_backup')")
    lost = timezone.now()

    with running(house.start("archive")) as archive:
        world.grant()
        saved_since(house, lost, archive)
        status = saved_since(house, timezone.now(), archive)

    series = [path.parent for path in house.folder("backups").glob("*Z/series.json")]
    assert len(series) == 2
    assert datetime.fromisoformat(status["base"]) > lost, "with a base of its own"
