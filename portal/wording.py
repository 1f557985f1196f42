"""What people read: a sentence for every answer of the policy, and for every kind of trace.

The policy and the ledger speak in codes; only this module turns them into French.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.safestring import SafeString

from access.policy import Action, Reason
from accounts import professions
from accounts.actors import Capacity
from audit.ledger import Trace
from documents.checking import CLOSED, EXHAUSTED
from dossiers.traces import BY_ONESELF, REFUSED, is_refused
from portal import dates
from portal.names import soft
from portal.typography import french

# Why ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal as a page says it: what it is, then what to do next."""

    title: str
    next_step: str


def _answer(title: str, next_step: str) -> Answer:
    return Answer(french(title), french(next_step))


ABSENT = _answer(
    "Cette page n'existe pas, ou ne vous est pas ouverte",
    "Vérifiez l'adresse, ou revenez à l'accueil de votre espace.",
)

REFUSALS: dict[Reason, Answer] = {
    Reason.SIGNED_OUT: _answer(
        "Votre session est terminée",
        "Rien n'a été enregistré. Connectez-vous de nouveau pour continuer.",
    ),
    Reason.WEAK_PROOF: _answer(
        "Connectez-vous pour continuer",
        "Cet acte demande deux preuves de votre identité. Connectez-vous, puis recommencez.",
    ),
    Reason.WRONG_SPACE: _answer(
        "Cette page appartient à un autre espace",
        "Déconnectez-vous, puis connectez-vous dans l'espace que vous cherchez.",
    ),
    Reason.ABSENT: ABSENT,
    Reason.ALTERED: _answer(
        "Une donnée de cette page ne peut pas être lue",
        "Elle a été modifiée hors du service : rien n'a été montré ni changé, et l'incident nous est"
        " signalé.",
    ),
    Reason.CLOSED: _answer(
        "Ce dossier est fermé",
        "Plus personne ne peut le lire. Son titulaire peut demander à un guichet de le rouvrir.",
    ),
    Reason.EXPIRED: _answer(
        "Cette demande s'est effacée",
        "Pour vous protéger, une demande ne vit que 30 minutes. Recommencez depuis le début.",
    ),
    Reason.ALREADY_OPEN: _answer(
        "Cette personne a déjà un dossier",
        "Chacun n'en a qu'un. Son titulaire s'y connecte avec ses accès, ou en demande de nouveaux "
        "à un guichet.",
    ),
    Reason.NO_DOSSIER: _answer(
        "Cette personne n'a pas de dossier",
        "Un accès par Internet se donne à un dossier. Ouvrez-le d'abord, avec son accord.",
    ),
    Reason.NO_CONSENT: _answer(
        "Il manque l'accord de la personne",
        "Aucun dossier ne s'ouvre sans lui. Recueillez l'accord, cochez la case, puis recommencez.",
    ),
    Reason.HOLDER_ABSENT: _answer(
        "La personne doit être devant vous",
        "Lisez sa carte Vitale et regardez sa pièce d'identité, puis recommencez.",
    ),
    Reason.IDENTITY_NOT_PROVED: _answer(
        "Votre identité n'est pas encore vérifiée",
        "Saisissez d'abord le code que l'Assurance Maladie vous envoie.",
    ),
    Reason.NO_REPRESENTATIVE: _answer(
        "Cette personne est mineure",
        "Son père, sa mère ou son tuteur doit être présent. Notez son nom et son lien avec l'enfant, "
        "puis recommencez.",
    ),
    Reason.NOT_GRANTED: _answer(
        "Le patient ne vous a pas encore donné son accord",
        "Demandez-le-lui, puis déclarez cet accord depuis la page d'entrée de son dossier.",
    ),
    Reason.OUTSIDE_MATRIX: _answer(
        "Votre profession ne lit pas cette sorte de document",
        "Demandez l'information à son auteur, ou au médecin traitant du patient.",
    ),
    Reason.MASKED: _answer(
        "Ce document est masqué",
        "Seul son auteur le lit encore. Parlez-en avec le patient : personne d'autre ne peut le montrer.",
    ),
    Reason.WITHHELD: _answer(
        "Ce document attend une consultation",
        "Votre soignant veut d'abord vous en parler. Prenez rendez-vous avec lui.",
    ),
    Reason.BEING_CHECKED: _answer(
        "Ce document est en cours de vérification",
        "Il s'ouvrira dès qu'elle sera finie, d'ordinaire en moins d'une minute. Revenez un peu plus tard.",
    ),
    Reason.REFUSED_BY_CHECKS: _answer(
        "Ce fichier n'a pas pu être accepté",
        "Il est abîmé, trop lourd à lire, ou contient ce qu'un document de santé ne doit pas contenir. "
        "Imprimez-le en PDF, puis déposez cette copie.",
    ),
    Reason.SUPERSEDED: _answer(
        "Une version plus récente de ce document existe",
        "Revenez à la liste des documents : elle y figure à sa place.",
    ),
    Reason.NEVER_CONTENT: _answer(
        "Votre fonction ne donne pas accès au contenu des dossiers",
        "Vous pouvez ouvrir un dossier avec la personne présente. Ce qu'il contient ne regarde qu'elle "
        "et ses soignants.",
    ),
    Reason.NOT_YOURS: _answer(ABSENT.title, ABSENT.next_step),
    Reason.NO_GROUND: _answer(
        "Vous ne pouvez pas faire cela avec le compte que vous utilisez",
        "Déconnectez-vous, puis reconnectez-vous dans l'espace qui convient à ce que vous voulez faire.",
    ),
}

