"""The lines of the access log as people read them: « Le Dr Lefèvre a lu 3 documents », and which ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString

from access.policy import Action
from audit.ledger import Trace
from dossiers.traces import REFUSED, Family, Line
from history.consultation import SHOWN_AS
from portal.typography import french
from portal.wording import DEEDS, Deed, by_whom, is_you, sentence

AGAIN = timedelta(hours=1)  # after which the same look is another one

UNREADABLE = french(
    "Elle a été abîmée, ou ajoutée par quelqu'un qui n'en avait pas la clé : elle ne prouve rien "
    "et n'ouvre rien. La vérification du registre la désigne."
)


@dataclass(frozen=True, slots=True)
class Detail:
    """One of the acts that a line tells together."""

    at: datetime
    words: SafeString


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTold:
    """One line of the access log. `details`, oldest first, are asked for by `question`; empty when the
    sentence says it all. `times`: how often it happened, when that is told, else 1."""

    at: datetime
    symbol: str
    sentence: SafeString
    times: int = 1
    question: str = ""
    details: tuple[Detail, ...] = ()


def told(lines: Iterable[Line]) -> list[LineTold]:
    """Lines as sentences, in the same order."""
    return [_TOLD[line.family](line) for line in lines]


def _unreadable(line: Line) -> LineTold:
    """A line that says nothing is still a line: it is shown, and said to be what it is."""
    return LineTold(
        at=line.at,
        symbol="warning",
        times=len(line.traces),
        sentence=format_html("<strong>Une ligne ne peut pas être lue.</strong> {}", UNREADABLE),
    )


def _refused(line: Line) -> LineTold:
    times = sum(int(trace.detail.get("times", 1)) for trace in line.traces)
    return LineTold(at=line.at, symbol="block", times=times, sentence=sentence(line.traces[0]))


def _found(line: Line) -> LineTold:
    """Somebody looked for people, and saw this one: once a day, with how often, and when."""
    times = len(line.traces)
    each = [Detail(trace.at, SafeString("une recherche")) for trace in reversed(line.traces)]
    return LineTold(
        at=line.at,
        symbol="search",
        times=times,
        sentence=sentence(line.traces[0]),
        question=WHEN if times > 1 else "",
        details=tuple(each) if times > 1 else (),
    )


def _alone(line: Line) -> LineTold:
    """An act of its own, with how often it was done that day."""
    first = line.traces[0]
    return LineTold(at=line.at, symbol=_deed(first).symbol, times=len(line.traces), sentence=sentence(first))


def _looks(line: Line) -> LineTold:
    """What somebody saw of the dossier in a day: what they read, else the most that they looked at."""
    once, each = _distinct(line), _by_the_hour(line)
    read = [trace for trace in once if trace.kind == Action.READ]
    first = max(line.traces, key=lambda trace: _MOST.index(trace.kind))
    symbol = _deed(first).symbol
    again = sum(trace.kind == first.kind for trace in each) > sum(trace.kind == first.kind for trace in once)
    if read:
        verb = "avez lu" if is_you(first) else "a lu"
        said = by_whom(first, format_html("{} {}.", verb, _objects(read)))
        if len(_documents(read)) > 1:
            return _with(LESQUELS, each, line, said, symbol)
        others = [trace for trace in each if trace.kind != Action.READ]
    elif is_you(first) and len(once) > 1:
        said = by_whom(first, french("avez consulté votre dossier."))
        return _with("Quoi\u202f?", each, line, said, symbol)
    else:
        said, others = sentence(first), [trace for trace in each if trace.kind != first.kind]
    if again:
        return _with(WHEN, each, line, said, symbol)
    return _with(WHAT_ELSE, others, line, said, symbol)


_MOST = [str(a) for a in (Action.VISIT, Action.PEOPLE, Action.TRACES, Action.LIST, Action.READ)]


def _deposits(line: Line) -> LineTold:
    details = _distinct(line)
    put = [trace for trace in details if trace.kind == Action.DEPOSIT]
    if len(put) < 2:
        return _with("", [], line, sentence((put or details)[0]), "upload")
    return _with(LESQUELS, put, line, by_whom(put[0], format_html("a déposé {}.", _objects(put))), "upload")


def _routine(line: Line) -> LineTold:
    """What the house did by itself in a day, each kind of it once."""
    counts: dict[str, int] = {}
    for trace in reversed(line.traces):
        words = _ROUTINE[_what(trace)]
        counts[words] = counts.get(words, 0) + 1
    if len(counts) == 1:
        [(words, times)] = counts.items()
        said = by_whom(line.traces[0], format_html("{}.", french(_many(words, times))))
    else:
        *others, last = (_many(words, times) for words, times in counts.items())
        said = by_whom(line.traces[0], format_html("{} et {}.", french(", ".join(others)), french(last)))
    return LineTold(at=line.at, symbol=_deed(line.traces[0]).symbol, sentence=said)


def _what(trace: Trace) -> str:
    return "unanswered" if trace.detail.get("outcome") == "unanswered" else trace.kind


_ROUTINE = {
    str(Action.CHECK): "a vérifié {un document avant de le montrer|%d documents avant de les montrer}",
    str(Action.NOTIFY): "vous a prévenu par message qu'il y avait du nouveau{|, %d fois}",
    str(Action.ASK_HISTORY): "a demandé votre parcours de soins à l'Assurance Maladie{|, %d fois}",
    "unanswered": "n'a pas eu de réponse de l'Assurance Maladie pour votre parcours de soins{|, %d fois}",
}


def _many(words: str, times: int) -> str:
    """« a vérifié {un document|%d documents} », once or many times."""
    before, _, choice = words.partition("{")
    one, _, several = choice.rstrip("}").partition("|")
    return before + (one if times == 1 else several % times)


# What acts were about -------------------------------------------------------------------------


def _deed(trace: Trace) -> Deed:
    return DEEDS[Action(trace.kind.removesuffix(REFUSED))]


def _distinct(line: Line) -> list[Trace]:
    """The acts of a line, oldest first: of each document, and of each page that is no document, the first."""
    found: dict[tuple[str, object], Trace] = {}
    for trace in reversed(line.traces):
        found.setdefault(_about(trace), trace)
    return list(found.values())


def _by_the_hour(line: Line) -> list[Trace]:
    """The same, and again each time that an hour had passed: who comes back is seen coming back."""
    latest: dict[tuple[str, object], Trace] = {}
    found = []
    for trace in reversed(line.traces):
        key = _about(trace)
        if key not in latest or trace.at - latest[key].at >= AGAIN:
            latest[key] = trace
            found.append(trace)
    return found


def _about(trace: Trace) -> tuple[str, object]:
    return trace.kind, trace.detail.get("document") or trace.detail.get("title") or ""


def _documents(traces: list[Trace]) -> list[Trace]:
    return [trace for trace in traces if trace.detail.get("title") != SHOWN_AS]


def _objects(traces: list[Trace]) -> SafeString:
    """« Résultats de biologie », 3 documents, 2 documents et votre parcours de soins."""
    documents = _documents(traces)
    parts = [_title(documents[0])] if len(documents) == 1 else []
    if len(documents) > 1:
        parts = [format_html("{}\u00a0documents", len(documents))]
    if len(documents) < len(traces):
        parts.append(SafeString("votre parcours de soins"))
    return format_html(" et ".join(["{}"] * len(parts)), *parts)


def _title(trace: Trace) -> SafeString:
    title = trace.detail.get("title")
    return format_html("«\u202f{}\u202f»", french(title)) if title else SafeString("un document")


_SEEN = {
    str(Action.VISIT): "votre identité",
    str(Action.LIST): "la liste de vos documents",
    str(Action.TRACES): "les accès à votre dossier",
    str(Action.PEOPLE): "la liste de vos soignants",
}


LESQUELS, WHAT_ELSE, WHEN = "Lesquels\u202f?", "Quoi d’autre\u202f?", "Quand\u202f?"


def _with(question: str, traces: list[Trace], line: Line, said: SafeString, symbol: str) -> LineTold:
    """A sentence, and the acts it leaves out, asked for by a question."""
    return LineTold(
        at=line.at,
        symbol=symbol,
        sentence=said,
        question=question,
        details=tuple(Detail(trace.at, _seen(trace)) for trace in traces),
    )


def _seen(trace: Trace) -> SafeString:
    if trace.kind == Action.VISIT and is_you(trace):
        return SafeString("l’accueil de votre dossier")
    if trace.kind in _SEEN:
        return SafeString(french(_SEEN[trace.kind]))
    return SafeString("votre parcours de soins") if trace.detail.get("title") == SHOWN_AS else _title(trace)


_TOLD = {
    Family.UNREADABLE: _unreadable,
    Family.REFUSED: _refused,
    Family.OWN: _looks,
    Family.FOUND: _found,
    Family.READING: _looks,
    Family.DEPOSIT: _deposits,
    Family.ROUTINE: _routine,
    Family.OTHER: _alone,
}
