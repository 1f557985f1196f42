import time

import pytest

from documents import xmlguard
from documents.xmlguard import Rejected

from .files import CORPORA, needs_corpora

NEARLY_TOO_LARGE = xmlguard.LIMITS.bytes - (1 << 16)
XXE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
LAUGHS = (
    b'<!DOCTYPE a [<!ENTITY b "ha">'
    + b"".join(b'<!ENTITY b%d "%s">' % (n, (b"&b%d;" % (n - 1) if n else b"&b;") * 10) for n in range(9))
    + b"]><a>&b8;</a>"
)

# What is large is made when it is tried.
HOSTILE = {
    "an external entity": (XXE, "xml.doctype"),
    "a parameter entity": (
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]><a/>',
        "xml.doctype",
    ),
    "an external DTD": (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/e.dtd"><a/>', "xml.doctype"),
    "a billion laughs": (LAUGHS, "xml.doctype"),
    "an undeclared entity": (b"<a>&x;</a>", "xml.malformed"),
    "200 000 levels": (lambda: b"<a>" * 200_000 + b"</a>" * 200_000, "xml.too_deep"),
    "300 000 elements": (lambda: b"<a>" + b"<b/>" * 300_000 + b"</a>", "xml.too_many_elements"),
    "200 000 attributes": (
        lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(200_000)) + b"/>",
        "xml.token_too_long",
    ),
    "2 000 attributes": (
        b"<a " + b" ".join(b'a%d=""' % n for n in range(2_000)) + b"/>",
        "xml.too_many_attributes",
    ),
    "attributes everywhere": (
        lambda: b"<a>" + (b"<b " + b" ".join(b'a%d=""' % n for n in range(60)) + b"/>") * 40_000 + b"</a>",
        "xml.too_many_attributes",
    ),
    "a long attribute": (b'<a b="' + b"x" * 100_000 + b'"/>', "xml.attribute_too_long"),
    "a long tag": (lambda: b'<a b="' + b"x" * NEARLY_TOO_LARGE + b'"/>', "xml.token_too_long"),
    "a long name": (lambda: b"<" + b"a" * NEARLY_TOO_LARGE + b"/>", "xml.token_too_long"),
    "a comment without end": (lambda: b"<a><!--" + b"x" * NEARLY_TOO_LARGE, "xml.token_too_long"),
    "a long namespace": (b'<a xmlns:p="' + b"u" * 8000 + b'"/>', "xml.namespace"),
    "prefixes upon prefixes": (
        b"".join(
            b"<b%d %s>" % (d, b" ".join(b'xmlns:p%d-%d="u"' % (d, n) for n in range(40))) for d in range(50)
        ),
        "xml.namespace",
    ),
    "a prefix for each element": (
        lambda: b"<a>" + b"".join(b'<b xmlns:p%d="u"/>' % n for n in range(190_000)) + b"</a>",
        "xml.namespace",
    ),
    "an undeclared prefix": (b"<p:a/>", "xml.namespace"),
    "100 MB": (lambda: b"<a>" + b"x" * 100_000_000 + b"</a>", "xml.too_large"),
    "UTF-7": (b'<?xml version="1.0" encoding="utf-7"?><a>+ADw-script+AD4-</a>', "xml.encoding"),
    "an unknown encoding": (b'<?xml version="1.0" encoding="nope"?><a/>', "xml.encoding"),
    "UTF-32": ("<a/>".encode("utf-32"), "xml.malformed"),
    "a truncated file": (b"<a><b>text", "xml.malformed"),
    "two roots": (b"<a/><a/>", "xml.malformed"),
    "nothing": (b"", "xml.malformed"),
    "noise": (b"\0\xff<a", "xml.malformed"),
}
HEAVY = {
    "text": lambda: b"<a>" + b"x" * NEARLY_TOO_LARGE + b"</a>",
    "lines": lambda: b"<a>" + b"\n" * NEARLY_TOO_LARGE + b"</a>",
    "references": lambda: b"<a>" + b"&#65;" * (NEARLY_TOO_LARGE // 5) + b"</a>",
    "instructions": lambda: b"<a>" + b"<?a?>" * (NEARLY_TOO_LARGE // 5) + b"</a>",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_xml_is_refused_within_a_second(case):
    data, code = HOSTILE[case]
    data = data() if callable(data) else data
    started = time.process_time()

    with pytest.raises(Rejected) as rejected:
        xmlguard.parse(data, start=lambda *_: None, text=lambda _: None)

    assert rejected.value.code == code
    assert time.process_time() - started < 1


@pytest.mark.parametrize("case", HEAVY)
def test_what_is_only_heavy_is_read_within_a_second(case):
    data = HEAVY[case]()
    started = time.process_time()

    xmlguard.parse(data, start=lambda *_: None, end=lambda _: None, text=lambda _: None)

    assert time.process_time() - started < 1


def names_in(data):
    names = []
    xmlguard.parse(data, start=lambda name, _: names.append(name))
    return names


def test_names_of_the_health_level_seven_namespace_come_bare():
    hl7 = "urn:hl7-org:v3"

    assert names_in(f'<a xmlns="{hl7}" xmlns:s="urn:s"><b/><s:c/><d xmlns=""/><e/></a>'.encode()) == [
        "a", "b", "{urn:s}c", "{}d", "e",
    ]  # fmt: skip
    assert names_in(f'<h:a xmlns:h="{hl7}"><h:b/><b/></h:a>'.encode()) == ["a", "b", "{}b"]


def test_a_style_sheet_is_never_followed():
    assert names_in(b'<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?><a/>') == ["{}a"]


def test_text_is_given_whole_in_the_encoding_it_was_written():
    for encoding in ("utf-8", "utf-16", "windows-1252", "iso-8859-15"):
        said = []
        xmlguard.parse(
            f'<?xml version="1.0" encoding="{encoding}"?><a>é&amp;œ'.encode(encoding).replace(
                b"\x9c", b"\x9c"
            )
            + "</a>".encode(encoding).removeprefix(b"\xff\xfe"),
            text=said.append,
        )
        assert "".join(said) == "é&œ"


def test_what_a_callback_raises_passes_through():
    def broken(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError):
        xmlguard.parse(b"<a/>", start=broken)


@pytest.mark.corpus
@needs_corpora
def test_published_attacks_are_refused():
    attacks = [
        *(CORPORA / "malicious" / "xml-defusedxml").glob("*.xml"),
        *(CORPORA / "malicious" / "xxe-patt").glob("*"),
        *(CORPORA / "malicious" / "xxe-payloadbox").glob("*"),
    ]
    assert len(attacks) > 10
    for attack in attacks:
        if attack.name == "simple.xml":
            continue
        started = time.process_time()
        with pytest.raises(Rejected):
            xmlguard.parse(attack.read_bytes())
        assert time.process_time() - started < 1


def test_what_is_passed_over_is_not_told_but_counted():
    heard = []
    xmlguard.parse(
        b'<a><b xmlns:p="urn:p"><p:c>no</p:c></b><d>yes</d></a>',
        start=lambda name, _: heard.append(name) or name == "{}b",
        end=heard.append,
        text=heard.append,
    )
    assert heard == ["{}a", "{}b", "{}d", "yes", "{}d", "{}a"]

    for inside in (b"<b>" * 200_000, b"<b/>" * 300_000, b'<b c=""/>' * 190_000 + b"<b " + b'd="x' * 3):
        with pytest.raises(Rejected):
            xmlguard.parse(b"<a>" + inside, start=lambda *_: True)
    xmlguard.parse(b"<a>" * 64 + b"</a>" * 64, start=lambda *_: True)
    with pytest.raises(Rejected):
        xmlguard.parse(b"<a>" * 65 + b"</a>" * 65, start=lambda *_: True)
