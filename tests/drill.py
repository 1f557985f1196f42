"""A rehearsal of the worst day: the database's machine is lost at a random second, everything is restored.

    make drill with="--breaks 10 --seconds 150 --megabytes 100 --archive-timeout 60"

A scratch PostgreSQL archives its log; deposits, agreements and withdrawals are made without a pause. At
random seconds, what is outside its machine (base backup, archived log, journal) is set aside as it stands,
with what was acknowledged until then. Each of these moments is then restored elsewhere, as docs/operating.md
says, and counted: what was lost, what was given back, and how long it took from nothing to open doors.
"""

import argparse
import io
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from access import gate  # noqa: E402
from access.policy import Action  # noqa: E402
from accounts.actors import Actor, Authentication, Capacity  # noqa: E402
from dmp import children, keys, pg  # noqa: E402
from documents import deposit  # noqa: E402
from dossiers import sharing  # noqa: E402
from dossiers.house import HOUSE  # noqa: E402
from dossiers.things import DossierAtTheDoor  # noqa: E402
from revocation import doors  # noqa: E402
from tests.documents.files import pdf  # noqa: E402
from tests.proof import people  # noqa: E402
from tests.proof.figures import Sheet  # noqa: E402

DOSSIERS = 12
THREADS = 3
HELD_FOR_A_WHILE = 60  # agreements each thread keeps before it withdraws one


@dataclass(frozen=True, slots=True)
class Done:
    """One act that was acknowledged, and when."""

    kind: str
    dossier_id: UUID
    key: UUID
    at: datetime
    acknowledged: float


@dataclass
class Moment:
    """What is left outside the database's machine at one second."""

    number: int
    broke_at: float
    folder: Path
    done: list[Done] = field(default_factory=list)


@dataclass(frozen=True)
class Restored:
    """What one restore gave."""

    lost_seconds: float
    lost: int
    acknowledged: int
    withdrawals: int
    given_back_before: int
    given_back: int
    shut: str
    replayed: str
    seconds: float


def doctor(number: int) -> Actor:
    return Actor(
        capacity=Capacity.PROFESSIONAL,
        id=UUID(int=0xD0C70000 + number, version=4),
        name=f"Dr Numéro {number}",
        profession="10",
        structure_id=UUID(int=0xC11, version=4),
        structure="Cabinet des Tilleuls",
        authentication=Authentication.PRO_SANTE_CONNECT,
    )


def holder_of(dossier_id: UUID) -> Actor:
    now = timezone.now()
    with gate.admitted(HOUSE, Action.ASK_HISTORY, DossierAtTheDoor(dossier_id), at=now) as passage:
        holder_id = passage.facts.row.holder_id
    return Actor(
        capacity=Capacity.HOLDER,
        id=holder_id,
        name="Titulaire",
        authentication=Authentication.PASSWORD_AND_CODE,
        dossier_id=dossier_id,
    )