GROUNDS: dict[Reason, str] = {
    reason: french(sentence)
    for reason, sentence in {
        Reason.OWN_DOSSIER: "C'est votre dossier.",
        Reason.OWN_APPLICATION: "C'est votre demande.",
        Reason.OWN_ACCESS: "C'est votre accès, qui n'est pas encore ouvert.",
        Reason.OWN_DOCUMENT: "Vous avez déposé ce document.",
        Reason.GRANTED: "Le patient a donné son accord.",
        Reason.HOLDER_PRESENT: "La personne est présente, sa carte Vitale a été lue.",
        Reason.IDENTITY_PROVED: "L'identité a été vérifiée par l'Assurance Maladie.",
        Reason.OWN_SPACE: "C'est votre espace.",
        Reason.DUTY_TO_FEED: "Tout soignant complète le dossier de ceux qu'il soigne.",
        Reason.AGREEMENT_DECLARED: "Le soignant déclare l'accord reçu du patient.",
        Reason.CARE: "Le soignant prend en charge cette personne.",
        Reason.HOUSE_TASK: "C'est une tâche du service, sans lecture par une personne.",
        Reason.STAFF_TASK: "C'est une tâche de l'équipe du service, sans lecture du contenu.",
    }.items()
}


def why(reason: Reason) -> str:
    """The sentence of any answer of the policy, yes or no."""
    if reason in GROUNDS:
        return GROUNDS[reason]
    answer = REFUSALS[reason]
    return f"{answer.title}. {answer.next_step}"


# Who did what ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deed:
    """How one kind of trace is told: a drawing, « Vous … », « Le Dr Lefèvre … », « … a voulu … »."""

    symbol: str
    you: str
    they: str
    wanted: str


