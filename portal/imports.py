"""What stops a care history on its way in, told to whom it is about, to their doctor, and to staff.

`history` speaks in codes. Each has its sentence for staff here, who decide; the holder reads what it means
for them. What begins like a code and is not in the table is told by the longest beginning that is.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One kind of cause as the holder reads it: a title, what happened while somebody looks, what happened
    once somebody put an end to it; then what their doctor reads."""

    title: str = "Votre parcours de soins est vérifié par une personne"
    held: str
    left_out: str
    professional: str


def _kept_apart(what: str, *, professional: str) -> Told:
    return Told(
        held=f"{what} Nous ne l'avons pas versé : il est gardé à part, entier, "
        "et l'équipe du service s'en occupe.",
        left_out=f"{what} Une personne de l'équipe l'a examiné et l'a laissé dehors. "
        "Votre caisse peut vous dire ce qu'elle sait de vous.",
        professional=professional,
    )


def _nothing_came(title: str, what: str, *, professional: str) -> Told:
    return Told(
        title=title,
        held=f"{what} Aucun relevé n'a été reçu. L'équipe du service s'en occupe.",
        left_out=f"{what} Aucun relevé n'a été reçu, et l'équipe du service a arrêté la demande. "
        "Votre caisse peut vous dire ce qu'elle sait de vous.",
        professional=professional,
    )


WHOSE = _kept_apart(
    "Le relevé que l'Assurance Maladie a envoyé n'est pas sûrement le vôtre : l'identité qu'il porte "
    "n'est pas exactement la vôtre.",
    professional="Le relevé reçu n'est pas sûrement celui de cette personne.",
)
SHAPE = _kept_apart(
    "Le relevé que l'Assurance Maladie a envoyé n'a pas la forme prévue : nous aurions pu mal le lire.",
    professional="Le relevé reçu n'a pas la forme prévue.",
)
REVISED = _kept_apart(
    "Le relevé que l'Assurance Maladie a envoyé porte des corrections que nous ne savons pas lire "
    "sans risque.",
    professional="Le relevé reçu porte des corrections qui ne se lisent pas sans risque.",
)
INCOMPLETE = _kept_apart(
    "Le relevé que l'Assurance Maladie a envoyé n'est pas complet.",
    professional="Le relevé reçu n'est pas complet.",
)
CUT = _kept_apart(
    "Le relevé que l'Assurance Maladie a envoyé a été coupé en route : il n'est pas complet.",
    professional="Le relevé reçu a été coupé en route.",
)
DATES = _kept_apart(
    "Le relevé que l'Assurance Maladie a envoyé porte une date impossible.",
    professional="Le relevé reçu porte une date impossible.",
)
REVERSED = _kept_apart(
    "Le relevé que l'Assurance Maladie a envoyé porte une période qui finit avant de commencer.",
    professional="La période du relevé reçu finit avant de commencer.",
)
FUTURE = _kept_apart(
    "Le relevé que l'Assurance Maladie a envoyé porte une date qui n'est pas encore venue.",
    professional="Le relevé reçu porte une date qui n'est pas encore venue.",
)
APART = _kept_apart(
    "Le relevé que l'Assurance Maladie a envoyé parle d'une autre époque que celle de votre dossier.",
    professional="Le relevé reçu parle d'une autre époque que celle du dossier.",
)
LONG = Told(
    held="Ce que l'Assurance Maladie a envoyé est trop long pour être lu sans risque. Nous ne l'avons pas "
    "versé, et l'équipe du service s'en occupe.",
    left_out="Ce que l'Assurance Maladie a envoyé est trop long pour être lu sans risque. Une personne de "
    "l'équipe l'a laissé dehors. Votre caisse peut vous dire ce qu'elle sait de vous.",
    professional="Le relevé reçu est trop long pour être lu sans risque.",
)
NOT_ONE = _kept_apart(
    "Ce que l'Assurance Maladie a envoyé n'est pas un relevé que l'on puisse lire.",
    professional="Ce qui a été reçu n'est pas un relevé.",
)
KEY = _nothing_came(
    "L'Assurance Maladie ne reconnaît pas notre service",
    "Elle refuse la clé que nous lui présentons. C'est à nous de réparer cela, pas à vous.",
    professional="L'Assurance Maladie refuse la clé de ce service.",
)
ADDRESS = _nothing_came(
    "Nous n'atteignons pas l'Assurance Maladie",
    "L'adresse où nous l'interrogeons n'est plus la bonne. C'est à nous de réparer cela, pas à vous.",
    professional="L'Assurance Maladie n'est pas atteinte à l'adresse prévue.",
)
UNCHANGED = _nothing_came(
    "L'Assurance Maladie n'a rien envoyé",
    "Elle répond que rien n'a changé, alors qu'elle ne nous a encore rien envoyé.",
    professional="L'Assurance Maladie a répondu que rien n'avait changé, sans avoir rien envoyé avant.",
)
EMPTY = _nothing_came(
    "L'Assurance Maladie n'a rien envoyé",
    "Elle a répondu, mais sa réponse est vide : elle ne dit ni que vous avez des soins, ni que vous n'en "
    "avez pas.",
    professional="L'Assurance Maladie a envoyé une réponse vide.",
)
UNEXPECTED = _nothing_came(
    "L'Assurance Maladie n'a pas répondu comme prévu",
    "Nous ne pouvons rien lire dans sa réponse.",
    professional="L'Assurance Maladie n'a pas répondu comme prévu.",
)
FAULT = Told(
    title="Votre parcours de soins attend une réparation",
    held="Un défaut de notre service l'empêche d'arriver. L'équipe du service s'en occupe.",
    left_out="Un défaut de notre service l'a empêché d'arriver, et l'équipe du service a arrêté la demande. "
    "Votre caisse peut vous dire ce qu'elle sait de vous.",
    professional="Un défaut du service empêche le relevé d'arriver.",
)

