"""What is said to somebody who signs in and goes no further, and what to do next."""

from datetime import datetime

from accounts import signing_in
from portal import dates
from portal.typography import french

REFUSED = (signing_in.WrongCredentials, signing_in.FirstPasswordOver, signing_in.HashingBusy)
CODE_REFUSED = (
    signing_in.WrongCode,
    signing_in.CodeExpired,
    signing_in.NoTriesLeft,
    signing_in.TooManyTries,
    signing_in.Unsaid,
)
BUSY_SECONDS = 5

_BY_WHOM = {
    "holder": "Cette version n'en redonne pas encore. La page « Aide » dit comment nous joindre.",
    "agent": "Adressez-vous à la personne qui vous l'a remis.",
    "staff": "Adressez-vous à la personne qui vous l'a remis.",
}


def said(refusal: Exception, *, kind: str, at: datetime) -> str:
    """The sentence of a refusal, at the door of a `kind` of account."""
    return french(_said(refusal, kind, at))


def _said(refusal: Exception, kind: str, at: datetime) -> str:
    match refusal:
        case signing_in.AccountAltered():
            return str(refusal)
        case signing_in.WrongCredentials():
            return "L'identifiant ou le mot de passe ne convient pas."
        case signing_in.FirstPasswordOver(too_old=True):
            return f"Le mot de passe imprimé a plus de 30 jours : il ne sert plus. {_BY_WHOM[kind]}"
        case signing_in.FirstPasswordOver():
            return (
                "Le mot de passe imprimé a servi à commencer cinq connexions, sans qu'un autre soit choisi : "
                f"il ne sert plus. {_BY_WHOM[kind]}"
            )
        case signing_in.HashingBusy():
            return "Beaucoup de personnes se connectent en ce moment. Réessayez dans quelques secondes."
        case signing_in.Unsaid() if kind == "holder":
            return (
                "Cela ne convient pas. Si aucun code n'est arrivé, reprenez l'identifiant "
                "et le mot de passe : l'un des deux n'est sans doute pas le bon."
            )
        case signing_in.Unsaid():
            return "L'identifiant, le mot de passe ou le code ne convient pas. Reprenez depuis le début."
        case signing_in.TooManyTries(wait=wait):
            return f"Trop de codes faux. Attendez {dates.lasting(wait)}, puis recommencez."
        case signing_in.TooSoon(again_at=again_at):
            return (
                f"Un code est déjà parti. Attendez encore {dates.lasting(again_at - at)} "
                "avant d'en demander un autre."
            )
        case signing_in.WrongCode(tries_left=None):
            return "Ce n'est pas le bon code. Tapez celui que l'application affiche maintenant."
        case signing_in.WrongCode(tries_left=1):
            return "Ce n'est pas le bon code. Il vous reste 1 essai."
        case signing_in.WrongCode(tries_left=left):
            return f"Ce n'est pas le bon code. Il vous reste {left} essais."
    if kind == "holder":
        return "Ce code ne marche plus. Demandez-en un autre."
    return "La connexion a pris trop de temps. Reprenez depuis le début."
