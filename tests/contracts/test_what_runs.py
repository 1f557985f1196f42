"""What somebody typed is never run: not by Python, a shell, PostgreSQL, nor a browser."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
OF_THE_SERVICE = (
    *("access", "accounts", "api", "audit", "dmp", "documents", "dossiers", "history", "jail", "jobs"),
    *("portal", "revocation", "vault"),
)
# bandit's rules, by ruff: exec, eval, pickle, shells, SQL put together from text, XML parsers, weak digests.
ALLOWED = {"S101", "S603", "S607"}  # assert; a program started from a list, found by its name


def linter():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]


def test_the_linter_refuses_whatever_runs_text():
    lint = linter()
    elsewhere = {
        rule
        for pattern, rules in lint["per-file-ignores"].items()
        if pattern.partition("/")[0] in (*OF_THE_SERVICE, "**") and "migrations" not in pattern
        for rule in rules
    }

    assert "S" in lint["select"]
    assert {rule for rule in lint["ignore"] if re.match(r"S\d", rule)} <= ALLOWED
    assert not {rule for rule in elsewhere if rule.startswith("S")}


def test_nothing_of_the_service_starts_a_shell_or_runs_text():
    """Whatever the linter was asked to pass over."""
    running = re.compile(r"\b(eval|exec|__import__|os\.system|os\.popen)\(|shell=True|pickle\.loads?\(")
    found = {
        f"{path.relative_to(ROOT)}:{number}"
        for package in OF_THE_SERVICE
        for path in (ROOT / package).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if running.search(line)
    }

    assert found == set()


def test_no_digest_that_is_broken_is_used():
    broken = re.compile(r"\b(md5|sha1|MD5|SHA1|ECB|PKCS1v15|RC4|TripleDES)\b")
    found = {
        f"{path.relative_to(ROOT)}: {word[0]}"
        for package in OF_THE_SERVICE
        for path in (ROOT / package).rglob("*.py")
        for word in broken.finditer(path.read_text(encoding="utf-8"))
    }

    assert found == set()


def test_scripts_of_ours_write_text_and_keep_nothing():
    writing = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
        # Windows of this browser and of this site speak of their session (`windows`, a BroadcastChannel).
        r"|localStorage|sessionStorage|indexedDB|(?<!\bwindows\.)postMessage"
    )
    scripts = sorted((ROOT / "static" / "js").glob("*.js"))

    assert scripts
    assert {path.name for path in scripts if writing.search(path.read_text(encoding="utf-8"))} == set()


def test_no_template_has_a_script_a_style_or_a_handler_of_its_own():
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|javascript:|\|safe\b|autoescape off", re.I
    )
    found_inert = "narrative_html|safe"  # `documents.inert_html.is_inert` looked at it before it was sealed
    templates = sorted((ROOT / "templates").rglob("*.html"))

    assert len(templates) > 50
    assert {
        str(path.relative_to(ROOT))
        for path in templates
        if inline.search(path.read_text(encoding="utf-8").replace(found_inert, ""))
    } == set()


def test_the_page_swapped_by_htmx_is_never_kept_nor_run():
    said = (ROOT / "templates" / "base.html").read_text(encoding="utf-8")

    assert '"historyCacheSize":0' in said
    assert '"allowEval":false' in said
    assert '"selfRequestsOnly":true' in said
