"""What was lost, glued or untrue on the pages of other people's documents, and its neighbours."""

import base64
import gzip
import re
import time
import zlib
from pathlib import Path

import pytest

from documents import carried, cda, checker, narrative, xmlguard
from documents.inspection import CDA

from . import files, reading
from .test_inspection import WOULD_ACT
from .test_narrative import level_one, media, picture, told

FOUND = Path(__file__).parent / "found"
PDF_TYPE = "application/pdf"


def found(name: str) -> str:
    """The HTML of a document that was found."""
    return narrative.render((FOUND / f"{name}.xml").read_bytes())


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&nbsp;", " ").split())


def lead(html: str) -> str:
    return words(re.search(r'<p class="lead">(.*?)</p>', html)[1])


# Text revised ---------------------------------------------------------------------------------

UNSEEN = '<span class="visually-hidden">{}</span>'
GONE = f"<del>{UNSEEN.format('[supprimé&nbsp;: ')}{{}}{UNSEEN.format(' fin du texte supprimé]')}</del>"
CAME = f"<ins>{UNSEEN.format('[ajouté&nbsp;: ')}{{}}{UNSEEN.format(' fin du texte ajouté]')}</ins>"


def test_what_was_taken_out_is_told_apart_from_what_replaces_it():
    html = found("cda-revised")

    assert f"{GONE.format('AMOXICILLINE 3 g/j')} {CAME.format('AZITHROMYCINE 500 mg/j')}" in html


DELETED = '<content revised="delete">A</content>'
INSERTED = '<content revised="insert">B</content>'
BOTH = f"{GONE.format('A')} {CAME.format('B')}"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"{DELETED}{INSERTED}", f"<p>{BOTH}</p>"),
        (f"<paragraph>{DELETED}{INSERTED}</paragraph>", f"<p>{BOTH}</p>"),
        (f"<list><item>{DELETED}{INSERTED}</item></list>", f"<ul><li>{BOTH}</li></ul>"),
        (
            f"<paragraph><caption>{DELETED}</caption>C</paragraph>",
            f"<p><strong>{GONE.format('A')}</strong></p><p>C</p>",
        ),
        (f'<content styleCode="Bold">{DELETED}</content>', f"<p><strong>{GONE.format('A')}</strong></p>"),
        (
            '<content revised="delete">a<content revised="insert">b</content></content>',
            f"<p>{GONE.format('a' + CAME.format('b'))}</p>",
        ),
        ('<paragraph revised="delete">A</paragraph>', GONE.format("<p>A</p>")),
        ('<list revised="insert"><item>A</item></list>', CAME.format("<ul><li>A</li></ul>")),
        ('<list><item revised="delete">A</item></list>', f"<ul><li>{GONE.format('A')}</li></ul>"),
        ('<content revised="delete"><paragraph>A</paragraph></content>', GONE.format("<p>A</p>")),
        ('hyper<content revised="insert">o</content>tension', f"<p>hyper{CAME.format('o')}tension</p>"),
        ('<content revised="delete"> </content>A', "<p>A</p>"),
        (f"<content>{DELETED}</content><content>{INSERTED}</content>", f"<p>{BOTH}</p>"),
        (f"{DELETED}<content/>{INSERTED}", f"<p>{BOTH}</p>"),
        ('<content revised=" DELETE ">A</content>', f"<p>{GONE.format('A')}</p>"),
        ("<del>A</del><s>B</s>", f"<p>{GONE.format('A')} {GONE.format('B')}</p>"),
    ],
)
def test_revised_text_is_told_everywhere(written, shown):
    assert told(written) == shown


@pytest.mark.parametrize(
    "table",
    [
        "<tbody><tr><td>{0}</td></tr></tbody>",
        '<tbody><tr><td revised="delete">A</td></tr></tbody>',
        '<tbody><tr revised="delete"><td>A</td></tr></tbody>',
        '<tbody revised="delete"><tr><td>A</td></tr></tbody>',
    ],
)
def test_revised_cells_are_told(table):
    assert f"<td>{GONE.format('A')}</td>" in told(f"<table>{table.format(DELETED)}</table>")


