"""A chain cut with its head, or removed whole, is named by what the verification before signed elsewhere."""

import io
import json
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from audit import ledger
from audit.heads import CannotCompare, Shelf, SigningKey

from .test_verification import rehash, tampering
from .told import dossier, event


@pytest.fixture
def shelf(real_database, settings, tmp_path):
    settings.DMP_LEDGER_HEADS = tmp_path / "heads"
    settings.DMP_LEDGER_KEY = tmp_path / "keys" / "ledger.json"
    return Shelf(settings.DMP_LEDGER_HEADS, settings.DMP_LEDGER_KEY)


def verify(**options):
    """The exit code, and what was written."""
    out = io.StringIO()
    try:
        call_command("verify_ledger", stdout=out, **options)
    except CommandError as failure:
        return failure.returncode, f"{out.getvalue()}\n{failure}"
    return 0, out.getvalue()


def test_what_is_found_sound_is_signed_then_compared_with(shelf):
    dossier(entries=3)
    dossier(entries=1)

    first = verify()
    second = verify()

    assert first[0] == second[0] == 0
    assert "No list was signed before" in first[1]
    assert "List 1 signed: 2 chains, 4 entries." in first[1]
    assert "Compared with list 1" in second[1]
    assert (shelf.folder / "heads-000002.bin").stat().st_size == 2 * 56


def cut(server, chain, keep: int) -> None:
    """What a superuser does to remove the end of a chain, its head made to agree."""
    server.execute("DELETE FROM audit_event WHERE chain = %s AND position > %s", [chain, keep])
    server.execute(
        "UPDATE audit_head h SET position = e.position, previous = e.previous, hash = e.hash, at = e.at"
        " FROM audit_event e WHERE h.chain = %s AND e.chain = h.chain AND e.position = %s",
        [chain, keep],
    )


def test_a_tail_cut_with_its_head_is_named(real_database, shelf):
    chain, _ = dossier(entries=5)
    dossier(entries=2)
    verify()
    with tampering(real_database) as server:
        cut(server, chain, 3)

    code, out = verify()

    assert code == 1
    assert f"CUT chain={chain} position=4" in out
    assert "1 alterations found" in out
    assert "signed:" not in out
    # Nothing was signed: the next verification names it too.
    assert verify()[0] == 1
    assert f"CUT chain={chain} position=4" in verify(dossier=chain)[1]


def test_a_chain_removed_whole_is_named(real_database, shelf):
    chains = sorted(dossier(entries=2)[0] for _ in range(5))
    verify()
    for chain in chains:
        with tampering(real_database) as server:
            server.execute("DELETE FROM audit_event WHERE chain = %s", [chain])
            server.execute("DELETE FROM audit_head WHERE chain = %s", [chain])

    code, out = verify()

    assert code == 1
    assert [line.split(":")[0] for line in out.splitlines() if line.startswith("CUT")] == [
        f"CUT chain={chain} position=1" for chain in chains
    ]
    assert verify(dossier=chains[2])[0] == 1


def test_a_tail_cut_then_written_again_is_named(real_database, shelf):
    chain, keyring = dossier(entries=4)
    verify()
    with tampering(real_database) as server:
        cut(server, chain, 2)
    for _ in range(5):
        with transaction.atomic():
            ledger.record(event(chain), keyring)

    code, out = verify()

    assert (code, f"REWRITTEN chain={chain} position=4" in out) == (1, True)


def test_an_entry_of_the_middle_removed_and_everything_rehashed_is_named(real_database, shelf):
    chain, _ = dossier(entries=4)
    verify()
    with tampering(real_database) as server:
        server.execute("DELETE FROM audit_event WHERE chain = %s AND position = 2", [chain])
        server.execute(
            "UPDATE audit_event SET position = position - 1 WHERE chain = %s AND position > 2", [chain]
        )
        rehash(server, chain)
        server.execute("UPDATE audit_head SET position = 3 WHERE chain = %s", [chain])

    code, out = verify()

    assert code == 1
    assert f"CUT chain={chain} position=4" in out


def test_what_was_appended_since_is_no_alteration(shelf):
    chain, keyring = dossier(entries=2)
    verify()
    with transaction.atomic():
        ledger.record(event(chain), keyring)
    dossier(entries=1)

    assert verify()[0] == 0
    assert "List 3 signed: 2 chains, 4 entries." in verify()[1]


