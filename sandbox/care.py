"""The care that happens to invented people, day by day, always the same for the same person.

A statement asked for next month extends the one of today. Labels, places and practitioners are made up;
codes have the look of the real ones.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

UNTOLD = "Non communiqué"


class Insured(Protocol):
    """What is needed of a person to write about them."""

    @property
    def ins(self) -> tuple[str, str]: ...
    @property
    def seed(self) -> int: ...
    @property
    def birth_name(self) -> str: ...
    @property
    def used_name(self) -> str | None: ...
    @property
    def given_names(self) -> tuple[str, ...]: ...
    @property
    def sex(self) -> str: ...
    @property
    def birth_date(self) -> str: ...
    @property
    def birth_place(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Practitioner:
    name: str  # as printed: "Dr Ada LUNEL"
    specialty: str
    code: str  # of the specialty
    place: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the statement: where it goes, what it shows, what its coded entry says."""

    section: str
    day: date
    cells: tuple[str, ...]
    code: str
    label: str
    by: Practitioner | None
    place: str
    until: date | None = None
    in_hospital: bool = False


@dataclass(frozen=True, slots=True)
class Medicine:
    label: str
    group: str
    atc: str
    components: tuple[str, ...]


MEDICINES = (
    Medicine("PARACETAMOL ALNOR 1 G CPR 8", "ANALGESIQUES", "N02", ("PARACETAMOL",)),
    Medicine(
        "IBUPROFENE VERDAL 400 MG CPR 30", "ANTI-INFLAMMATOIRES ET ANTIRHUMATISMAUX", "M01", ("IBUPROFENE",)
    ),
    Medicine(
        "AMOXICILLINE ALNOR 1 G CPR DISP 14", "ANTIBACTERIENS A USAGE SYSTEMIQUE", "J01", ("AMOXICILLINE",)
    ),
    Medicine(
        "AMOXICILLINE ACIDE CLAVULANIQUE VERDAL 1 G/125 MG SACHET 16",
        "ANTIBACTERIENS A USAGE SYSTEMIQUE",
        "J01",
        ("AMOXICILLINE", "ACIDE CLAVULANIQUE"),
    ),
    Medicine("CETIRIZINE ALNOR 10 MG CPR 15", "ANTIHISTAMINIQUES A USAGE SYSTEMIQUE", "R06", ("CETIRIZINE",)),
    Medicine(
        "OMEPRAZOLE VERDAL 20 MG GELULE 28", "MEDICAMENTS DES TROUBLES DE L’ACIDITE", "A02", ("OMEPRAZOLE",)
    ),
    Medicine("SOLUTION BUCCALE CORTEVAL 90 ML", "", "A01", ()),
    Medicine("VITAMINE D3 ALNOR 80 000 UI AMP 2 ML", "VITAMINES", "A11", ("COLECALCIFEROL",)),
)
TREATMENTS = (
    Medicine("METFORMINE ALNOR 1 000 MG CPR 90", "MEDICAMENTS DU DIABETE", "A10", ("METFORMINE",)),
    Medicine("RAMIPRIL VERDAL 5 MG CPR 30", "AGENTS DU SYSTEME RENINE-ANGIOTENSINE", "C09", ("RAMIPRIL",)),
    Medicine(
        "PERINDOPRIL AMLODIPINE ALNOR 5 MG/5 MG CPR 30",
        "AGENTS DU SYSTEME RENINE-ANGIOTENSINE",
        "C09",
        ("PERINDOPRIL", "AMLODIPINE"),
    ),
    Medicine("ATORVASTATINE VERDAL 20 MG CPR 90", "AGENTS MODIFIANT LES LIPIDES", "C10", ("ATORVASTATINE",)),
    Medicine("LEVOTHYROXINE ALNOR 75 µG CPR 30", "MEDICAMENTS DE LA THYROIDE", "H03", ("LEVOTHYROXINE",)),
    Medicine(
        "SALMETEROL FLUTICASONE VERDAL 50/250 µG PDR INH 60",
        "MEDICAMENTS DES VOIES RESPIRATOIRES",
        "R03",
        ("SALMETEROL", "FLUTICASONE"),
    ),
)
VACCINES = (
    ("VACCIN GRIPPAL SAISONNIER OVALIS SUSP INJ SER 0,5 ML", "GRIPPE, VIRUS INACTIVE", "J07BB02"),
    (
        "VACCIN DIPHTERIE TETANOS POLIO TRIVAL SUSP INJ SER 0,5 ML",
        "DIPHTERIE, TETANOS, POLIOMYELITE",
        "J07CA01",
    ),
    ("VACCIN HEPATITE B HEPALIS SUSP INJ SER 1 ML", "HEPATITE B, ANTIGENE PURIFIE", "J07BC01"),
)
DEVICES = (
    ("BANDE DE CONTENTION ELASTIQUE, 3 M x 10 CM, ELASTOR", "1390011"),
    ("ORTHESE DE POIGNET, IMMOBILISATION, TAILLE M, MAINTIS", "2190022"),
    ("LECTEUR DE GLYCEMIE ET BANDELETTES, BOITE DE 100, GLUCIA", "1190033"),
    ("PANSEMENT HYDROCELLULAIRE, 10 x 10 CM, BOITE DE 10, DERMEO", "1390044"),
    ("VERRE CORRECTEUR UNIFOCAL, CLASSE A, PAR VERRE", "2290055"),
)
STAYS = (
    ("Ablation de la vésicule biliaire par cœlioscopie, niveau 1", "1907", 2),
    ("Pose d’une prothèse de genou, niveau 1", "1908", 5),
    ("Endoscopie digestive en ambulatoire", "1909", 0),
    ("Surveillance d’une crise d’asthme, niveau 2", "1910", 3),
)
CONSULTATION = ("G", "CONSULTATION AU CABINET DU MEDECIN GENERALISTE")
CARE = (
    ("CS", "CONSULTATION AU CABINET DU SPECIALISTE"),
    ("DEQP003", "Électrocardiographie sur au moins 12 dérivations"),
    ("YYYY010", "Supplément pour soins d’urgence au cabinet"),
    ("AMI", "ACTES PRATIQUES PAR L’INFIRMIER"),
    ("AMK", "ACTES PRATIQUES PAR LE MASSEUR-KINESITHERAPEUTE"),
)
DENTISTRY = (
    ("HBJD001", "Détartrage et polissage des dents"),
    ("HBMD050", "Restauration d’une molaire sur 2 faces, sans ancrage"),
)
IMAGING = (
    ("ZBQK002", "Radiographie du thorax"),
    ("NFQK001", "Radiographie du genou, 1 ou 2 incidences"),
    ("ZCQM001", "Échographie de l’abdomen"),
    ("QEQK001", "Mammographie bilatérale"),
)
ASSAYS = (
    ("1104", "HEMOGRAMME Y COMPRIS PLAQUETTES (SANG)"),
    ("0552", "GLUCOSE (SANG)"),
    ("1577", "HEMOGLOBINE GLYQUEE (SANG)"),
    ("0592", "CREATININE (SANG)"),
    ("0996", "EXPLORATION D’UNE ANOMALIE LIPIDIQUE (SANG)"),
    ("1208", "THYREOSTIMULINE (SANG)"),
)
SPECIALTIES = (
    ("Médecin - Cardiologie et maladies vasculaires (SM)", "G15_10/SM04"),
    ("Médecin - Dermatologie et vénéréologie (SM)", "G15_10/SM15"),
    ("Médecin - Ophtalmologie (SM)", "G15_10/SM38"),
    ("Médecin - Pneumologie (SM)", "G15_10/SM41"),
)
GENERAL_PRACTICE = ("Médecin - Médecine générale (SM)", "G15_10/SM54")
GIVEN = (
    "Ada",
    "Blaise",
    "Colette",
    "Gaspard",
    "Hortense",
    "Ignace",
    "Léonie",
    "Marius",
    "Ondine",
    "Théodore",
)
FAMILY = (
    "AUBRAY",
    "BRISEFER",
    "CORMIER-LUNEL",
    "DESTAING",
    "FONTVERT",
    "GRANDPRÉ",
    "L’HERMINE",
    "MALLEVAL",
    "ROCHEBRUNE",
)
TOWN = ("VALBOURG", "SAINT-ORMAND", "PONT-L’AUMÔNE", "CLAIRMARAIS")
SIGN = ("DES TILLEULS", "DU VIEUX PONT", "DE LA HALLE", "DES QUATRE VENTS")


