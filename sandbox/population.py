"""Invented people, always the same: who is insured, who treats, who opens dossiers, who runs the service.

Nobody here exists. Numbers are under the test INS referential, RPPS begin like the test cards,
FINESS designate a département without hospital, telephone numbers are those kept for fiction.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache
from itertools import count
from threading import Lock

from sandbox.days import today
from sandbox.numbers import TEST_INS, TEST_NIA, finess, nir, rpps


class Insurer(StrEnum):
    """How the Assurance Maladie behaves when asked for somebody's care history."""

    ANSWERS = "answers"
    UNAVAILABLE_TWICE = "unavailable_twice"
    UNAVAILABLE = "unavailable"
    TOO_BUSY_ONCE = "too_busy_once"
    SLOW = "slow"
    KNOWS_NOTHING = "knows_nothing"
    NOTHING_REIMBURSED = "nothing_reimbursed"
    SOMEONE_ELSE = "someone_else"
    TRUNCATED = "truncated"
    IN_LISTS = "in_lists"
    REVERSED = "reversed"
    OF_2035 = "of_2035"
    KEY_REFUSED = "key_refused"
    UNKNOWN_PERSON = "unknown_person"


BEHAVIOURS = {
    Insurer.ANSWERS: "répond avec son historique",
    Insurer.UNAVAILABLE_TWICE: "ne répond qu’à la troisième demande",
    Insurer.UNAVAILABLE: "ne répond jamais",
    Insurer.TOO_BUSY_ONCE: "demande une fois de revenir plus tard",
    Insurer.SLOW: "répond lentement",
    Insurer.KNOWS_NOTHING: "ne connaît aucun soin",
    Insurer.NOTHING_REIMBURSED: "envoie un relevé sans aucun soin remboursé",
    Insurer.SOMEONE_ELSE: "envoie le relevé de quelqu’un d’autre",
    Insurer.TRUNCATED: "envoie un relevé coupé en route",
    Insurer.IN_LISTS: "envoie ses lignes en listes",
    Insurer.REVERSED: "envoie une période qui finit avant de commencer",
    Insurer.OF_2035: "envoie un relevé daté de 2035",
    Insurer.KEY_REFUSED: "refuse notre clé",
    Insurer.UNKNOWN_PERSON: "ne connaît pas cette personne",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody insured. `birth_date` is kept as the card writes it: lunar dates exist."""

    slug: str
    sex: str
    birth_name: str
    given_names: tuple[str, ...]
    birth_date: str
    birth_place: str  # INSEE code of the commune or country
    order: int
    vitale_serial: str
    used_name: str | None = None
    phone: str | None = None
    other_phone: str | None = None
    email: str | None = None
    address: str = ""
    known_for: Mapping[str, int] = field(default_factory=dict)  # days, by channel, when not for years
    contacts_silent: bool = False  # the Assurance Maladie never says how to reach them
    died_on: date | None = None
    waiting: bool = False  # for a definitive number: theirs is provisional
    waited: bool = False  # they had a provisional number before
    insurer: Insurer = Insurer.ANSWERS
    story: str = ""  # what the people's page says of them

    @property
    def nir(self) -> str:
        return nir(self.sex, self.birth_date, self.birth_place, self.order, waiting=self.waiting)

    @property
    def ins(self) -> tuple[str, str]:
        """OID and value, as the INS referential gives them."""
        return TEST_NIA if self.waiting else TEST_INS, self.nir

    @property
    def former(self) -> list[tuple[str, str]]:
        """The numbers that they had before, OID and value."""
        if not self.waited:
            return []
        return [(TEST_NIA, nir(self.sex, self.birth_date, self.birth_place, self.order, waiting=True))]

    @property
    def seed(self) -> int:
        """A number of their own, from which what is invented about them is drawn."""
        return int(self.nir[-10:].replace("A", "0").replace("B", "0"))

    @property
    def name(self) -> str:
        """As one calls them: first given name, then the name they use."""
        return f"{self.given_name} {self.used_name or self.birth_name}".strip()

    @property
    def given_name(self) -> str:
        """The first one; nothing for who has none."""
        return self.given_names[0] if self.given_names else ""

    @property
    def birth_date_said(self) -> str:
        return f"{self.birth_date[6:]}/{self.birth_date[4:6]}/{self.birth_date[:4]}"

    @property
    def nir_said(self) -> str:
        n = self.nir
        return " ".join((n[0], n[1:3], n[3:5], n[5:7], n[7:10], n[10:13], n[13:]))

    def age_on(self, day: date) -> int:
        year, month_and_day = int(self.birth_date[:4]), self.birth_date[4:]
        return day.year - year - (f"{day:%m%d}" < month_and_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A place of care. `sector` is a code of TRE_R02."""

    finess: str
    name: str
    sector: str
    way: str
    postcode: str
    town: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """One way somebody practises: where, and salaried (S) or self-employed (L)."""

    structure: Structure
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Professional:
    """A health professional. `profession` is a code of TRE_G15, `skill` of TRE_R04 and TRE_R01."""

    slug: str
    rpps: str
    civility: str  # M, MME
    title: str  # DR, PR or nothing
    given_name: str
    name: str
    profession: str
    trade: str
    practices: tuple[Practice, ...]
    skill_kind: str = ""
    skill: str = ""
    pharmacist_section: str = ""

    @property
    def national_id(self) -> str:
        """The identifier cards and Pro Santé Connect carry: 8, then the RPPS."""
        return f"8{self.rpps}"

    @property
    def called(self) -> str:
        return f"{'Dr ' if self.title == 'DR' else ''}{self.given_name} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    """Somebody who opens dossiers at a counter, or who runs the service."""

    slug: str
    login: str
    given_name: str
    name: str
    employer: str
    siret: str = ""


CAMILLE = Person(
    slug="camille",
    sex="F",
    birth_name="Moreau",
    given_names=("Camille", "Jeanne", "Odette"),
    birth_date="19790328",
    birth_place="31555",
    order=912,
    vitale_serial="50482913706",
    phone="0639981042",
    email="camille.moreau@courriel.example",
    address="14 rue des Filatiers, 31000 Toulouse",
    story="a ouvert son DMP en ligne ; son médecin le lit et y dépose",
)
ELISE = Person(
    slug="elise",
    sex="F",
    birth_name="Garnier",
    given_names=("Élise", "Anne-Marie"),
    birth_date="19880614",
    birth_place="35238",
    order=907,
    vitale_serial="50719330258",
    phone="0639981107",
    email="elise.garnier@courriel.example",
    address="3 allée Saint-Étienne, 35000 Rennes",
    story="n’a pas encore de DMP : commencez par elle pour en ouvrir un en ligne",
)
BERNARD = Person(
    slug="bernard",
    sex="M",
    birth_name="Lacoste",
    given_names=("Bernard", "Émile"),
    birth_date="19380902",
    birth_place="46042",
    order=903,
    vitale_serial="30128845617",
    address="Lieu-dit Le Causse, 46000 Cahors",
    story="n’a ni téléphone ni adresse électronique : son DMP est ouvert au guichet, sans accès par internet",
)
JEANNINE = Person(
    slug="jeannine",
    sex="F",
    birth_name="Boyer",
    given_names=("Jeannine",),
    birth_date="19450511",
    birth_place="11069",
    order=909,
    vitale_serial="30977214053",
    used_name="Combes",
    address="8 chemin des Oliviers, 11000 Carcassonne",
    story="n’a pas encore de DMP, et l’Assurance Maladie ne peut lui écrire que par la poste",
)
ANGE = Person(
    slug="ange",
    sex="M",
    birth_name="Colonna d’Istria",
    given_names=("Ange-Toussaint", "François"),
    birth_date="19711101",
    birth_place="2A004",
    order=914,
    vitale_serial="51660402791",
    phone="0639981213",
    email="ange.colonna@courriel.example",
    address="21 cours Grandval, 20000 Ajaccio",
    story="est né en Corse, avec un nom et un prénom composés",
)
FATOU = Person(
    slug="fatou",
    sex="F",
    birth_name="N’Diaye",
    given_names=("Fatou",),
    birth_date="19540231",
    birth_place="99341",
    order=921,
    vitale_serial="40550817362",
    phone="0639981318",
    address="5 rue de l’Égalité, 13003 Marseille",
    story="est née à une date lunaire, le 31 février, et hors de France",
)
INES = Person(
    slug="ines",
    sex="F",
    birth_name="Belkacem",
    given_names=("Inès", "Leïla"),
    birth_date="19931222",
    birth_place="69383",
    order=918,
    vitale_serial="51290477835",
    phone="0639981424",
    email="ines.belkacem@courriel.example",
    address="40 cours Gambetta, 69003 Lyon",
    insurer=Insurer.UNAVAILABLE_TWICE,
)
HUGO = Person(
    slug="hugo",
    sex="M",
    birth_name="Petit",
    given_names=("Hugo",),
    birth_date="20020405",
    birth_place="59350",
    order=930,
    vitale_serial="52306610498",
    phone="0639981529",
    address="7 rue Solférino, 59000 Lille",
    insurer=Insurer.NOTHING_REIMBURSED,
)
SOPHIE = Person(
    slug="sophie",
    sex="F",
    birth_name="Da Silva",
    given_names=("Sophie", "Maria"),
    birth_date="19830719",
    birth_place="94028",
    order=926,
    vitale_serial="50836194470",
    phone="0639981633",
    email="sophie.dasilva@courriel.example",
    address="11 avenue de la Marne, 94000 Créteil",
    insurer=Insurer.SOMEONE_ELSE,
)
YVES = Person(
    slug="yves",
    sex="M",
    birth_name="Le Goff",
    given_names=("Yves-Marie",),
    birth_date="19660130",
    birth_place="29019",
    order=905,
    vitale_serial="41073925586",
    phone="0639981738",
    email="yves.legoff@courriel.example",
    address="2 quai de la Douane, 29200 Brest",
    insurer=Insurer.SLOW,
)
JEAN_BAPTISTE = Person(
    slug="jean-baptiste",
    sex="M",
    birth_name="L’Hermitte",
    given_names=("Jean-Baptiste", "Éloi"),
    birth_date="19950817",
    birth_place="44109",
    order=933,
    vitale_serial="51884320967",
    phone="0639981844",
    email="jb.lhermitte@courriel.example",
    address="16 rue Kervégan, 44000 Nantes",
    insurer=Insurer.KNOWS_NOTHING,
)
CHLOE = Person(
    slug="chloe",
    sex="F",
    birth_name="Müller",
    given_names=("Chloé",),
    birth_date="19990908",
    birth_place="67482",
    order=928,
    vitale_serial="52017743519",
    phone="0639981950",
    address="9 quai des Bateliers, 67000 Strasbourg",
    insurer=Insurer.TRUNCATED,
)
LEO = Person(
    slug="leo",
    sex="M",
    birth_name="Garnier",
    given_names=("Léo",),
    birth_date="20140302",
    birth_place="35238",
    order=941,
    vitale_serial="50719330266",
    phone="0639981107",
    address="3 allée Saint-Étienne, 35000 Rennes",
    story="est un enfant sans carte à son nom : son DMP ne s’ouvre pas encore, ni en ligne ni à un guichet",
)
MANON = Person(
    slug="manon",
    sex="F",
    birth_name="Tessa",
    given_names=("Manon", "Alice"),
    birth_date=f"{today().year - 16}0101",  # sixteen, whatever the year
    birth_place="31555",
    order=953,
    vitale_serial="52410377609",
    phone="0639982686",
    address="19 rue des Lois, 31000 Toulouse",
    story="a 16 ans et une carte Vitale à son nom : son DMP s’ouvre à un guichet, avec l’accord de sa mère, "
    "Anne Tessa",
)
MARCEL = Person(
    slug="marcel",
    sex="M",
    birth_name="Roussel",
    given_names=("Marcel", "Louis"),
    birth_date="19310124",
    birth_place="62041",
    order=901,
    vitale_serial="30044719928",
    phone="0639982055",
    address="1 place des Héros, 62000 Arras",
    died_on=date(2025, 2, 11),
    story="est décédé : personne ne peut plus ouvrir son DMP en ligne",
)
MARIE_OF_NICE = Person(
    slug="marie-1",
    sex="F",
    birth_name="Martin",
    given_names=("Marie", "Claire"),
    birth_date="19760505",
    birth_place="06088",
    order=911,
    vitale_serial="50377128845",
    phone="0639982160",
    address="30 rue de France, 06000 Nice",
    story="porte le même nom, le même prénom et la même date de naissance que l’autre Marie Martin",
)
MARIE_OF_DIJON = Person(
    slug="marie-2",
    sex="F",
    birth_name="Martin",
    given_names=("Marie", "Thérèse"),
    birth_date="19760505",
    birth_place="21231",
    order=917,
    vitale_serial="50377941027",
    phone="0639982265",
    address="12 rue Monge, 21000 Dijon",
    story="porte le même nom, le même prénom et la même date de naissance que l’autre Marie Martin",
)

NORA = Person(
    slug="nora",
    sex="F",
    birth_name="Haddad",
    given_names=("Nora",),
    birth_date="19851109",
    birth_place="31555",
    order=944,
    vitale_serial="50619047733",
    phone="0639982371",
    address="6 rue Peyrolières, 31000 Toulouse",
    known_for={"sms": 1},
    story="a donné hier un nouveau téléphone à l’Assurance Maladie : il ne prouve encore rien",
)
GASTON = Person(
    slug="gaston",
    sex="M",
    birth_name="Puech",
    given_names=("Gaston", "Louis"),
    birth_date="19560218",
    birth_place="81004",
    order=947,
    vitale_serial="40219946175",
    address="18 rue Timbal, 81000 Albi",
    known_for={"courrier": 4},
    story="n’a pas de téléphone et vient de changer d’adresse : aucune lettre ne prouve rien",
)
LUCETTE = Person(
    slug="lucette",
    sex="F",
    birth_name="Cazenave",
    given_names=("Lucette", "Jeanne"),
    birth_date="19490630",
    birth_place="65440",
    order=949,
    vitale_serial="30663918204",
    used_name="Marty",
    phone="0639982476",
    other_phone="0639982477",
    email="lucette.marty@courriel.example",
    address="2 place Lafayette, 65000 Tarbes",
    story="a plusieurs téléphones et une adresse électronique, tous connus de l’Assurance Maladie",
)
PAULIN = Person(
    slug="paulin",
    sex="M",
    birth_name="Etcheverry",
    given_names=("Paulin",),
    birth_date="19680412",
    birth_place="64102",
    order=951,
    vitale_serial="41180552397",
    phone="0639982581",
    address="5 rue Pannecau, 64100 Bayonne",
    contacts_silent=True,
    story="a un dossier à ouvrir pendant que l’Assurance Maladie ne répond pas",
)

AMARJIT = Person(
    slug="amarjit",
    sex="M",
    birth_name="Gurung",
    given_names=(),
    birth_date="19900417",
    birth_place="99215",
    order=957,
    vitale_serial="51410528836",
    phone="0639982791",
    address="8 rue Riquet, 31000 Toulouse",
    story="n’a pas de prénom à l’état civil",
)

LAYLA = Person(
    slug="layla",
    sex="F",
    birth_name="Rahimi",
    given_names=("Layla",),
    birth_date="19970621",
    birth_place="99212",
    order=959,
    vitale_serial="51772046093",
    phone="0639982896",
    address="2 rue Bayard, 31000 Toulouse",
    waiting=True,
    story="attend son numéro définitif : le sien est provisoire et commence par 8",
)

TARIQ = Person(
    slug="tariq",
    sex="M",
    birth_name="Noorzai",
    given_names=("Tariq",),
    birth_date="19940309",
    birth_place="99212",
    order=961,
    vitale_serial="51772118504",
    phone="0639983004",
    address="5 place Dupuy, 31000 Toulouse",
    waited=True,
    story="a eu un numéro provisoire, qui commençait par 7, puis son numéro définitif : un seul dossier pour "
    "les deux",
)

CAST = (
    ELISE, CAMILLE, BERNARD, JEANNINE, ANGE, FATOU, INES, HUGO, SOPHIE, YVES,
    JEAN_BAPTISTE, CHLOE, LEO, MARCEL, MARIE_OF_NICE, MARIE_OF_DIJON,
    NORA, GASTON, LUCETTE, PAULIN, MANON, AMARJIT, LAYLA, TARIQ,
)  # fmt: skip

CABINET = Structure(
    finess=finess(101),
    name="Cabinet des Tilleuls",
    sector="SA08",
    way="22 allée des Tilleuls",
    postcode="31000",
    town="Toulouse",
)
HOSPITAL = Structure(
    finess=finess(210),
    name="Centre hospitalier de la Garonne",
    sector="SA01",
    way="1 avenue de l’Hôpital",
    postcode="31300",
    town="Toulouse",
)
PHARMACY = Structure(
    finess=finess(315),
    name="Pharmacie du Pont",
    sector="SA33",
    way="57 quai du Pont",
    postcode="31200",
    town="Toulouse",
)
CARDIOLOGY = Structure(
    finess=finess(428),
    name="Centre de cardiologie Saint-Cyprien",
    sector="SA05",
    way="4 place intérieure Saint-Cyprien",
    postcode="31300",
    town="Toulouse",
)

LEFEVRE = Professional(
    slug="lefevre",
    rpps=rpps(100417),
    civility="MME",
    title="DR",
    given_name="Anne",
    name="Lefèvre",
    profession="10",
    trade="Médecin généraliste",
    practices=(Practice(structure=CABINET, mode="L"),),
    skill_kind="S",
    skill="SM54",
)
NADIA = Professional(
    slug="nadia",
    rpps=rpps(260833),
    civility="MME",
    title="",
    given_name="Nadia",
    name="Benali",
    profession="60",
    trade="Infirmière de nuit",
    practices=(Practice(structure=HOSPITAL, mode="S"),),
)
PHARMACIST = Professional(
    slug="pharmacienne",
    rpps=rpps(371290),
    civility="MME",
    title="",
    given_name="Lucie",
    name="Ferran",
    profession="21",
    trade="Pharmacienne titulaire",
    practices=(Practice(structure=PHARMACY, mode="L"),),
    pharmacist_section="A",
)
TWO_PRACTICES = Professional(
    slug="deux-lieux",
    rpps=rpps(458126),
    civility="M",
    title="DR",
    given_name="Karim",
    name="Saïdi",
    profession="10",
    trade="Cardiologue",
    practices=(Practice(structure=CARDIOLOGY, mode="L"), Practice(structure=HOSPITAL, mode="S")),
    skill_kind="S",
    skill="SM04",
)
PROFESSIONALS = (LEFEVRE, TWO_PRACTICES, NADIA, PHARMACIST)

ROY = Employee(
    slug="roy",
    login="b.roy",
    given_name="Bernard",
    name="Roy",
    employer="CPAM de la Haute-Garonne",
    siret="99900000100015",
)
STAFF = Employee(
    slug="equipe",
    login="i.astruc",
    given_name="Inès",
    name="Astruc",
    employer="Service du DMP",
)
EMPLOYEES = (ROY, STAFF)


@cache
def everybody() -> tuple[Person, ...]:
    """The cast, then the other insured people: a small town without a story."""
    return CAST + inhabitants(240)


@cache
def by_ins() -> dict[tuple[str, str], Person]:
    """Whoever has a number, or had it."""
    return {number: person for person in everybody() for number in (person.ins, *person.former)}


@cache
def by_slug() -> dict[str, Person]:
    return {person.slug: person for person in everybody()}


@cache
def professionals_by_slug() -> dict[str, Professional]:
    return {professional.slug: professional for professional in PROFESSIONALS}


BIRTH_NAMES = (
    "Bernard", "Dubois", "Robert", "Moreau", "Laurent", "Simon", "Lefebvre", "Fournier", "Girard", "Mercier",
    "Dupont", "Lambert", "Bonnet", "Faure", "Rousseau", "Blanc", "Guérin", "Gauthier", "Chevalier", "Barbier",
    "Lemaître", "Renard", "Gaillard", "Delmas", "Vidal", "Bertrand", "Fabre", "Puech", "Cazenave",
    "Etcheverry", "Le Bihan", "Kerouédan", "Schmitt", "Weber", "Ferreira", "García", "Traoré", "Diallo",
    "Benhamou", "Haddad",
    "Nguyễn", "Tran", "Kaya", "Rossi", "Santoni", "De La Fuente", "D’Almeida", "O’Connor", "Hoarau", "Payet",
)  # fmt: skip
FEMALE = (
    "Léa", "Manon", "Sylvie", "Nathalie", "Françoise", "Aïcha", "Anne-Sophie", "Marie-Thérèse", "Océane",
    "Gaëlle", "Danièle", "Monique", "Yasmina", "Hélène", "Lucie", "Mégane", "Solange", "Clémence", "Noémie",
)  # fmt: skip
MALE = (
    "Lucas", "Mathéo", "Philippe", "Alain", "Loïc", "Mohamed", "Jean-Pierre", "Pierre-Yves", "Rémi", "Hervé",
    "René", "Joël", "Sébastien", "Mehdi", "Benoît", "Gérard", "Étienne", "Maël", "Didier", "Raphaël",
)  # fmt: skip
COMMUNES = ("31555", "31555", "31555", "31149", "31395", "82121", "09122", "32013", "65440", "2B033", "97411")


def inhabitants(how_many: int) -> tuple[Person, ...]:
    """The first so many people of the town, always the same: there are as many as one asks for."""
    with _drawing:
        while len(_drawn) < how_many:
            _drawn.append(next(_draw))
        return tuple(_drawn[:how_many])


def _inhabitants() -> Iterator[Person]:
    dice = random.Random(20160704)  # a fixed draw: the same town every time
    for number in count():
        sex = dice.choice("FM")
        given_names = tuple(dice.sample(FEMALE if sex == "F" else MALE, dice.choice((1, 2, 3))))
        name = dice.choice(BIRTH_NAMES)
        phone = f"06399{83000 + number:05d}" if dice.random() < 0.85 else None
        yield Person(
            slug=f"habitant-{number + 1:03d}",
            sex=sex,
            birth_name=name,
            given_names=given_names,
            birth_date=f"{dice.randint(1932, 2007)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}",
            birth_place=dice.choice(COMMUNES),
            order=101 + number % 899,
            vitale_serial=f"6{dice.randrange(10**10):010d}",
            phone=phone,
            email=f"habitant{number + 1:03d}@courriel.example" if dice.random() < 0.6 else None,
            address=f"{dice.randint(1, 120)} rue du Taur, 31000 Toulouse",
        )


_draw, _drawn, _drawing = _inhabitants(), list[Person](), Lock()
