"""Numbers typed by people are understood, or answered by one sentence."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.identity import (
    NIA_OID,
    NIR_OID,
    OIDS,
    BadBirthDate,
    BadFiness,
    BadNir,
    BadRpps,
    BadSerial,
    BirthDate,
    ForeignIns,
    Ins,
    card_serial,
    ins_mac_input,
    ins_of,
    nir_key,
    parse_finess,
    parse_ins,
    parse_nir,
    parse_rpps,
    same_ins,
)
from accounts.typed_days import BadDay, day_of, parts

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


def test_a_key_in_brackets_is_a_key():
    assert parse_nir("2 79 03 51 215 189 (89)").text15 == "279035121518989"


def test_the_key_may_be_97():
    digits = next(d for d in (f"2790351215{n:03d}" for n in range(1000)) if nir_key(d) == "97")

    assert parse_nir(digits + "97").key == "97"


BESIDE = [*"\u200b\ufeff\u00a0\u202f\u2009\u3000\u200e\u202a\u2060\u00ad\t", "\r\n"]
QUOTES = [*"'\"()[]\u00ab\u00bb\u2019\u201c|"]
DASHES = [*"-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d./_\u00b7"]


@pytest.mark.parametrize("between", [*BESIDE, *QUOTES, *DASHES], ids=lambda c: f"{ord(c[0]):04x}")
def test_a_nir_is_read_whatever_was_pasted_with_it(between):
    pasted = between + between.join(["2", "79", "03", "51", "215", "189", "89"]) + between

    assert parse_nir(pasted).text15 == "279035121518989"


@pytest.mark.parametrize(("first", "sex"), [("3", "M"), ("4", "F"), ("7", "M"), ("8", "F")])
def test_a_number_given_while_waiting_is_a_number(first, sex):
    digits = f"{first}790399341027"

    nia = parse_nir(digits + nir_key(digits))

    assert nia.provisional
    assert nia.sex == sex
    assert ins_of(nia, "real").oid == "1.2.250.1.213.1.4.9"
    assert ins_of(nia, "test").oid == "1.2.250.1.213.1.4.11"
    with pytest.raises(BadNir, match="Dans ce numéro provisoire"):
        parse_nir(digits + f"{(int(nia.key) % 97) + 1:02d}")


@pytest.mark.parametrize("digits", ["7790099341027", "8791399341027", "3790300341027"])
def test_of_who_waits_neither_the_month_nor_the_place_is_known_yet(digits):
    assert parse_nir(digits + nir_key(digits)).provisional


@pytest.mark.parametrize(("digits", "kind"), [("2790351215189", NIR_OID), ("7790399341027", NIA_OID)])
@pytest.mark.parametrize("installation", ["real", "test"])
def test_the_number_tells_its_kind_whatever_the_oid_says(digits, kind, installation):
    for oid in OIDS[installation]:
        assert parse_ins(oid, digits + nir_key(digits), installation).oid == kind[installation]


@pytest.mark.parametrize("installation", ["real", "test"])
@pytest.mark.parametrize("digits", ["2790351215189", "7790399341027"])
def test_a_number_is_one_person_whichever_oid_it_comes_under(digits, installation):
    value = digits + nir_key(digits)

    found = {ins_mac_input(parse_ins(oid, value, installation)) for oid in OIDS[installation]}
    raw = {ins_mac_input(Ins(oid, value)) for oid in OIDS[installation]}

    assert len(found | raw) == 1


def test_real_and_test_numbers_are_never_one_person():
    nir = parse_nir("279035121518989")

    assert not same_ins(ins_of(nir, "real"), ins_of(nir, "test"))


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
        ("579035121518989", "Le numéro commence par 1 ou 2, ou par 3, 4, 7 ou 8 quand il est provisoire."),
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


EACH_FAULT = [
    (("", "", ""), "Saisissez le jour, le mois et l’année."),
    (("", "3", "1979"), "Il manque le jour."),
    (("7", "", "1979"), "Il manque le mois."),
    (("7", "3", " "), "Il manque l’année."),
    (("7", "", ""), "Il manque le mois et l’année."),
    (("x", "3", "1979"), "Écrivez la date en chiffres, par exemple 14/03/1958."),
    (("7", "mars", "1979"), "Écrivez la date en chiffres, par exemple 14/03/1958."),
    (("٧", "3", "1979"), "Écrivez la date en chiffres, par exemple 14/03/1958."),
    (("7", "3", "79"), "Écrivez l’année avec 4 chiffres : 1979."),
    (("7", "3", "12"), "Écrivez l’année avec 4 chiffres : 1912 ou 2012."),
    (("7", "3", "979"), "Écrivez l’année avec 4 chiffres, par exemple 1958."),
    (("007", "3", "1979"), "Écrivez le jour avec 1 ou 2 chiffres."),
    (("7", "003", "1979"), "Écrivez le mois avec 1 ou 2 chiffres : mars est le mois 3."),
    (("1979", "3", "7"), "Écrivez le jour d’abord, puis le mois, puis l’année, par exemple 14/03/1958."),
]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        *EACH_FAULT,
        (("7", "3", "1779"), "Vérifiez l’année de naissance : 1779 est trop loin."),
        (("22", "11", "2026"), "Cette date est dans le futur. Aujourd’hui, c’est le 21/11/2026."),
        (("31", "2", "2027"), "Cette date est dans le futur. Aujourd’hui, c’est le 21/11/2026."),
    ],
)
def test_each_fault_of_a_date_of_birth_has_its_sentence(fields, sentence):
    with pytest.raises(BadBirthDate) as told:
        BirthDate.from_fields(*fields, on=TODAY)

    assert told.value.sentence == sentence


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        *EACH_FAULT,
        (("29", "02", "2025"), "Il n’y a pas de 29 février en 2025 : ce mois a 28 jours."),
        (("30", "2", "2024"), "Il n’y a pas de 30 février en 2024 : ce mois a 29 jours."),
        (("31", "04", "2025"), "Il n’y a pas de 31 avril : ce mois a 30 jours."),
        (("32", "1", "2025"), "Il n’y a pas de jour 32 : le jour va de 1 à 31."),
        (("0", "1", "2025"), "Il n’y a pas de jour 0."),
        (("20", "14", "2025"), "Il n’y a pas de mois 14 : le mois va de 1 à 12."),
        (("3", "14", "2025"), "Il n’y a pas de mois 14 : le jour s’écrit d’abord, puis le mois."),
        (("3", "0", "2025"), "Il n’y a pas de mois 0 : le mois va de 1 à 12."),
        (("3", "1", "1899"), "Vérifiez l’année : 1899 est trop loin."),
        (("3", "1", "0000"), "Il n’y a pas d’année 0."),
        (("22", "11", "2026"), "Cette date est dans le futur. Aujourd’hui, c’est le 21/11/2026."),
    ],
)
def test_each_fault_of_a_day_has_its_sentence(fields, sentence):
    with pytest.raises(BadDay) as told:
        day_of(*fields, on=TODAY)

    assert told.value.sentence == sentence


@pytest.mark.parametrize(
    "typed",
    [
        "28/03/1979",
        "28/3/1979",
        "28-03-1979",
        "28.03.1979",
        "28 03 1979",
        "28031979",
        "1979-03-28",
        "28\u202f/\u00a003\u2011\u200b1979 ",
    ],
)
def test_a_day_is_read_in_one_field_however_it_is_separated(typed):
    assert day_of(*parts(typed), on=TODAY) == date(1979, 3, 28)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("28/3/79", "Écrivez l’année avec 4 chiffres : 1979."),
        ("280379", "Écrivez l’année avec 4 chiffres : 1979."),
        ("hier", "Écrivez la date en chiffres, par exemple 14/03/1958."),
        ("28 mars 1979", "Écrivez la date en chiffres, par exemple 14/03/1958."),
        ("1979", "Écrivez le jour, le mois et l’année, par exemple 14/03/1958."),
        ("03/1979", "Écrivez le jour, le mois et l’année, par exemple 14/03/1958."),
        ("28/03/19/79", "Écrivez la date en chiffres, par exemple 14/03/1958."),
        ("/", "Écrivez le jour, le mois et l’année, par exemple 14/03/1958."),
    ],
)
def test_what_is_no_day_in_one_field_has_its_sentence(typed, sentence):
    with pytest.raises(BadDay) as told:
        day_of(*parts(typed), on=TODAY)

    assert told.value.sentence == sentence


@given(st.text(max_size=20))
def test_any_text_is_a_day_or_is_answered(text):
    try:
        answer = f"{day_of(*parts(text), on=TODAY):%Y}."
    except BadDay as told:
        answer = told.sentence

    assert answer.endswith(".")


@pytest.mark.parametrize("born", ["19790328", "19791328", "19790028", "19790300"])
def test_a_number_may_tell_of_this_date_of_birth(born):
    assert not parse_nir("279035121518989").contradicts(BirthDate(born))


@pytest.mark.parametrize("born", ["19880328", "19790628", "18790428"])
def test_a_number_contradicts_another_date_of_birth(born):
    assert parse_nir("279035121518989").contradicts(BirthDate(born))


def test_a_month_known_from_an_incomplete_act_is_compared_and_an_unknown_one_is_not():
    known, unknown = (parse_nir(d + nir_key(d)) for d in ("2793351215189", "2796251215189"))

    assert not known.contradicts(BirthDate("19790328"))
    assert known.contradicts(BirthDate("19790628"))
    assert not unknown.contradicts(BirthDate("19790628"))
    assert unknown.contradicts(BirthDate("19800628"))


@pytest.mark.parametrize(
    "typed", ["50482913706", "5048 2913 706", "12345678", "1234567890123", "1-2345\u200b678"]
)
def test_the_serial_number_of_a_card_is_read(typed):
    assert card_serial(typed).isdecimal()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Saisissez le numéro de série"),
        ("12", "vous en avez saisi 2"),
        ("1234567", "vous en avez saisi 7"),
        ("80250000011234567890", "saisissez les 11 derniers"),
        ("279035121518989", "C’est votre numéro de sécurité sociale"),
        ("2 79 03 51 215 189", "C’est votre numéro de sécurité sociale"),
        ("ABC45678", "ne contient que des chiffres"),
    ],
)
def test_each_fault_of_a_serial_number_has_its_sentence(typed, sentence):
    with pytest.raises(BadSerial, match=sentence):
        card_serial(typed, nir="279035121518989")


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


@pytest.mark.parametrize(
    ("born", "earliest"),
    [
        ("19790328", date(1979, 3, 28)),
        ("19790231", date(1979, 2, 1)),
        ("19790300", date(1979, 3, 1)),
        ("19791328", date(1979, 1, 1)),
        ("19790000", date(1979, 1, 1)),
    ],
)
def test_nobody_is_born_before_the_first_day_that_a_date_may_be(born, earliest):
    assert BirthDate(born).earliest == earliest
