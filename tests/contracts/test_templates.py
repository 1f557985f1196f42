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
        if "render(" not in text:
            continue
        for function in ast.walk(ast.parse(text)):
            if not isinstance(function, ast.FunctionDef):
                continue
            nodes = list(ast.walk(function))
            dicts = {
                target.id: node.value
                for node in nodes
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for call in nodes:
                if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "render"):
                    continue
                if len(call.args) < 3 or not isinstance(call.args[1], ast.Constant):
                    continue
                context = dicts.get(getattr(call.args[2], "id", ""), call.args[2])
                if isinstance(context, ast.Dict):
                    names = {key.value for key in context.keys if isinstance(key, ast.Constant)}
                    yield f"{path.name}:{function.name}", call.args[1].value, names


def through_a_helper():
    """Each page shown by its module's `_page`: where, which template, which names the view gave itself."""
    for path, text in CODE.items():
        folder = re.search(r'render\(request, f"([\w/]+)/\{\w+\}\.html"', text)
        if not folder:
            continue
        for call in ast.walk(ast.parse(text)):
            if not isinstance(call, ast.Call):
                continue
            if getattr(call.func, "id", getattr(call.func, "attr", "")) != "_page":
                continue
            if not isinstance(call.args[1], ast.Constant):
                continue
            names = {keyword.arg for keyword in call.keywords if keyword.arg} - {"status", "back"}
            for inner in chain.from_iterable(map(ast.walk, call.args[2:])):
                if isinstance(inner, ast.Call):
                    names |= {keyword.arg for keyword in inner.keywords if keyword.arg}
                if isinstance(inner, ast.Dict):
                    names |= {key.value for key in inner.keys if isinstance(key, ast.Constant)}
            yield f"{path.name}:{call.lineno}", f"{folder[1]}/{call.args[1].value}.html", names


def closure(name, seen):
    if name in SOURCES and name not in seen:
        seen.add(name)
        for other in NAMED.findall(SOURCES[name]):
            closure(other, seen)
        if re.search(r"include \w", SOURCES[name]):  # one chosen by the view
            seen.update(other for other in SOURCES if other.startswith(name.rpartition("/")[0] + "/sheets/"))
    return seen


# Red is for danger, allergy and emergency: what cannot be undone, and what staff must mend at once.
RED = {"patient/withdraw.html", "staff/close.html", "staff/home.html"}


def test_a_mistake_is_ochre_and_red_is_for_danger():
    css = "\n".join(path.read_text() for path in (ROOT / "static" / "css").glob("*.css"))
    of_mistakes = re.findall(r"[^{}]*(?:error|invalid)[^{}]*\{[^{}]*\}", css)

    assert len(of_mistakes) > 4
    assert [rule for rule in of_mistakes if "danger" in rule.replace("--on-danger", "")] == []
    assert {name for name, text in SOURCES.items() if '"danger"' in text} == RED
    assert [p.name for p, text in CODE.items() if '"danger"' in text] == ["ui.py"]


# What a step, or a sentence of the house's own, puts into a title.
IN_TITLES = {"step", "steps|length", "answer.title", "chosen.name"}  # the last: which lines of the log


def test_a_title_names_no_document_and_nobody():
    """The history of a browser keeps titles: on a shared machine others read them."""
    titles = {
        name: re.findall(r"\{% block (?:question_)?title %\}(.*?)\{% endblock %\}$", text, re.M)
        for name, text in SOURCES.items()
    }

    assert sum(map(len, titles.values())) > 40
    assert [
        (name, said)
        for name, found in titles.items()
        for title in found
        for said in re.findall(r"\{\{\s*(.*?)\s*\}\}", title)
        if said not in IN_TITLES
    ] == []


def test_what_a_page_asks_by_itself_says_so():
    """A poll is no sign of life: `accounts.sessions` prolongs nothing for it."""
    polls = [
        (name, tag) for name, text in SOURCES.items() for tag in re.findall(r"<[^>]*hx-trigger=[^>]*>", text)
    ]

    assert polls
    assert [name for name, tag in polls if "every" in tag and "Asked-Alone" not in tag] == []


CALLS = [*given(), *through_a_helper()]


def test_the_views_are_read():
    assert len(list(given())) > 25
    assert len(list(through_a_helper())) > 10


@pytest.mark.parametrize(("where", "template", "names"), CALLS, ids=[f"{w}-{t}" for w, t, _ in CALLS])
def test_nothing_is_given_in_vain(where, template, names):
    asked = " ".join(
        part for name in closure(template, set()) for part in re.findall(r"\{[{%].*?[%}]\}", SOURCES[name])
    )

    assert {name for name in names if not re.search(rf"\b{name}\b", asked)} == set()
