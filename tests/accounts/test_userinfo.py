"""What Pro Santé Connect says of somebody is understood once, or refused in a sentence."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import directory, professions, userinfo
from accounts.actors import Actor, Authentication, Capacity
from accounts.models import Practice, Professional, Structure
from accounts.userinfo import BadUserinfo, PlaceOfPractice, PracticeTold
from tests.cast import NOON

LEFEVRE = {
    "sub": "f:1:899700218896",
    "SubjectNameID": "899700218896",
    "SubjectRefPro": {
        "exercices": [
            {
                "codeProfession": "10",
                "codeCiviliteDexercice": "DR",
                "nomDexercice": "LEFÈVRE",
                "prenomDexercice": "ANNE",
                "codeSavoirFaire": "SM54",
                "activities": [
                    {
                        "identifiantTechniqueDeLaStructure": "R95141",
                        "raisonSocialeSite": "Cabinet des Tilleuls",
                    },
                    {"numeroFinessSite": "750712184", "raisonSocialeSite": "Hôpital du Nord"},
                ],
            }
        ]
    },
}


def with_practice(**changes):
    exercise = LEFEVRE["SubjectRefPro"]["exercices"][0] | changes
    return LEFEVRE | {"SubjectRefPro": {"exercices": [exercise]}}


@pytest.mark.parametrize(
    ("civility", "said"),
    [
        ("MME", "infirmière"),
        ("M", "infirmier"),
        ("", "infirmier ou infirmière"),
        (7, "infirmier ou infirmière"),
    ],
)
@pytest.mark.django_db
def test_a_trade_is_said_as_its_holder_says_it(civility, said):
    told = with_practice(codeProfession="60", codeCiviliteDexercice="")
    told["SubjectRefPro"]["codeCivilite"] = civility

    nurse = directory.professional_from(told, 0, at=NOON)

    assert professions.said(nurse.profession, nurse.civility) == said
    assert Actor.from_told(nurse.told()) == nurse


def test_what_was_written_of_a_trade_before_is_said_of_anybody():
    assert professions.said_anew("Infirmier") == "infirmier ou infirmière"
    assert professions.said_anew("infirmier") == "infirmier"
    assert professions.said_anew("Médecin") == "médecin"
    assert professions.said_anew("Un autre métier") == "Un autre métier"


def test_a_doctor_has_a_number_a_name_and_situations():
    told = userinfo.read(LEFEVRE)

    assert told.rpps == "99700218896"
    assert told.name == "Dr Anne LEFÈVRE"
    assert told.practices == (
        PracticeTold("10", "SM54", PlaceOfPractice("R95141", "Cabinet des Tilleuls")),
        PracticeTold("10", "SM54", PlaceOfPractice("F750712184", "Hôpital du Nord")),
    )


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (None, "qui vous êtes"),
        ({}, "aucune situation"),
        (LEFEVRE | {"SubjectNameID": "ANS20210107161422"}, "numéro RPPS"),
        (LEFEVRE | {"SubjectNameID": "899700218897"}, "ne convient pas"),
        (with_practice(codeProfession="ZZ"), "aucune situation"),
        (with_practice(nomDexercice="", prenomDexercice=""), "votre nom"),
    ],
)
def test_who_cannot_be_recognised_is_told_why(told, sentence):
    with pytest.raises(BadUserinfo, match=sentence):
        userinfo.read(told)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(list(LEFEVRE)), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(json_values, st.sampled_from(["SubjectRefPro", "SubjectNameID", "activities", "exercices"]))
def test_whatever_is_told_is_read_or_refused(value, place):
    told = {
        "SubjectRefPro": LEFEVRE | {"SubjectRefPro": value},
        "SubjectNameID": LEFEVRE | {"SubjectNameID": value},
        "activities": with_practice(activities=value),
        "exercices": LEFEVRE | {"SubjectRefPro": {"exercices": value}},
    }[place]
    try:
        read = userinfo.read(told).practices
    except BadUserinfo as error:
        read = str(error)

    assert read


@pytest.mark.corpus
def test_the_test_identities_of_the_national_agency_are_read_or_refused():
    if not (corpora := os.environ.get("DMP_CORPORA")):
        pytest.skip("DMP_CORPORA is not set: the corpora are elsewhere")
    folder = Path(corpora) / "psc-userinfo"
    several = userinfo.read(
        json.loads((folder / "userinfo_medecin_899700366240_3_situations.json").read_text())
    )
    one = json.loads((folder / "esignsante" / "UserInfo_medecin_899700218896_une_ligne.json").read_text())
    in_cache = json.loads((folder / "remote-cache" / "PSCDataExampleNullAccessToken.json").read_text())

    assert several.rpps == "99700366240"
    assert [p.place.number for p in several.practices] == ["R95141", "F0B0172805"]
    assert userinfo.read(one).practices == (
        PracticeTold("10", "", PlaceOfPractice(*["CABINET M SPECIALISTE0021889"] * 2)),
    ) or userinfo.read(one).practices == (PracticeTold("10", "", None),)
    with pytest.raises(BadUserinfo, match="RPPS"):
        userinfo.read(in_cache["UserInfo"])


@pytest.mark.django_db
def test_a_professional_is_learnt_once_and_followed():
    actor = directory.professional_from(LEFEVRE, 1, at=NOON)
    renamed = with_practice(nomDexercice="LEFÈVRE-MARTIN")
    again = directory.professional_from(renamed, 0, at=NOON)

    assert actor.capacity is Capacity.PROFESSIONAL
    assert actor.authentication is Authentication.PRO_SANTE_CONNECT
    assert (actor.profession, actor.specialty, actor.structure) == ("10", "SM54", "Hôpital du Nord")
    assert again.id == actor.id
    assert again.name == "Dr Anne LEFÈVRE-MARTIN"
    assert again.structure_id != actor.structure_id
    assert Professional.objects.count() == 1
    assert Structure.objects.count() == 2
    assert Practice.objects.count() == 2


@pytest.mark.django_db
def test_the_directory_names_nobody_in_clear():
    from django.db import connection

    directory.professional_from(LEFEVRE, 0, at=NOON)
    with connection.cursor() as cursor:
        kept = ""
        for table in ("professional", "structure", "practice"):
            cursor.execute(f"SELECT string_agg(to_jsonb(t)::text, ' ') FROM accounts_{table} t")
            kept += cursor.fetchone()[0]

    for clear in ("LEFÈVRE", "Anne", "99700218896", "Tilleuls", "R95141"):
        assert clear not in kept
        assert clear.encode().hex() not in kept
