"""Writing a care history the way the Assurance Maladie does: a CNAM-HR about somebody invented.

Everything follows the public model of the document (template 1.2.250.1.213.1.1.1.36); what it tells comes
from `sandbox.care`.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from xml.sax.saxutils import escape, quoteattr

from sandbox.care import Event, Insured, Practitioner, so_many, story

TEMPLATE = "1.2.250.1.213.1.1.1.36"
EMPTY = "Aucune donnée de remboursement connue dans la période"


def write(
    person: Insured,
    *,
    since: date,
    until: date,
    empty: bool = False,
    lines: int | None = None,
    version: int = 1,
    written_at: datetime | None = None,
) -> bytes:
    """The statement of what was reimbursed to `person` from `since` to `until`.

    `lines` asks for exactly so many; without it the person's own story decides. The same arguments give
    the same bytes, whatever the day.
    """
    if empty or lines == 0:
        events: list[Event] = []
    elif lines is None:
        events = list(story(person, since, until))
    else:
        events = list(so_many(person, since, until, lines))
    return _document(person, events, since, until, version, written_at or _evening_of(until)).encode()


def _evening_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 21, 30)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One section of the model: its title, code and template, its columns, how it says "nothing"."""

    key: str
    title: str
    code: str
    code_label: str
    template: str
    columns: tuple[str, ...]
    prefix: str
    translation: tuple[str, str] | None = None


CHAPTERS = (
    Chapter(
        "medicaments",
        "Médicaments",
        "10160-0",
        "Médication administrée",
        "1.2.250.1.213.1.1.2.143",
        (
            "Date de délivrance",
            "Libellé du médicament",
            "Groupe thérapeutique",
            "Composants actifs du médicament",
            "Prescrit par",
            "Spécialité du prescripteur",
            "Établissement du prescripteur",
            "Délivré par",
            "Quantité délivrée",
        ),
        "med",
    ),
    Chapter(
        "vaccinations",
        "Vaccinations",
        "11369-6",
        "Historique des vaccinations",
        "1.2.250.1.213.1.1.2.147",
        (
            "Date de délivrance",
            "Libellé du vaccin",
            "Valence vaccinale",
            "Prescrit par",
            "Spécialité du prescripteur",
            "Établissement du prescripteur",
            "Délivré par",
        ),
        "vac",
    ),
    Chapter(
        "dispositifs_medicaux",
        "Dispositifs médicaux",
        "46264-8",
        "Dispositifs médicaux",
        "1.2.250.1.213.1.1.2.1",
        (
            "Date de délivrance",
            "Libellé du dispositif médical",
            "Prescrit par",
            "Spécialité du prescripteur",
            "Établissement du prescripteur",
            "Délivré par",
            "Quantité délivrée",
        ),
        "dm",
    ),
    Chapter(
        "hospitalisations",
        "Hospitalisations",
        "46240-8",
        "Historique des rencontres",
        "1.2.250.1.213.1.1.2.76",
        ("Période du séjour", "Nature du séjour", "Lieu du séjour"),
        "sej",
    ),
    Chapter(
        "soins_medicaux_dentaires",
        "Soins médicaux et dentaires",
        "29554-3",
        "Actes",
        "1.2.250.1.213.1.1.2.118",
        (
            "Date de l'acte",
            "Code de l'acte",
            "Libellé de l'acte",
            "Réalisé par",
            "Spécialité",
            "Établissement",
        ),
        "act",
        ("67803-7", "Liste des actes"),
    ),
    Chapter(
        "radiologie",
        "Radiologie",
        "29554-3",
        "Actes",
        "1.2.250.1.213.1.1.2.118",
        ("Date de l'acte", "Code de l'acte", "Libellé de l'acte", "Réalisé par", "Établissement"),
        "rad",
        ("18726-0", "Radiologie"),
    ),
    Chapter(
        "biologie",
        "Biologie",
        "29554-3",
        "Actes",
        "1.2.250.1.213.1.1.2.118",
        ("Date de l'acte", "Code de l'acte", "Libellé de l'acte", "Réalisé par", "Établissement"),
        "bio",
        ("26436-6", "Biologie"),
    ),
)

MENTION = (
    "Ce relevé rassemble les soins et produits que l'Assurance Maladie a pris en charge sur la période.",
    "Il est fourni pour information ; il peut être incomplet, par exemple après un changement de caisse.",
    "Celui qui le consulte reste seul responsable de l'usage qu'il en fait.",
    "Un H en début de ligne signale un acte réalisé pendant un séjour à l'hôpital.",
)

