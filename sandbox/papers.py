"""What invented professionals write: small PDF files and clinical documents, in French, made on the spot."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape, quoteattr

from sandbox.population import Person, Professional, Structure

A4 = (595, 842)
LEFT, TOP, BOTTOM = 64, 770, 72
LINE = 16
COLUMNS = 82


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and what stands under it, one paragraph per item."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What a document says, before it becomes a file."""

    title: str
    person: Person
    author: Professional
    place: Structure
    written_on: date
    parts: tuple[Part, ...]


MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip


def said(day: date) -> str:
    return f"{'1er' if day.day == 1 else day.day} {MONTHS[day.month - 1]} {day.year}"


def pdf(paper: Paper) -> bytes:
    """The paper as a PDF file of as many A4 pages as it needs."""
    pages = list(_pages(paper))
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (fr-FR) /ViewerPreferences << /DisplayDocTitle true >> >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>"
        % (b" ".join(b"%d 0 R" % (6 + 2 * rank) for rank in range(len(pages))), len(pages)),
        b"<< /Title %s >>" % _string(paper.title),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for rank, page in enumerate(pages):
        footer = f"{paper.title}, page {rank + 1} sur {len(pages)}"
        content = page + _line(LEFT, BOTTOM - 28, 9, "F1", footer)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R"
            b" /Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> >>" % (*A4, 7 + 2 * rank)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    return _file(objects)


def _pages(paper: Paper) -> Iterable[bytes]:
    """The drawing of each page: a line goes to the next page when this one is full."""
    drawn, height = b"", TOP
    for size, font, text, before in _lines(paper):
        height -= before
        if height < BOTTOM:
            yield drawn
            drawn, height = b"", TOP
        drawn += _line(LEFT, height, size, font, text)
        height -= LINE
    yield drawn


def _lines(paper: Paper) -> Iterable[tuple[int, str, str, int]]:
    """Size, font, words and space before of every line."""
    person, place = paper.person, paper.place
    yield 11, "F2", place.name, 0
    yield 10, "F1", f"{place.way}, {place.postcode} {place.town}", 0
    yield 10, "F1", f"{paper.author.called}, {paper.author.trade.lower()}, RPPS {paper.author.rpps}", 0
    yield 18, "F2", paper.title, 28
    born = "née" if person.sex == "F" else "né"
    yield 11, "F1", f"{person.name}, {born} le {person.birth_date_said}", 10
    yield 11, "F1", f"{place.town}, le {said(paper.written_on)}", 0
    for part in paper.parts:
        yield 12, "F2", part.heading, 18
        for paragraph in part.paragraphs:
            for rank, line in enumerate(textwrap.wrap(paragraph, COLUMNS)):
                yield 11, "F1", line, 6 if rank == 0 else 0
    yield 11, "F1", paper.author.called, 30


def _line(left: int, height: int, size: int, font: str, text: str) -> bytes:
    return b"BT /%s %d Tf %d %d Td %s Tj ET\n" % (font.encode(), size, left, height, _string(text))


def _string(text: str) -> bytes:
    """A literal string; what Windows-1252 cannot write is put into plain letters first."""
    plain = text.replace("\u202f", "\u00a0").replace("\u2011", "-")
    encoded = plain.encode("cp1252", errors="replace")
    return b"(" + encoded.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"


