from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import directory, logins, programs
from accounts.models import User


class Command(BaseCommand):
    help = (
        "Ferme un accès : un compte (--login), un professionnel que le répertoire ne connaît plus (--rpps), "
        "un programme (--program). Ses sessions et ses jetons s’arrêtent à la requête suivante."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--login", default="", help="identifiant de connexion")
        parser.add_argument("--rpps", default="", help="numéro RPPS d’un professionnel radié")
        parser.add_argument("--program", default="", help="client_id d’un programme")
        parser.add_argument("--reinstate", action="store_true", help="le répertoire le connaît de nouveau")

    def handle(self, *, login: str, rpps: str, program: str, reinstate: bool, **_: Any) -> None:
        if sum(map(bool, (login, rpps, program))) != 1 or (reinstate and not rpps):
            raise CommandError("Dites lequel : --login, --rpps (avec --reinstate ou non) ou --program.")
        if login:
            user = User.objects.filter(login_mac=logins.login_mac(login)).first()
            done = user is not None and logins.close(user.pk)
        elif program:
            done = programs.close(_client_id(program))
        else:
            done = directory.reinstate(rpps) if reinstate else directory.strike_off(rpps, at=timezone.now())
        if not done:
            raise CommandError("Aucun accès de ce nom, ou il est déjà fermé.")
        self.stdout.write("L’accès est rouvert." if reinstate else "L’accès est fermé.")


def _client_id(text: str) -> UUID:
    from uuid import UUID

    try:
        return UUID(text)
    except ValueError:
        raise CommandError("Un client_id s’écrit comme 8c1f…-….") from None
