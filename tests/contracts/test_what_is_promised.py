"""A sentence shown to people is a promise: each of these stands where it is said, and names its proof.

The information text has a fingerprint: a word changed without its version is an error.
"""

import re
from hashlib import sha256
from pathlib import Path

import pytest

from dossiers import information

ROOT = Path(__file__).parents[2]
TEXT = "dossiers/information.py"
AT_THE_COUNTER, TURNED = "templates/counter/agreement.html", "templates/counter/turned.html"
ONLINE, BOXES = "templates/public/enrolment/consent.html", "portal/public/questions.py"
HELP = "templates/public/help.html"
FRONT, LOG, HERS = (
    "templates/public/home.html",
    "templates/patient/traces.html",
    "templates/patient/home.html",
)

FINGERPRINTS = {"2026-11": "3c35e6eb969ca97a", "2026-11-27": "0df2acd8b2e32954"}

PROMISES = [
    (
        "chiffré avec une clé qui n’appartient qu’à lui. Cette clé est enfermée sous une autre,"
        " qui n’est pas dans la base de données",
        [TEXT, TURNED],
        "tests/documents/test_deposit.py::test_nothing_clear_is_written",
    ),
    (
        "Une ligne changée ou retirée se voit à la vérification",
        [TEXT, FRONT, LOG],
        "tests/audit/test_verification.py::test_one_entry_removed_is_named",
    ),
    (
        "Vous retirez une autorisation quand vous voulez",
        [TEXT, FRONT, TURNED],
        "tests/dossiers/test_sharing.py::test_the_holder_takes_it_back_at_once",
    ),
    (
        "elle s’arrête seule au bout d’un an",
        [TEXT, TURNED],
        "tests/dossiers/test_sharing.py::test_declaring_the_agreement_opens_for_a_year",
    ),
    (
        "L’agent qui vous aide à l’ouvrir n’en voit pas le contenu",
        [TEXT],
        "tests/documents/test_deposit.py::test_an_agent_deposits_nothing",
    ),
    (
        "vous voyez chaque accès",
        [TEXT],
        "tests/dossiers/test_sharing.py::test_the_holder_sees_every_act_newest_first_and_refusals_too",
    ),
    (
        "Ce que nous vous disons a changé",
        [HERS],
        "tests/portal/patient/test_home.py::test_who_agreed_to_an_earlier_text_is_told_once_what_changed",
    ),
    (
        "Chaque lecture s’inscrit dans votre dossier",
        [FRONT],
        "tests/dossiers/test_sharing.py::test_the_holder_sees_every_act_newest_first_and_refusals_too",
    ),
    (
        "Les autres ne voient même pas qu’il existe",
        [FRONT],
        "tests/portal_counter/test_professional.py::test_what_is_masked_stays_with_its_author",
    ),
    (
        "Il est masqué : personne ne le voit, sauf le patient et vous",
        ["portal/professional/deposit.py"],
        "tests/portal_counter/test_professional.py::test_what_is_masked_stays_with_its_author",
    ),
    (
        "Cette personne ne peut plus lire votre dossier, où qu’elle exerce",
        ["templates/patient/withdraw.html"],
        "tests/dossiers/test_sharing.py::test_taking_one_back_takes_all_of_them_back",
    ),
    (
        "Rien n’est ouvert, rien n’est gardé",
        [AT_THE_COUNTER, "templates/counter/thinking.html"],
        "tests/portal_counter/test_counter.py::test_whoever_prefers_to_think_leaves_nothing",
    ),
    (
        "Ce que vous avez coché et tapé reste",
        [AT_THE_COUNTER],
        "tests/portal_counter/test_counter.py::test_the_screen_is_turned_and_comes_back_with_all_that_was_answered",
    ),
    (
        "et cinq essais au plus",
        ["templates/counter/sheets/_first_visit.html"],
        "tests/accounts/test_first_password.py::test_it_begins_five_sign_ins_and_no_sixth",
    ),
    (
        "Vos réponses s’effacent au bout de 30 minutes, ou dès que vous renoncez",
        ["templates/public/enrolment/start.html"],
        "tests/dossiers/test_opening_online.py::test_half_an_hour_and_everything_is_forgotten",
    ),
    (
        "Après 15 minutes sans ouvrir de page, la session se ferme",
        [HELP],
        "tests/accounts/test_sessions.py::test_a_visit_ends_when_nothing_happens",
    ),
    (
        "Le message envoyé ne dit rien du contenu",
        ["templates/professional/deposit.html"],
        "tests/accounts/test_notices.py::test_a_change_in_a_dossier_is_told_by_mail_without_saying_what",
    ),
    (
        "Dans 2 minutes, cette page se ferme",
        ["templates/base_signed_in.html"],
        "tests/portal/test_errors_in_chromium.py::test_at_the_end_the_page_goes_away",
    ),
]

# What is not done yet, or not as absolutely as that: nowhere.
NEVER_SAID = (
    "pas même nous",
    "pas même par nous",
    "Rien ne peut être effacé",
    "on peut vous l’imprimer",
    "si ma vie est en danger",
    "si votre vie est en danger",
    "Assurance maladie",
    # One name for what the Assurance Maladie reimbursed: « Parcours de soins ».
    "istorique de remboursements",
    "Historique de l",
    "Soins remboursés",
    # No access that was lost is given again yet, nowhere.
    "Présentez-vous à un guichet",
    # At a counter stands somebody who may have no web access.
    "sur Internet",
    # Nobody is a man before anybody knows.
    "vous seul",
    "Vous êtes déconnecté",
    "Vous êtes déjà autorisé",
    "vous n’étiez pas présent",
)
NOT_YET = "Ce service n(?:e les ouvre pas encore|’ouvre encore aucun de ces deux accès)"


def plain(text: str) -> str:
    """As it is read: the strings of the code joined, one kind of apostrophe and of space."""
    return re.sub(r"\s+", " ", re.sub(r'"\s*\n\s*"', "", text)).replace("'", "’")


def said_in(path: str) -> str:
    return plain((ROOT / path).read_text(encoding="utf-8"))


def test_a_word_changed_is_another_version():
    here = sha256(repr(information.SECTIONS).encode()).hexdigest()[:16]

    assert FINGERPRINTS[information.VERSION] == here
    assert list(FINGERPRINTS)[-1] == information.VERSION
    assert information.CHANGES


@pytest.mark.parametrize(("sentence", "places", "proof"), PROMISES)
def test_a_promise_is_where_it_is_said_and_is_proved(sentence, places, proof):
    path, _, name = proof.partition("::")

    assert [place for place in places if sentence not in said_in(place)] == []
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("words", NEVER_SAID)
def test_what_is_not_so_is_said_nowhere(words):
    pages = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "portal").rglob("*.py"), ROOT / TEXT]

    assert [str(page) for page in pages if words in plain(page.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("place", [TEXT, ONLINE, AT_THE_COUNTER, TURNED, HERS])
def test_where_one_answers_for_emergencies_it_is_said_that_they_are_not_open_yet(place):
    assert re.search(NOT_YET, said_in(place))


def test_a_sentence_of_the_information_is_short():
    for _, text in information.SECTIONS:
        for sentence in re.split(r"(?<=[.])\s", text):
            assert len(sentence.split()) <= 30, sentence