AGREED = "Le relevé n'a pas la forme convenue : "
PARTIAL = "Le relevé n'est pas complet : "
ODD = "L'Assurance Maladie n'a pas répondu comme convenu"
SETTING = " Corrigez le réglage, puis relancez."

# By code, or by how it begins: what the holder reads, then what staff do.
CAUSES: dict[str, tuple[Told, str]] = {
    # Whose
    "other_": (WHOSE, "Le relevé reçu ne parle pas du titulaire. Il est tenu à l'écart du dossier."),
    "other_ins": (
        WHOSE,
        "Le relevé reçu ne parle pas du titulaire : il porte un autre numéro. Il est tenu à l'écart "
        "du dossier.",
    ),
    "other_traits": (
        WHOSE,
        "Le relevé reçu ne parle pas du titulaire : le numéro est le sien, mais un nom, un prénom, le sexe "
        "ou la date de naissance diffère. Il est tenu à l'écart du dossier.",
    ),
    "bad_nir": (WHOSE, "Le relevé porte un numéro de sécurité sociale impossible."),
    "no_ins": (WHOSE, "Le relevé ne porte aucun numéro de sécurité sociale, ou il en porte plusieurs."),
    "no_traits": (WHOSE, "Le relevé ne dit pas de qui il parle : un trait d'identité manque."),
    "several_patients": (WHOSE, "Le relevé parle de plusieurs personnes, ou d'aucune."),
    # Its shape
    "wrong_": (SHAPE, "Le relevé n'a pas la forme convenue."),
    "wrong_template": (SHAPE, AGREED + "ce document suit un autre modèle."),
    "wrong_type": (SHAPE, AGREED + "ce document est d'un autre type."),
    "wrong_author": (SHAPE, AGREED + "l'Assurance Maladie n'en est pas le seul auteur."),
    "wrong_section": (SHAPE, AGREED + "une section en contient d'autres, ou contient deux textes."),
    "section_under_another_title": (SHAPE, AGREED + "une section porte le titre d'une autre."),
    "wrong_table": (SHAPE, AGREED + "un tableau n'est pas rempli comme prévu."),
    "wrong_columns": (SHAPE, AGREED + "les colonnes d'un tableau ne sont pas celles du modèle."),
    "wide_cell": (SHAPE, AGREED + "une case occupe plusieurs colonnes ou plusieurs lignes."),
    "table_foot": (SHAPE, AGREED + "un tableau porte un pied, qui n'est pas un soin."),
    "unknown_marker": (SHAPE, AGREED + "une ligne porte une autre marque que « H »."),
    "unknown_markup": (SHAPE, AGREED + "un texte contient des notes, des images ou des liens."),
    "unknown_section": (SHAPE, AGREED + "une section n'est pas du modèle."),
    "duplicate_section": (SHAPE, AGREED + "une section y est deux fois."),
    "lines_in_a_list": (SHAPE, AGREED + "des soins en liste au lieu d'un tableau."),
    "lines_out_of_table": (SHAPE, AGREED + "du texte au lieu d'un tableau, ou une phrase inconnue."),
    "table_without_lines": (
        SHAPE,
        AGREED + "un tableau sans ligne, et pas la phrase qui dit qu'il n'y a rien.",
    ),
    "says_both": (SHAPE, AGREED + "une section dit à la fois qu'il n'y a rien et ce qu'il y a."),
    "revised_lines": (REVISED, AGREED + "des corrections portent sur autre chose que les mots d'une case."),
    # What is missing
    "missing_": (INCOMPLETE, "Le relevé n'est pas complet."),
    "missing_section": (INCOMPLETE, PARTIAL + "une section manque."),
    "missing_narrative": (INCOMPLETE, PARTIAL + "une section ne dit rien."),
    "no_": (INCOMPLETE, "Le relevé n'est pas complet."),
    "no_identifier": (INCOMPLETE, PARTIAL + "il n'a pas d'identifiant, ou il en a plusieurs."),
    "no_date": (INCOMPLETE, PARTIAL + "il n'est pas daté, ou il l'est plusieurs fois."),
    "no_version": (INCOMPLETE, PARTIAL + "il n'a pas de numéro de version."),
    "no_period": (INCOMPLETE, PARTIAL + "il ne dit pas de quelle période il parle, ou il en dit plusieurs."),
    "truncated": (CUT, "Le relevé a été coupé en route. Relancer suffit d'ordinaire."),
    # Its dates
    "bad_date": (DATES, "Le relevé porte une date impossible."),
    "period_reversed": (REVERSED, "La période du relevé finit avant de commencer."),
    "period_in_the_future": (FUTURE, "La période du relevé n'est pas encore venue."),
    "dated_in_the_future": (FUTURE, "Le relevé est daté d'un jour qui n'est pas encore venu."),
    "period_apart": (
        APART,
        "La période du relevé ne touche pas celle que le dossier connaît : des jours manqueraient "
        "entre les deux.",
    ),
    # What cannot be read
    "too_": (LONG, "Le relevé est trop long pour être lu sans danger."),
    "doctype": (NOT_ONE, "Le fichier reçu est dangereux à lire : il demande d'en ouvrir d'autres."),
    "encoding": (NOT_ONE, "Le fichier reçu est écrit dans un alphabet que le service ne lit pas."),
    "namespace": (NOT_ONE, "Le fichier reçu est mal formé, ou dangereux à lire."),
    "token_too_long": (LONG, "Le relevé est trop long pour être lu sans danger."),
    "attribute_too_long": (LONG, "Le relevé est trop long pour être lu sans danger."),
    "xml.": (NOT_ONE, "Le fichier reçu est mal formé, ou dangereux à lire."),
    "not_xml": (NOT_ONE, "Ce qui a été reçu n'est pas un relevé."),
    "web_page": (
        NOT_ONE,
        "Une page web est venue au lieu d'un relevé : panne annoncée, ou mauvaise adresse.",
    ),
    # What was answered instead
    "unchanged_at_first": (
        UNCHANGED,
        "L'Assurance Maladie répond « rien de nouveau » à une première demande. Rien n'a été reçu.",
    ),
    "empty_answer": (EMPTY, "L'Assurance Maladie annonce un relevé et envoie une réponse vide."),
    "no_answer": (UNEXPECTED, "L'Assurance Maladie n'a pas répondu."),
    "insurer.": (UNEXPECTED, f"{ODD}."),
    "answer.": (UNEXPECTED, f"{ODD}."),
    "insurer.status_2": (UNEXPECTED, f"{ODD} : elle dit avoir compris, sans envoyer le relevé convenu."),
    "insurer.status_4": (UNEXPECTED, f"{ODD} : elle ne comprend pas notre question."),
    # Ours to mend
    "insurer.status_401": (
        KEY,
        "À nous de réparer : l'Assurance Maladie ne reconnaît pas notre clé (DMP_HISTORY_TOKEN)." + SETTING,
    ),
    "insurer.status_403": (
        KEY,
        "À nous de réparer : l'Assurance Maladie reconnaît notre clé (DMP_HISTORY_TOKEN) et lui interdit "
        "de demander un relevé." + SETTING,
    ),
    "insurer.status_407": (KEY, "À nous de réparer : l'intermédiaire de sortie refuse notre clé." + SETTING),
    "insurer.wrong_address": (
        ADDRESS,
        "À nous de réparer : personne ne répond des relevés à l'adresse réglée (DMP_HISTORY_URL)." + SETTING,
    ),
    "insurer.status_405": (
        ADDRESS,
        "À nous de réparer : ce qui répond à l'adresse réglée (DMP_HISTORY_URL) n'est pas ce service."
        + SETTING,
    ),
    "insurer.status_410": (
        ADDRESS,
        "À nous de réparer : l'adresse réglée (DMP_HISTORY_URL) n'est plus servie." + SETTING,
    ),
    "answer.redirect": (
        ADDRESS,
        "À nous de réparer : l'adresse réglée (DMP_HISTORY_URL) renvoie vers une autre." + SETTING,
    ),
    "answer.encoded": (UNEXPECTED, f"{ODD} : elle comprime ce que nous demandons en clair."),
    "address.": (
        ADDRESS,
        "À nous de réparer : l'adresse réglée (DMP_HISTORY_URL) n'est pas bonne." + SETTING,
    ),
    "address.unknown": (
        ADDRESS,
        "À nous de réparer : le nom de l'adresse réglée (DMP_HISTORY_URL) n'existe pas." + SETTING,
    ),
    "address.not_trusted": (
        ADDRESS,
        "À nous de réparer : le certificat de l'adresse réglée (DMP_HISTORY_URL) n'est pas le bon." + SETTING,
    ),
    "address.not_https": (
        ADDRESS,
        "À nous de réparer : l'adresse réglée (DMP_HISTORY_URL) n'est pas protégée." + SETTING,
    ),
    "error.": (FAULT, "Un défaut du service l'arrête. Le journal dit où."),
    "attempts_exhausted": (FAULT, "La tâche a arrêté le service chaque fois qu'elle a été essayée."),
    "raced": (FAULT, "Plusieurs demandes du même dossier se sont gênées. Relancer suffit d'ordinaire."),
    "dossier.": (FAULT, "Le dossier n'accepte plus cette tâche."),
    "": (FAULT, "La tâche s'est arrêtée sans explication connue."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Why the insurer is asked again by itself: a title for the holder, what happened, what staff read."""

    title: str = "L'Assurance Maladie ne répond pas"
    because: str = ""
    staff: str


SILENCES = {
    "": Silence(staff="L'Assurance Maladie ne répond pas"),
    "answer.too_slow": Silence(
        because="Elle met trop de temps.", staff="L'Assurance Maladie met trop de temps à répondre"
    ),
    "insurer.status_408": Silence(
        because="Elle met trop de temps.", staff="L'Assurance Maladie dit que notre question tarde trop"
    ),
    "insurer.status_429": Silence(
        title="L'Assurance Maladie nous demande d'attendre",
        staff="L'Assurance Maladie nous demande d'attendre",
    ),
    "insurer.status_5": Silence(because="Elle est en panne.", staff="L'Assurance Maladie est en panne"),
    "insurer.status_503": Silence(
        because="Elle se dit indisponible pour l'instant.", staff="L'Assurance Maladie se dit indisponible"
    ),
    "raced": Silence(
        title="Votre parcours de soins arrive", staff="Plusieurs demandes du même dossier se sont gênées"
    ),
    "error.": Silence(
        title="Votre parcours de soins est retardé",
        because="Un défaut de notre service l'arrête.",
        staff="Un défaut du service ; la tâche est essayée de nouveau",
    ),
}


def cause(code: str) -> tuple[Told, str]:
    """What a code means: to the holder, to staff."""
    return CAUSES[_longest(CAUSES, code)]


def silence(code: str) -> Silence:
    """Why one waits."""
    return SILENCES[_longest(SILENCES, code)]


def _longest(table: Iterable[str], code: str) -> str:
    return max((start for start in table if code.startswith(start)), key=len)
