"""Health professions, as the national directory codes them (TRE_G15, 1.2.250.1.71.1.2.7). Pure."""

LABELS = {
    "10": "Médecin",
    "21": "Pharmacien",
    "26": "Audioprothésiste",
    "28": "Opticien-Lunetier",
    "31": "Assistant dentaire",
    "32": "Physicien médical",
    "35": "Aide-soignant",
    "36": "Ambulancier",
    "37": "Auxiliaire de puériculture",
    "38": "Préparateur en pharmacie hospitalière",
    "39": "Préparateur en pharmacie (officine)",
    "40": "Chirurgien-Dentiste",
    "50": "Sage-Femme",
    "60": "Infirmier",
    "69": "Infirmier psychiatrique",
    "70": "Masseur-Kinésithérapeute",
    "80": "Pédicure-Podologue",
    "81": "Orthoprothésiste",
    "82": "Podo-Orthésiste",
    "83": "Orthopédiste-Orthésiste",
    "84": "Oculariste",
    "85": "Epithésiste",
    "86": "Technicien de laboratoire médical",
    "91": "Orthophoniste",
    "92": "Orthoptiste",
    "94": "Ergothérapeute",
    "95": "Diététicien",
    "96": "Psychomotricien",
    "98": "Manipulateur ERM",
}


# As a woman says it, where it differs; the others are said alike by everybody.
OF_A_WOMAN = {
    "21": "Pharmacienne",
    "28": "Opticienne-Lunetière",
    "31": "Assistante dentaire",
    "32": "Physicienne médicale",
    "35": "Aide-soignante",
    "36": "Ambulancière",
    "38": "Préparatrice en pharmacie hospitalière",
    "39": "Préparatrice en pharmacie (officine)",
    "40": "Chirurgienne-Dentiste",
    "60": "Infirmière",
    "69": "Infirmière psychiatrique",
    "70": "Masseuse-Kinésithérapeute",
    "86": "Technicienne de laboratoire médical",
    "95": "Diététicienne",
    "96": "Psychomotricienne",
    "98": "Manipulatrice ERM",
}


def said(code: str | None, civility: str = "") -> str:
    """« infirmière »: the profession as a sentence carries it, by the civility of the directory (M, MME).
    Without one, both words: nobody is called by the other's."""
    told = LABELS.get(code or "", "")
    woman = OF_A_WOMAN.get(code or "", told)
    match civility:
        case "MME":
            told = woman
        case "M":
            pass
        case _ if woman != told:
            told = f"{told} ou {woman}"
    return _in_a_sentence(told)


def said_anew(told: str) -> str:
    """A label that an earlier release wrote down, « Infirmier » whoever it was, as `said` has it."""
    known = {label.lower(): code for code, label in LABELS.items()}
    return said(known.get(told.lower())) or told if told[:1].isupper() else told


def _in_a_sentence(told: str) -> str:
    """In small letters, but for what is an acronym."""
    return " ".join(word if word.isupper() else word.lower() for word in told.split(" "))
