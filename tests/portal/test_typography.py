"""What a careful printer would do, and nothing to what is not French."""

import pytest

from portal.typography import NBSP, THIN, french, french_source


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("l'ouverture d'un dossier", "l’ouverture d’un dossier"),
        ("Que faire ?", f"Que faire{THIN}?"),
        ("Attention ; lisez !", f"Attention{THIN}; lisez{THIN}!"),
        ("Son motif : inconnu", f"Son motif{NBSP}: inconnu"),
        ("« Oui »", f"«{THIN}Oui{THIN}»"),
        ("12 novembre à 9 h 40", f"12{NBSP}novembre à 9{NBSP}h{NBSP}40"),
        ("Le Dr Lefèvre", f"Le Dr{NBSP}Lefèvre"),
        ("18 % de 1 200 lignes", f"18{THIN}% de 1{THIN}200{NBSP}lignes"),
        ("http://exemple.fr:8000/", "http://exemple.fr:8000/"),
    ],
)
def test_words_are_printed(typed, printed):
    assert french(typed) == printed


def test_doing_it_twice_changes_nothing():
    once = french("« Qu'avez-vous lu ? » : 3 documents…")

    assert french(once) == once


@pytest.mark.parametrize(
    "untouched",
    [
        "{% url 'public:home' %}",
        "{% if a == 'b' %}",
        "{{ name|default:'x ?' }}",
        "{# l'aide ? #}",
        "<code>a ? b : c</code>",
        '<a href="/l\'aide ?">',
    ],
)
def test_what_is_not_french_is_left_alone(untouched):
    assert french_source(untouched) == untouched


def test_what_people_hear_is_printed_too():
    assert french_source('<svg aria-label="Qui ?">') == f'<svg aria-label="Qui{THIN}?">'


def test_the_words_given_to_a_part_are_printed():
    assert (
        french_source('{% panel title="Qui peut lire ?" %}') == f'{{% panel title="Qui peut lire{THIN}?" %}}'
    )
    assert french_source('{% button "J\'ai lu" %}') == '{% button "J’ai lu" %}'