LOINC = 'codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC"'
PS, PLACE = "1.2.250.1.71.4.2.1", "1.2.250.1.71.4.2.2"
INSURER = "318003599999991"  # kind of number, then an invented SIRET
NO_CONTACT = '<addr nullFlavor="NASK"/><telecom nullFlavor="NASK"/>'


def _document(
    person: Insured, events: list[Event], since: date, until: date, version: int, written_at: datetime
) -> str:
    oid, number = person.ins
    name = f"{TEMPLATE}.{int(hashlib.sha256(f'{oid}^{number}'.encode()).hexdigest()[:12], 16)}"
    when = f"{written_at:%Y%m%d%H%M%S}+0100"
    body = "".join(_chapter(chapter, [e for e in events if e.section == chapter.key]) for chapter in CHAPTERS)
    replaced = f"""
  <relatedDocument typeCode="RPLC">
    <parentDocument><id root="{name}.{version - 1}"/><versionNumber value="{version - 1}"/></parentDocument>
  </relatedDocument>"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="CDA-FO.xsl"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <realmCode code="FR"/>
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <templateId root="2.16.840.1.113883.2.8.2.1"/>
  <templateId root="1.2.250.1.213.1.1.1.1"/>
  <templateId root="{TEMPLATE}" extension="2021.01"/>
  <id root="{name}.{version}"/>
  <code code="REMB" codeSystem="1.2.250.1.213.1.1.4.12" displayName="Données de remboursement"/>
  <title>Données de remboursement</title>
  <effectiveTime value="{when}"/>
  <confidentialityCode code="N" displayName="Normal" codeSystem="2.16.840.1.113883.5.25"/>
  <languageCode code="fr-FR"/>
  <setId root="{name}"/>
  <versionNumber value="{version}"/>
{_patient(person)}
  <author>
    <time value="{when}"/>
    <assignedAuthor>
      <id root="{PS}" extension="5{INSURER[1:]}/1"/>
      <code code="ALIM_AM" displayName="Alimentation par l'Assurance Maladie"
        codeSystem="1.2.250.1.213.1.1.4.6"/>
      {NO_CONTACT}
      <assignedAuthoringDevice>
        <manufacturerModelName>Relevé</manufacturerModelName>
        <softwareName>Assurance Maladie (bac à sable)</softwareName>
      </assignedAuthoringDevice>
      {_organisation("representedOrganization")}
    </assignedAuthor>
  </author>
  <custodian>
    <assignedCustodian>{_organisation("representedCustodianOrganization")}</assignedCustodian>
  </custodian>
  <legalAuthenticator>
    <time value="{when}"/>
    <signatureCode code="S"/>
    <assignedEntity>
      <id root="{PS}" extension="5{INSURER[1:]}/1"/>
      {NO_CONTACT}
      <assignedPerson><name><given>.</given><family>Assurance Maladie</family></name></assignedPerson>
    </assignedEntity>
  </legalAuthenticator>
  <documentationOf>
    <serviceEvent>
      <effectiveTime><low value="{since:%Y%m%d}"/><high value="{until:%Y%m%d}"/></effectiveTime>
      <performer typeCode="PRF">
        <assignedEntity>
          <id nullFlavor="NA"/>
          <representedOrganization>
            <standardIndustryClassCode code="AMO" displayName="Assurance maladie obligatoire"
              codeSystem="1.2.250.1.213.1.1.4.9"/>
          </representedOrganization>
        </assignedEntity>
      </performer>
    </serviceEvent>
  </documentationOf>{replaced if version > 1 else ""}
  <componentOf>
    <encompassingEncounter>
      <effectiveTime nullFlavor="NA"/>
      <location>
        <healthCareFacility>
          <code code="SA24" displayName="Organisme de sécurité sociale" codeSystem="1.2.250.1.71.4.2.4"/>
        </healthCareFacility>
      </location>
    </encompassingEncounter>
  </componentOf>
  <component>
    <structuredBody>
      <component>
        <section>
          <templateId root="2.16.840.1.113883.10.12.201"/>
          <templateId root="1.2.250.1.213.1.1.2.73"/>
          <code code="55112-7" displayName="Commentaire sur le document" {LOINC}/>
          <title>Usage et Responsabilités</title>
          <text ID="mention">{"<br/>".join(map(escape, MENTION))}</text>
        </section>
      </component>
{body}    </structuredBody>
  </component>
</ClinicalDocument>
"""


