"""In the tests, a template of ours that names what no view gives is an error, even in `{% if … %}`.

Django shows nothing instead: a fact is lost, and nobody sees it. A part that may be included without
something says so: `{{ heading|default:"p" }}`.
"""

from django.conf import settings
from django.template import Context, base

OURS = str(settings.BASE_DIR / "templates")


class NamedByNobody(AssertionError):
    """What no view, loop or tag gave."""


class StrictExpression(base.FilterExpression):
    def __init__(self, token: str, parser: base.Parser) -> None:
        super().__init__(token, parser)
        self.origin = parser.origin
        self.optional = any(getattr(function, "__name__", "") == "default" for function, _ in self.filters)

    def resolve(self, context: Context, ignore_failures: bool = False) -> object:
        if isinstance(self.var, base.Variable) and not self.optional:
            try:
                self.var.resolve(context)
            except base.VariableDoesNotExist:
                raise NamedByNobody(f"{self.token} in {self.origin}") from None
        return super().resolve(context, ignore_failures)


def _compile_filter(parser: base.Parser, token: str) -> base.FilterExpression:
    ours = parser.origin is not None and str(parser.origin.name).startswith(OURS)
    return StrictExpression(token, parser) if ours else base.FilterExpression(token, parser)


def install() -> None:
    base.Parser.compile_filter = _compile_filter
