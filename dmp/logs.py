"""What may be written in a log: allowed keys, and never anything that looks like a person.

Two walls. An event keeps only the keys listed here. What is left is searched for social security numbers,
e-mail addresses and telephone numbers, which are struck out: a library may speak without knowing.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
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
        # everywhere
        "seconds",
        "error",
        "where",
    }
)

ALONE = r"(?<![0-9A-Za-z]){}(?![0-9A-Za-z])"
NIR = re.compile(ALONE.format(r"[1-4]\s?\d{2}\s?\d{2}\s?(?:\d{2}|2[AB])\s?\d{3}\s?\d{3}(?:\s?\d{2})?"))
E_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
TELEPHONE = re.compile(ALONE.format(r"(?:\+33|0)\s?[1-9](?:[\s.]?\d{2}){4}"))

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
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(options.get("level", "INFO"))
    for name in ("django.server", "django", "celery", "kombu"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
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


def only_the_words_of_a_library(_logger: object, _method: str, event: Event) -> Event:
    """A record of the standard module keeps the sentence its author wrote, not the values put into it."""
    event["event"] = str(event["_record"].msg)
    return event


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
    """Module, function and line where an exception was raised."""
    trace = failure.__traceback__
    if trace is None:
        return ""
    while trace.tb_next:
        trace = trace.tb_next
    frame = trace.tb_frame
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{trace.tb_lineno}"


def keep_allowed_keys(_logger: object, _method: str, event: Event) -> Event:
    return {key: value for key, value in event.items() if key in ALLOWED}


def strike_out_people(_logger: object, _method: str, event: Event) -> Event:
    return {key: struck_out(value) if isinstance(value, str) else value for key, value in event.items()}


def struck_out(text: str) -> str:
    """The text without what looks like a social security number, an e-mail address or a telephone number."""
    for pattern, word in ((NIR, "[nir]"), (E_MAIL, "[courriel]"), (TELEPHONE, "[téléphone]")):
        text = pattern.sub(word, text)
    return text