DEEDS: dict[Action, Deed] = {
    Action.ENTER: Deed(
        "user",
        "avez ouvert un espace",
        "a ouvert un espace",
        "entrer dans un espace réservé à d'autres",
    ),
    Action.ENROL: Deed(
        "user", "avez commencé à ouvrir votre dossier", "a commencé à ouvrir un dossier", "ouvrir un dossier"
    ),
    Action.CHECK_EXISTENCE: Deed(
        "card",
        "avez demandé si un dossier existait",
        "a demandé si vous aviez un dossier",
        "savoir si vous aviez un dossier",
    ),
    Action.OPEN: Deed(
        "check", "avez ouvert votre dossier", "a ouvert votre dossier avec vous", "ouvrir votre dossier"
    ),
    Action.ASK_CONTACTS: Deed(
        "phone",
        "avez demandé à l'Assurance Maladie comment joindre une personne",
        "a demandé à l'Assurance Maladie comment vous joindre",
        "demander comment vous joindre",
    ),
    Action.GIVE_ACCESS: Deed(
        "home",
        "avez demandé un accès par Internet",
        "a reçu votre demande d'accès par Internet",
        "vous donner un accès par Internet",
    ),
    Action.SEND_WAKE_CODE: Deed(
        "mail",
        "avez redemandé le code qui ouvre votre accès",
        "a cherché où envoyer le code qui ouvre votre accès",
        "envoyer le code qui ouvre votre accès",
    ),
    Action.WAKE: Deed(
        "lock",
        "avez ouvert votre accès par Internet",
        "a ouvert votre accès par Internet",
        "ouvrir votre accès par Internet",
    ),
    Action.SEARCH: Deed(
        "search",
        "avez cherché un dossier",
        "a cherché un patient par son nom : votre identité était parmi les réponses",
        "chercher votre dossier",
    ),
    Action.VISIT: Deed(
        "user",
        "avez ouvert l'accueil de votre dossier",
        "a regardé votre identité, sans rien lire de plus",
        "entrer dans votre dossier",
    ),
    Action.LIST: Deed(
        "document",
        "avez parcouru la liste de vos documents",
        "a parcouru la liste de vos documents",
        "parcourir la liste de vos documents",
    ),
    Action.READ: Deed("eye", "avez lu", "a lu", "lire"),
    Action.DEPOSIT: Deed("upload", "avez déposé", "a déposé", "déposer"),
    Action.FOLLOW_DEPOSIT: Deed(
        "upload",
        "avez regardé où en était un dépôt",
        "a regardé où en était son dépôt",
        "regarder où en était un dépôt",
    ),
    Action.TRACES: Deed(
        "eye",
        "avez consulté les accès à votre dossier",
        "a consulté les accès à votre dossier",
        "consulter les accès à votre dossier",
    ),
    Action.PEOPLE: Deed(
        "carers",
        "avez consulté la liste de vos soignants",
        "a consulté la liste de vos soignants",
        "consulter la liste de vos soignants",
    ),
    Action.AUTHORISE: Deed(
        "lock", "avez donné votre accord", "a déclaré votre accord", "déclarer votre accord"
    ),
    Action.WITHDRAW: Deed(
        "lock", "avez retiré une autorisation", "a retiré une autorisation", "retirer une autorisation"
    ),
    Action.FOLLOW: Deed(
        "clock",
        "avez suivi l'arrivée de votre parcours de soins",
        "a suivi l'arrivée de votre parcours de soins",
        "suivre l'arrivée de votre parcours de soins",
    ),
    Action.ASK_HISTORY: Deed(
        "clock",
        "avez demandé votre parcours de soins",
        "a demandé votre parcours de soins à l'Assurance Maladie",
        "demander votre parcours de soins",
    ),
    Action.IMPORT: Deed(
        "path",
        "avez versé votre parcours de soins",
        "a versé votre parcours de soins",
        "verser votre parcours de soins",
    ),
    Action.CHECK: Deed(
        "shield",
        "avez vérifié un document",
        "a vérifié un document avant de le montrer",
        "vérifier un document",
    ),
    Action.NOTIFY: Deed(
        "bell",
        "avez envoyé un message",
        "vous a prévenu par message qu'il y avait du nouveau",
        "vous prévenir",
    ),
    Action.REVIEW: Deed(
        "settings",
        "avez examiné une tâche en attente",
        "a examiné une tâche en attente, sans lire votre dossier",
        "examiner une tâche en attente",
    ),
}

# Why somebody was turned away, as the holder reads it in the list of accesses.
TURNED_AWAY: dict[Reason, str] = {
    Reason.SIGNED_OUT: "sa session était terminée",
    Reason.ALTERED: "une donnée avait été modifiée hors du service",
    Reason.WRONG_SPACE: "cet espace est réservé à d'autres",
    Reason.NOT_GRANTED: "vous ne lui avez pas donné votre accord",
    Reason.OUTSIDE_MATRIX: "son métier ne lit pas cette sorte de document",
    Reason.MASKED: "ce document est masqué",
    Reason.NEVER_CONTENT: "sa fonction ne donne pas accès au contenu des dossiers",
    Reason.HOLDER_ABSENT: "vous n'étiez pas là",
    Reason.NO_CONSENT: "il manquait votre accord",
    Reason.NO_REPRESENTATIVE: "aucun représentant légal n'était présent",
    Reason.WEAK_PROOF: "l'identité n'était pas assez sûre",
    Reason.CLOSED: "votre dossier était fermé",
    Reason.BEING_CHECKED: "le document était en cours de vérification",
    Reason.REFUSED_BY_CHECKS: "le fichier n'avait pas été accepté",
    Reason.SUPERSEDED: "une version plus récente existait",
}


