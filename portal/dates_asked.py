"""Dates that people type: a day of the calendar, or a date of birth, which the calendar may not have."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.identity import BadBirthDate, BirthDate
from accounts.paris import paris_day
from accounts.typed_days import BadDay, day_of, parts
from portal.forms import DateInThree, Form
from portal.typography import french

SURE = "sure"
LONGEST_DATE = 40  # characters, with whatever comes along when one pastes


def today() -> date:
    return paris_day(timezone.now())


class DayField(forms.CharField):
    """A day that has come, typed in one go, with whatever separates its parts."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput({**_ONE_FIELD, "class": "short"})
        super().__init__(widget=widget, max_length=LONGEST_DATE, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:%d/%m/%Y}" if isinstance(value, date) else value

    def clean(self, value: str | None) -> date:
        try:
            return day_of(*parts(super().clean(value)), on=today())
        except BadDay as bad:
            raise forms.ValidationError(french(bad.sentence)) from None


class BirthDateField(forms.CharField):
    """A date of birth typed in one go."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {**_ONE_FIELD, "spellcheck": "false", "placeholder": "jj/mm/aaaa"}
        super().__init__(widget=forms.TextInput(attributes), max_length=LONGEST_DATE, **kwargs)

    def clean(self, value: str | None) -> BirthDate:
        try:
            return BirthDate.from_fields(*parts(super().clean(value)), on=today())
        except (BadDay, BadBirthDate) as bad:
            raise forms.ValidationError(french(bad.sentence)) from None


class BirthDateInThreeField(forms.MultiValueField):
    """A date of birth in three fields, judged together; its value is YYYYMMDD."""

    def __init__(self, **kwargs: Any) -> None:
        fields = [forms.CharField(required=False, max_length=LONGEST_DATE) for _ in DateInThree.parts]
        super().__init__(
            fields, widget=DateInThree(complete="bday"), require_all_fields=False, required=False, **kwargs
        )

    def compress(self, data_list: list[str]) -> str:
        day, month, year = data_list or ("", "", "")
        try:
            return BirthDate.from_fields(day, month, year, on=today()).text
        except BadBirthDate as bad:
            raise forms.ValidationError(french(bad.sentence)) from None


_ONE_FIELD = {"inputmode": "numeric", "autocomplete": "off"}


class DoubtingForm(Form):
    """A form that may doubt what was typed: it says why, and takes it when it is confirmed."""

    def doubt(self, field: str, sentence: str, *, about: str, label: str) -> bool:
        """Whether what was typed in `field` still waits to be confirmed, with a box that now stands under it.

        The box is for `about` alone: when something else is typed, that is doubted anew.
        """
        value = salted_hmac("portal.dates_asked", about).hexdigest()[:16]
        self.fields[SURE] = forms.BooleanField(
            label=label, required=False, widget=forms.CheckboxInput({"value": value})
        )
        if self.data.get(self.add_prefix(SURE)) == value:
            return False
        self.add_error(field, french(sentence))
        return True
