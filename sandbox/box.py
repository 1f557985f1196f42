"""Where everything sent to invented people arrives: SMS, mails and letters, newest first."""

import re
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from threading import Lock
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from sandbox.memory import Memory

KEPT = 200

SMS, MAIL, LETTER = "sms", "courriel", "courrier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    id: str
    channel: str
    to: str
    sender: str
    subject: str
    text: str
    received_at: str

    @property
    def code(self) -> str | None:
        """The digits to type, six or nine, when the message carries some."""
        found = re.search(r"(?<!\d)(?<!\d )\d{3} ?\d{3}(?: \d{3})?(?! ?\d)", self.text)
        return found[0].replace(" ", "") if found else None

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.received_at)


class Box:
    """The messages of everybody, the last two hundred of them."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._lock = Lock()
        self._messages: deque[Message] = deque((Message(**told) for told in memory.read()), maxlen=KEPT)

    def deliver(self, channel: str, *, to: str, sender: str, text: str, subject: str = "") -> Message:
        message = Message(
            id=uuid4().hex,
            channel=channel,
            to=to,
            sender=sender,
            subject=subject,
            text=text,
            received_at=timezone.now().isoformat(),
        )
        with self._lock:
            self._messages.appendleft(message)
            self._memory.write([asdict(kept) for kept in self._messages])
        return message

    def messages(self, *, to: str | None = None, limit: int = KEPT) -> list[Message]:
        with self._lock:
            received = list(self._messages)
        return list(islice((m for m in received if to is None or m.to == to), limit))


@cache
def box() -> Box:
    """The box of this process."""
    return Box(Memory(settings.MEMORY, "box", []))
