"""A contact is understood, and shown without giving it away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.contacts import BadContact, Contact, mask, validate


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("06 12 34 56 42", "+33612345642", "06 ** ** ** 42"),
        ("07.12.34.56.42", "+33712345642", "07 ** ** ** 42"),
        ("+33 6 12 34 56 42", "+33612345642", "06 ** ** ** 42"),
        ("0033612345642", "+33612345642", "06 ** ** ** 42"),
        ("0690 12 34 56", "+590690123456", "06 ** ** ** 56"),
        ("0693 12 34 56", "+262693123456", "06 ** ** ** 56"),
        ("06 39 98 10 42", "+33639981042", "06 ** ** ** 42"),
        ("+32 470 12 34 56", "+32470123456", "+32 *** 56"),
    ],
)
def test_a_mobile_number_is_kept_in_its_international_form(typed, kept, shown):
    contact = validate("sms", typed)

    assert contact == Contact("sms", kept)
    assert mask(contact) == shown


def test_an_address_shows_its_first_letters_only():
    contact = validate("courriel", " camille.moreau@exemple.co.fr ")

    assert contact.value == "camille.moreau@exemple.co.fr"
    assert mask(contact) == "c***@e***.fr"


@pytest.mark.parametrize(
    ("channel", "typed", "sentence"),
    [
        ("sms", "", "Saisissez un numéro"),
        ("sms", "01 12 34 56 78", "10 chiffres"),
        ("sms", "06 12 34 56", "10 chiffres"),
        ("sms", "+33112345678", "10 chiffres"),
        ("courriel", "", "Saisissez une adresse"),
        ("courriel", "camille", "nom@exemple.fr"),
        ("courriel", "camille@exemple.fr\nBcc: x@y.fr", "nom@exemple.fr"),
        ("courrier", "Toulouse", "Choisissez"),
    ],
)
def test_each_fault_of_a_contact_has_its_sentence(channel, typed, sentence):
    with pytest.raises(BadContact, match=sentence):
        validate(channel, typed)


@given(st.from_regex(r"0[67][0-9]{8}", fullmatch=True))
def test_a_mask_never_shows_the_middle_of_a_number(typed):
    shown = mask(validate("sms", typed))

    assert sum(c.isdigit() for c in shown) == 4