class Circle:
    """Those who look after one person, always the same."""

    def __init__(self, person: Insured) -> None:
        draw = random.Random(f"circle:{person.seed}:{person.ins[1]}")
        town = draw.choice(TOWN)
        self.pharmacy = f"PHARMACIE {draw.choice(SIGN)}"
        self.laboratory = f"LABORATOIRE DE BIOLOGIE {draw.choice(SIGN)}"
        self.hospital = f"CENTRE HOSPITALIER DE {town}"
        self.imaging = f"IMAGERIE MEDICALE DE {town}"
        self.doctor = self._practitioner(draw, *GENERAL_PRACTICE)
        self.specialist = self._practitioner(draw, *draw.choice(SPECIALTIES))
        self.dentist = self._practitioner(draw, "Chirurgien-dentiste", "G15_40")
        self.radiologist = Practitioner(
            self._name(draw), "Médecin - Radiodiagnostic (SM)", "G15_10/SM44", self.imaging
        )
        self.treatments = draw.sample(TREATMENTS, draw.choice((0, 0, 1, 1, 2, 3)))

    @staticmethod
    def _name(draw: random.Random) -> str:
        return f"Dr {draw.choice(GIVEN)} {draw.choice(FAMILY)}"

    @classmethod
    def _practitioner(cls, draw: random.Random, specialty: str, code: str) -> Practitioner:
        name = cls._name(draw)
        return Practitioner(name, specialty, code, f"CABINET DU {name.upper()}")


