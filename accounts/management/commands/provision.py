import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import directory, logins, programs
from accounts.directory import Provisioned
from accounts.identity import BadFiness, parse_finess
from accounts.userinfo import PlaceOfPractice

WHO = ("agent", "staff", "program")
WANTED = {
    "agent": ("login", "name", "finess", "structure"),
    "staff": ("login", "name"),
    "program": ("name", "jwks", "scopes"),
}
LONGEST_NAME = 120

OPENED = """\
Compte ouvert pour {name}.
  Identifiant                : {login}
  Premier mot de passe       : {password}
  Adresse d’authentification : {address}
Remettez-les en main propre : ils ne seront plus affichés. Le mot de passe change à la première connexion."""
REGISTERED = """\
Programme enregistré : {name}.
  client_id : {client_id}
  Droits    : {scopes}
  Jetons    : {address}"""


class Command(BaseCommand):
    help = "Ouvre un compte nominatif à un agent ou à un membre de l’équipe, ou enregistre un programme."

    def add_arguments(self, parser: CommandParser) -> None:
        # Nothing is compulsory for argparse, which would say so in English.
        parser.add_argument("who", nargs="?", default="", help="agent, staff ou program")
        parser.add_argument("--login", default="", help="identifiant de connexion, nominatif")
        parser.add_argument("--name", default="", help="prénom et nom, ou nom du programme")
        parser.add_argument("--finess", default="", help="numéro FINESS de la structure")
        parser.add_argument("--structure", default="", help="nom de la structure")
        parser.add_argument("--jwks", default="", help="fichier des clés publiques du programme")
        parser.add_argument("--scopes", default="", help=f"parmi : {' '.join(sorted(programs.SCOPES))}")

    def handle(self, *, who: str, **options: Any) -> None:
        if who not in WHO:
            raise CommandError(f"Dites pour qui : {', '.join(WHO)}.")
        told = {name: " ".join(options[name].split()) for name in ("login", "name", "structure", "scopes")}
        told |= {"finess": options["finess"], "jwks": options["jwks"]}
        for wanted in WANTED[who]:
            if not told[wanted]:
                raise CommandError(f"Il manque --{wanted}.")
        if len(told["name"]) > LONGEST_NAME:
            raise CommandError(f"Raccourcissez --name : {LONGEST_NAME} caractères au plus.")
        self.stdout.write(self._registered(told) if who == "program" else self._opened(who, told))

    def _opened(self, who: str, told: dict[str, str]) -> str:
        if faults := logins.login_faults(told["login"]):
            raise CommandError(faults[0])
        try:
            made = self._provisioned(who, told)
        except logins.LoginTaken as taken:
            raise CommandError(str(taken)) from None
        return OPENED.format(
            name=told["name"], login=made.login, password=made.first_password, address=made.totp.address
        )

    def _provisioned(self, who: str, told: dict[str, str]) -> Provisioned:
        person = {"login": told["login"], "name": told["name"], "at": timezone.now()}
        if who == "staff":
            return directory.provision_staff(**person)
        return directory.provision_agent(structure=_structure(told), **person)

    def _registered(self, told: dict[str, str]) -> str:
        scopes = tuple(dict.fromkeys(told["scopes"].split()))
        if unknown := [scope for scope in scopes if scope not in programs.SCOPES]:
            known = ", ".join(sorted(programs.SCOPES))
            raise CommandError(f"Le droit {unknown[0]} n’existe pas ; choisissez parmi : {known}.")
        keys, at = _keys(Path(told["jwks"])), timezone.now()
        place = _structure(told) if told["finess"] or told["structure"] else None
        try:
            with transaction.atomic():
                client_id = programs.register(
                    name=told["name"],
                    keys=keys,
                    scopes=scopes,
                    structure_id=directory.learn_structure(place, at=at) if place else None,
                    at=at,
                )
        except ValueError:
            raise CommandError(
                f"{told['jwks']} doit contenir des clés publiques (JWKS) et aucune clé privée : "
                "RSA de 2 048 bits au moins, P-256 ou P-384."
            ) from None
        return REGISTERED.format(
            name=told["name"],
            client_id=client_id,
            scopes=" ".join(scopes),
            address=programs.token_address(),
        )


def _structure(told: dict[str, str]) -> PlaceOfPractice:
    """The structure, under the number by which Pro Santé Connect would tell it."""
    if not told["finess"] or not told["structure"]:
        raise CommandError("Donnez --finess et --structure ensemble.")
    try:
        return PlaceOfPractice(number=f"F{parse_finess(told['finess'])}", name=told["structure"])
    except BadFiness as bad:
        raise CommandError(str(bad)) from None


def _keys(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except OSError:
        raise CommandError(f"Le fichier {path} ne peut pas être lu.") from None
    except ValueError:
        raise CommandError(f"Le fichier {path} n’est pas du JSON.") from None
