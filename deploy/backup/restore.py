"""Makes the cluster again from what was saved: `python -m deploy.backup.restore [--until INSTANT]`.

The last base backup, then the log as far as it goes; then the contents, and the journal when it was lost
too. The cluster is made in `PGDATA`, which must not exist, and is left stopped: start PostgreSQL on it, then
run `manage.py after_restore`.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg

from deploy.backup import copies
from deploy.backup.copies import Base, Copies, Series
from dmp import logs

SUPERUSER = "postgres"
# Whatever the settings of the cluster are, this server is for nobody but us.
SETTINGS = {
    "listen_addresses": "",
    "archive_mode": "off",
    "hot_standby": "off",  # nobody is let in before the log has ended
    "ssl": "off",
    "shared_preload_libraries": "",
    "logging_collector": "off",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_min_error_statement": "panic",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
}


class CannotRestore(Exception):
    """A sentence for who restores."""


def lay_out(base: Base, data: Path) -> None:
    """The files of the base backup, verified against its manifest. Raises CannotRestore."""
    data.mkdir(mode=0o700, parents=True)
    _run(["tar", "-xzf", str(base.folder / "base.tar.gz"), "-C", str(data)])
    shutil.copyfile(base.folder / "backup_manifest", data / "backup_manifest")
    _run(["pg_verifybackup", "--no-parse-wal", "--quiet", str(data)])
    (data / "recovery.signal").touch()


@contextmanager
def recovered(data: Path, series: Series, *, until: datetime | None = None) -> Iterator[str]:
    """For the length of a block, a server on this cluster, its log replayed to the end: libpq's words for it.

    Stopped cleanly at the end. Raises CannotRestore.
    """
    sockets = Path(tempfile.mkdtemp(prefix="dmp-restore-"))
    hba = sockets / "pg_hba.conf"
    hba.write_text("local all all trust\n")  # the folder is ours alone
    wal = shlex.quote(str(series.wal)).replace("%", "%%")
    settings = SETTINGS | {
        "hba_file": str(hba),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "restore_command": f"cp {wal}/%f %p 2>/dev/null || cp {wal}/%f.partial %p 2>/dev/null",
    }
    if until is not None:
        settings |= {"recovery_target_time": until.isoformat(), "recovery_target_action": "promote"}
    command = ["postgres", "-D", str(data)]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (sockets / "log").open("wb") as output:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    place = f"host={sockets} user={SUPERUSER}"
    try:
        while not _answers(place):
            if server.poll() is not None:
                raise CannotRestore((sockets / "log").read_text(errors="replace")[-1500:])
            time.sleep(0.1)
        yield place
    finally:
        _stop(server)
        shutil.rmtree(sockets, ignore_errors=True)


def give_back(copied: Copies, store: Path, journal: Path) -> int:
    """The contents that are missing; the journal, when there is none. How many contents."""
    given = 0
    for source in (copied.folder / "store").glob("??/*"):
        target = store / source.parent.name / source.name
        if not source.name.startswith(".") and not target.exists():
            copies.copy_file(source, target)
            given += 1
    if not any(journal.glob("journal-*.jsonl")):
        for source in sorted((copied.folder / "journal").glob("[!.]*")):
            copies.copy_file(source, journal / source.name)
    return given


def restore(copied: Copies, data: Path, *, until: datetime | None = None) -> None:
    """Raises CannotRestore."""
    if data.exists() and any(data.iterdir()):
        raise CannotRestore(f"{data} is not empty: set it aside first.")
    found = copied.last(until)
    if found is None:
        raise CannotRestore(f"There is no base backup in {copied.folder} from before then.")
    series, base = found
    draft = data.with_name(f"{data.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    lay_out(base, draft)
    with recovered(draft, series, until=until):
        pass
    if data.exists():
        data.rmdir()
    draft.rename(data)


def _answers(place: str) -> bool:
    try:
        psycopg.connect(f"{place} dbname=postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CannotRestore(f"{command[0]}: {done.stderr.strip()[-500:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    server.send_signal(signal.SIGINT)
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--until", type=datetime.fromisoformat, help="2026-11-27T14:02:00+01:00, for instance"
    )
    until = parser.parse_args().until
    os.umask(0o077)
    began = time.monotonic()
    copied = copies.here()
    try:
        restore(copied, Path(os.environ["PGDATA"]), until=until)
        given = give_back(copied, Path(os.environ["DMP_DOCUMENT_STORE"]), Path(os.environ["DMP_JOURNAL"]))
    except (CannotRestore, OSError) as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)
    seconds = round(time.monotonic() - began, 1)
    logs.write(event="restored", level="info", logger="backup.restore", count=given, seconds=seconds)
    print("Restored. Start PostgreSQL, then run: manage.py after_restore")


if __name__ == "__main__":
    main()