def test_what_is_added_in_what_was_taken_out_is_not_current():
    inner = '<td revised="insert">B</td>'
    for table in (
        f'<tbody><tr revised="delete">{inner}</tr></tbody>',
        f'<tbody revised="delete"><tr>{inner}</tr></tbody>',
        '<tbody revised="delete"><tr revised="insert"><td>B</td></tr></tbody>',
    ):
        assert f"<td>{GONE.format(CAME.format('B'))}</td>" in told(f"<table>{table}</table>")


# Notes, captions, links -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "<paragraph>7,2 %<footnote>contrôlée</footnote> ce jour</paragraph>",
            "7,2 % (note : contrôlée) ce jour",
        ),
        (
            '<paragraph>7,2 %<footnote ID="n">contrôlée</footnote></paragraph>'
            '<paragraph>8 %<footnoteRef IDREF="n"/></paragraph>',
            "7,2 % (note 1 : contrôlée) 8 % (voir note 1)",
        ),
        ("7<footnote><paragraph>contrôlée</paragraph></footnote>", "7 note : contrôlée"),
        ("<table><tbody><tr><td>7<footnote>a</footnote></td></tr></tbody></table>", "7 (note : a)"),
        ("<paragraph><caption>Dosage</caption>40 mg/ml</paragraph>", "Dosage 40 mg/ml"),
        ("<list><item><caption>Dosage</caption>40 mg/ml</item></list>", "Dosage 40 mg/ml"),
        ("<list><caption>Titre</caption><item>a</item></list>", "Titre a"),
        ("<table><tbody><tr><td><caption>Dosage</caption>40</td></tr></tbody></table>", "Dosage 40"),
        ("<content><caption>Dosage</caption>40</content>", "Dosage 40"),
        (
            "<table><caption>a</caption><caption>b</caption><tbody><tr><td>c</td></tr></tbody></table>",
            "a b c",
        ),
        ("<table>perdu<tbody><tr><td>c</td></tr></tbody></table>", "c perdu"),
        ("<list>perdu<item>a</item></list>", "perdu a"),
        ("5 m<sup/>s", "5 ms"),
        ("<item>a</item><td>b</td><tr><td>c</td></tr>", "a b c"),
        (
            "<table><caption>a<paragraph>b</paragraph></caption><tbody><tr><td>c</td></tr></tbody></table>",
            "a b c",
        ),
        ("<table><tbody><tr><td>a</td>b</tr>c</tbody></table>", "a c b"),
        (
            '<linkHtml href="https://exemple.org/1"><paragraph>a</paragraph></linkHtml>',
            "a https://exemple.org/1",
        ),
        (
            '<linkHtml href="https://exemple.org/1">cliquer</linkHtml>',
            "cliquer (https://exemple.org/1)",
        ),
        ('<linkHtml href="https://exemple.org/1"/>', "https://exemple.org/1"),
        ('<linkHtml href="https://exemple.org/">exemple.org</linkHtml>', "exemple.org"),
        ('<linkHtml href="Documents/AVK.pdf">annexe</linkHtml>', "annexe (Documents/AVK.pdf)"),
        ('<linkHtml href="mailto:a@exemple.org">écrire</linkHtml>', "écrire (mailto:a@exemple.org)"),
        (
            '<linkHtml href="https://exemple.org/1">exemple.org/12</linkHtml>',
            "exemple.org/12 (https://exemple.org/1)",
        ),
        ('<linkHtml href="https://exemple.org/1">(exemple.org/1)</linkHtml>', "(exemple.org/1)"),
        ('<linkHtml href="https://exemple.org/1" title="Étude"/>', "Étude (https://exemple.org/1)"),
        (
            '<linkHtml href="a.pdf">a</linkHtml><linkHtml href="b.pdf">b</linkHtml>c',
            "a (a.pdf) b (b.pdf) c",
        ),
        ('a<linkHtml href="https://exemple.org/1"/>b', "a https://exemple.org/1 b"),
        ("<paragraph>7<footnote>a</footnote>8</paragraph>", "7 (note : a) 8"),
        ('7<footnoteRef IDREF="n"/>8<footnote ID="n">a</footnote>', "7 (voir note 1) 8 (note 1 : a)"),
        ("<foo>a</foo><bar>b</bar>", "a b"),
        ("<p>a</p><div>b</div><ul><li>c</li><li>d</li></ul>", "a b c d"),
        ('<div xmlns="http://www.w3.org/1999/xhtml"><h1>a</h1><span>b</span>c</div>', "a bc"),
        ("<b>a</b>b", "a b"),
        ("a\u202eb\u202c", "ab"),
        ("a&#x85;b", "a b"),
        ('<linkHtml href="#plus-bas">voir</linkHtml>', "voir"),
        ('<linkHtml href="javascript:alert(1)">voir</linkHtml>', "voir"),
        ('<linkHtml href=" java&#10;script:alert(1)">voir</linkHtml>', "voir"),
        ('<linkHtml href="data:text/html,x">voir</linkHtml>', "voir"),
    ],
)
def test_words_are_apart_and_none_is_lost(written, said):
    assert words(told(written)) == said


