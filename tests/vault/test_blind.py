"""Found again by whoever has the key, unknown to whoever has a copy of the database."""

import hashlib
import hmac

from vault import keyfile, providers
from vault.blind import blind, keyed_mac, token
from vault.keyfile import KeyFile, KeyName

NIR = "2790351215189"


def test_the_same_value_gives_the_same_digest_and_others_give_others(keys):
    digests = [blind("ins", NIR), blind("ins", NIR[::-1]), blind("rpps", NIR), keyed_mac("ins", NIR.encode())]

    assert len(set(digests)) == 4
    assert {len(digest) for digest in digests} == {32}
    assert blind("ins", NIR) == digests[0]


def test_a_boundary_moved_between_kind_and_value_gives_another_digest(keys):
    assert blind("ins", "1" + NIR) != blind("ins1", NIR)


def test_a_token_is_short_and_is_no_part_of_the_digest(keys):
    assert len(token("ins", NIR)) == 8
    assert not blind("ins", NIR).startswith(token("ins", NIR))


def test_nobody_without_the_key_can_make_the_digest(keys):
    guesses = {
        hashlib.sha256(NIR.encode()).digest(),
        hashlib.sha256(b"ins" + NIR.encode()).digest(),
        hmac.digest(b"", NIR.encode(), "sha256"),
    }

    assert blind("ins", NIR) not in guesses


def test_each_version_of_the_key_gives_its_own_digest():
    old = KeyFile.fresh()
    renewed = providers.FileKeyProvider(old.with_new_version(KeyName.BLIND))
    before = providers.FileKeyProvider(old)

    assert renewed.mac(KeyName.BLIND, b"l", b"m") != before.mac(KeyName.BLIND, b"l", b"m")
    assert renewed.mac(KeyName.BLIND, b"l", b"m", 1) == before.mac(KeyName.BLIND, b"l", b"m")


def test_a_key_file_is_read_back_as_it_was_written():
    keys = KeyFile.fresh(demo=True).with_new_version(KeyName.MAC)

    assert keyfile.parse(keys.text()) == keys
