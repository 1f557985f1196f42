"""Finding somebody by name and birth date: nobody who is there is ever said absent."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.identity import BirthDate
from accounts.name_search import LONG
from accounts.traits import Traits, squeezed
from dossiers import finding, traces
from tests import crowd
from tests.cast import LEFEVRE, NADIA, NOON
from tests.dossiers.conftest import CAMILLE_NIR

pytestmark = pytest.mark.django_db
BORN = "19580314"


def person(birth_name, *given_names, born=BORN, used_name=None, sex="F"):
    given = given_names or ("MARIE",)
    return Traits(birth_name=birth_name, given_names=given, sex=sex, birth_date=born, used_name=used_name)


def asked(name, given_name="", born=BORN, by=LEFEVRE, at=NOON):
    return finding.by_name(name, BirthDate(born), given_name=given_name, by=by, at=at)


def names(found):
    return [candidate.birth_name for candidate in found]


def test_among_very_many_of_one_beginning_each_is_found_by_their_name():
    others = [person(f"MA{first}{second}ET") for first in "BCDFGLNPRTV" for second in "AEIOUYBCDFL"]
    crowd.open_all([*others, person("MABILEAU"), person("MARTIN")])

    for name in ("Mabileau", "Martin"):
        found = asked(name)
        assert (names(found), found.more) == ([name.upper()], False)


def test_who_begins_like_very_many_is_not_said_absent():
    crowd.open_all(person(f"MA{first}{second}ET") for first in "BCDFGLNPRTV" for second in "AEIOUYBCDFL")

    found = asked("Ma")

    assert len(found) == finding.MOST_ANSWERS
    assert found.more


def test_among_more_than_may_be_read_who_answers_best_is_read_first():
    others = [person(f"MARTI{first}{second}") for first in "BCDFGLNPRSTV" for second in "ABCDEFGHIJKLMNOP"]
    crowd.open_all([*others, *(person("MARTIN", given) for given in ("ANNE", "LISE", "ZOE"))])

    found = asked("Martin")

    assert (names(found)[:3], found.more) == (["MARTIN"] * 3, True)


def test_what_is_closest_comes_first():
    crowd.open_all(map(person, ["MARTINEZ", "MARTAIN", "MARTIN-DUPUIS", "MARTINEAU", "MARTIN", "GALY"]))

    assert names(asked("Martin")) == ["MARTIN", "MARTIN-DUPUIS", "MARTAIN", "MARTINEAU", "MARTINEZ"]


def test_the_given_name_chooses_between_people_of_one_name():
    crowd.open_all([person("MARTIN", given) for given in ("ANNE", "LOUISE", "MARIE")])

    found = asked("Martin", "Louise")
    assert [candidate.given_name for candidate in found] == ["LOUISE"]
    assert found.other_given_names

    nobody = asked("Martin", "Zoé")
    assert len(nobody) == 3
    assert nobody.no_such_given_name


def test_more_people_of_one_name_than_may_be_read_are_told_apart_by_the_given_name():
    crowd.open_all([*(person("TRAORE", "MOUSSA", sex="M") for _ in range(60)), person("TRAORE", "AMINATA")])

    assert asked("Traoré").more
    found = asked("Traoré", "Aminata")
    assert [candidate.given_name for candidate in found] == ["AMINATA"]
    many = asked("Traoré", "Moussa")
    assert (len(many), many.more) == (finding.MOST_ANSWERS, True)


def test_two_people_of_one_name_are_told_apart_by_all_that_is_known():
    crowd.open_all(
        [
            replace(person("MARTIN", "MARIE", "LOUISE"), birth_place="12202"),
            replace(person("GALY", "MARIE", "CHRISTINE", used_name="MARTIN"), birth_place="31555"),
            person("MARTIN", "ZOE"),
        ]
    )

    one, other, third = asked("Martin")

    assert (one.birth_name, other.birth_name, third.given_name) == ("GALY", "MARTIN", "ZOE")
    assert (one.twin, other.twin, third.twin) == (True, True, False)
    assert (one.birth_place, other.birth_place) == ("31555", "12202")
    assert one.ins_end != other.ins_end
    assert one.given_names == ("MARIE", "CHRISTINE")
    assert not any(len(str(value)) > 5 and str(value).isdigit() for value in (one.ins_end, other.ins_end))


def test_two_people_who_share_a_birth_name_or_one_s_with_the_other_s_are_told_apart():
    crowd.open_all(
        [
            person("MARTIN", "MARIE", used_name="GALY"),
            person("MARTIN", "MARIE"),
            person("ROUX", "Élodie"),
            person("ROUX", "ELODIE"),
        ]
    )

    assert [one.twin for one in asked("Martin")] == [True, True]
    assert len(finding.namesakes(asked("Martin").candidates)) == 1
    assert len(finding.namesakes(asked("Roux").candidates)) == 1


def test_every_one_of_twenty_thousand_people_is_found_or_said_to_be_among_too_many():
    days = [f"1980{month:02d}{day:02d}" for month in (1, 2) for day in range(1, 6)]
    dice, born = random.Random(7), crowd.drawn(20160704, days=days)
    people = crowd.open_all((next(born) for _ in range(20_000)), born_on=days[:2])
    opened = [one for one in people if one[1].birth_date in days[:2]]
    crowded = [one for one in opened if one[1].birth_name.startswith(("MAR", "TRAORE", "LE"))]
    absent, exactly = [], 0

    for dossier_id, traits in [*dice.sample(opened, 20), *dice.sample(crowded, 12)]:
        name = dice.choice([traits.birth_name, traits.used_name or traits.birth_name])
        ways = {
            "whole": (name, ""),
            "with a given name": (name, traits.given_names[0]),
            "with a second given name": (name, traits.given_names[1]),
            "beginning": (squeezed(name)[:LONG], ""),
            "a part": (name.split("-")[-1], ""),
        }
        for way, (typed, given) in ways.items():
            found = asked(typed, given, born=traits.birth_date)
            there = any(candidate.dossier_id == dossier_id for candidate in found)
            exactly += there
            if not (there or found.more or found.other_given_names):
                absent.append((way, traits))

    assert absent == []
    assert exactly > 0.8 * 32 * 5
    named = sum(
        any(candidate.dossier_id == dossier_id for candidate in asked(*sought, born=traits.birth_date))
        for dossier_id, traits in dice.sample(opened, 20)
        for sought in [(traits.birth_name, traits.given_names[0])]
    )
    assert named == 20  # whoever tells both names is shown, whatever their day


def test_a_search_costs_as_many_statements_whoever_answers():
    crowd.open_all(person(f"MA{letter}INET") for letter in "BCDFGLNPRTV")
    asked("Zzyx")  # what is kept of keys for a minute is read
    counts = []
    for name in ("Zzyx", "Mabinet", "Ma"):
        with CaptureQueriesContext(connection) as made:
            asked(name)
        counts.append(len([one for one in made if "SAVEPOINT" not in one["sql"]]))

    # Role and pin, who answers, the searcher's own key (the house's when they have none), the traces.
    assert len(set(counts)) == 1
    assert counts[0] <= 5


# What the person is told ----------------------------------------------------------------------


@pytest.fixture
def camille(open_at_the_counter, holder_of):
    return holder_of(open_at_the_counter().dossier_id)


def told_to(holder, at=NOON + timedelta(hours=1)):
    page = traces.traces(holder.dossier_id, by=holder, at=at)
    return [(trace.actor["name"], trace.detail) for trace in page.entries if trace.kind == "search"]


def test_whoever_is_found_reads_who_found_them(camille):
    asked("Lacoste", born="19790328")
    finding.by_ins(CAMILLE_NIR, by=NADIA, at=NOON)

    assert told_to(camille) == [
        ("Nadia Benali", {"looked_by": "ins", "reason": "care"}),
        ("Dr Anne Lefèvre", {"looked_by": "name", "reason": "care"}),
    ]


def test_a_day_of_searches_by_the_same_person_is_one_line(camille):
    asked("Lacoste", born="19790328", by=NADIA)
    for hours in (0, 1, 3, 24):
        asked("Lacoste", born="19780328", at=NOON + timedelta(hours=hours))
        asked("Lacoste", born="19790328", at=NOON + timedelta(hours=hours))

    page = traces.traces(camille.dossier_id, by=camille, at=NOON + timedelta(days=2))
    found = [line for line in page.lines if line.family is traces.Family.FOUND]
    assert [(line.traces[0].actor["name"], len(line.traces)) for line in found] == [
        ("Dr Anne Lefèvre", 1),
        ("Dr Anne Lefèvre", 3),
        ("Nadia Benali", 1),
    ]


def test_whoever_is_not_shown_is_told_nothing(camille):
    crowd.open_all(person("LACOSTE", "ADELE", born="19790328") for _ in range(12))

    asked("Lacoste", "Adèle", born="19790328")
    asked("Lacoste", born="19790329")
    asked("La", born="19790328")

    assert told_to(camille) == []


def test_the_searcher_s_own_log_and_the_persons_share_one_fate(camille, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(finding, "_candidate", broken)
    with pytest.raises(RuntimeError):
        asked("Lacoste", born="19790328")

    assert told_to(camille) == []