def _patient(person: Insured) -> str:
    oid, number = person.ins
    sex = "Féminin" if person.sex == "F" else "Masculin"
    used = (
        f'\n          <family qualifier="CL">{escape(person.used_name)}</family>' if person.used_name else ""
    )
    return f"""  <recordTarget>
    <patientRole>
      <id root="{oid}" extension="{number}"/>
      {NO_CONTACT}
      <patient classCode="PSN">
        <name>
          <family qualifier="BR">{escape(person.birth_name)}</family>
          {_given(person)}{used}
        </name>
        <administrativeGenderCode code="{person.sex}" displayName="{sex}" codeSystem="2.16.840.1.113883.5.1"/>
        <birthTime value="{person.birth_date}"/>
        <birthplace><place><addr><county>{escape(person.birth_place)}</county></addr></place></birthplace>
      </patient>
    </patientRole>
  </recordTarget>"""


def _given(person: Insured) -> str:
    if not person.given_names:
        return '<given nullFlavor="NASK"/>'
    listed, first = " ".join(person.given_names), person.given_names[0]
    return f"""<given>{escape(listed)}</given>
          <given qualifier="BR">{escape(first)}</given>"""


def _organisation(element: str) -> str:
    return f'<{element}><id root="{PLACE}" extension="{INSURER}"/><name>Assurance Maladie</name></{element}>'


def _chapter(chapter: Chapter, events: list[Event]) -> str:
    code = f"code={quoteattr(chapter.code)} displayName={quoteattr(chapter.code_label)} {LOINC}"
    if chapter.translation:
        value, label = chapter.translation
        code = f'<code {code}><translation code="{value}" displayName={quoteattr(label)} {LOINC}/></code>'
    else:
        code = f"<code {code}/>"
    return f"""      <component>
        <section>
          <templateId root="{chapter.template}"/>
          <id nullFlavor="UNK"/>
          {code}
          <title>{escape(chapter.title)}</title>
          {_table(chapter, events) if events else f'<text ID="{chapter.prefix}-0">{EMPTY}</text>'}
{"".join(_entry(chapter, rank, event) for rank, event in enumerate(events, start=1))}        </section>
      </component>
"""


def _table(chapter: Chapter, events: list[Event]) -> str:
    stays = chapter.key == "hospitalisations"
    first, *others = chapter.columns
    span = "" if stays else ' colspan="2"'
    headings = f"<th{span}>{escape(first)}</th>" + "".join(f"<th>{escape(column)}</th>" for column in others)
    rows = "".join(_row(chapter, rank, event, stays) for rank, event in enumerate(events, start=1))
    return f"""<text>
            <table border="0">
              <thead><tr>{headings}</tr></thead>
              <tbody>
{rows}              </tbody>
            </table>
          </text>"""


def _row(chapter: Chapter, rank: int, event: Event, stays: bool) -> str:
    cells = [escape(cell).replace("\n", "<br/>") for cell in event.cells]
    shown = event.cells.index(event.label)
    cells[shown] = f'<content ID="{chapter.prefix}-{rank}">{cells[shown]}</content>'
    if not stays:
        cells = ["H" if event.in_hospital else "", f"{event.day:%d/%m/%Y}", *cells]
    written = "".join(f"<td>{cell}</td>" if cell else "<td/>" for cell in cells)
    return f"                <tr>{written}</tr>\n"


def _entry(chapter: Chapter, rank: int, event: Event) -> str:
    reference = f'<text><reference value="#{chapter.prefix}-{rank}"/></text>'
    write = {"medicaments": _product, "vaccinations": _product, "dispositifs_medicaux": _supply}
    write["hospitalisations"] = _encounter
    return (
        f"          <entry>{write.get(chapter.key, _procedure)(event, reference, chapter.prefix)}</entry>\n"
    )


def _product(event: Event, reference: str, prefix: str) -> str:
    vaccine = prefix == "vac"
    template = "45" if vaccine else "42"
    said = '<code code="IMMUNIZ" codeSystem="2.16.840.1.113883.5.4"/>' if vaccine else ""
    untold = '<low nullFlavor="UNK"/><high nullFlavor="UNK"/>'
    when = f'<effectiveTime xsi:type="IVL_TS">{untold}</effectiveTime>'
    if vaccine:
        when = '<effectiveTime nullFlavor="UNK"/>'
    quantity = "" if vaccine else f'<quantity value="{event.cells[-1]}"/>'
    return f"""
            <substanceAdministration classCode="SBADM" moodCode="EVN">
              <templateId root="1.2.250.1.213.1.1.3.{template}"/>
              <id root="{_identity(event, "substance")}"/>{said}
              {reference}
              <statusCode code="completed"/>
              {when}
              <consumable>
                <manufacturedProduct>
                  <templateId root="1.2.250.1.213.1.1.3.43"/>
                  <manufacturedMaterial>
                    <code>{_translation(event, "1.2.250.1.215.200.1.1.1")}</code>
                    <name>{escape(event.label)}</name>
                  </manufacturedMaterial>
                </manufacturedProduct>
              </consumable>
              <entryRelationship typeCode="REFR" inversionInd="false">
                <supply classCode="SPLY" moodCode="EVN">
                  <templateId root="1.2.250.1.213.1.1.3.44"/>
                  <id root="{_identity(event, "supply")}"/>
                  {quantity}
                  {_dispenser(event)}
                  {_prescriber(event)}
                </supply>
              </entryRelationship>
            </substanceAdministration>
          """


