"""Large contents: whole or refused, and readable by Tink, whose format it is."""

import io
import os
from uuid import uuid4

import pytest

from vault import streams
from vault.keyring import Unsealable
from vault.streams import HEADER, SEGMENT, TAG

FIRST, NEXT = SEGMENT - HEADER - TAG, SEGMENT - TAG
SIZES = [
    0,
    1,
    15,
    16,
    17,
    FIRST - 1,
    FIRST,
    FIRST + 1,
    SEGMENT,
    FIRST + NEXT - 1,
    FIRST + NEXT,
    FIRST + NEXT + 1,
    FIRST + 4 * NEXT + 7,
]
KEY = os.urandom(32)
AAD = streams.associated_data(uuid4(), uuid4())


def sealed(clear: bytes, key: bytes = KEY, aad: bytes = AAD) -> bytes:
    out = io.BytesIO()
    streams.encrypt(io.BytesIO(clear), out, key, aad)
    return out.getvalue()


def opened(data: bytes, key: bytes = KEY, aad: bytes = AAD) -> bytes:
    return b"".join(streams.decrypt(io.BytesIO(data), key, aad))


class Dripping(io.BytesIO):
    """Gives fewer bytes than asked, as a socket does."""

    def read(self, size=-1, /):
        return super().read(min(size, 100_000))


class Kept(io.BytesIO):
    """Survives the closing of what writes into it."""

    def close(self):
        pass


@pytest.fixture(scope="module")
def tink():
    """Tink's own implementation with a key of its template: (the raw key, its primitive)."""
    import tink
    from tink import cleartext_keyset_handle, streaming_aead
    from tink.proto import aes_gcm_hkdf_streaming_pb2, tink_pb2

    streaming_aead.register()
    template = streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB
    handle = tink.new_keyset_handle(template)
    out = io.BytesIO()
    cleartext_keyset_handle.write(tink.BinaryKeysetWriter(out), handle)
    keyset = tink_pb2.Keyset.FromString(out.getvalue())
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey.FromString(keyset.key[0].key_data.value)
    return key.key_value, handle.primitive(streaming_aead.StreamingAead)


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_comes_back_whole_however_it_is_read(size):
    clear = os.urandom(size)
    data = sealed(clear)

    assert opened(data) == clear
    assert b"".join(streams.decrypt(Dripping(data), KEY, AAD)) == clear


@pytest.mark.parametrize("size", SIZES)
def test_tink_reads_what_we_write_and_we_read_what_tink_writes(tink, size):
    key, primitive = tink
    clear = os.urandom(size)

    with primitive.new_decrypting_stream(io.BytesIO(sealed(clear, key)), AAD) as stream:
        assert stream.read() == clear

    theirs = Kept()
    with primitive.new_encrypting_stream(theirs, AAD) as stream:
        stream.write(clear)
    assert opened(theirs.getvalue(), key) == clear


@pytest.mark.parametrize("size", SIZES)
def test_a_flipped_byte_is_refused(size):
    data = sealed(os.urandom(size))
    places = {0, 1, 32, 33, 39, 40, len(data) // 2, len(data) - 1} | {
        edge for edge in (SEGMENT - 1, SEGMENT, 2 * SEGMENT) if edge < len(data)
    }

    for place in places:
        altered = bytearray(data)
        altered[place] ^= 1
        with pytest.raises(Unsealable):
            opened(bytes(altered))


@pytest.mark.parametrize("size", SIZES)
def test_a_cut_is_refused(size):
    data = sealed(os.urandom(size))
    lengths = {0, 1, HEADER - 1, HEADER, len(data) - 1, len(data) - 16, len(data) - 17, SEGMENT, 2 * SEGMENT}

    for length in {length for length in lengths if 0 <= length < len(data)}:
        with pytest.raises(Unsealable):
            opened(data[:length])


def test_something_added_at_the_end_is_refused():
    with pytest.raises(Unsealable):
        opened(sealed(b"compte rendu") + b"\0")


def test_segments_swapped_or_repeated_are_refused():
    data = sealed(os.urandom(FIRST + 3 * NEXT))
    one, two, three, four = (data[at : at + SEGMENT] for at in range(0, len(data), SEGMENT))

    for altered in (one + three + two + four, one + two + two + three + four, one + two + four):
        with pytest.raises(Unsealable):
            opened(altered)


def test_another_key_or_another_place_is_refused():
    subject, content = uuid4(), uuid4()
    data = sealed(b"compte rendu", aad=streams.associated_data(subject, content))

    for key, aad in (
        (os.urandom(32), streams.associated_data(subject, content)),
        (KEY, streams.associated_data(subject, uuid4())),
        (KEY, streams.associated_data(uuid4(), content)),
        (KEY, streams.associated_data(subject, content, version=2)),
    ):
        with pytest.raises(Unsealable):
            opened(data, key, aad)


def test_nothing_of_a_false_segment_is_given():
    data = bytearray(sealed(os.urandom(FIRST + NEXT)))
    data[-1] ^= 1
    stream = streams.decrypt(io.BytesIO(bytes(data)), KEY, AAD)

    assert len(next(stream)) == FIRST
    with pytest.raises(Unsealable):
        next(stream)
