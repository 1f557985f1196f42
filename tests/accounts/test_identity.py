"""Numbers typed by people are understood, or answered by one sentence."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.identity import (
    BadBirthDate,
    BadFiness,
    BadNir,
    BadRpps,
    BirthDate,
    ForeignIns,
    Ins,
    ins_mac_input,
    ins_of,
    nir_key,
    parse_finess,
    parse_ins,
    parse_nir,
    parse_rpps,
)

TODAY = date(2026, 11, 21)
KNOWN_KEYS = {
    "188102B172952": "64",
    "2550699999999": "34",
    "2790351215189": "89",
    "2770763220829": "10",
    "1240188524933": "34",
    "1680172181372": "43",
}


@pytest.mark.parametrize(("digits", "key"), KNOWN_KEYS.items())
def test_the_key_of_a_nir_is_that_of_the_national_referential(digits, key):
    assert nir_key(digits) == key
    assert parse_nir(digits + key).text15 == digits + key


def test_a_nir_is_read_with_the_spaces_of_the_card():
    nir = parse_nir(" 2 79 03 51\u00a0215\u202f189 89 ")

    assert nir.digits13 == "2790351215189"
    assert nir.sex == "F"
    assert nir.spaced == "2 79 03 51 215 189 89"


def test_corsica_keeps_its_letter_in_either_case():
    assert parse_nir("1 88 10 2b 172 952 64").text15 == "188102B17295264"
    assert parse_nir("188102A172952" + nir_key("188102A172952")).digits13[5:7] == "2A"


def test_the_key_may_be_97():
    digits = next(d for d in (f"2790351215{n:03d}" for n in range(1000)) if nir_key(d) == "97")

    assert parse_nir(digits + "97").key == "97"


@pytest.mark.parametrize("month", ["20", "42", "50", "99"])
def test_a_month_that_stands_for_an_unknown_one_is_a_month(month):
    digits = f"279{month}51215189"

    assert parse_nir(digits + nir_key(digits)).digits13 == digits


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Saisissez votre numéro de sécurité sociale."),
        ("2790351215189", "Il manque 2 chiffres."),
        ("27903512151898", "Il manque 1 chiffre."),
        ("2790351215189899", "Il y a 1 chiffre de trop."),
        ("27903512151898999", "Il y a 2 chiffres de trop."),
        ("2790351215189O9", "Le numéro ne contient que des chiffres, sauf 2A ou 2B pour la Corse."),
        ("279032C21518989", "Le numéro ne contient que des chiffres, sauf 2A ou 2B pour la Corse."),
        ("579035121518989", "Le numéro commence par 1 ou par 2."),
        ("279135121518989", "Les chiffres 4 et 5, le mois de naissance, ne conviennent pas."),
        ("279030021518989", "Les caractères 6 et 7, le lieu de naissance, ne conviennent pas."),
        ("279031A21518989", "Les caractères 6 et 7, le lieu de naissance, ne conviennent pas."),
        ("279035121518988", "Les 2 derniers chiffres, la clé, ne correspondent pas aux 13 premiers."),
        ("٢٧٩٠٣٥١٢١٥١٨٩٨٩", "Le numéro ne contient que des chiffres, sauf 2A ou 2B pour la Corse."),
    ],
)
def test_each_fault_of_a_nir_has_its_sentence(typed, sentence):
    with pytest.raises(BadNir) as told:
        parse_nir(typed)

    assert told.value.sentence == sentence


digits13 = st.builds(
    lambda sex, year, month, place, rest: f"{sex}{year:02d}{month:02d}{place}{rest:06d}",
    st.sampled_from("12"),
    st.integers(0, 99),
    st.integers(1, 12) | st.integers(20, 99),
    st.integers(1, 99).map("{:02d}".format) | st.sampled_from(["2A", "2B"]),
    st.integers(0, 999_999),
)


@given(digits13, st.integers(0, 12), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_always_seen(digits, place, other):
    typed = digits + nir_key(digits)
    changed = typed[:place] + other + typed[place + 1 :]

    if changed == typed:
        assert parse_nir(changed).text15 == typed
    else:
        with pytest.raises(BadNir):
            parse_nir(changed)


@given(st.text(max_size=30))
def test_any_text_is_read_or_answered(text):
    try:
        answer = parse_nir(text).text15
    except BadNir as told:
        answer = told.sentence

    assert len(answer) == 15 or answer.endswith(".")


def test_a_test_installation_refuses_real_identities_and_the_reverse():
    value = "279035121518989"

    assert parse_ins("1.2.250.1.213.1.4.10", value, "test") == ins_of(parse_nir(value), "test")
    assert parse_ins("1.2.250.1.213.1.4.8", value, "real").oid.endswith(".8")
    with pytest.raises(ForeignIns):
        parse_ins("1.2.250.1.213.1.4.8", value, "test")
    with pytest.raises(ForeignIns):
        parse_ins("1.2.250.1.213.1.4.11", value, "real")


def test_an_identity_is_indexed_by_its_authority_and_thirteen_characters():
    assert ins_mac_input(Ins("1.2.3", "279035121518989")) == "1.2.3:2790351215189"


@pytest.mark.parametrize("rpps", ["99900023351", "99700218896", "99700024450"])
def test_the_numbers_of_test_professionals_are_rpps_numbers(rpps):
    assert parse_rpps(rpps) == rpps
    with pytest.raises(BadRpps, match="dernier chiffre"):
        parse_rpps(rpps[:-1] + str((int(rpps[-1]) + 1) % 10))
    with pytest.raises(BadRpps, match="Il manque 1 chiffre"):
        parse_rpps(rpps[:-1])


@pytest.mark.parametrize("finess", ["750712184", "750100042", "130783293"])
def test_the_numbers_of_real_hospitals_are_finess_numbers(finess):
    assert parse_finess(finess) == finess
    with pytest.raises(BadFiness, match="dernier chiffre"):
        parse_finess(finess[:-1] + str((int(finess[-1]) + 1) % 10))


def test_a_corsican_finess_keeps_its_letter():
    assert parse_finess("2a0000014") == "2A0000014"


def test_a_date_of_birth_is_read_from_three_fields():
    assert BirthDate.from_fields("7", "3", "1979", on=TODAY) == BirthDate("19790307")
    assert str(BirthDate("19790307")) == "07/03/1979"


@pytest.mark.parametrize("text", ["19790231", "19791503", "19790000", "19790399"])
def test_a_lunar_date_is_kept_as_it_is(text):
    born = BirthDate.from_fields(text[6:], text[4:6], text[:4], on=TODAY)

    assert born.text == text
    assert born.is_lunar


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (("", "3", "1979"), "Saisissez le jour"),
        (("x", "3", "1979"), "en chiffres"),
        (("7", "3", "79"), "4 chiffres"),
        (("7", "3", "1779"), "Vérifiez l’année"),
        (("22", "11", "2026"), "dans le futur"),
    ],
)
def test_each_fault_of_a_date_has_its_sentence(fields, sentence):
    with pytest.raises(BadBirthDate, match=sentence):
        BirthDate.from_fields(*fields, on=TODAY)


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        ("20081121", TODAY, 18),
        ("20081122", TODAY, 17),
        ("20080229", date(2026, 2, 28), 17),
        ("20080229", date(2026, 3, 1), 18),
        ("20080000", date(2026, 12, 30), 17),  # nobody knows when in the year: as late as can be
        ("20081300", date(2026, 12, 31), 18),
        ("20081100", date(2026, 11, 30), 17),
    ],
)
def test_an_uncertain_date_never_makes_an_adult_of_a_minor(born, on, age):
    assert BirthDate(born).age_on(on) == age