def test_no_sign_is_left_of_an_empty_one():
    assert "<sup>" not in told("a<sup/>b<sub> </sub>")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cda-footnote", "HbA1c 7,2 % (note : Valeur contrôlée) ce jour"),
        ("cda-caption-in-paragraph", "Dosage 40 mg/ml"),
        ("cda-link", "cliquer ici (https://images.example.org/etude/123)"),
        ("cda-text-latin1", "Ferritine à 5 µg/L, opérée"),
        (
            "cda-body-elsewhere",
            "est dans un autre fichier (« compte-rendu.pdf »), qui n’est pas joint",
        ),
    ],
)
def test_documents_found_say_what_they_say(name, said):
    assert said in words(found(name))


def test_how_a_list_is_numbered_is_kept():
    written = '<list listType="ordered" styleCode="LittleAlpha"><item>A</item></list>'

    assert told(written) == '<ol type="a"><li>A</li></ol>'


def sections(*several: str) -> str:
    """What a document of these sections says after its first sentence."""
    inner = "".join(f"<component><section>{section}</section></component>" for section in several)
    return narrative.render(files.cda(body=f"<structuredBody>{inner}</structuredBody>")).partition("</p>")[2]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            "<title>Résultats <content>du</content> jour</title><text>a</text>",
            "<h2>Résultats du jour</h2><p>a</p>",
        ),
        ("<title>A</title><title>B</title><text>c</text>", "<h2>A B</h2><p>c</p>"),
        ("<title>A</title><text>b</text><text>c</text>", "<h2>A</h2><p>b<br>c</p>"),
        ("<section><title>A</title><text>b</text></section>", "<h3>A</h3><p>b</p>"),
    ],
)
def test_every_word_of_a_section_is_kept(section, said):
    assert sections(section) == said


@pytest.mark.parametrize("body", ["<structuredBody/>", "<structuredBody><component/></structuredBody>"])
def test_a_document_without_a_word_says_so(body):
    assert "Ce document ne contient aucun texte." in narrative.render(files.cda(body=body))


# Authors --------------------------------------------------------------------------------------


def author(*, person="", device="", organisation="", of="author", assigned="assignedAuthor"):
    written = f"<assignedPerson><name>{person}</name></assignedPerson>" if person else ""
    written += (
        f"<assignedAuthoringDevice><softwareName>{device}</softwareName></assignedAuthoringDevice>"
        if device
        else ""
    )
    written += (
        f"<representedOrganization><name>{organisation}</name></representedOrganization>"
        if organisation
        else ""
    )
    return f"<{of}><{assigned}>{written}</{assigned}></{of}>"


