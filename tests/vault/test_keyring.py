"""What is sealed unseals in its own place, under its own key, and nowhere else."""

import os
import pickle
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.keyring import Keyring, Unsealable, ephemeral

CAMILLE, NADIA = uuid4(), uuid4()
ROW, OTHER_ROW = uuid4(), uuid4()
NAME = "Lefèvre".encode()
SECRET = os.urandom(32)


@pytest.fixture
def camille() -> Keyring:
    return Keyring(CAMILLE, SECRET)


def test_a_cell_unseals_in_its_place(camille):
    sealed = camille.seal("dossiers_dossier", "identity", ROW, NAME)

    assert camille.unseal("dossiers_dossier", "identity", ROW, sealed) == NAME
    assert NAME not in sealed


@pytest.mark.parametrize(
    "place",
    [
        ("dossiers_dossier", "identity", OTHER_ROW),
        ("dossiers_dossier", "address", ROW),
        ("documents_document", "identity", ROW),
        ("dossiers_dossieri", "dentity", ROW),
    ],
)
def test_a_cell_moved_to_another_row_column_or_table_is_refused(camille, place):
    sealed = camille.seal("dossiers_dossier", "identity", ROW, NAME)

    with pytest.raises(Unsealable):
        camille.unseal(*place, sealed)


def test_a_cell_moved_to_another_subject_is_refused_even_under_the_same_key(camille):
    sealed = camille.seal("dossiers_dossier", "identity", ROW, NAME)

    with pytest.raises(Unsealable):
        Keyring(NADIA, SECRET).unseal("dossiers_dossier", "identity", ROW, sealed)


def test_another_key_unseals_nothing(camille):
    sealed = camille.seal("dossiers_dossier", "identity", ROW, NAME)

    with pytest.raises(Unsealable):
        Keyring(CAMILLE, os.urandom(32)).unseal("dossiers_dossier", "identity", ROW, sealed)


def test_a_cell_altered_anywhere_or_cut_is_refused(camille):
    sealed = camille.seal("dossiers_dossier", "identity", ROW, NAME)
    flipped = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    cut = [sealed[:size] for size in range(len(sealed))]

    for altered in flipped + cut:
        with pytest.raises(Unsealable):
            camille.unseal("dossiers_dossier", "identity", ROW, altered)


def test_the_format_is_the_one_that_is_written_down(camille):
    sealed = camille.seal("t", "c", ROW, NAME)
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"dmp/field/1").derive(SECRET)
    bound = b"\0\0\0\x01t" + b"\0\0\0\x01c" + b"\0\0\0\x10" + CAMILLE.bytes + b"\0\0\0\x10" + ROW.bytes

    assert sealed[:3] == b"\x01\x00\x01"
    assert AESGCM(key).decrypt(sealed[3:15], sealed[15:], bound) == NAME


def test_the_same_text_never_gives_the_same_sealed_text(camille):
    assert len({camille.seal("t", "c", ROW, NAME) for _ in range(100)}) == 100


def test_json_keeps_its_values(camille):
    told = {"nom": "Lefèvre", "codes": [1, None, True]}

    assert camille.unseal_json("t", "c", ROW, camille.seal_json("t", "c", ROW, told)) == told


@pytest.mark.parametrize("row_id", [ROW, b"a digest", "a text"])
def test_a_row_is_named_by_uuid_bytes_or_text(camille, row_id):
    assert camille.unseal("t", "c", row_id, camille.seal("t", "c", row_id, NAME)) == NAME


def test_what_was_sealed_for_one_use_does_not_unseal_for_another(camille):
    content = camille.seal_content(ROW, NAME)
    trail = camille.seal_trail(ROW, NAME)

    for act in (
        lambda: camille.unseal_trail(ROW, content),
        lambda: camille.unseal_content(ROW, trail),
        lambda: camille.unseal("t", "c", ROW, trail),
    ):
        with pytest.raises(Unsealable):
            act()


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("size", [0, 1, 1000, 64 * 1024])
def test_a_content_comes_back_whole(camille, compress, size):
    clear = os.urandom(size)
    sealed = camille.seal_content(ROW, clear, compress=compress)

    assert camille.unseal_content(ROW, sealed) == clear


def test_text_shrinks_when_compressed(camille):
    text = b"<td>Consultation</td>" * 1000

    assert len(camille.seal_content(ROW, text, compress=True)) < len(text) / 10


def test_a_content_moved_altered_or_said_to_be_compressed_is_refused(camille):
    sealed = camille.seal_content(ROW, NAME)
    relabelled = sealed[:3] + b"\x01" + sealed[4:]

    with pytest.raises(Unsealable):
        camille.unseal_content(OTHER_ROW, sealed)
    for altered in (relabelled, sealed[:-1], sealed[:3], b""):
        with pytest.raises(Unsealable):
            camille.unseal_content(ROW, altered)


def test_digests_depend_on_subject_label_and_message(camille):
    digests = {
        camille.mac("unique_id", b"1.2.3"),
        camille.mac("unique_id", b"1.2.4"),
        camille.mac("hash", b"1.2.3"),
        Keyring(CAMILLE, os.urandom(32)).mac("unique_id", b"1.2.3"),
    }

    assert len(digests) == 4
    assert {len(digest) for digest in digests} == {32}
    assert camille.mac("unique_id", b"1.2.3") in digests


def test_sub_keys_are_all_different(camille):
    assert camille.stream_key() not in (SECRET, Keyring(CAMILLE, os.urandom(32)).stream_key())
    assert camille.stream_key() == Keyring(NADIA, SECRET).stream_key()


def test_a_keyring_shows_no_key_and_never_leaves_the_process(camille):
    camille.seal("t", "c", ROW, NAME)

    assert repr(camille) == f"<Keyring of {CAMILLE}>"
    with pytest.raises(TypeError):
        pickle.dumps(camille)


def test_ephemeral_keys_are_all_different():
    one, other = ephemeral(), ephemeral()

    with pytest.raises(Unsealable):
        other.unseal("t", "c", ROW, one.seal("t", "c", ROW, NAME))