def _supply(event: Event, reference: str, _prefix: str) -> str:
    return f"""
            <supply classCode="SPLY" moodCode="EVN">
              <templateId root="1.2.250.1.213.1.1.3.20"/>
              <id root="{_identity(event, "device")}"/>
              {reference}
              <effectiveTime xsi:type="IVL_TS"><low nullFlavor="UNK"/></effectiveTime>
              <quantity value="{event.cells[-1]}"/>
              {_dispenser(event)}
              {_prescriber(event)}
              <participant typeCode="DEV">
                <participantRole classCode="MANU">
                  <playingDevice classCode="DEV" determinerCode="INSTANCE">
                    <code>{_translation(event, "1.2.250.1.215.200.2.1")}</code>
                  </playingDevice>
                </participantRole>
              </participant>
            </supply>
          """


def _encounter(event: Event, reference: str, _prefix: str) -> str:
    last = f'<high value="{event.until:%Y%m%d}"/>' if event.until and event.until > event.day else ""
    return f"""
            <encounter classCode="ENC" moodCode="EVN">
              <templateId root="1.2.250.1.213.1.1.3.58"/>
              <id nullFlavor="UNK"/>
              <code code="IMP" displayName="Hospitalisation" codeSystem="2.16.840.1.113883.5.4"/>
              {reference}
              <effectiveTime><low value="{event.day:%Y%m%d}"/>{last}</effectiveTime>
              <performer typeCode="PRF">{_at_place(event.place)}</performer>
            </encounter>
          """


def _procedure(event: Event, reference: str, prefix: str) -> str:
    system = "1.2.250.1.215.200.4.1" if prefix == "bio" else "1.2.250.1.215.200.3.4"
    who = ""
    if event.by:
        who = (
            f'<code code="{event.by.code}" displayName={quoteattr(event.by.specialty)} '
            'codeSystem="1.2.250.1.213.1.1.4.5"/>'
            if event.by.code
            else ""
        ) + f"<assignedPerson>{_name(event.by)}</assignedPerson>"
    return f"""
            <procedure classCode="PROC" moodCode="EVN">
              <templateId root="1.2.250.1.213.1.1.3.62"/>
              <id nullFlavor="UNK"/>
              <code code="{event.code}" displayName={quoteattr(event.label)} codeSystem="{system}"/>
              {reference}
              <statusCode code="completed"/>
              <effectiveTime value="{event.day:%Y%m%d}"/>
              <performer>{_at_place(event.place, who)}</performer>
            </procedure>
          """


def _translation(event: Event, system: str) -> str:
    return f'<translation code="{event.code}" displayName={quoteattr(event.label)} codeSystem="{system}"/>'


def _dispenser(event: Event) -> str:
    return f'<performer typeCode="PRF"><time value="{event.day:%Y%m%d}"/>{_at_place(event.place)}</performer>'


def _at_place(place: str, who: str = "") -> str:
    return (
        f'<assignedEntity><id nullFlavor="UNK"/>{who}'
        f"<representedOrganization><name>{escape(place)}</name></representedOrganization></assignedEntity>"
    )


def _prescriber(event: Event) -> str:
    by = event.by
    if by is None:
        return ""
    return (
        f'<author><time value="{event.day:%Y%m%d}"/><assignedAuthor><id nullFlavor="UNK"/>'
        f'<code code="{by.code}" displayName={quoteattr(by.specialty)} codeSystem="1.2.250.1.213.1.1.4.5"/>'
        f"<assignedPerson>{_name(by)}</assignedPerson>"
        f"<representedOrganization><name>{escape(by.place)}</name></representedOrganization>"
        "</assignedAuthor></author>"
    )


def _name(by: Practitioner) -> str:
    prefix, given, family = by.name.split(" ", 2)
    suffix = f"<suffix>{prefix.upper()}</suffix>"
    return f"<name>{suffix}<given>{given}</given><family>{escape(family)}</family></name>"


def _identity(event: Event, kind: str) -> str:
    seen = f"{kind}:{event.day}:{event.code}:{event.place}:{event.cells}"
    return str(UUID(bytes=hashlib.sha256(seen.encode()).digest()[:16], version=4)).upper()