def signed(*several) -> str:
    whole = files.cda().decode()
    before, _, rest = whole.partition("<author>")
    return lead(narrative.render((before + "".join(several) + rest.partition("</author>")[2]).encode()))


def legal(**who):
    return author(of="legalAuthenticator", assigned="assignedEntity", **who)


@pytest.mark.parametrize(
    ("several", "said"),
    [
        ([author(person="Jean UN"), author(person="Anne DEUX")], "par Jean UN et Anne DEUX"),
        (
            [author(person="A"), author(person="B", organisation="CHU"), author(person="C")],
            "par A, B (CHU) et C",
        ),
        ([author(device="Logiciel"), author(person="Anne DEUX")], "par Anne DEUX et Logiciel"),
        ([author(device="Logiciel", organisation="Labo")], "par Logiciel, Labo"),
        ([author(organisation="Labo")], "par Labo"),
        (
            [author(person="<family>DUPONT</family><given>Anne</given><prefix>Dr</prefix>")],
            "par Dr Anne DUPONT",
        ),
        ([author(person="A"), author(person="A")], "par A,"),
        ([author(person="A"), legal(person="B", organisation="CHU")], "Signé par B, CHU."),
        ([author(person="A"), legal(person="B"), legal(person="C")], "Signé par B et C."),
        ([author(person="Docteur <given>A</given> <family>B</family>")], "par Docteur A B,"),
        ([author(person="<given>A</given><family>B</family></name><name><family>C</family>")], "par A B,"),
        (
            [author(person="<family>LE</family><delimiter>-</delimiter><family>GOFF</family>")],
            "par LE - GOFF,",
        ),
        ([author(person="", organisation="A</name><name>B")], "par A, B,"),
        (["<author><assignedAuthor><code displayName='Médecin'/></assignedAuthor></author>"], "par Médecin,"),
        (
            ["<author><assignedAuthor><id root='1.2' extension='8012'/></assignedAuthor></author>"],
            "par l’auteur nº 8012,",
        ),
        (
            [
                "<author><assignedAuthor><representedOrganization><asOrganizationPartOf><wholeOrganization>"
                "<name>CHU</name></wholeOrganization></asOrganizationPartOf></representedOrganization>"
                "</assignedAuthor></author>"
            ],
            "par CHU,",
        ),
        (["<author nullFlavor='NI'><assignedAuthor nullFlavor='NI'/></author>"], "2026, pour"),
    ],
)
def test_everyone_who_wrote_or_signed_is_named(several, said):
    assert said in signed(*several)


def test_whoever_signs_what_they_wrote_is_named_once():
    assert "Signé" not in signed(author(person="A"), legal(person="A"))
    for theirs in (
        "<prefix>Dr</prefix><given>Anne</given><family>LEFÈVRE</family>",
        "LEFEVRE Anne",
        "<prefix>Docteur</prefix><given>Anne</given><family>Lefèvre</family>",
    ):
        who = author(person="<given>Anne</given><family>LEFÈVRE</family>")
        assert "Signé" not in signed(who, legal(person=theirs))
    assert "Signé par Dr Anne LEROY" in signed(who, legal(person="Dr Anne LEROY"))
    assert "Signé par Dr." in signed(who, legal(person="Dr"))


def attests(**who):
    return author(of="authenticator", assigned="assignedEntity", **who)


def test_whoever_says_that_it_is_right_is_named():
    said = signed(author(person="A"), legal(person="B"), attests(person="C", organisation="CHU"))

    assert "Signé par B. Validé par C, CHU." in said
    assert "Validé" not in signed(author(person="Dr A B"), attests(person="B A"))


