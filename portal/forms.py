"""What every form of the house shares: its templates, and fields that French people know."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest, QueryDict
from django.template import loader


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form was sent with; None when the page was only asked for, and nothing is wrong yet."""
    return request.POST if request.method == "POST" else None


class Renderer(DjangoTemplates):
    """Django's own widgets inside the house's fields."""

    form_template_name = "ui/form.html"
    field_template_name = "ui/field.html"

    def get_template(self, template_name: str) -> Any:
        if template_name.startswith("ui/"):
            return loader.get_template(template_name)
        return super().get_template(template_name)


class Form(forms.Form):
    """A form whose fields stand as `ui/field.html` says. Faults are sentences, and say how to mend."""

    default_renderer = Renderer
    required_css_class = ""
    error_css_class = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.use_required_attribute = False


class Choices(forms.RadioSelect):
    """One answer among a few, each with its consequence under it: the whole block answers the click."""

    template_name = "ui/choices.html"

    def __init__(self, *args: Any, hints: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hints = hints or {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["hint"] = self.hints.get(str(value), "")
        return option


class DateInThree(forms.MultiWidget):
    """Day, month and year, each typed: nobody has to find 1938 in a calendar."""

    template_name = "ui/date_in_three.html"
    use_fieldset = True
    parts = (("jour", "Jour", "day"), ("mois", "Mois", "month"), ("annee", "Année", "year"))

    def __init__(self, attrs: dict[str, Any] | None = None, *, complete: str = "") -> None:
        def typed(part: str) -> forms.TextInput:
            return forms.TextInput(
                {"inputmode": "numeric", "autocomplete": f"{complete}-{part}" if complete else "off"}
            )

        super().__init__({name: typed(part) for name, _, part in self.parts}, attrs)

    def decompress(self, value: date | str | None) -> list[str]:
        if isinstance(value, str):
            return [value[6:8], value[4:6], value[:4]]
        return [str(value.day), str(value.month), str(value.year)] if value else ["", "", ""]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        for part, (_, label, _) in zip(context["widget"]["subwidgets"], self.parts, strict=True):
            part["label"] = label
        return context
