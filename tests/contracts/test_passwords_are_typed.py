"""A password is typed in a field that hides it, takes any, and lets a manager of passwords do its work."""

import importlib
import pkgutil
from pathlib import Path

import pytest
from django import forms

import portal
from accounts.models import User
from portal.forms import Form

ROOT = Path(__file__).parents[2]


def every_form(kind=Form):
    for module in pkgutil.walk_packages(portal.__path__, "portal."):
        importlib.import_module(module.name)
    for form in kind.__subclasses__():
        yield form
        yield from every_form(form)


def password_fields():
    return {
        (form.__name__, name): field
        for form in every_form()
        for name, field in form.base_fields.items()
        if isinstance(field.widget, forms.PasswordInput) or "password" in name
    }


def test_each_field_for_a_password_hides_it_keeps_all_of_it_and_says_what_it_is():
    fields = password_fields()

    assert len(fields) >= 4
    for where, field in fields.items():
        assert isinstance(field.widget, forms.PasswordInput), where
        assert field.widget.attrs["autocomplete"] in {"current-password", "new-password"}, where
        assert field.strip is False, where
        assert field.max_length >= 128, where
        assert not field.widget.render_value, where


def test_no_page_stops_somebody_from_pasting():
    for path in (*(ROOT / "templates").rglob("*.html"), *(ROOT / "static" / "js").glob("*.js")):
        text = path.read_text(encoding="utf-8")
        assert "onpaste" not in text, path
        assert '"paste"' not in text, path


@pytest.mark.django_db
def test_nobody_has_an_account_in_a_new_installation():
    assert not User.objects.exists()