def story(person: Insured, since: date, until: date) -> Iterator[Event]:
    """What happened to `person` between two days, both included, newest first."""
    circle = Circle(person)
    month = date(until.year, until.month, 1)
    while month >= date(since.year, since.month, 1):
        happened = sorted(_month(person, circle, month), key=lambda event: event.day, reverse=True)
        yield from (event for event in happened if since <= event.day <= until)
        month = (month - timedelta(days=1)).replace(day=1)


def _month(person: Insured, circle: Circle, month: date) -> Iterator[Event]:
    draw = random.Random(f"story:{person.seed}:{person.ins[1]}:{month:%Y-%m}")

    def some_day() -> date:
        return month + timedelta(days=draw.randrange(28))

    if circle.treatments and month.month % 3 == draw.randrange(3):
        yield _act(circle.doctor, some_day(), *CONSULTATION)
    for treatment in circle.treatments:
        yield _delivery(circle, some_day(), treatment, "1", circle.doctor)
    if draw.random() < 0.22:
        yield from _illness(circle, draw, some_day())
    if draw.random() < 0.10:
        yield from (_assay(circle, day, *assay) for day in [some_day()] for assay in draw.sample(ASSAYS, 3))
    if draw.random() < 0.06:
        yield _image(circle.radiologist, some_day(), *draw.choice(IMAGING))
    if draw.random() < 0.06:
        yield _act(circle.dentist, some_day(), *draw.choice(DENTISTRY))
    if draw.random() < 0.06:
        yield _act(circle.specialist, some_day(), *draw.choice(CARE[:2]))
    if draw.random() < 0.05:
        yield _device(circle, some_day(), draw, circle.doctor)
    if month.month in (10, 11) and draw.random() < 0.4:
        yield _vaccine(circle, some_day(), *VACCINES[0])
    if draw.random() < 0.03:
        yield from _stay(circle, draw, some_day())


def _illness(circle: Circle, draw: random.Random, day: date) -> Iterator[Event]:
    yield _act(circle.doctor, day, *CONSULTATION)
    for medicine in draw.sample(MEDICINES, draw.choice((1, 2, 2, 3))):
        yield _delivery(circle, day, medicine, str(draw.choice((1, 1, 2))), circle.doctor)