# Why what somebody brought was not taken, by the code of the refusal or by how it begins.
NOT_TAKEN = {
    "somebody_else": "ce document concerne une autre personne",
    "cda.nobody": "ce document ne dit pas de qui il parle",
    "already_there": "ce document y était déjà",
    "other_content": "un autre document porte déjà le même identifiant",
    "too_many_waiting": "trop de documents attendaient d'être vérifiés",
    "too_large": "le fichier était trop lourd",
    "empty": "le fichier était vide",
    "media_type": "ce n'était ni un PDF ni un document CDA",
    "xml.": "le fichier n'a pas pu être lu",
    "cda.": "le fichier n'a pas pu être lu",
    "": "une des réponses ne convenait pas",
}


def why_not(trace: Trace) -> str:
    """Why an act was turned away, as the holder reads it."""
    code = trace.detail.get("refused")
    if code is not None:
        return french(NOT_TAKEN[max((one for one in NOT_TAKEN if str(code).startswith(one)), key=len)])
    return french(TURNED_AWAY.get(Reason(trace.detail["reason"]), "cela ne lui était pas ouvert"))


def sentence(trace: Trace) -> SafeString:
    """« Le Dr Lefèvre a lu Résultats de biologie. » from what the ledger keeps."""
    action = Action(trace.kind.removesuffix(REFUSED))
    deed = DEEDS[action]
    you = is_you(trace)
    if is_refused(trace):
        verb = "avez voulu" if you else "a voulu"
        about = _object(action, {})
        return by_whom(
            trace, format_html("{} {}{}. Refusé\u00a0: {}.", verb, french(deed.wanted), about, why_not(trace))
        )
    outcome = str(trace.detail.get("outcome"))
    verb = deed.you if you else OUTCOMES.get(outcome, deed.they)
    verb = OF_AN_ACCESS.get((action, outcome), verb)
    if action is Action.SEARCH and not you and trace.detail.get("looked_by") == "ins":
        verb = "a cherché votre dossier par votre numéro"
    if action is Action.CHECK:
        verb = _of_a_check(str(trace.detail.get("verdict", "")), verb)
    about = _object(action, trace.detail)
    return by_whom(trace, format_html("{}{}{}.", french(verb), about, _circumstance(action, trace)))


def by_whom(trace: Trace, words: SafeString) -> SafeString:
    """What was done, after the name and quality of who did it."""
    action = Action(trace.kind.removesuffix(REFUSED))
    quality = "" if is_you(trace) else _quality(trace.actor)
    return format_html("<strong>{}</strong>{} {}", _who(action, trace), quality, words)


def is_you(trace: Trace) -> bool:
    return trace.actor.get("capacity") in BY_ONESELF


def _who(action: Action, trace: Trace) -> str:
    actor = trace.actor
    match actor.get("capacity"):
        case Capacity.HOLDER | Capacity.APPLICANT:
            return "Vous"
        case Capacity.SYSTEM if _decided_by_staff(action, trace.detail):
            return "L’équipe du service"
        case Capacity.SYSTEM:
            return "L’Assurance Maladie" if action is Action.IMPORT else "Le service"
        case Capacity.PROFESSIONAL:
            return styled(actor.get("name", ""), actor.get("profession")) or "Un professionnel de santé"
        case Capacity.AGENT:
            return soft(actor.get("name", "")) or "Un agent d’accueil"
        case Capacity.STAFF:
            return "L’équipe du service"
        case Capacity.PROGRAM:
            return actor.get("name") or "Un logiciel de santé"
    return "Une personne non connectée"


def _decided_by_staff(action: Action, detail: Mapping[str, Any]) -> bool:
    """Whether the house only carries out what a person of the team decided."""
    return detail.get("outcome") == "left_out" or (action is Action.CHECK and detail.get("verdict") == CLOSED)