def test_whoever_wrote_a_part_is_named():
    section = f"<title>T</title><text>a</text>{author(person='B', organisation='CHU')}"
    entry = f"<entry><observation>{author(person='C')}</observation></entry>"
    body = f"<structuredBody><component><section>{section}{entry}</section></component></structuredBody>"

    said = lead(narrative.render(files.cda(body=body)))

    assert "Certaines parties sont établies par B, CHU." in said
    assert "Anne LEFÈVRE" in said
    assert "C," not in said


def test_authors_of_found_documents_are_named():
    assert "par Jean UN et Anne DEUX, pour" in lead(found("cda-two-authors"))
    inspected = checker.inspect((FOUND / "cda-level-1-author.xml").read_bytes(), CDA)
    assert "par Jean HOSPITALIER, pour" in lead(dict(inspected.parts)["narrative"].decode())
    assert inspected.page_count == 1


# What travels inside --------------------------------------------------------------------------


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "media_type", ["application/pdf", "Application/PDF", "pdf/xml", "application/pdf;x=y", ""]
)
def test_a_pdf_is_believed_by_its_bytes(media_type):
    for body in (
        level_one(f'mediaType="{media_type}" representation="B64">{b64(files.pdf())}'),
        level_one(f'mediaType="{media_type}">{b64(files.pdf())}'),
    ):
        inspected = checker.inspect(files.cda(body=body), CDA)

        assert (inspected.refusal, inspected.page_count) == ("", 1)


def test_a_pdf_named_otherwise_is_shown():
    assert checker.inspect((FOUND / "cda-pdf-named-otherwise.xml").read_bytes(), CDA).page_count == 1


def _raw_deflate(content):
    deflating = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflating.compress(content) + deflating.flush()


@pytest.mark.parametrize(
    ("kind", "packed"),
    [("DF", _raw_deflate), ("DF", zlib.compress), ("ZL", zlib.compress), ("GZ", gzip.compress)],
)
def test_what_is_compressed_is_inflated(kind, packed):
    body = level_one(
        f'mediaType="text/plain" representation="B64" compression="{kind}">{b64(packed("été".encode()))}'
    )

    assert "<p>été</p>" in narrative.render(files.cda(body=body))


def test_what_inflates_without_end_is_not_shown(monkeypatch):
    monkeypatch.setattr(carried, "MOST_BYTES", 1000)
    body = level_one(
        f'mediaType="text/plain" representation="B64" compression="ZL">{b64(zlib.compress(bytes(9999)))}'
    )

    assert "vide ou abîmé" in narrative.render(files.cda(body=body))


TEXT = "Ferritine à 5 µg/L, œdème"


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        ("utf-8", ""),
        ("utf-8", "UTF-8"),
        ("utf-8-sig", ""),
        ("cp1252", ""),
        ("cp1252", "ISO-8859-1"),
        ("cp1252", "windows-1252"),
        ("cp1252", "utf-8"),
        ("cp1252", "nonsense"),
        ("iso-8859-15", "ISO-8859-15"),
        ("utf-16", ""),
        ("utf-16", "UTF-16"),
    ],
)
def test_a_text_is_read_in_its_charset(encoding, charset):
    content = b64(TEXT.encode(encoding))
    for attributes in (
        f'mediaType="text/plain" charset="{charset}"',
        f'mediaType="text/plain; charset={charset}"',
    ):
        html = narrative.render(files.cda(body=level_one(f'{attributes} representation="B64">{content}')))

        assert f"<p>{TEXT}</p>" in html


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "charset=ISO-8859-1"),
        ("utf-8-sig", "charset=ISO-8859-1"),
        ("utf-16-be", "charset=UTF-16"),
        ("utf-16-le", ""),
        ("iso-8859-15", "charset=ISO_8859-15"),
        ("iso-8859-15", "Charset=Latin-9; format=flowed"),
        ("mac-roman", "charset=macintosh"),
    ],
)
def test_bytes_are_believed_before_a_charset_that_they_contradict(encoding, told):
    content = b64(TEXT.encode(encoding))
    body = level_one(f'mediaType="text/plain; {told}" representation="B64">{content}')

    assert f"<p>{TEXT}</p>" in narrative.render(files.cda(body=body))


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "ISO-8859-1"),
        ("utf-8", "windows-1252"),
        ("cp1252", "ISO-8859-1"),
        ("iso-8859-15", "ISO-8859-15"),
        ("utf-8", "utf-16"),
        ("utf-8", "utf8"),
        ("cp1252", "cp1252"),
        ("cp1252", "latin1"),
        ("utf-16", "utf-8"),
        ("utf-16-le", "utf-8"),
        ("utf-8-sig", "ISO-8859-1"),
    ],
)
def test_the_letters_of_a_document_are_those_of_its_bytes(encoding, declared):
    document = files.cda("Œdème, 5 €").decode().replace("UTF-8", declared).encode(encoding)

    assert "<p>Œdème, 5 €</p>" in narrative.render(document)


