"""`docs/asvs.md` names each requirement of level 1 once, and tests and pages that exist."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# ASVS 5.0.0, level 1: chapter.section, then the requirements of that section.
LEVEL_1 = """
1.2 1 2 3 4 5 | 1.3 1 2 | 1.5 1
2.1 1 | 2.2 1 2 | 2.3 1
3.2 1 2 | 3.3 1 | 3.4 1 2 | 3.5 1 2 3
4.1 1 | 4.4 1
5.2 1 2 | 5.3 1 2
6.1 1 | 6.2 1 2 3 4 5 6 7 8 | 6.3 1 2 | 6.4 1 2
7.2 1 2 3 4 | 7.4 1 2
8.1 1 | 8.2 1 2 | 8.3 1
9.1 1 2 3 | 9.2 1
10.4 1 2 3 4 5
11.3 1 2 | 11.4 1
12.1 1 | 12.2 1 2
13.4 1
14.2 1 | 14.3 1
15.1 1 | 15.2 1 | 15.3 1
"""
# A change of password is still to come.
REMAIN = {"V6.2.2", "V6.2.3"}
STATES = ("met", "argued", "remains", "not applicable")


def required() -> list[str]:
    sections = (section.split() for section in re.split(r"[|\n]", LEVEL_1) if section.strip())
    return [f"V{section}.{number}" for section, *numbers in sections for number in numbers]


def said() -> dict[str, str]:
    """Each requirement of level 1, and how it is met, in the order of the page."""
    rows = [line for line in page().splitlines() if line.startswith("| V")]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    assert len({row[0] for row in cells}) == len(cells), "a requirement is there twice"
    return {number: how for number, _, how in cells}


@cache
def page() -> str:
    return (DOCS / "asvs.md").read_text(encoding="utf-8")


@cache
def defined_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def named_tests(text: str) -> list[tuple[str, str]]:
    return re.findall(r"(tests/[\w/]+\.py)::(\w+)", text)


def test_each_requirement_of_level_1_is_there_once():
    assert len(required()) == 70
    assert list(said()) == required()


def test_each_is_met_argued_or_known_to_remain():
    for number, how in said().items():
        state = how.partition(":")[0]
        assert state in STATES, number
        assert (state == "remains") == (number in REMAIN), number
        if state == "met":
            assert named_tests(how) or "](" in how, f"{number} names nothing that proves it"


def test_each_test_that_is_named_exists():
    named = named_tests(page())

    assert len(named) > 70
    assert [f"{path}::{name}" for path, name in named if name not in defined_in(path)] == []


def test_each_page_and_file_that_is_named_exists():
    links = re.findall(r"\]\((?!https)([^)]+)\)", page())
    files = re.findall(r"`((?:accounts|access|deploy|documents|tests|docs|vault)/[\w./-]*)`", page())

    assert links
    assert files
    assert [link for link in links if not (DOCS / link).exists()] == []
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_each_requirement_of_level_2_has_one_line():
    lines = re.findall(r"(?m)^\* (V[\d.]+) (met|argued|remains|not applicable)\b", page())
    numbers = [number for number, _ in lines]

    assert len(numbers) == len(set(numbers)) == 183
    assert not set(numbers) & set(required())
    remaining = re.findall(r"V[\d.]+\d", page().rpartition("Those that remain:")[2])
    assert remaining == [number for number, state in lines if state == "remains"]
