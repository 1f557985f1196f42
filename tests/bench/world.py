"""What the bench measures: a house of its own, and people in it, made through the operations."""

import base64
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from access import gate
from access.policy import Action
from accounts.actors import Actor
from accounts.card_reader import CardReading
from accounts.identity import Ins, nir_key
from accounts.traits import Traits
from documents import nomenclature
from documents.deposit import file
from dossiers import applications, counter, information
from dossiers.applications import CardRead
from dossiers.counter import IdentityDocument
from dossiers.house import HOUSE
from dossiers.identity import Identity
from dossiers.things import DossierAtTheDoor
from tests.bench import load
from tests.cast import CAMILLE, ROY
from tests.signing_in import session_of

TEST_OID = "1.2.250.1.213.1.4.10"
DOCUMENTS = 200
BODY = 20_000  # bytes of a document
LINES = 60


@dataclass(frozen=True, slots=True)
class Person:
    reading: CardReading

    @property
    def nir(self) -> str:
        return self.reading.ins.value


def people(first: int, count: int) -> list[Person]:
    return [_person(number) for number in range(first, first + count)]


def _person(number: int) -> Person:
    thirteen = f"2790351{number // 999 + 1:03d}{number % 999 + 1:03d}"
    letters = "".join(chr(ord("A") + int(digit)) for digit in f"{number:05d}")
    return Person(
        CardReading(
            ins=Ins(TEST_OID, thirteen + nir_key(thirteen)),
            traits=Traits(
                birth_name=f"ESSAI{letters}", given_names=("ALIX",), sex="F", birth_date="19790328"
            ),
            vitale_serial="12345678901",
            read_at=timezone.now(),
        )
    )


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at a counter, and the agent who serves them: each their own."""

    id: UUID
    agent: Actor


POST, TOKEN = "poste", "bench"
DESK = f"{POST} {TOKEN}"


def receive(person: Person, at: datetime) -> Visit:
    """Somebody whose card was read, who was compared and agreed, and whose code came back from a contact
    that the insurer knows: all that is left is to open."""
    agent, visit_id, reading = replace(ROY, id=uuid4()), uuid4(), person.reading
    told = {
        "card_read_at": at.isoformat(),
        "desk": DESK,
        "structure": str(agent.structure_id),
        "by": str(agent.id),
        "identity": Identity(reading.ins, reading.traits).told(),
        "vitale_serial": reading.vitale_serial,
        "document": IdentityDocument.ID_CARD.name,
        "exists": False,
        "answers": {"agreed": True, "break_glass": True, "regulation": True, "representative": ""},
        "information_version": information.VERSION,
        "insurer": {
            "state": "answered",
            "verification": "v",
            "contacts": [["c", "sms", "06 ** ** ** 42"]],
            "address": True,
        },
        "chosen": {
            "kind": "known",
            "channel": "sms",
            "mask": "06 ** ** ** 42",
            "contact": ["sms", "+33612345642"],
            "relative": False,
        },
        "code": {"mac": None, "sent_at": at.isoformat(), "sendings": 1},
        "code_back": True,
    }
    visit_mac = visit_id.bytes * 2
    with gate.admitted(agent, Action.CHECK_EXISTENCE, CardRead(visit_mac, at), at=at):
        applications.begin(visit_id, told, owner_id=agent.id, at=at, visit_mac=visit_mac)
    return Visit(visit_id, agent)


def open_here(visit: Visit, at: datetime) -> counter.AccessSheet:
    return counter.finish(visit.id, by=visit.agent, at=at, desk=DESK)


def holder_of(dossier_id: UUID, at: datetime) -> Actor:
    with gate.admitted(HOUSE, Action.NOTIFY, DossierAtTheDoor(dossier_id), at=at) as passage:
        holder_id = passage.question.target.holder_id
    assert holder_id is not None
    return Actor(
        capacity=CAMILLE.capacity,
        id=holder_id,
        name="Alix Essai",
        authentication=CAMILLE.authentication,
        dossier_id=dossier_id,
    )


def fill(dossier_id: UUID, at: datetime, count: int = DOCUMENTS) -> list[UUID]:
    """So many documents of twenty kilobytes, readable at once."""
    made = []
    for number in range(count):
        with gate.admitted(HOUSE, Action.IMPORT, DossierAtTheDoor(dossier_id), at=at) as passage:
            made.append(
                file(
                    passage,
                    type_code="11490-0",
                    title=f"Lettre de liaison n° {number}",
                    created_on=at.date() - timedelta(days=3 * number),
                    body=pdf(),
                    media_type="application/pdf",
                    author_name="Dr Anne Lefèvre",
                )
            )
    return made


def pdf() -> bytes:
    """Twenty kilobytes that no other document has."""
    head = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    head += b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    page = b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n"
    tail = b"trailer<</Root 1 0 R>>\n%%EOF\n"
    padding = base64.b64encode(secrets.token_bytes(BODY))[: BODY - len(head) - len(page) - len(tail) - 2]
    return head + page + b"%" + padding + b"\n" + tail


CSRF = "b" * 32


def cookie(actor: Actor, at: datetime, **kept: object) -> str:
    """The cookies of somebody signed in."""
    return (
        f"{settings.SESSION_COOKIE_NAME}={session_of(actor, at, **kept)}; {settings.CSRF_COOKIE_NAME}={CSRF}"
    )


def deposit(dossier_id: UUID, cookies: str) -> bytes:
    """A professional's form, as a browser sends it."""
    boundary = "----------------------------bench"
    fields = {
        "csrfmiddlewaretoken": CSRF,
        "type": nomenclature.DEPOSITABLE["11490-0"].label,
        "title": "Lettre",
        "created_on": date.today().strftime("%d/%m/%Y"),
        "shown_to_professionals": "oui",
        "shown_to_holder": "oui",
    }
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    body += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="lettre.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    ).encode()
    body += pdf() + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    return load.post(f"/pro/dossiers/{dossier_id}/deposer/", body, kind=kind, cookie=cookies)


def opening(visit: Visit, at: datetime) -> bytes:
    """An agent's last click: the code came back."""
    cookies = cookie(visit.agent, at, counter_post=POST, counter_desk=TOKEN)
    body = f"csrfmiddlewaretoken={CSRF}&suite=ouvrir".encode()
    kind = "application/x-www-form-urlencoded"
    return load.post(f"/guichet/{visit.id}/code/", body, kind=kind, cookie=cookies)


def write_statements(folder: Path, persons: list[Person], until: date) -> list[Path]:
    """What the insurer of the bench will answer about each."""
    from sandbox import statements

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for person in persons:
        traits = person.reading.traits
        insured = SimpleNamespace(
            ins=(TEST_OID, person.nir),
            birth_name=traits.birth_name,
            used_name=None,
            given_names=traits.given_names,
            sex=traits.sex,
            birth_date=traits.birth_date,
            birth_place="51215",
            seed=7,
        )
        since = until.replace(year=until.year - 2)
        path = folder / f"{person.nir}.xml"
        path.write_bytes(statements.write(insured, since=since, until=until, lines=LINES))
        written.append(path)
    return written


@contextmanager
def serving(
    target: str, port: int, *, workers: int = 2, threads: int = 4, **environment: str
) -> Iterator[None]:
    """The server of the service, serving something else."""
    command = [sys.executable, "-m", "dmp.front", target, "--port", str(port)]
    command += ["--workers", str(workers), "--threads", str(threads)]
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None:
                raise SystemExit("the server of the bench does not start") from None
            time.sleep(0.05)
    raise SystemExit("the server of the bench is not ready")
