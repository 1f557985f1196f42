"""The threads of a worker: so many slots for each class of jobs, which the others cannot take.

A slot takes one job at a time, the longest due of its class. When the job waits for somebody outside, its
question is handed to a thread that has neither slot nor database, and the slot goes on with another job.
One more thread keeps the leases of what is being done, gives back to the queue what silent workers had, and
looks for work that no bell announced.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from queue import SimpleQueue

import structlog
from django.conf import settings
from django.db import Error, connection

from jobs import clock, leases
from jobs.handlers import Asking
from jobs.leases import Lease
from jobs.urgency import Urgency
from jobs.working import Answer, Work, answer_to

log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0  # seconds: how late a job is when no bell announced it
REST = 1.0  # seconds between two tries of a database that does not answer
# A job that runs for longer is stuck: its lease is no longer kept, and another worker has it.
LONGEST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Places:
    """How many jobs of a class are worked on at once, and how many questions wait outside at once."""

    slots: int
    questions: int


def places(urgency: Urgency) -> Places:
    """As the settings say."""
    asked: Mapping[str, int] = settings.DMP_QUESTIONS
    return Places(settings.DMP_SLOTS[urgency.queue], asked.get(urgency.queue, 0))


@dataclass(slots=True)
class _Held:
    """The leases of what this process is doing, and since when."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    leases: dict[Lease, float] = field(default_factory=dict)

    def add(self, lease: Lease) -> None:
        with self.lock:
            self.leases[lease] = time.monotonic()

    def drop(self, lease: Lease) -> None:
        with self.lock:
            self.leases.pop(lease, None)

    def all(self) -> list[Lease]:
        with self.lock:
            return list(self.leases)

    def to_renew(self) -> list[Lease]:
        now = time.monotonic()
        with self.lock:
            return [lease for lease, since in self.leases.items() if now - since < LONGEST.total_seconds()]


class _Class:
    """The slots of one class, and its questions."""

    def __init__(self, urgency: Urgency, room: Places, held: _Held, *, look: bool) -> None:
        self.urgency, self.room, self.held = urgency, room, held
        self.changed = threading.Condition()
        self.look = look  # there may be work in the queue
        self.stopping = False
        self.outside = 0  # questions asked whose answer no slot has taken yet
        self.answered: deque[tuple[Work, Asking, Answer]] = deque()
        self.to_ask: SimpleQueue[tuple[Work, Asking] | None] = SimpleQueue()
        self.askers, self.idle_askers = 0, 0
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        self.threads = [
            _thread(f"{self.urgency.queue}-{number}", self._slot) for number in range(self.room.slots)
        ]

    def wake(self) -> None:
        with self.changed:
            self.look = True
            self.changed.notify()

    def stop(self) -> None:
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        for _ in range(self.askers):
            self.to_ask.put(None)

    # -- A slot ------------------------------------------------------------------------------------

    def _slot(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.stopping or self.answered or self._may_take())
                if self.stopping:
                    break
                answered = self.answered.popleft() if self.answered else None
                if answered:
                    self.outside -= 1
                else:
                    self.look = False
            try:
                self._work(answered)
            except Error as failure:
                log.warning("slot without a database", code=self.urgency.queue, error=type(failure).__name__)
                connection.close()
                time.sleep(REST)
                self.wake()
            except Exception:  # the job comes back when its lease ends; the slot goes on with others
                log.exception("slot failed", code=self.urgency.queue)
                connection.close_if_unusable_or_obsolete()
        connection.close()

    def _may_take(self) -> bool:
        return self.look and (self.room.questions == 0 or self.outside < self.room.questions)

    def _work(self, answered: tuple[Work, Asking, Answer] | None) -> None:
        if answered is not None:
            work, asking, answer = answered
            self._go_on(work, lambda: work.resume(asking, answer))
            return
        lease = leases.take_next(self.urgency)
        if lease is None:
            return
        self.held.add(lease)
        self.wake()  # there may be more, for another slot, or for this one when it comes back
        work = Work(lease)
        self._go_on(work, work.begin)

    def _go_on(self, work: Work, step: Callable[[], Asking | None]) -> None:
        asking = None
        try:
            asking = step()
        finally:
            if asking is None:
                self.held.drop(work.lease)
        if asking is not None:
            self._ask(work, asking)

    # -- Questions ---------------------------------------------------------------------------------

    def _ask(self, work: Work, asking: Asking) -> None:
        with self.changed:
            self.outside += 1
            if self.idle_askers == 0:
                self.askers += 1
                _thread(f"{self.urgency.queue}-outside-{self.askers}", self._asker)
            else:
                self.idle_askers -= 1
        self.to_ask.put((work, asking))

    def _asker(self) -> None:
        """One at a time of this class's questions; its thread keeps its connections to the outside."""
        while (asked := self.to_ask.get()) is not None:
            work, asking = asked
            answer = answer_to(asking)
            with self.changed:
                self.answered.append((work, asking, answer))
                self.idle_askers += 1
                self.changed.notify()


