"""What the environment names of the outside wins over the sandbox, and the demonstration says so."""

import pytest

from dmp import outside_world
from dmp.house import House

SECRETS = ("DMP_HISTORY_TOKEN", "DMP_SMS_TOKEN", "DMP_PSC_CLIENT_SECRET")


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """A house whose sandbox is open, but for its process: the house, and what that process would be told."""
    told = {}
    monkeypatch.setattr(
        House, "_keep_ours", lambda house, name, *_, **own: told.update(house.environment | own)
    )

    def open_with(**given):
        house = House(tmp_path, 9_340, {"PATH": "/usr/bin"} | given)
        house.open_sandbox()
        return house, dict(told)

    return open_with


@pytest.mark.parametrize(
    "name", [name for _, address, others in outside_world.CORRESPONDENTS for name in (address, *others)]
)
def test_each_setting_given_wins(opened, name):
    house, _ = opened(**{name: "9999"})

    assert house.environment[name] == "9999"


def test_without_any_the_sandbox_is_the_whole_outside(opened):
    house, told = opened()

    assert house.environment["DMP_HISTORY_URL"].startswith("http://127.0.0.1:")
    assert house.outside.sentences == ()
    assert house.outside.leaves_the_cast_alone
    assert {told[name] for name in SECRETS} == {house.environment[name] for name in SECRETS}


def test_an_insurer_given_whole_is_said_and_the_sandbox_learns_nothing_of_it(opened):
    house, told = opened(
        DMP_HISTORY_URL="https://agent:secret@insurer.example/dmp?k=1", DMP_HISTORY_TOKEN="theirs"
    )

    assert house.environment["DMP_HISTORY_TOKEN"] == "theirs"
    assert house.outside.sentences == (
        "Hors du bac à sable : l’Assurance Maladie, https://insurer.example (DMP_HISTORY_URL).",
    )
    assert "theirs" not in told.values()
    assert told["DMP_HISTORY_URL"].startswith("http://127.0.0.1:")
    assert not house.outside.leaves_the_cast_alone


def test_a_set_given_by_half_is_completed_and_said(opened):
    house, _ = opened(DMP_PSC_ISSUER="https://psc.example")

    assert house.environment["DMP_PSC_CLIENT_ID"] == "dmp"
    assert house.outside.sentences[1] == (
        "DMP_PSC_ISSUER sans DMP_PSC_CLIENT_ID, DMP_PSC_CLIENT_SECRET : ce qui manque est du bac à sable."
    )
    assert house.outside.leaves_the_cast_alone


def test_a_secret_given_alone_is_the_sandboxs_too(opened):
    house, told = opened(DMP_HISTORY_TOKEN="chosen")

    assert told["DMP_HISTORY_TOKEN"] == house.environment["DMP_HISTORY_TOKEN"] == "chosen"


def test_a_mail_server_given_alone_listens_where_mail_servers_do(opened):
    house, told = opened(DMP_SMTP_HOST="mail.example")

    assert house.environment["DMP_SMTP_PORT"] == "25"
    assert told["DMP_SMTP_PORT"] not in ("25", "")


def test_an_empty_setting_is_none(opened):
    house, _ = opened(DMP_HISTORY_URL="")

    assert house.environment["DMP_HISTORY_URL"].startswith("http://127.0.0.1:")


def test_the_address_that_people_use_wins_too(tmp_path):
    assert House(tmp_path, 9_340, {}).environment["DMP_BASE_URL"] == "http://127.0.0.1:9340"
    assert House(tmp_path, 9_340, {"DMP_BASE_URL": "https://x"}).environment["DMP_BASE_URL"] == "https://x"
