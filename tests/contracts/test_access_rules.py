"""`docs/access-rules.md` says of each act what the policy says, in the policy's own words."""

from pathlib import Path

from access.policy import LAWS, Rule

PAGE = Path(__file__).parents[2] / "docs" / "access-rules.md"


def sentences(rules: tuple[Rule, ...]) -> str:
    return "; ".join(rule.__name__.replace("_", " ") for rule in rules) or "–"


def lines() -> list[str]:
    return [
        f"| `{action.value}` | {' | '.join(map(sentences, (law.barriers, law.grounds, law.conditions)))} |"
        for action, law in LAWS.items()
    ]


def test_each_act_is_written_with_its_rules():
    written = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]

    assert written == lines(), "write in docs/access-rules.md:\n" + "\n".join(lines())
