"""Words for the person at the terminal, whatever it can print; the signals by which they say « stop ».

The standard library alone: the installer speaks through it before anything is installed.
"""

import codecs
import locale
import os
import signal
import sys
import unicodedata
from contextlib import suppress
from types import FrameType
from typing import TextIO

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WITHOUT_ACCENTS = "dmp.without_accents"
_REPLACED = {"’": "'", "‘": "'", "«": '"', "»": '"', "…": "...", "–": "-", "—": "-", "œ": "oe", "Œ": "OE"}


class AskedToStop(BaseException):
    """Ctrl-C, or a polite signal."""


def stop_politely() -> None:
    """From now on the signals that ask to stop raise AskedToStop.

    Installed explicitly: SIGINT is ignored in a background job. Whoever started us may have held them back,
    so that none arrives while Python itself starts: they are let in here.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise AskedToStop

    for asked in STOP_SIGNALS:
        signal.signal(asked, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def stop_listening() -> None:
    """What is being stopped is not asked to stop again."""
    for asked in STOP_SIGNALS:
        signal.signal(asked, signal.SIG_IGN)


def speak_its_language() -> None:
    """Write in the encoding of the terminal; what it cannot print loses its accents, never the sentence."""
    codecs.register_error(WITHOUT_ACCENTS, _without_accents)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            encoding = _encoding(stream)
            stream.reconfigure(encoding=encoding, errors=WITHOUT_ACCENTS)  # type: ignore[union-attr]


def say(words: str, *, to_errors: bool = False, end: str = "\n") -> None:
    """Print a sentence. A terminal that went away, or a full disk behind it, stops nothing."""
    stream = sys.stderr if to_errors else sys.stdout
    try:
        print(words, file=stream, end=end, flush=True)
    except OSError:
        _forget(stream)


def is_interactive() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _encoding(stream: TextIO) -> str:
    """Python in UTF-8 mode writes UTF-8 to a terminal that may not read it."""
    if sys.flags.utf8_mode and not os.environ.get("PYTHONIOENCODING"):
        return locale.getencoding()
    return stream.encoding


def _without_accents(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    plain = _REPLACED.get(character) or unicodedata.normalize("NFKD", character)
    return plain.encode("ascii", "ignore").decode() or "?"


def _forget(stream: TextIO) -> None:
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