@dataclass
class Load:
    """People who do not stop."""

    dossiers: list[tuple[UUID, Actor]]
    done: list[Done] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def go(self, seed: int) -> None:
        draw = random.Random(seed)
        number = seed * 1_000_000
        given: list[tuple[UUID, Actor, UUID]] = []
        while not self.over.is_set():
            number += 1
            dossier_id, holder = draw.choice(self.dossiers)
            by = doctor(number)
            try:
                granted = sharing.declare_agreement(dossier_id, by=by, at=timezone.now())
                self._say("agreement", dossier_id, granted.grant_id, timezone.now())
                given.append((dossier_id, holder, granted.grant_id))
                if len(given) > HELD_FOR_A_WHILE:  # old enough to be in what is restored
                    dossier_id, holder, grant_id = given.pop(draw.randrange(HELD_FOR_A_WHILE // 2))
                    at = timezone.now()
                    sharing.withdraw(dossier_id, grant_id, by=holder, at=at)
                    self._say("withdrawal", dossier_id, grant_id, at)
                elif draw.random() < 0.3:
                    receipt = deposit.deposit(
                        dossier_id,
                        content=pdf(f"Compte rendu {number}"),
                        title=f"Compte rendu {number}",
                        media_type="application/pdf",
                        type_code="11488-4",
                        masked=False,
                        withheld=False,
                        hidden_from_representatives=False,
                        created_on=timezone.localdate(),
                        by=by,
                        at=timezone.now(),
                    )
                    self._say("deposit", dossier_id, receipt.document_id, timezone.now())
            except Exception as failure:
                self.failures.append(f"{type(failure).__name__}: {failure}")
            time.sleep(0.02)
        connection.close()

    def _say(self, kind: str, dossier_id: UUID, key: UUID, at: datetime) -> None:
        self.done.append(Done(kind, dossier_id, key, at, time.monotonic()))


@contextmanager
def database(var: Path) -> Iterator[subprocess.Popen[bytes]]:
    server = pg.start(var)
    try:
        yield server
    finally:
        connections.close_all()
        doors.forget()
        pg.stop(server)


def archive_in(var: Path, archive: Path, timeout: int) -> None:
    archive.mkdir(parents=True)
    with pg.connect(var) as server:
        # Copied beside, then named: a file half copied is never taken for a whole one.
        command = f"cp %p {archive}/.%f && sync {archive}/.%f && mv {archive}/.%f {archive}/%f"
        server.execute("ALTER SYSTEM SET archive_mode = on")
        server.execute(f"ALTER SYSTEM SET archive_timeout = {timeout}")
        server.execute(f"ALTER SYSTEM SET archive_command = '{command}'")


def fill(var: Path, megabytes: int) -> None:
    """Weight: what a base backup carries besides the acts."""
    with pg.connect(var, "dmp") as server:
        server.execute("CREATE TABLE drill_weight (filler text STORAGE EXTERNAL)")
        for _ in range(megabytes // 10):
            server.execute(
                "INSERT INTO drill_weight SELECT string_agg(md5(random()::text), '')"
                " FROM generate_series(1, 1250) AS g(n), generate_series(1, 262) AS r(n) GROUP BY r.n"
            )


def base_backup(var: Path, into: Path) -> None:
    command = [pg.binaries() / "pg_basebackup", "-h", children.socket_directory(var), "-U", pg.SUPERUSER]
    command += ["-D", into, "--no-password", "--checkpoint=fast", "--wal-method=none", "--no-manifest"]
    environment = os.environ | {"PGPASSFILE": str(pg.passfile(var))}
    subprocess.run([str(word) for word in command], env=environment, check=True, capture_output=True)


def set_aside(moment: Moment, archive: Path, load: Load) -> None:
    """What somebody who comes after the fire finds. The journal is read last: it is written first."""
    moment.done = list(load.done)
    moment.broke_at = time.monotonic()
    (moment.folder / "archive").mkdir(parents=True)
    for path in list(archive.iterdir()):
        if not path.name.startswith("."):
            os.link(path, moment.folder / "archive" / path.name)
    probes = shutil.ignore_patterns("probe-*")
    shutil.copytree(settings.DMP_JOURNAL, moment.folder / "journal", ignore=probes)


def restore(moment: Moment, base: Path, var: Path) -> Restored:
    shutil.rmtree(var, ignore_errors=True)
    began = time.monotonic()
    shutil.copytree(base, var / "pg")
    (var / "pg").chmod(0o700)
    shutil.copytree(settings.DMP_VAR / "keys", var / "keys")
    with (var / "pg" / "postgresql.auto.conf").open("a") as settled:
        settled.write(f"\nrestore_command = 'cp {moment.folder}/archive/%f %p'\narchive_mode = off\n")
    (var / "pg" / "recovery.signal").touch()
    with (
        database(var),
        pointed_at(var),
        override_settings(DMP_JOURNAL=moment.folder / "journal"),
    ):
        while asked(var, "SELECT pg_is_in_recovery()"):
            time.sleep(0.05)
        before = given_back(var, moment)
        try:
            shut = doors.shut_because()
        except doors.DoorsShut:
            shut = doors._known.shut
        out = io.StringIO()
        call_command("after_restore", stdout=out)
        connections.close_all()
        doors.forget()
        opened = doors.shut_because() is None
        seconds = time.monotonic() - began
        assert opened
        there = of_what_was_made(var)
        lost = [one for one in moment.done if one.kind != "withdrawal" and one.key not in there]
        first = min((one.acknowledged for one in lost), default=moment.broke_at)
        return Restored(
            lost_seconds=moment.broke_at - first,
            lost=len(lost),
            acknowledged=len(moment.done),
            withdrawals=sum(one.kind == "withdrawal" for one in moment.done),
            given_back_before=before,
            given_back=given_back(var, moment),
            shut=shut.name.lower() if shut else "–",
            replayed=out.getvalue().splitlines()[1].split()[0],
            seconds=seconds,
        )


@contextmanager
def pointed_at(var: Path) -> Iterator[None]:
    """Django, at the restored server."""
    connections.close_all()
    doors.forget()
    before = {alias: connections[alias].settings_dict["HOST"] for alias in ("default", "owner")}
    for alias in before:
        connections[alias].settings_dict["HOST"] = str(children.socket_directory(var))
    try:
        yield
    finally:
        connections.close_all()
        doors.forget()
        for alias, host in before.items():
            connections[alias].settings_dict["HOST"] = host


def asked(var: Path, statement: str, values: Any = ()) -> Any:
    with pg.connect(var, "dmp") as server:
        return server.execute(statement, values).fetchone()[0]


def of_what_was_made(var: Path) -> set[UUID]:
    """Every agreement and document of the restored database."""
    with pg.connect(var, "dmp") as server:
        rows = server.execute("SELECT id FROM dossiers_grant UNION ALL SELECT id FROM documents_document")
        return {key for (key,) in rows}


def given_back(var: Path, moment: Moment) -> int:
    """How many agreements that were withdrawn, and the withdrawal acknowledged, let read again."""
    withdrawn = [one.key for one in moment.done if one.kind == "withdrawal"]
    return asked(var, "SELECT count(*) FROM dossiers_grant WHERE id = ANY(%s) AND until > now()", [withdrawn])


def drill(*, breaks: int, seconds: float, megabytes: int, archive_timeout: int, seed: int) -> list[Restored]:
    """The figures of each restore."""
    var = settings.DMP_VAR
    scratch = var / "drill"
    scratch.mkdir(parents=True)
    keys.make(var, demo=False)
    with database(var):
        pg.prepare(var, "dmp")
        call_command("migrate", database="owner", verbosity=0)
        archive_in(var, scratch / "archive", archive_timeout)
    with database(var):
        fill(var, megabytes)
        ids = [people.open_dossier(person) for person in people.who_have_a_history(DOSSIERS)]
        load = Load([(dossier_id, holder_of(dossier_id)) for dossier_id in ids])
        base_backup(var, scratch / "base")
        moments = break_at_random_seconds(load, scratch, breaks=breaks, seconds=seconds, seed=seed)
        asked(var, "SELECT 1")
    assert not load.failures, load.failures[:3]
    return [restore(moment, scratch / "base", scratch / "restored") for moment in moments]


def break_at_random_seconds(
    load: Load, scratch: Path, *, breaks: int, seconds: float, seed: int
) -> list[Moment]:
    draw = random.Random(seed)
    threads = [threading.Thread(target=load.go, args=[number + 1]) for number in range(THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    moments = []
    for number, second in enumerate(sorted(draw.uniform(2, seconds) for _ in range(breaks))):
        time.sleep(max(0.0, began + second - time.monotonic()))
        moment = Moment(number, 0.0, scratch / f"moment-{number}")
        set_aside(moment, scratch / "archive", load)
        moments.append(moment)
    load.over.set()
    for thread in threads:
        thread.join(60)
    return moments


def page(found: list[Restored], given: argparse.Namespace) -> None:
    size = given.megabytes
    sheet = Sheet(
        "restore",
        "Restoring after the database’s machine is lost",
        "`make drill`: a scratch PostgreSQL archives its log while agreements, deposits and withdrawals are "
        "made without a pause. At random seconds only what is outside its machine is kept (base backup, "
        "archived log, journal); each moment is restored elsewhere, `after_restore` is run, and what was "
        f"acknowledged before is looked for. Base backup of {size} MB, `archive_timeout` "
        f"{given.archive_timeout} s; times on the machine that wrote this page.",
    )
    sheet.count("moments restored", len(found))
    sheet.count("withdrawals acknowledged, all moments", sum(one.withdrawals for one in found))
    sheet.count("of them given back by the restore alone", sum(one.given_back_before for one in found))
    sheet.count("of them given back after `after_restore`", sum(one.given_back for one in found))
    sheet.count("longest loss of other acts (bar: 60 s)", f"{max(one.lost_seconds for one in found):.1f} s")
    sheet.count("longest time from nothing to open doors", f"{max(one.seconds for one in found):.1f} s")
    sheet.table(
        "Each moment",
        ("acts acknowledged", "lost", "over", "given back, then", "doors shut", "done again", "restored in"),
        [
            (
                one.acknowledged,
                one.lost,
                f"{one.lost_seconds:.1f} s",
                f"{one.given_back_before}, then {one.given_back}",
                one.shut,
                one.replayed,
                f"{one.seconds:.1f} s",
            )
            for one in found
        ],
    )
    sheet.write()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--breaks", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=150.0)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--archive-timeout", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    print(f"graine : {given.seed}", flush=True)
    try:
        found = drill(
            breaks=given.breaks,
            seconds=given.seconds,
            megabytes=given.megabytes,
            archive_timeout=given.archive_timeout,
            seed=given.seed,
        )
    finally:
        shutil.rmtree(settings.DMP_VAR, ignore_errors=True)
    for one in found:
        print(
            f"perdu {one.lost} actes sur {one.lost_seconds:.1f} s, {one.given_back_before} retraits annulés "
            f"par la restauration, {one.given_back} après after_restore ; rouvert en {one.seconds:.1f} s"
        )
    page(found, given)
    assert all(one.given_back == 0 for one in found)
    assert all(one.lost_seconds <= given.archive_timeout + 5 for one in found)


if __name__ == "__main__":
    main()
    os._exit(0)