@pytest.mark.parametrize(
    "written",
    [
        lambda content: b64(content).rstrip("=")[:-2],
        lambda content: base64.urlsafe_b64encode(content).decode(),
        lambda content: f"data:application/pdf;base64,{b64(content)}",
        lambda content: f"\u00a0{b64(content)[:40]} §\n{b64(content)[40:]}",
        lambda content: b64(gzip.compress(content)),
        lambda content: f"{b64(content)}<thumbnail representation='B64'>{b64(picture())}</thumbnail>",
    ],
    ids=["cut", "of addresses", "an address", "letters of no alphabet", "packed", "a thumbnail after"],
)
def test_a_pdf_badly_packed_is_shown(written):
    body = level_one(f'mediaType="application/pdf" representation="B64">{written(files.pdf())}')

    inspected = checker.inspect(files.cda(body=body), CDA)

    assert (inspected.refusal, inspected.page_count) == ("", 1)


@pytest.mark.parametrize("at", ["observation/value", "act/text", "act/reference/externalDocument/text"])
def test_a_file_in_any_entry_is_shown(at):
    *around, last = at.split("/")
    inside = f'<{last} mediaType="application/pdf" representation="B64">{b64(files.pdf())}</{last}>'
    for name in reversed(around):
        inside = f"<{name}>{inside}</{name}>"

    assert checker.inspect(files.cda("a", entries=f"<entry>{inside}</entry>"), CDA).page_count == 1


def test_two_files_of_one_name_are_both_shown():
    html = narrative.render(
        files.cda(
            '<renderMultiMedia referencedObject="X"/>', entries=media(picture()) + media(picture("JPEG"))
        )
    )

    assert html.count("<figure>") == 2


def test_a_text_that_accompanies_a_document_is_read_with_it():
    html = narrative.render(
        files.cda("<paragraph>a</paragraph>", entries=media("été".encode(), "text/plain"))
    )

    assert html.endswith("<p>été</p>")


def attached(*contents: bytes, **more) -> bytes:
    shown = "".join(f'<renderMultiMedia referencedObject="m{place}"/>' for place in range(len(contents)))
    entries = "".join(media(content, PDF_TYPE, f"m{place}") for place, content in enumerate(contents))
    return files.cda(shown, entries=entries, **more)


LOCKED_OUT = b"%PDF-1.7\n" + bytes(500)


def test_one_broken_attachment_hides_none_of_the_others():
    inspected = checker.inspect(attached(files.pdf("un"), LOCKED_OUT, files.pdf("deux")), CDA)

    html = dict(inspected.parts)["narrative"].decode()
    assert (inspected.refusal, inspected.page_count) == ("", 2)
    assert html.count("ses pages suivent") == 2
    assert html.count("ne peuvent pas être montrées&nbsp;: il est abîmé") == 1


def test_an_attachment_referred_to_twice_is_shown_once():
    twice = '<renderMultiMedia referencedObject="X"/>' * 2

    inspected = checker.inspect(files.cda(twice, entries=media(files.pdf(), PDF_TYPE)), CDA)

    assert inspected.page_count == 1
    assert "annoncé plus haut" in dict(inspected.parts)["narrative"].decode()


