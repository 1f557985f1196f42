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
FRONT, LOG, HERS = (
    "templates/public/home.html",
    "templates/patient/traces.html",
    "templates/patient/home.html",
)

FINGERPRINTS = {"2026-11": "3c35e6eb969ca97a", "2026-11-27": "164d9cc7650d348a"}

PROMISES = [
    (
        "avec une clé qui n’appartient qu’à lui, elle-même enfermée sous une autre,"
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
        [TEXT, FRONT],
        "tests/dossiers/test_sharing.py::test_the_holder_takes_it_back_at_once",
    ),
    (
        "L’agent qui vous aide à l’ouvrir n’en voit pas le contenu",
        [TEXT],
        "tests/documents/test_deposit.py::test_an_agent_deposits_nothing",
    ),
    (
        "Vous voyez chaque accès",
        [TEXT],
        "tests/dossiers/test_sharing.py::test_the_holder_sees_every_act_newest_first_and_refusals_too",
    ),
    (
        "Ce que nous vous disons a changé",
        [HERS],
        "tests/portal/patient/test_home.py::test_who_agreed_to_an_earlier_text_is_told_once_what_changed",
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
