import base64
import io
import json
import time
import zlib

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from documents import actions, checker, child, pdf
from documents.inspection import CDA, PDF

from . import files
from .files import CORPORA, ONLY_SAYS, WOULD_ACT, needs_corpora


@pytest.mark.parametrize("case", WOULD_ACT)
def test_a_file_that_would_act_is_refused(case):
    change, code = WOULD_ACT[case]

    assert checker.inspect(files.pdf(change=change), PDF).refusal == code


@pytest.mark.parametrize("case", ONLY_SAYS)
def test_a_file_that_only_says_something_is_shown(case):
    inspected = checker.inspect(files.pdf(change=ONLY_SAYS[case]), PDF)

    assert (inspected.refusal, inspected.page_count) == ("", 1)


def test_every_kind_of_action_of_the_standard_has_its_verdict():
    standard = (
        "GoTo GoToR GoToE GoToDp Launch Thread URI Sound Movie Hide Named SubmitForm ResetForm ImportData "
        "JavaScript SetOCGState Rendition Trans GoTo3DView RichMediaExecute"
    )

    assert set(actions.KINDS) == {f"/{kind}" for kind in standard.split()}


def test_actions_without_an_end_are_refused():
    def change(made):
        made.Root.OpenAction = Array([Dictionary(S=Name.Trans)] * (actions.MOST + 1))

    assert checker.inspect(files.pdf(change=change), PDF).refusal == "pdf.too_complex"


@pytest.mark.usefixtures("checker")
def test_a_filled_form_is_drawn_in_the_jail_too():
    def change(made):
        value = Dictionary(
            Subtype=Name.Widget, FT=Name.Tx, V=String("11,4 %"), Rect=Array([60, 700, 300, 725])
        )
        made.pages[0].Annots = Array([made.make_indirect(value)])
        made.Root.AcroForm = Dictionary(Fields=made.pages[0].Annots)

    inspected = child.inspect(files.pdf(change=change), PDF)

    assert json.loads(dict(inspected.parts)["texts"]) == ["Tension 12/8 p1\n11,4 %"]


@pytest.mark.usefixtures("checker")
def test_pages_come_with_their_words():
    inspected = child.inspect(files.pdf("Fer 12 mg", pages=3), PDF)

    parts = dict(inspected.parts)
    assert (inspected.page_count, inspected.pages_in_all) == (3, 3)
    assert json.loads(parts["texts"]) == ["Fer 12 mg p1", "Fer 12 mg p2", "Fer 12 mg p3"]
    assert parts["page/1"].startswith(b"\x89PNG")


def test_a_long_file_is_shown_in_part(monkeypatch):
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)

    inspected = checker.inspect(files.pdf(pages=5), PDF)

    assert (inspected.page_count, inspected.pages_in_all) == (2, 5)


def test_pages_are_counted_in_pixels_too(monkeypatch):
    of_one_page = 1240 * 1755
    monkeypatch.setattr(pdf, "MOST_PIXELS_IN_ALL", 2 * of_one_page + 1)

    inspected = checker.inspect(files.pdf(pages=5), PDF)

    assert (inspected.page_count, inspected.pages_in_all) == (2, 5)


def test_what_is_drawn_depends_on_no_clock():
    """The same pages at rest and on a machine that has no time: nothing here can see the hour."""
    assert {"time", "datetime", "resource"} & set(vars(pdf)) == set()
    assert {"time", "datetime", "resource"} & set(vars(checker)) == set()


def test_a_password_is_told_apart():
    written = io.BytesIO()
    with pikepdf.open(io.BytesIO(files.pdf())) as locked:
        locked.save(written, encryption=pikepdf.Encryption(owner="a", user="b"))

    assert checker.inspect(written.getvalue(), PDF).refusal == "pdf.password"


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\0" * 100_000, files.pdf()[:300]])
def test_what_cannot_be_read_is_refused(content):
    assert checker.inspect(content, PDF).refusal == "pdf.unreadable"


def test_a_pdf_inside_a_cda_is_looked_at_too():
    bad = base64.b64encode(files.pdf(change=WOULD_ACT["a script at the opening"][0])).decode()
    body = f'<nonXMLBody><text mediaType="application/pdf" representation="B64">{bad}</text></nonXMLBody>'

    assert checker.inspect(files.cda(body=body), CDA).refusal == "pdf.script"
    assert checker.inspect(files.cda(), CDA).parts[0][0] == "narrative"
    assert checker.inspect(b"<a/>", CDA).refusal == "cda.absent"


def _inflates(made):
    made.pages[0].Contents = pikepdf.Stream(made, zlib.compress(bytes(1 << 28), 1), Filter=Name.FlateDecode)


def _laughs(made):
    inner = None
    for _ in range(9):
        form = made.make_stream(b"/X Do\n" * 10 if inner is not None else b"0 0 100 100 re f\n")
        form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 500, 500])
        if inner is not None:
            form.Resources = Dictionary(XObject=Dictionary(X=inner))
        inner = made.make_indirect(form)
    made.pages[0].Resources = Dictionary(XObject=Dictionary(X=inner))
    made.pages[0].Contents = made.make_stream(b"/X Do")


@pytest.mark.usefixtures("checker")
@pytest.mark.parametrize("bomb", [_inflates, _laughs])
def test_a_bomb_ends_with_its_child(bomb):
    assert child.inspect(files.pdf(change=bomb), PDF).refusal == "checks.exhausted"


LOCKED = "libreoffice-writer-password.pdf"


@pytest.mark.corpus
@needs_corpora
def test_unusual_files_are_accepted():
    samples = sorted(CORPORA.glob("pdf-samples/*/*.pdf"))
    assert len(samples) == 22
    for sample in samples:
        inspected = checker.inspect(sample.read_bytes(), PDF)
        assert inspected.refusal == ("pdf.password" if sample.name == LOCKED else ""), sample
        assert inspected.page_count == inspected.pages_in_all, sample


@pytest.mark.corpus
@needs_corpora
def test_published_malicious_files_are_refused_or_become_pictures():
    attacks = sorted(CORPORA.glob("malicious/pdf-*/*.pdf"))
    assert len(attacks) > 100
    shown = 0
    for attack in attacks:
        started = time.process_time()
        inspected = checker.inspect(attack.read_bytes(), PDF)
        assert time.process_time() - started < 1, attack
        for part, content in inspected.parts:
            assert part == "texts" or content.startswith((b"\x89PNG", b"RIFF")), attack
        shown += not inspected.refusal
        if inspected.refusal == "" and attack.parent.name == "pdf-malicious-generated":
            assert pdf.acts(pdf.findings(attack.read_bytes())) == "", attack
    assert shown < len(attacks)
