"""The profile `backup` of docker-compose.yml, its commands run by hand: saved, lost, restored."""

import shutil

from django.utils import timezone

from dmp import pg

from .saving import deposited, running, saved_since


def test_what_was_saved_makes_the_same_house_again(world, house):
    prepared = house.run("prepare")
    assert prepared.returncode == 0, prepared.stdout
    with running(house.start("archive")) as archive:
        first = world.grant()
        saved_since(house, timezone.now(), archive)
        document = deposited(world.dossier_id)
        world.withdraw(first)
        second = world.grant()
        saved_since(house, timezone.now(), archive)

    # The machine of the database is lost, with its disk.
    restored = house.run("restore")
    assert restored.returncode == 0, restored.stdout
    var = house.root / "elsewhere"
    shutil.copytree(world.database.var / "keys", var / "keys")
    (house.folder("database") / "18" / "docker").rename(var / "pg")
    server = pg.start(var, durable=False)
    try:
        with pg.connect(var, world.database.name) as there:
            row = "SELECT until > now() FROM dossiers_grant WHERE id = %s"
            assert there.execute(row, [first]).fetchone() == (False,)
            assert there.execute(row, [second]).fetchone() == (True,)
            blob = "SELECT blob FROM documents_content WHERE document_id = %s AND part = 'original'"
            (name,) = there.execute(blob, [document]).fetchone()
            assert there.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    finally:
        pg.stop(server)
    assert (house.folder("backups") / "store" / name).read_bytes()

    assert house.run("restore").returncode == 0, "the database’s folder is empty again"
    refused = house.run("restore")
    assert (refused.returncode, "is not empty" in refused.stdout) == (1, True)
