"""What is typed in a form has a length beyond which it is not read: no field costs what a form may weigh."""

import time
from collections.abc import Iterator

import pytest
from django import forms
from django.urls import get_resolver

from portal.forms import Form
from portal.professional.deposit import DepositForm
from portal.professional.finding import ByName, ByNumber

LONGEST = 254  # an electronic address

assert get_resolver().url_patterns  # every form is loaded


def kinds(of: type[Form] = Form) -> Iterator[type[Form]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def typed(field: forms.Field) -> Iterator[forms.CharField]:
    if isinstance(field, forms.MultiValueField):
        for part in field.fields:
            yield from typed(part)
    elif isinstance(field, forms.CharField):
        yield field


def test_every_field_that_is_typed_says_how_long_it_may_be():
    found = [
        (f"{kind.__name__}.{name}", field.max_length)
        for kind in kinds()
        for name, one in kind.base_fields.items()
        for field in typed(one)
    ]

    assert len(found) > 20
    assert [(name, most) for name, most in found if most is None or most > LONGEST] == []


@pytest.mark.parametrize(
    ("form", "field"),
    [(DepositForm, "type"), (ByName, "birth_name"), (ByName, "birth_date"), (ByNumber, "ins")],
)
@pytest.mark.parametrize("text", ["a." * 30_000, "e " * 30_000, "1\u0301" * 20_000, "1/" * 30_000])
def test_what_is_longer_is_answered_at_once(form, field, text):
    began = time.process_time()
    answered = form({field: text})

    assert field in answered.errors
    assert time.process_time() - began < 0.5