def test_an_attachment_that_would_act_refuses_the_whole():
    acts = files.pdf(change=WOULD_ACT["a script at the opening"][0])

    assert checker.inspect(attached(files.pdf(), acts), CDA).refusal == "pdf.script"


def test_a_body_that_cannot_be_read_is_refused():
    body = level_one(f'mediaType="application/pdf" representation="B64">{b64(LOCKED_OUT)}')

    assert checker.inspect(files.cda(body=body), CDA).refusal == "pdf.unreadable"


def test_what_no_passage_refers_to_is_shown_at_the_end():
    html = narrative.render(
        files.cda("<paragraph>Texte</paragraph>", entries=media(picture()) + media(picture(), name=""))
    )

    assert html.count("<figure>") == 2


def test_the_caption_of_what_is_missing_is_kept():
    written = (
        '<renderMultiMedia referencedObject="nulle-part"><caption>Radio du genou</caption></renderMultiMedia>'
    )

    assert "Radio du genou" in told(written)


@pytest.mark.parametrize("value", ["javascript:alert(1)", "data:text/html,x", ""])
def test_a_body_elsewhere_under_an_odd_address_is_told_without_it(value):
    body = f'<nonXMLBody><text mediaType="application/pdf"><reference value="{value}"/></text></nonXMLBody>'

    html = narrative.render(files.cda(body=body))

    assert "alert" not in html
    assert "text/html" not in html
    assert len(words(html)) > len(lead(html))


# Names ----------------------------------------------------------------------------------------


def named(families: str, givens: str = '<given qualifier="BR">Camille</given>') -> cda.Header:
    whole = files.cda().decode()
    name = re.search(r"<name>\s*<family.*?</name>", whole, re.S)[0]
    return cda.read_header(whole.replace(name, f"<name>{families}{givens}</name>").encode())


def test_a_document_of_many_authors_takes_no_more_time_than_it_is_long():
    author = "<author><assignedAuthor><code displayName='{}'/></assignedAuthor></author>"
    authors = "".join(author.format(number) for number in [*range(20_000), *range(20_000)])
    began = time.process_time()
    header = cda.read_header(files.cda().replace(b"<author>", f"{authors}<author>".encode(), 1))

    assert (len(header.authors), header.authors[19_999].person) == (20_001, "19999")
    assert time.process_time() - began < 5


def test_a_name_that_is_none_is_not_compared():
    with pytest.raises(xmlguard.Rejected, match=r"^cda.long_name$"):
        named(f"<family>{'a' * 2000}</family>")


@pytest.mark.parametrize(
    ("families", "birth", "used"),
    [
        ('<family qualifier="BR">A</family><family qualifier="SP">B</family>', "A", "B"),
        ('<family qualifier="SP">B</family><family qualifier="BR">A</family>', "A", "B"),
        ('<family>A</family><family qualifier="SP">B</family>', "A", "B"),
        (
            '<family qualifier="BR">A</family><family qualifier="CL">B</family>'
            '<family qualifier="SP">C</family>',
            "A",
            "B",
        ),
        ('<family qualifier="BR CL">A</family>', "A", "A"),
        ('<family qualifier="AD">A</family>', "A", None),
        ("<family>A</family>", "A", None),
    ],
)
def test_each_kind_of_family_name_is_what_the_standard_says(families, birth, used):
    traits = named(families).traits

    assert (traits.birth_name, traits.used_name) == (birth, used)


def test_the_name_of_a_spouse_is_no_birth_name():
    header = named('<family qualifier="SP">B</family>')

    assert header.traits is None
    assert header.used_name == "B"


def test_words_of_a_level_one_text_are_read_by_another_reader_too():
    _, said = reading.said(narrative.render(files.cda(body=level_one('mediaType="text/plain">un deux'))))

    assert "Anne" in said
