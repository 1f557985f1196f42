"""Opening accounts and registering programs from the command line, as an installation begins."""

import json
import re
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from joserfc.jwk import ECKey

from accounts import signing_in
from accounts.models import Program, Structure, User
from sandbox import totp
from tests.accounts.people import HOME
from vault import blind

pytestmark = pytest.mark.django_db

FINESS = "310781406"
ROY = {"login": "bernard.roy", "name": "Bernard Roy", "finess": FINESS, "structure": "CHU de Toulouse"}


ASTRUC = {"login": "ines.astruc", "name": "Inès Astruc"}


def provision(who, **options):
    told = StringIO()
    call_command("provision", who, stdout=told, **options)
    return told.getvalue()


def refused(who, **options):
    """The one sentence that is said."""
    with pytest.raises(CommandError) as error:
        provision(who, **options)
    sentence = str(error.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def shown(told):
    """Password and secret of the application, as they are handed over."""
    password = re.search(r"mot de passe +: (\S+)", told)[1]
    return password, re.search(r"otpauth://totp/\S+[?&]secret=([A-Z2-7]+)", told)[1]


@pytest.fixture
def key():
    return ECKey.generate_key("P-384", parameters={"kid": "2026"})


@pytest.fixture
def write(tmp_path):
    def written(content):
        path = tmp_path / "keys.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return written


@pytest.mark.parametrize(("who", "options"), [("agent", ROY), ("staff", ASTRUC)])
def test_what_is_shown_once_lets_that_person_in(who, options):
    password, secret = shown(provision(who, **options))
    at = timezone.now()

    pending = signing_in.begin(options["login"], password, at=at, browser=HOME, kinds=(who,))
    proved = signing_in.check_code(pending, totp.code(secret, at.timestamp()), browser=HOME, at=at)

    assert proved
    user = User.objects.get()
    assert user.must_change_password
    assert (user.structure_id is None) == (who == "staff")


def test_the_structure_is_the_one_that_pro_sante_connect_tells():
    provision("agent", **ROY)

    assert Structure.objects.filter(number_mac=blind.blind("structure", f"F{FINESS}")).exists()


def test_a_program_is_registered_with_its_public_keys(key, write):
    jwks = write({"keys": [key.as_dict(private=False)]})

    told = provision("program", name="Logiciel", jwks=jwks, scopes="feed.write feed.status")

    program = Program.objects.get(pk=UUID(re.search(r"client_id : (\S+)", told)[1]))
    assert (program.scopes, program.active) == ("feed.write feed.status", True)
    assert [kept["kid"] for kept in program.keys["keys"]] == ["2026"]


@pytest.mark.parametrize(
    ("who", "changes", "sentence"),
    [
        ("", {}, "Dites pour qui"),
        ("nurse", {}, "Dites pour qui"),
        ("agent", {"login": ""}, "Il manque --login"),
        ("agent", {"finess": ""}, "Il manque --finess"),
        ("agent", {"structure": "  "}, "Il manque --structure"),
        ("staff", {"name": ""}, "Il manque --name"),
        ("staff", {"name": "x" * 121}, "Raccourcissez --name"),
        ("staff", {"login": "roy"}, "au moins 8 caractères"),
        ("agent", {"finess": "310781407"}, "Le dernier chiffre du numéro FINESS"),
    ],
)
def test_a_fault_gets_one_sentence(who, changes, sentence):
    assert sentence in refused(who, **ROY | changes)
    assert not User.objects.exists()


def test_a_login_is_one_person_s():
    provision("agent", **ROY)

    assert "déjà pris" in refused("staff", login="Bernard.Roy", name="Brigitte Roy")


def test_a_program_is_refused_for_one_reason_told(key, write):
    public = {"keys": [key.as_dict(private=False)]}
    whole = {"name": "Logiciel", "jwks": write(public), "scopes": "feed.write"}

    assert "Il manque --jwks" in refused("program", **whole | {"jwks": ""})
    assert "feed.read n’existe pas" in refused("program", **whole | {"scopes": "feed.read"})
    assert "ne peut pas être lu" in refused("program", **whole | {"jwks": whole["jwks"] + ".absent"})
    assert "ensemble" in refused("program", **whole | {"finess": FINESS})
    for content, sentence in [
        ("not json", "n’est pas du JSON"),
        ([], "clés publiques"),
        ({"keys": []}, "clés publiques"),
        ({"keys": [key.as_dict(private=True)]}, "aucune clé privée"),
    ]:
        assert sentence in refused("program", **whole | {"jwks": write(content)})
    assert not Program.objects.exists()
