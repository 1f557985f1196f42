"""What may be written in a log: allowed keys, and never anything that looks like a person.

Two walls. An event keeps only the keys listed here. What is left is searched for social security numbers,
e-mail addresses and telephone numbers, which are struck out: a library may speak without knowing.
"""

import json
import linecache
import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "event",
        "level",
        "logger",
        "timestamp",
        # jobs and chores
        "job",
        "kind",
        "attempt",
        "outcome",
        "code",
        "chore",
        "count",
        # requests
        "method",
        "route",
        "status",
        "request",
        # a row that was changed by somebody without a key
        "table",
        "row",
        # everywhere
        "seconds",
        "error",
        "where",
    }
)

ALONE = r"(?<![0-9A-Za-z]){}(?![0-9A-Za-z])"
# Between the digits of a number: what people type, and what an address or a form makes of it.
GAP = r"(?:[\s.\-_/+]|%20)?"
NIR = re.compile(
    ALONE.format(
        GAP.join(
            [r"[1-478]", r"\d{2}", r"\d{2}", r"(?:\d{2}|2[AB])", r"\d{3}", r"\d{3}(?:" + GAP + r"\d{2})?"]
        )
    ),
    re.IGNORECASE,
)
# Whoever wrote the text chose how long it is: each run of signs is read once, from its beginning.
E_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]++(?:@|%40)[\w+-]++\.[\w.+-]++(?:(?:@|%40)[\w.+-]++)*")
TELEPHONE = re.compile(
    r"(?<![0-9A-Za-z])(?:(?:\+|%2B|00)33" + GAP + r"|0\s?)[1-9](?:" + GAP + r"\d{2}){4}(?![0-9A-Za-z])"
)

SUSPECT = re.compile(r"[\d@]|%40")  # none of the three can be in a text without one of these

WARNING = re.compile(r"(.+?):(\d+): (\w+): ")  # as the module `warnings` writes one

PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[#0 +-]*+\d*+(?:\.\d++)?[srdifxXa]")

# The packages whose lines are ours: an exception is placed in the innermost of them it came through.
OURS = (
    *(
        "access",
        "accounts",
        "api",
        "audit",
        "deploy",
        "dmp",
        "documents",
        "dossiers",
        "history",
        "jail",
        "jobs",
    ),
    *("portal", "revocation", "sandbox", "vault"),
)
SAID_BY_US = ("django.request", "django.server")  # dmp.requests says one line for each request
QUIET = ("py.warnings", "celery", "kombu", "amqp", "_granian", "pikepdf", "PIL")


def configure(options: Mapping[str, Any]) -> None:
    """Everything logged in this process goes through the walls, one JSON line each, to standard error."""
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, only_the_words_of_a_library],
            processors=[
                tell_where_it_broke,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                keep_allowed_keys,
                strike_out_people,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(options.get("level", "INFO"))
    for name in ("django.server", "django", "celery", "kombu"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in SAID_BY_US:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class StandardError(logging.Handler):
    """Whatever standard error is at that moment: a test may have replaced it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
        except Exception:  # what cannot be logged must not break what was being done
            self.handleError(record)


Event = MutableMapping[str, Any]


def write(**event: Any) -> None:
    """One line of ours, through the same walls, without the cost of a logging framework: for what happens at
    each request. `event` and `level` are wanted; the instant is added."""
    told = strike_out_people(None, "", keep_allowed_keys(None, "", event))
    told["timestamp"] = datetime.now(UTC).isoformat()  # after the walls: some instants look like telephones
    sys.stderr.write(_JSON.encode(told) + "\n")


_JSON = json.JSONEncoder(ensure_ascii=False)


def only_the_words_of_a_library(_logger: object, _method: str, event: Event) -> Event:
    """A record of the standard module keeps the sentence its author wrote, not the values put into it; and
    the line it was written at, by which somebody finds what the values were about."""
    record = event["_record"]
    said, failure = str(record.msg), record.exc_info and record.exc_info[1]
    if record.name == "py.warnings":
        return a_warning(said, event)
    if failure and str(failure):  # the message of an exception holds what somebody sent: a host, a field
        said = said.replace(str(failure), type(failure).__name__)
    elif not record.args and not written_in(record.pathname, said):
        said = "…"
    event["event"] = PLACEHOLDER.sub("…", said)
    if not record.exc_info:
        event["where"] = f"{record.module}.{record.funcName}:{record.lineno}"
    return event


def written_in(path: str, words: str) -> bool:
    """Whether a sentence stands as it is in the source that said it: one made of values does not."""
    return bool(words) and words in "".join(linecache.getlines(path))


def a_warning(text: str, event: Event) -> Event:
    """Of a warning of Python's, what it is and where: its words may be made of anything."""
    found = WARNING.match(text)
    path, line, category = found.groups() if found else ("?", "0", "Warning")
    event["event"], event["error"], event["where"] = "warning", category, f"{Path(path).stem}:{line}"
    return event


def say_what_nobody_caught() -> None:
    """An exception that ends a process or a thread goes through the walls too, in a process that serves."""

    def ended(kind: type[BaseException], failure: BaseException, _trace: object) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            structlog.get_logger(__name__).critical("process ended", exc_info=failure)

    def thread_ended(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
            structlog.get_logger(__name__).error("thread ended", exc_info=told.exc_value)

    def unraisable(told: "sys.UnraisableHookArgs") -> None:
        structlog.get_logger(__name__).error("exception ignored", exc_info=told.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = ended, thread_ended, unraisable


def tell_where_it_broke(_logger: object, _method: str, event: Event) -> Event:
    """An exception is its class and the line it came from. Its message may hold what somebody typed."""
    told = event.pop("exc_info", None)
    if told is True:
        told = sys.exc_info()
    failure = told[1] if isinstance(told, tuple) else told
    if isinstance(failure, BaseException):
        event["error"] = type(failure).__name__
        event["where"] = innermost(failure)
    return event


def innermost(failure: BaseException) -> str:
    """Module, function and line of the innermost frame of ours that an exception came through; where it was
    raised when it came through none."""
    raised, ours = "", ""
    trace = failure.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "?")
        raised = f"{module}.{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
        if module.partition(".")[0] in OURS:
            ours = raised
        trace = trace.tb_next
    return ours or raised


def keep_allowed_keys(_logger: object, _method: str, event: Event) -> Event:
    return {key: value for key, value in event.items() if key in ALLOWED}


def strike_out_people(_logger: object, _method: str, event: Event) -> Event:
    return {key: struck_out(value) if isinstance(value, str) else value for key, value in event.items()}


def struck_out(text: str) -> str:
    """The text without what looks like a social security number, an e-mail address or a telephone number."""
    if not SUSPECT.search(text):
        return text
    for pattern, word in ((NIR, "[nir]"), (E_MAIL, "[courriel]"), (TELEPHONE, "[téléphone]")):
        text = pattern.sub(word, text)
    return text
