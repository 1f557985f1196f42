"""Files that a test deposits: made here, so that what they hold is known."""

import io
import os
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

CORPORA = Path(os.environ.get("DMP_CORPORA", "/nowhere"))

needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason="DMP_CORPORA names no folder of corpora")


def pdf(words: str = "Tension 12/8", *, change=None, pages: int = 1) -> bytes:
    """A PDF that says something on each page; `change` makes it something worse."""
    made = pikepdf.new()
    font = made.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    for number in range(1, pages + 1):
        page = made.add_blank_page(page_size=(595, 842))
        page.Resources = Dictionary(Font=Dictionary(F1=font))
        page.Contents = made.make_stream(f"BT /F1 18 Tf 60 780 Td ({words} p{number}) Tj ET".encode("cp1252"))
    if change:
        change(made)
    written = io.BytesIO()
    made.save(written, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return written.getvalue()


def _script(made):
    made.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def _hidden_script(made):
    made.pages[0].AA = made.make_indirect(Dictionary(O=Dictionary(S=Name.JavaScript, JS=String("x"))))


def _named_script(made):
    action = Dictionary(S=Name.JavaScript, JS=String("x"))
    made.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), action])))


def _link(action):
    def change(made):
        link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=action)
        made.pages[0].Annots = Array([link])

    return change


def _xfa(made):
    made.Root.AcroForm = Dictionary(Fields=Array([]), XFA=String("<xdp/>"))


def _calls_home(made):
    made.Root.OpenAction = Dictionary(S=Name.URI, URI=String("http://127.0.0.1:9/"))


def opens_with(**action):
    def change(made):
        made.Root.OpenAction = made.make_indirect(Dictionary(**action))

    return change


def _turned_page(made):
    made.pages[0].AA = Dictionary(
        O=made.make_indirect(Dictionary(S=Name.URI, URI=String("http://127.0.0.1:9/")))
    )


def _comes_next(made):
    last = made.make_indirect(Dictionary(S=Name.SubmitForm, F=String("http://127.0.0.1:9/")))
    first = Dictionary(S=Name.GoTo, D=Array([made.pages[0].obj, Name.Fit]), Next=Array([last]))
    made.Root.OpenAction = made.make_indirect(first)


def _attachment(made):
    made.attachments["note.txt"] = b"bonjour"


def _opens_at_a_page(made):
    made.Root.OpenAction = Array([made.pages[0].obj, Name.Fit])


WOULD_ACT = {
    "a script at the opening": (_script, "pdf.script"),
    "a script on a page": (_hidden_script, "pdf.script"),
    "a named script": (_named_script, "pdf.script"),
    "a program to start": (_link(Dictionary(S=Name.Launch, F=String("calc.exe"))), "pdf.launch"),
    "another file to open": (_link(Dictionary(S=Name.GoToR, F=String("\\\\a\\b"))), "pdf.elsewhere"),
    "an address opened by itself": (_calls_home, "pdf.elsewhere"),
    "an XFA form": (_xfa, "pdf.form"),
    "an address as a page is turned": (_turned_page, "pdf.elsewhere"),
    "a form sent after a jump": (_comes_next, "pdf.elsewhere"),
    "an article of another file": (
        opens_with(S=Name.Thread, F=String("http://127.0.0.1:9/a.pdf")),
        "pdf.elsewhere",
    ),
    "an article of another file, pressed": (
        _link(Dictionary(S=Name.Thread, F=String("a.pdf"))),
        "pdf.elsewhere",
    ),
    "a file that it carries, opened": (opens_with(S=Name.GoToE, T=Dictionary(R=Name.C)), "pdf.elsewhere"),
    "a menu of the reader": (opens_with(S=Name.Named, N=Name.Print), "pdf.unknown"),
    "a menu without a name": (opens_with(S=Name.Named), "pdf.unknown"),
    "an act that the standard does not know": (opens_with(S=Name.Teleport), "pdf.unknown"),
    "data to import": (opens_with(S=Name.ImportData, F=String("a.fdf")), "pdf.form"),
    "a sound": (_link(Dictionary(S=Name.Sound)), "pdf.media"),
    "a film": (_link(Dictionary(S=Name.Movie)), "pdf.media"),
    "a rendition": (_link(Dictionary(S=Name.Rendition)), "pdf.media"),
    "a view in three dimensions": (_link(Dictionary(S=Name.GoTo3DView)), "pdf.media"),
    "a rich medium": (_link(Dictionary(S=Name.RichMediaExecute)), "pdf.media"),
    "fields hidden at the opening": (opens_with(S=Name.Hide, T=String("a")), "pdf.changes"),
    "fields emptied at the opening": (opens_with(S=Name.ResetForm), "pdf.changes"),
    "layers switched at the opening": (opens_with(S=Name.SetOCGState, State=Array([])), "pdf.changes"),
}
ONLY_SAYS = {
    "opens at a page": _opens_at_a_page,
    "has a link": _link(Dictionary(S=Name.URI, URI=String("https://example.org/"))),
    "has a button that sends": _link(Dictionary(S=Name.SubmitForm, F=String("https://example.org/"))),
    "carries a file": _attachment,
    "opens at its first page": opens_with(S=Name.Named, N=Name.FirstPage),
    "opens at an article of its own": opens_with(S=Name.Thread, D=0),
    "opens with a transition": opens_with(S=Name.Trans, Trans=Dictionary(S=Name.Wipe)),
    "opens at a part": opens_with(S=Name.GoToDp),
    "has a button that prints": _link(Dictionary(S=Name.Named, N=Name.Print)),
    "has a button that hides": _link(Dictionary(S=Name.Hide, T=String("a"))),
    "has a button that empties": _link(Dictionary(S=Name.ResetForm)),
}


def cda(
    narrative: str = "<paragraph>Tout va bien.</paragraph>",
    *,
    ins: str = "279035121518989",
    oid: str = "1.2.250.1.213.1.4.10",
    family: str = "PAT-TROIS",
    given: str = "DOMINIQUE",
    sex: str = "F",
    birth: str = "19790328",
    unique: str = "1.2.3.4",
    body: str | None = None,
    entries: str = "",
) -> bytes:
    """A CDA document about somebody; `body` replaces the structured one."""
    body = body or (
        f"<structuredBody><component><section><title>Conclusion</title><text>{narrative}</text>{entries}"
        "</section></component></structuredBody>"
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="http://127.0.0.1:9/evil.xsl"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="{unique}"/><code code="11488-4"/><title>Compte rendu de consultation</title>
<effectiveTime value="20261120"/>
<recordTarget><patientRole><id extension="{ins}" root="{oid}"/><patient><name>
<family qualifier="BR">{family}</family><given qualifier="BR">{given}</given></name>
<administrativeGenderCode code="{sex}"/><birthTime value="{birth}"/></patient></patientRole></recordTarget>
<author><assignedAuthor><assignedPerson><name><prefix>Dr</prefix><given>Anne</given><family>LEFÈVRE</family></name>
</assignedPerson><representedOrganization><name>Cabinet des Tilleuls</name></representedOrganization>
</assignedAuthor></author>
<component>{body}</component></ClinicalDocument>""".encode()
