"""Templates say what views give, all of it and nothing else.

What nobody gives fails by itself in any test that renders it (`tests.strict_templates`).
"""

import ast
import re
from itertools import chain
from pathlib import Path

import pytest
from django.template import engines
from django.template.loader import get_template

from tests.strict_templates import NamedByNobody

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
CODE = {
    path: path.read_text()
    for folder in ("portal", "dmp", "accounts")
    for path in (ROOT / folder).rglob("*.py")
}
SOURCES = {str(path.relative_to(TEMPLATES)): path.read_text() for path in sorted(TEMPLATES.rglob("*.html"))}
NAMED = re.compile(r"""f?["']([\w/{}.\[\]() =_-]+\.html)["']""")


def test_what_nobody_gives_is_an_error_even_where_it_is_only_asked_for():
    ours = engines["django"]
    assert isinstance(get_template("patient/home.html").template.nodelist[0], object)
    for name in ("base_steps.html", "patient/home.html", "professional/search.html"):
        with pytest.raises((NamedByNobody, KeyError)):
            ours.get_template(name).render({})


def test_every_template_is_shown_by_somebody():
    texts = (*CODE.values(), *SOURCES.values())
    names = set(chain.from_iterable(NAMED.findall(text) for text in texts))
    words = set(re.findall(r"""["'](\w+)["']""", "\n".join(CODE.values())))
    made = [re.compile(re.sub(r"\\\{.*?\\\}", r"(\\w+)", re.escape(name))) for name in names if "{" in name]

    def is_shown(name):
        return name in names or any((m := one.fullmatch(name)) and set(m.groups()) <= words for one in made)

    assert [name for name in SOURCES if not is_shown(name)] == []


def given():
    """Each `render` with its template and its context in one function: where, which template, which names."""
    for path, text in CODE.items():
        for function in ast.walk(ast.parse(text)):
            if not isinstance(function, ast.FunctionDef):
                continue
            dicts = {
                target.id: node.value
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for call in ast.walk(function):
                if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "render"):
                    continue
                if len(call.args) < 3 or not isinstance(call.args[1], ast.Constant):
                    continue
                context = dicts.get(getattr(call.args[2], "id", ""), call.args[2])
                if isinstance(context, ast.Dict):
                    names = {key.value for key in context.keys if isinstance(key, ast.Constant)}
                    yield f"{path.name}:{function.name}", call.args[1].value, names


def closure(name, seen):
    if name in SOURCES and name not in seen:
        seen.add(name)
        for other in NAMED.findall(SOURCES[name]):
            closure(other, seen)
        if re.search(r"include \w", SOURCES[name]):  # one chosen by the view
            seen.update(other for other in SOURCES if other.startswith(name.rpartition("/")[0] + "/sheets/"))
    return seen


CALLS = list(given())


def test_the_views_are_read():
    assert len(CALLS) > 25


@pytest.mark.parametrize(("where", "template", "names"), CALLS, ids=[f"{w}-{t}" for w, t, _ in CALLS])
def test_nothing_is_given_in_vain(where, template, names):
    asked = " ".join(
        part for name in closure(template, set()) for part in re.findall(r"\{[{%].*?[%}]\}", SOURCES[name])
    )

    assert {name for name in names if not re.search(rf"\b{name}\b", asked)} == set()
