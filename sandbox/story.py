"""What happened before one arrives: the papers of Camille Moreau, and when each was written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock

from django.utils import timezone

from sandbox import papers
from sandbox.days import day_of
from sandbox.papers import Analysis, Paper, Part
from sandbox.population import CAMILLE, LEFEVRE, TWO_PRACTICES, Professional


@dataclass(frozen=True, slots=True)
class When:
    """A moment of the story: so many days before the demonstration, at an hour of Paris."""

    days_ago: int
    hour: int
    minute: int

    def before(self, now: datetime) -> datetime:
        day = day_of(now) - timedelta(days=self.days_ago)
        return datetime.combine(day, clock(self.hour, self.minute), timezone.get_default_timezone())


OPENED = When(430, 18, 32)  # Camille opens her dossier online
AGREED = When(424, 10, 4)  # Dr Lefèvre sees her, and is let in for a year
CARDIOLOGIST = When(301, 14, 35)
NURSE = When(181, 23, 12)  # Nadia, the night nurse, during the stay
NURSE_LEFT = When(171, 20, 15)
AGREED_AGAIN = When(62, 9, 48)  # before the first agreement ends
COUNTER = When(21, 11, 10)  # Bernard Lacoste is received


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """One document: when, by whom, of which type, seen by whom, and how it is made."""

    when: When
    by: Professional
    practice: int = 0
    type_code: str
    title: str
    media_type: str = "application/pdf"
    masked: bool = False
    withheld: bool = False
    make: Callable[[date], bytes]


def _paper(title: str, by: Professional, practice: int, *parts: Part) -> Callable[[date], Paper]:
    place = by.practices[practice].structure
    return lambda day: Paper(title=title, person=CAMILLE, author=by, place=place, written_on=day, parts=parts)


def _pdf(
    when: When,
    by: Professional,
    type_code: str,
    title: str,
    *parts: Part,
    practice: int = 0,
    masked: bool = False,
    withheld: bool = False,
) -> Deposit:
    paper = _paper(title, by, practice, *parts)
    return Deposit(
        when=when,
        by=by,
        practice=practice,
        type_code=type_code,
        title=title,
        masked=masked,
        withheld=withheld,
        make=lambda day: papers.pdf(paper(day)),
    )


CONSULTATION, STAY, IMAGING = "11488-4", "34112-3", "18748-4"
PRESCRIPTION, LABORATORY = "57833-6", "11502-2"

_LABORATORY = _paper(
    "Bilan sanguin annuel",
    LEFEVRE,
    0,
    Part(
        "Prélèvement",
        ("Sang veineux, à jeun, au cabinet.", "Contexte : asthme léger, palpitations connues."),
    ),
)

DEPOSITS = (
    _pdf(
        When(424, 10, 38),
        LEFEVRE,
        CONSULTATION,
        "Compte rendu de consultation",
        Part(
            "Motif",
            (
                "Première consultation. Madame Moreau s’installe dans le quartier et souhaite un médecin "
                "traitant. Elle signale des palpitations le soir, sans douleur ni malaise.",
            ),
        ),
        Part(
            "Antécédents",
            (
                "Asthme léger depuis l’enfance, traité à la demande. Appendicectomie à douze ans. "
                "Père hypertendu. Ne fume pas.",
                "Allergie à l’amoxicilline : urticaire étendue à vingt ans.",
            ),
        ),
        Part(
            "Examen",
            (
                "Tension 124/76 aux deux bras. Cœur régulier à 72 par minute, pas de souffle. "
                "Poumons clairs. Poids 63 kg, taille 1,68 m.",
            ),
        ),
        Part(
            "Conclusion",
            (
                "Palpitations isolées chez une patiente en bonne santé. Électrocardiogramme normal. "
                "Avis cardiologique demandé. Vaccins à jour. À revoir dans trois mois.",
            ),
        ),
    ),
    _pdf(
        When(424, 10, 40),
        LEFEVRE,
        PRESCRIPTION,
        "Ordonnance",
        Part(
            "Médicaments",
            (
                "Salbutamol 100 microgrammes par dose, suspension pour inhalation : une à deux bouffées "
                "en cas de gêne, sans dépasser huit par jour. Un flacon.",
                "Ne pas prescrire d’amoxicilline.",
            ),
        ),
    ),
    _pdf(
        When(301, 15, 20),
        TWO_PRACTICES,
        CONSULTATION,
        "Consultation de cardiologie",
        Part(
            "Motif",
            ("Palpitations du soir adressées par le Dr Lefèvre. Pas de syncope, pas d’essoufflement.",),
        ),
        Part(
            "Examens faits ce jour",
            (
                "Électrocardiogramme : rythme sinusal à 68 par minute, pas d’anomalie.",
                "Échographie : cavités de taille normale, fraction d’éjection à 64 %, valves fines, "
                "pas d’épanchement.",
                "Enregistrement de 24 heures : extrasystoles supraventriculaires rares, moins de 200, "
                "jamais en salves.",
            ),
        ),
        Part(
            "Conclusion",
            (
                "Extrasystoles bénignes. Aucun traitement. Réduire le café après seize heures. "
                "Pas de nouveau rendez-vous sans signe nouveau.",
            ),
        ),
    ),
    _pdf(
        When(179, 16, 5),
        TWO_PRACTICES,
        STAY,
        "Compte rendu d’hospitalisation",
        Part(
            "Motif d’entrée",
            ("Gêne respiratoire et palpitations après une infection virale, depuis deux jours.",),
        ),
        Part(
            "Évolution",
            (
                "Nébulisations, corticoïdes par voie orale, oxygène pendant six heures. "
                "Débit de pointe à 62 % à l’entrée, 91 % à la sortie.",
                "Surveillance du cœur sans particularité. Nuit du deuxième jour calme, sans oxygène.",
            )
            * 3,
        ),
        Part(
            "Sortie",
            (
                "Retour à domicile après deux nuits. Prednisolone 40 mg par jour pendant cinq jours. "
                "Traitement de fond à discuter avec le Dr Lefèvre.",
            ),
        ),
        Part(
            "Recommandations",
            (
                "Revoir le médecin traitant dans la semaine. Vacciner contre la grippe chaque automne. "
                "Apprendre à se servir du débitmètre : une fiche a été remise.",
            ),
        ),
        practice=1,
    ),
    Deposit(
        when=When(62, 10, 21),
        by=LEFEVRE,
        type_code=LABORATORY,
        title="Bilan sanguin annuel",
        media_type="text/xml",
        make=lambda day: papers.cda(
            _LABORATORY(day),
            analyses=(
                Analysis(name="Hémoglobine", value="13,4 g/dL", usual="12,0 à 16,0", before="13,1"),
                Analysis(name="Leucocytes", value="6,2 G/L", usual="4,0 à 10,0", before="7,8"),
                Analysis(name="Plaquettes", value="251 G/L", usual="150 à 400", before="262"),
                Analysis(name="Glycémie à jeun", value="0,92 g/L", usual="0,70 à 1,05", before="0,95"),
                Analysis(name="Cholestérol LDL", value="1,31 g/L", usual="moins de 1,60", before="1,42"),
                Analysis(name="Créatinine", value="68 µmol/L", usual="45 à 84", before="66"),
                Analysis(name="TSH", value="1,9 mUI/L", usual="0,4 à 4,0", before="2,2"),
                Analysis(name="Ferritine", value="18 µg/L", usual="20 à 200", before="24"),
            ),
            conclusion="Ferritine un peu basse, à recontrôler dans trois mois. Le reste est normal.",
        ),
    ),
    _pdf(
        When(61, 12, 17),
        LEFEVRE,
        PRESCRIPTION,
        "Ordonnance, traitement de fond de l’asthme",
        Part(
            "Médicaments",
            (
                "Budésonide et formotérol 160/4,5 microgrammes, poudre pour inhalation : une inhalation "
                "matin et soir, trois mois.",
                "Fer 80 mg : un comprimé le matin à jeun, trois mois.",
            ),
        ),
    ),
    _pdf(
        When(12, 17, 52),
        TWO_PRACTICES,
        IMAGING,
        "Scanner thoracique",
        Part("Technique", ("Acquisition sans injection, dose réduite.",)),
        Part(
            "Résultat",
            (
                "Discret épaississement des parois bronchiques. Nodule de 4 mm du lobe supérieur droit, "
                "à contours réguliers.",
            ),
        ),
        Part(
            "Conclusion",
            (
                "Aspect banal d’asthme. Nodule de petite taille, à revoir dans un an : à dire à la patiente "
                "en consultation.",
            ),
        ),
        practice=1,
        withheld=True,
    ),
)