TAMPERED = {
    "the list altered": lambda shelf: (shelf.folder / "heads-000001.bin").write_bytes(b"\0" * 56),
    "the list removed": lambda shelf: (shelf.folder / "heads-000001.json").unlink(),
    "the chains removed": lambda shelf: (shelf.folder / "heads-000001.bin").unlink(),
    "the key removed": lambda shelf: shelf.key_path.unlink(),
    "the key open to others": lambda shelf: shelf.key_path.chmod(0o644),
    "the key malformed": lambda shelf: shelf.key_path.write_text("{}"),
    "signed by somebody else": lambda shelf: forge(shelf),
}


def forge(shelf) -> None:
    manifest_path = shelf.folder / "heads-000001.json"
    manifest = json.loads(manifest_path.read_text())
    unsigned = {name: value for name, value in manifest.items() if name not in ("signature", "key")}
    manifest_path.write_text(json.dumps(SigningKey.fresh(shelf.key_path).sign(unsigned)))


@pytest.mark.parametrize("how", TAMPERED)
def test_without_a_list_to_trust_nothing_is_said_to_be_verified(shelf, how):
    dossier(entries=2)
    verify()
    TAMPERED[how](shelf)

    code, out = verify()

    assert code == 2
    assert "entries in" not in out


def test_an_earlier_list_put_back_is_refused(shelf):
    chain, keyring = dossier(entries=2)
    verify()
    kept = {path.name: path.read_bytes() for path in shelf.folder.glob("heads-*")}
    with transaction.atomic():
        ledger.record(event(chain), keyring)
    verify()
    for path in shelf.folder.glob("heads-*"):
        path.unlink()
    for name, content in kept.items():
        (shelf.folder / name).write_bytes(content)
        (shelf.folder / name.replace("1", "2")).write_bytes(content)

    assert verify()[0] == 2


def test_what_was_lost_is_accepted_with_a_reason_that_is_kept(real_database, shelf):
    chain, _ = dossier(entries=4)
    verify()
    with tampering(real_database) as server:
        cut(server, chain, 2)

    code, out = verify(accept="restored to 14:02, 52 seconds lost")

    assert (code, "List 2 signed" in out) == (1, True)
    assert "52 seconds" in json.loads((shelf.folder / "heads-000002.json").read_text())["note"]
    assert verify()[0] == 0


def test_the_key_is_renewed_and_what_it_signed_before_is_still_compared_with(real_database, shelf):
    chain, _ = dossier(entries=3)
    verify()

    assert verify(new_key=True)[0] == 0
    with tampering(real_database) as server:
        cut(server, chain, 1)

    assert verify()[0] == 1
    key = SigningKey.load(shelf.key_path)
    assert sorted(key.public) == [1, 2]
    assert json.loads((shelf.folder / "heads-000002.json").read_text())["key"] == 2


def test_three_lists_are_kept(shelf):
    dossier(entries=1)
    for _ in range(5):
        verify()

    assert sorted(path.name for path in shelf.folder.glob("*.bin")) == [
        f"heads-{number:06}.bin" for number in (3, 4, 5)
    ]


def test_two_verifications_at_once_do_not_write_over_each_other(shelf):
    dossier(entries=1)
    with shelf.alone():
        assert verify() == (2, "\nAnother verification is running.")


def test_nothing_is_signed_where_nothing_can_be_written(shelf, settings, tmp_path):
    (tmp_path / "file").touch()
    settings.DMP_LEDGER_HEADS = tmp_path / "file" / "heads"

    assert verify()[0] == 2


def test_it_passes_once_over_the_keys_whatever_the_number_of_chains(shelf):
    def statements() -> int:
        with CaptureQueriesContext(connections["owner"]) as made:
            verify()
        return len(made)

    dossier(entries=1)
    verify()
    few = statements()
    for _ in range(8):
        dossier(entries=1)

    assert statements() == few


def test_a_list_is_searched_by_chain(shelf):
    chains = {dossier(entries=number)[0]: number for number in range(1, 12)}
    verify()
    latest = shelf.latest(shelf.key())

    assert {chain: latest.of(chain).position for chain in chains} == chains
    assert latest.of(uuid4()) is None
    assert [chain for chain, _ in latest] == sorted(chains)
    with pytest.raises(CannotCompare):
        Shelf(shelf.folder, shelf.key_path.with_name("other.json")).key()
