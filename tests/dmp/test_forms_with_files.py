"""What a form with files becomes: the same as Django makes of it, within the same limits."""

import time
from contextlib import suppress
from io import BytesIO

import pytest
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.test import RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from hypothesis import given, settings
from hypothesis import strategies as st

from dmp.forms_with_files import FormsWithFilesMiddleware

words = st.text(st.characters(codec="utf-8"), max_size=40)
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
file_names = st.from_regex(r"[A-Za-z0-9 éà_().-]{0,20}[a-z]\.(pdf|xml)", fullmatch=True)


def read(body: bytes, kind: str = MULTIPART_CONTENT):
    request = RequestFactory().generic("POST", "/", body, kind)
    return FormsWithFilesMiddleware(lambda request: request)(request)


def as_told(fields, files):
    return (
        {name: fields.getlist(name) for name in fields},
        {
            name: [(file.name, file.content_type, file.size, file.read()) for file in files.getlist(name)]
            for name in files
        },
    )


def by_django(body: bytes):
    meta = {"CONTENT_TYPE": MULTIPART_CONTENT, "CONTENT_LENGTH": str(len(body))}
    reader = MultiPartParser(meta, BytesIO(body), [MemoryFileUploadHandler()], "utf-8")
    return as_told(*reader.parse())


def part(headers: str, content: str = "x") -> str:
    return f"--{BOUNDARY}\r\n{headers}\r\n\r\n{content}\r\n"


def form(*parts: str) -> bytes:
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(names, st.lists(words, min_size=1, max_size=3), max_size=5),
    st.dictionaries(names, st.tuples(file_names, st.binary(max_size=3000)), max_size=2),
)
def test_fields_and_files_are_those_that_django_reads(fields, files):
    sent = {f"f_{name}": values for name, values in fields.items()}
    sent |= {
        name: SimpleUploadedFile(file, content, "application/pdf") for name, (file, content) in files.items()
    }
    body = encode_multipart(BOUNDARY, sent)
    request = read(body)

    assert as_told(request.POST, request.FILES) == by_django(body)


@pytest.mark.parametrize(
    "name",
    ["C:\\Documents\\lettre.pdf", "../../lettre.pdf", "/tmp/lettre.pdf", "lettre.pdf"],
)
def test_a_file_has_no_folder(name):
    file = read(form(part(f'Content-Disposition: form-data; name="content"; filename="{name}"')))

    assert file.FILES["content"].name == "lettre.pdf"


@pytest.mark.parametrize("name", ["", "..", ".", "a/", "/"])
def test_a_form_sent_without_choosing_a_file_has_none(name):
    request = read(
        form(
            part(f'Content-Disposition: form-data; name="content"; filename="{name}"', ""),
            part('Content-Disposition: form-data; name="title"', "Lettre"),
        )
    )

    assert (dict(request.FILES), request.POST["title"]) == ({}, "Lettre")


BROKEN = {
    "cut short": form(part('Content-Disposition: form-data; name="a"'))[:-9],
    "no part": b"nothing of a form",
    "no name of a header": form(part("no colon here")),
    "another boundary": b"--other\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--other--\r\n",
    "an attachment": form(part('Content-Disposition: attachment; filename="a.pdf"')),
    "a part of no name": form(part("Content-Type: text/plain")),
    "a content encoded on its way": form(
        part('Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Transfer-Encoding: base64')
    ),
    "a file whose name is encoded": form(
        part("Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''%c3%a9.pdf")
    ),
    "a header without end": form(part("Content-Disposition: form-data; name=" + "a" * 9000)),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_is_no_form_is_refused_whole(body):
    with pytest.raises(MultiPartParserError):
        read(body).POST


def test_a_form_says_where_its_parts_end():
    with pytest.raises(MultiPartParserError):
        read(form(part('Content-Disposition: form-data; name="a"')), "multipart/form-data").POST


FIELD = part('Content-Disposition: form-data; name="a"')
FILE = part('Content-Disposition: form-data; name="a"; filename="a.pdf"')
TOO_MUCH = {
    "fields": (form(*[FIELD] * 201), TooManyFieldsSent),
    "files": (form(*[FILE] * 3), TooManyFilesSent),
    "words": (form(part('Content-Disposition: form-data; name="a"', "x" * 70_000)), RequestDataTooBig),
}


@pytest.mark.parametrize(("body", "refusal"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_form_is_no_larger_than_any_other(body, refusal):
    with pytest.raises(refusal):
        read(body).POST


HOSTILE = {
    "ends that are none": part(
        'Content-Disposition: form-data; name="a"; filename="a"', "\r\n--" * 2_000_000
    ),
    "almost the boundary": part(
        'Content-Disposition: form-data; name="a"; filename="a"', f"\r\n--{BOUNDARY[:-1]}" * 400_000
    ),
    "nothing before the first": "\r\n--" * 2_000_000 + "\r\n",
    "parameters without end": part('Content-Disposition: form-data; name="a"' + '; a="' * 800) * 190,
    "headers in a thousand lines": part('Content-Disposition: form-data; name="a"' + "\r\n a" * 1000) * 190,
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_what_was_made_to_take_long_takes_no_longer_than_a_file(sent):
    body = form(sent)
    began = time.process_time()
    with suppress(MultiPartParserError):
        read(body).POST

    assert time.process_time() - began < 1.5


def test_a_large_file_is_no_field():
    request = read(
        form(part('Content-Disposition: form-data; name="a"; filename="a.pdf"', "%PDF-" + "x" * 3_000_000))
    )

    assert request.FILES["a"].size == 3_000_005
