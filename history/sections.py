"""The seven sections of a care history and their columns, as the Assurance Maladie words them.

Model CNAM-HR of the CI-SIS (template 1.2.250.1.213.1.1.1.36). The last three sections share one LOINC code
and are told apart by its translation.
"""

from dataclasses import dataclass

TEMPLATE = "1.2.250.1.213.1.1.1.36"
TYPE_CODE = "REMB"
AUTHOR_ROLE = "ALIM_AM"
LOINC = "2.16.840.1.113883.6.1"
MENTION_CODE = "55112-7"
ACTS_CODE = "29554-3"
EMPTY = "Aucune donnée de remboursement connue dans la période"
TITLE = "Données de remboursement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One section as it is always laid out.

    A line has one more cell than the section has columns: the first, unnamed, is the marker "H" of what
    was done during a stay in hospital, or nothing.
    """

    key: str
    title: str
    code: str
    translation: str | None = None
    columns: tuple[str, ...]


FORMS = (
    Form(
        key="medicaments",
        title="Médicaments",
        code="10160-0",
        columns=(
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
    ),
    Form(
        key="vaccinations",
        title="Vaccinations",
        code="11369-6",
        columns=(
            "Date de délivrance",
            "Libellé du vaccin",
            "Valence vaccinale",
            "Prescrit par",
            "Spécialité du prescripteur",
            "Établissement du prescripteur",
            "Délivré par",
        ),
    ),
    Form(
        key="dispositifs_medicaux",
        title="Dispositifs médicaux",
        code="46264-8",
        columns=(
            "Date de délivrance",
            "Libellé du dispositif médical",
            "Prescrit par",
            "Spécialité du prescripteur",
            "Établissement du prescripteur",
            "Délivré par",
            "Quantité délivrée",
        ),
    ),
    Form(
        key="hospitalisations",
        title="Hospitalisations",
        code="46240-8",
        columns=("Période du séjour", "Nature du séjour", "Lieu du séjour"),
    ),
    Form(
        key="soins_medicaux_dentaires",
        title="Soins médicaux et dentaires",
        code=ACTS_CODE,
        translation="67803-7",
        columns=(
            "Date de l’acte",
            "Code de l’acte",
            "Libellé de l’acte",
            "Réalisé par",
            "Spécialité",
            "Établissement",
        ),
    ),
    Form(
        key="radiologie",
        title="Radiologie",
        code=ACTS_CODE,
        translation="18726-0",
        columns=("Date de l’acte", "Code de l’acte", "Libellé de l’acte", "Réalisé par", "Établissement"),
    ),
    Form(
        key="biologie",
        title="Biologie",
        code=ACTS_CODE,
        translation="26436-6",
        columns=("Date de l’acte", "Code de l’acte", "Libellé de l’acte", "Réalisé par", "Établissement"),
    ),
)
FORM = {form.key: form for form in FORMS}
