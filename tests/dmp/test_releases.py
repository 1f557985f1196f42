"""The previous release runs on the schema of this one: what it says is still understood, and allowed."""

import json
from pathlib import Path

import pytest

from tests.releases import recording

RELEASES = sorted(
    path for path in Path(recording.__file__).parent.glob("*.json") if not path.name.endswith(".rows.json")
)
# What a release may no longer say, with the reason: its web and its workers are stopped before `prepare`.
NO_LONGER: dict[str, dict[str, str]] = {
    "0.1": {
        "FROM audit_take_repeats($1, $2)": "crossed the pin: the new scheduler counts refusals",
    }
}


def statements_of(path: Path) -> dict[str, list[str]]:
    """Each statement of a release, with the roles that its own schema allowed it to."""
    return json.loads(path.read_text())


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_what_it_says_is_understood_and_allowed(real_database, release):
    ended = NO_LONGER.get(release.stem, {})
    with real_database.superuser() as server:
        refused = {
            f"{role}: {statement}": why
            for statement, roles in statements_of(release).items()
            if not any(words in statement for words in ended)
            for role in roles
            if (why := recording.refusal(server, role, statement))
        }

    assert refused == {}


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_what_it_writes_is_complete(real_database, release):
    """A column that it does not know has a default, or may be empty."""
    with real_database.superuser() as server:
        missing = {
            statement: columns
            for statement in statements_of(release)
            if (columns := recording.lacking(server, statement))
        }

    assert missing == {}


def test_there_is_a_release_to_compare_with():
    assert RELEASES
    assert all(len(statements_of(release)) > 100 for release in RELEASES)


def test_a_column_taken_away_or_a_right_withdrawn_is_seen(real_database):
    statement = "SELECT state FROM jobs_job WHERE id = $1"
    with real_database.superuser() as server:
        assert recording.refusal(server, "dmp_app", statement) == ""

        server.execute("REVOKE SELECT ON jobs_job FROM dmp_app")
        assert "permission denied" in recording.refusal(server, "dmp_app", statement)

        server.execute("GRANT SELECT ON jobs_job TO dmp_app")
        server.execute("ALTER TABLE jobs_job RENAME state TO condition")
        assert "does not exist" in recording.refusal(server, "dmp_app", statement)
