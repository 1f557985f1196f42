"""Finding among a million people, named and born as people in France are: two thousand of each day."""

import random
import time
from statistics import median

from django.db import connections

from accounts.identity import BirthDate
from accounts.name_search import LONG
from accounts.traits import squeezed
from dossiers import finding, search_forms
from tests import crowd
from tests.cast import LEFEVRE, NOON
from tests.proof.figures import Sheet, milliseconds

PEOPLE = 1_000_000
DAYS = [f"19{year}{month:02d}01" for year in range(40, 82) for month in range(1, 13)]  # 504 days
ASKED = 1000


def test_nobody_among_a_million_people_is_said_absent(real_database):
    sheet = Sheet(
        "finding",
        "Finding among a million people",
        "A million dossiers, of people named as people in France are, two thousand born on each day. A"
        " thousand of them, drawn, are looked for by each way that a professional may write their name.",
    )
    dice, born = random.Random(11), crowd.drawn(11, days=DAYS)
    kept = []
    for first in range(0, PEOPLE, crowd.AT_ONCE):
        opened = crowd.open_all((next(born) for _ in range(crowd.AT_ONCE)), first=first)
        kept += dice.sample(opened, 1 + ASKED * crowd.AT_ONCE // PEOPLE)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    absent, lasted, shown, asked = [], [], {}, 0
    for dossier_id, traits in kept[:ASKED]:
        name = dice.choice([traits.birth_name, traits.used_name or traits.birth_name])
        for way, (typed, given) in {
            "the whole name": (name, ""),
            "the whole name and the first given name": (name, traits.given_names[0]),
            "the whole name and the second given name": (name, traits.given_names[1]),
            "four letters": (squeezed(name)[:LONG], ""),
            "two letters": (squeezed(name)[:2], ""),
        }.items():
            began = time.perf_counter()
            found = finding.by_name(
                typed, BirthDate(traits.birth_date), given_name=given, by=LEFEVRE, at=NOON
            )
            lasted.append(time.perf_counter() - began)
            asked += 1
            there = any(candidate.dossier_id == dossier_id for candidate in found)
            shown[way] = shown.get(way, 0) + there
            if not (there or found.more or found.other_given_names):
                absent.append((way, traits))
    sheet.count("people", PEOPLE)
    sheet.count("searches", asked)
    sheet.count("people said absent who are there", len(absent))
    for way, count in shown.items():
        sheet.count(f"shown at once, by {way}, of {ASKED}", count)
    sheet.count("a search", f"median {milliseconds(median(lasted))}, longest {milliseconds(max(lasted))}")

    with real_database.superuser() as server:
        server.execute(
            "UPDATE dossiers_dossier SET search_form = 1 WHERE id IN"
            " (SELECT id FROM dossiers_dossier LIMIT 50000)"
        )
    began = time.perf_counter()
    completed = search_forms.complete()
    sheet.count("dossiers of before completed in a second", round(completed / (time.perf_counter() - began)))
    sheet.write()

    assert absent == []
    assert shown["the whole name and the first given name"] == ASKED
    assert completed == 50_000