def _file(objects: Sequence[bytes]) -> bytes:
    """Objects, their table, and the way to the first: ISO 32000-1 §7.5. The third one is the information."""
    written = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    written += b"trailer\n<< /Size %d /Root 1 0 R /Info 3 0 R >>\n" % (len(objects) + 1)
    written += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(written)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One line of a laboratory report."""

    name: str
    value: str
    usual: str
    before: str = ""


ROOT = "1.2.250.1.213.1.4.10.99"  # identifiers of invented documents
LABORATORY_REPORT = ("11502-2", "CR d’examens biologiques")


def cda(paper: Paper, *, analyses: Sequence[Analysis], conclusion: str) -> bytes:
    """A laboratory report as a CDA R2 document with a narrative: a table, then a conclusion."""
    person, author, place = paper.person, paper.author, paper.place
    oid, value = person.ins
    code, label = LABORATORY_REPORT
    stamp = f"{paper.written_on:%Y%m%d}093000+0100"
    unique = uuid5(NAMESPACE_URL, f"{value}/{paper.title}/{paper.written_on}").int % 10**18
    attribute = quoteattr
    rows = "".join(
        f"<tr><td>{escape(a.name)}</td><td>{escape(a.value)}</td>"
        f"<td>{escape(a.usual)}</td><td>{escape(a.before)}</td></tr>"
        for a in analyses
    )
    parts = "".join(_section(part) for part in paper.parts)
    others = "".join(f"<given>{escape(name)}</given>" for name in person.given_names)
    prefix = f"<prefix>{author.title}</prefix>" if author.title else ""
    organisation = (
        f'<id root="1.2.250.1.71.4.2.2" extension="1{place.finess}"/><name>{escape(place.name)}</name>'
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
<realmCode code="FR"/>
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="2.16.840.1.113883.2.8.2.1"/>
<templateId root="1.2.250.1.213.1.1.1.1"/>
<id root="{ROOT}.{unique}"/>
<code code="{code}" codeSystem="2.16.840.1.113883.6.1" displayName={attribute(label)}/>
<title>{escape(paper.title)}</title>
<effectiveTime value="{stamp}"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25" displayName="Normal"/>
<languageCode code="fr-FR"/>
<setId root="{ROOT}.{unique}.1"/>
<versionNumber value="1"/>
<recordTarget><patientRole>
<id root="{oid}" extension="{value}"/>
<addr nullFlavor="NASK"/>
<telecom nullFlavor="NASK"/>
<patient>
<name><family qualifier="BR">{escape(person.birth_name)}</family>{others}\
<given qualifier="BR">{escape(person.given_name)}</given></name>
<administrativeGenderCode code="{person.sex}" codeSystem="2.16.840.1.113883.5.1"/>
<birthTime value="{person.birth_date}"/>
</patient>
</patientRole></recordTarget>
<author>
<time value="{stamp}"/>
<assignedAuthor>
<id root="1.2.250.1.71.4.2.1" extension="{author.national_id}"/>
<addr nullFlavor="NASK"/>
<telecom nullFlavor="NASK"/>
<assignedPerson><name>{prefix}<given>{escape(author.given_name)}</given>\
<family>{escape(author.name)}</family></name></assignedPerson>
<representedOrganization>{organisation}</representedOrganization>
</assignedAuthor>
</author>
<custodian><assignedCustodian><representedCustodianOrganization>{organisation}\
</representedCustodianOrganization></assignedCustodian></custodian>
<legalAuthenticator>
<time value="{stamp}"/>
<signatureCode code="S"/>
<assignedEntity><id root="1.2.250.1.71.4.2.1" extension="{author.national_id}"/></assignedEntity>
</legalAuthenticator>
<documentationOf><serviceEvent><effectiveTime><low value="{stamp}"/></effectiveTime></serviceEvent>\
</documentationOf>
<component><structuredBody>
{parts}<component><section>
<title>Résultats</title>
<text><table>
<thead><tr><th>Analyse</th><th>Résultat</th><th>Valeurs usuelles</th><th>Résultat précédent</th></tr></thead>
<tbody>{rows}</tbody>
</table></text>
</section></component>
<component><section>
<title>Conclusion</title>
<text><paragraph>{escape(conclusion)}</paragraph></text>
</section></component>
</structuredBody></component>
</ClinicalDocument>
""".encode()


def _section(part: Part) -> str:
    paragraphs = "".join(f"<paragraph>{escape(paragraph)}</paragraph>" for paragraph in part.paragraphs)
    title = f"<title>{escape(part.heading)}</title>"
    return f"<component><section>{title}<text>{paragraphs}</text></section></component>\n"