DOCTORS = frozenset({"10", "40"})  # TRE_G15: those whom French people call « docteur »


def styled(name: str, profession: str | None = None) -> str:
    """« Le Dr Lefèvre »: the name as it begins a sentence."""
    name = soft(name)
    if name.startswith("Dr "):
        return french(f"Le {name}")
    return french(f"Le Dr {name}") if name and profession in DOCTORS else name


def _quality(actor: Mapping[str, Any]) -> str:
    capacity, structure = actor.get("capacity"), actor.get("structure", "")
    if capacity == Capacity.PROFESSIONAL:
        profession = (
            ""
            if actor.get("profession") in DOCTORS
            else professions.said(actor.get("profession"), actor.get("civility", ""))
        )
        return "".join(f", {part}" for part in (profession, structure) if part) + (
            "," if profession or structure else ""
        )
    if capacity == Capacity.AGENT:
        return f", agent d’accueil{', ' + structure if structure else ''},"
    return ""


def _object(action: Action, detail: Mapping[str, Any]) -> str:
    """What was read or deposited: its title when the trace has it and may say it."""
    if action not in {Action.READ, Action.DEPOSIT}:
        return ""
    if title := detail.get("title"):
        return format_html(" «\u202f{}\u202f»", french(title))
    count = int(detail.get("count", 1))
    return french(f" {count} documents" if count > 1 else " un document")


# How an import ended, after « L'Assurance Maladie a versé votre parcours de soins ».
IMPORTED = {
    "unchanged": " : rien n'a changé depuis la dernière fois",
    "stale": " : le dossier en avait déjà un plus récent",
}
# What ended otherwise than it does every day.
OUTCOMES = {
    "withdrawn_again": "a rétabli un retrait que vous aviez demandé",
    "still_withdrawn": "s'est assuré qu'un retrait que vous aviez demandé tient toujours",
    "unanswered": "n'a pas eu de réponse de l'Assurance Maladie pour votre parcours de soins",
    "left_out": "a arrêté la demande de votre parcours de soins : rien n'est versé, et ce qui était gardé à "
    "part est effacé",
    "nothing": "a répondu qu'aucun soin remboursé n'est connu",
    "unknown": "a répondu qu'elle ne connaît personne sous votre numéro",
    "not_received": "n'a pas envoyé de relevé que l'on puisse lire : l'équipe du service s'en occupe",
    "held": "a envoyé un parcours de soins qui n'a pas été versé : l'équipe du service l'examine",
}


# What became of a web access, when the act alone does not say it.
OF_AN_ACCESS = {
    (Action.WAKE, "wrong_code"): "avez tapé un autre code que celui qui ouvre votre accès",
    (Action.GIVE_ACCESS, "asked"): "a fait repartir le code qui ouvre votre accès",
    (Action.GIVE_ACCESS, "asked_today"): "a voulu faire repartir le code qui ouvre votre accès",
    (Action.GIVE_ACCESS, "woken"): "a ouvert votre accès par Internet, à un second passage",
    (Action.SEND_WAKE_CODE, "sent"): "a envoyé le code qui ouvre votre accès",
}


def _of_a_check(verdict: str, verb: str) -> str:
    if verdict in ("", "available"):
        return verb
    if verdict == CLOSED:
        return "a refusé un document que personne n'a pu vérifier"
    if verdict.startswith("checks.") and verdict != EXHAUSTED:
        return "n'a pas pu vérifier un document : l'équipe du service s'en occupe"
    return "a vérifié un document, et l'a refusé : personne ne peut le lire"


def _circumstance(action: Action, trace: Trace) -> str:
    detail = trace.detail
    match action:
        case Action.OPEN:
            return " en ligne" if trace.channel == "web" and trace.capacity == Capacity.APPLICANT else ""
        case Action.DEPOSIT if detail.get("already"):
            return french(", qui y était déjà")
        case Action.AUTHORISE if until := parse_date(str(detail.get("until", ""))):
            return f" jusqu’au {dates.day(until)}"
        case Action.IMPORT:
            return french(IMPORTED.get(detail.get("outcome", ""), ""))
        case Action.WITHDRAW if whom := detail.get("whom"):
            return french(f" : {soft(whom)} ne peut plus lire votre dossier")
    return ""
