"""The profile `backup` of docker-compose.yml, its commands run by hand: saved, lost, restored."""

import shutil

import psycopg
import pytest
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


def test_without_a_password_nobody_saves_and_nothing_is_kept_for_them(real_database, house):
    def state():
        with real_database.superuser() as server:
            role = server.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'dmp_backup'").fetchone()
            slots = server.execute("SELECT count(*) FROM pg_replication_slots").fetchone()
        return role, slots

    def let_in(password):
        with real_database.superuser() as server:
            pg.let_backup_in(server, password)

    let_in("")
    assert state() == (None, (0,))
    let_in("tiree-au-sort")
    with real_database.superuser() as server:
        server.execute("SELECT pg_create_physical_replication_slot('dmp_backup', true)")
    assert state() == ((True,), (1,))
    let_in("tiree-au-sort")
    assert state() == ((True,), (1,))
    let_in("")
    assert state() == ((False,), (0,))


def test_who_saves_reads_no_table(real_database, house):
    with real_database.superuser() as server:
        pg.let_backup_in(server, "tiree-au-sort")
    place = {"host": str(house.server), "dbname": real_database.name, "user": "dmp_backup"}

    with psycopg.connect(**place, password="tiree-au-sort", autocommit=True) as who_saves:
        assert dict(who_saves.execute("SELECT name, number FROM dmp_counts()").fetchall()).keys() == {
            "audit_event",
            "documents_document",
            "dossiers_dossier",
            "revocation_line",
        }
        for table in ("dossiers_dossier", "accounts_user", "audit_event", "vault_subjectkey"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                who_saves.execute(f"SELECT FROM {table}")


def test_who_saves_says_so_when_it_has_no_password(house):
    del house.services["archive"]["environment"]["PGPASSWORD"]

    done = house.run("archive")

    assert (done.returncode, "DMP_BACKUP_PASSWORD is not set" in done.stdout) == (1, True)