class Slots:
    """The slots of some classes, in this process."""

    def __init__(self, urgencies: Collection[Urgency], *, looking: bool = True) -> None:
        """`looking`: whether to look for work by itself, beside being woken."""
        self.held = _Held()
        self.classes = {
            urgency: _Class(urgency, places(urgency), self.held, look=looking) for urgency in urgencies
        }
        self.looking = looking
        self.over = threading.Event()
        self.keeper: threading.Thread | None = None
        self.skew = clock.Watch()

    def start(self) -> None:
        for each in self.classes.values():
            each.start()
        self.keeper = _thread("leases", self._keep)

    def wake(self, urgency: Urgency) -> None:
        if urgency in self.classes:
            self.classes[urgency].wake()

    def stop(self, patience: float) -> None:
        """Take nothing more, let what is being done end within `patience` seconds, give back the rest."""
        for each in self.classes.values():
            each.stop()
        deadline = time.monotonic() + patience
        for thread in [thread for each in self.classes.values() for thread in each.threads]:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.over.set()
        if self.keeper is not None:
            self.keeper.join(1.0)
        if unfinished := self.held.all():
            try:
                leases.give_back(unfinished)
            except Error:
                log.warning("leases not given back", count=len(unfinished))

    def _keep(self) -> None:
        """Renew, reclaim, look, until the end. Each length of a lease has room for three renewals."""
        every = min(LOOK_EVERY, leases.length().total_seconds() / 4)
        looked_at = 0.0
        while not self.over.wait(every):
            try:
                if mine := self.held.to_renew():
                    leases.renew(mine)
                if time.monotonic() - looked_at >= LOOK_EVERY - 0.01:
                    looked_at = time.monotonic()
                    self._look()
            except Error as failure:
                log.warning("leases not kept", error=type(failure).__name__)
                connection.close()
            except Exception:
                log.exception("leases not kept")
                connection.close_if_unusable_or_obsolete()
        connection.close()

    def _look(self) -> None:
        leases.reclaim()
        asked = time.time()
        found, now = leases.due()
        self.skew.compare(now, asked)
        if self.looking:
            for one in found:
                self.wake(one.urgency)


def _thread(name: str, run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


# -- The slots of this process ---------------------------------------------------------------------

_mine: Slots | None = None


def open_here(urgencies: Collection[Urgency]) -> Slots:
    """Begin to work in this process. Once: a second call would have two sets of threads."""
    global _mine
    assert _mine is None
    _mine = Slots(urgencies)
    _mine.start()
    return _mine


def close_here(patience: float) -> None:
    """Stop working in this process."""
    global _mine
    mine, _mine = _mine, None
    if mine is not None:
        mine.stop(patience)


def wake(urgency: Urgency) -> None:
    """Have a slot of this process look, when it has one for this class."""
    if _mine is not None:
        _mine.wake(urgency)