def _stay(circle: Circle, draw: random.Random, day: date) -> Iterator[Event]:
    nature, code, nights = draw.choice(STAYS)
    last = day + timedelta(days=nights)
    said = f"du {day:%d/%m/%Y} au {last:%d/%m/%Y}" if nights else f"le {day:%d/%m/%Y}"
    yield Event(
        "hospitalisations",
        day,
        (said, nature, circle.hospital),
        code,
        nature,
        None,
        circle.hospital,
        until=last,
    )
    surgeon = Practitioner(Circle._name(draw), UNTOLD, "", circle.hospital)
    yield _image(surgeon, day, *IMAGING[0], in_hospital=True)
    for assay in draw.sample(ASSAYS, 2):
        yield _assay(circle, last, *assay, place=circle.hospital, in_hospital=True)


def so_many(person: Insured, since: date, until: date, count: int) -> Iterator[Event]:
    """Exactly `count` lines spread over the period and the sections, newest first."""
    circle = Circle(person)
    draw = random.Random(f"lines:{person.seed}:{person.ins[1]}:{since}:{until}:{count}")
    length = (until - since).days + 1
    days = sorted((since + timedelta(days=draw.randrange(length)) for _ in range(count)), reverse=True)
    for rank, day in enumerate(days):
        match rank % 12:
            case 0 | 3 | 6 | 9:
                yield _delivery(circle, day, draw.choice(MEDICINES + TREATMENTS), "1", circle.doctor)
            case 1 | 7:
                yield _act(circle.doctor, day, *CONSULTATION)
            case 2 | 8:
                yield _assay(circle, day, *draw.choice(ASSAYS))
            case 4:
                yield _act(circle.specialist, day, *draw.choice(CARE))
            case 5:
                yield _image(circle.radiologist, day, *draw.choice(IMAGING), in_hospital=rank % 24 == 5)
            case 10:
                yield _device(circle, day, draw, circle.doctor)
            case _ if rank % 36 == 11:
                yield next(_stay(circle, draw, day))
            case _:
                yield _vaccine(circle, day, *draw.choice(VACCINES))


def _delivery(circle: Circle, day: date, medicine: Medicine, quantity: str, by: Practitioner) -> Event:
    cells = (
        medicine.label,
        medicine.group,
        "\n".join(medicine.components),
        by.name,
        by.specialty,
        by.place,
        circle.pharmacy,
        quantity,
    )
    return Event("medicaments", day, cells, _cip(medicine.label), medicine.label, by, circle.pharmacy)


def _vaccine(circle: Circle, day: date, label: str, valence: str, _atc: str) -> Event:
    by = circle.doctor
    cells = (label, valence, by.name, by.specialty, by.place, circle.pharmacy)
    return Event("vaccinations", day, cells, _cip(label), label, by, circle.pharmacy)


def _device(circle: Circle, day: date, draw: random.Random, by: Practitioner) -> Event:
    label, code = draw.choice(DEVICES)
    cells = (label, by.name, by.specialty, by.place, circle.pharmacy, str(draw.randint(1, 4)))
    return Event("dispositifs_medicaux", day, cells, code, label, by, circle.pharmacy)


def _act(by: Practitioner, day: date, code: str, label: str) -> Event:
    cells = (code, label, by.name, by.specialty, by.place)
    return Event("soins_medicaux_dentaires", day, cells, code, label, by, by.place)


def _image(by: Practitioner, day: date, code: str, label: str, *, in_hospital: bool = False) -> Event:
    cells = (code, label, by.name, by.place)
    return Event("radiologie", day, cells, code, label, by, by.place, in_hospital=in_hospital)


def _assay(
    circle: Circle, day: date, code: str, label: str, *, place: str = "", in_hospital: bool = False
) -> Event:
    cells = (code, label, circle.laboratory, place)
    return Event("biologie", day, cells, code, label, None, circle.laboratory, in_hospital=in_hospital)


def _cip(label: str) -> str:
    """A thirteen-digit code of the right look, always the same for one label."""
    return f"34009{int(hashlib.sha256(label.encode()).hexdigest()[:12], 16) % 10**8:08d}"
