"""Who is asking: one person, or one program, in one capacity, for the length of one request."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self
from uuid import UUID


class Capacity(StrEnum):
    """In what quality somebody asks. One person may have several, never two at once."""

    ANONYMOUS = "anonymous"
    APPLICANT = "applicant"  # opening a dossier online, not yet its holder
    HOLDER = "holder"
    PROFESSIONAL = "professional"
    AGENT = "agent"  # CPAM, MSA: opens dossiers, never reads them
    STAFF = "staff"  # runs the service: sees what waits for a person, never a content
    PROGRAM = "program"
    SYSTEM = "system"  # the house's own jobs


class Channel(StrEnum):
    WEB = "web"
    COUNTER = "counter"
    API = "api"
    JOB = "job"


class Authentication(StrEnum):
    """How the actor proved themselves, from nothing to two factors."""

    NONE = "none"
    INSURER_CODE = "insurer_code"
    PASSWORD_AND_CODE = "password_and_code"  # noqa: S105 a way to sign in
    ASLEEP = "asleep"  # both of a holder's, of a web access that nothing has woken yet
    PASSWORD_AND_TOTP = "password_and_totp"  # noqa: S105
    PRO_SANTE_CONNECT = "pro_sante_connect"
    PRIVATE_KEY = "private_key"
    HOUSE = "house"


class CredentialKind(StrEnum):
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 a kind of credential


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class Credential:
    """What was shown at the door: a session or a token, known by its digest, and whose it is.

    `account_id` is the user, the professional or the program that signed in; `password_epoch` counts the
    passwords of a user, so that choosing another one ends what was opened with the one before.
    `confirmed` becomes true once the database has said, during this request, that it still holds.
    """

    kind: CredentialKind
    mac: bytes
    account_id: UUID
    password_epoch: int = 0
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """One person asking in one capacity.

    `id` is opaque and stable: the Person of a holder, the Professional, the User of an agent or of
    staff, the Program; a random one for somebody anonymous. `civility` is « M », « MME » or not known:
    it decides of words, never of rights. `profession` and `specialty` are codes
    of TRE_G15 and TRE_R01 ("10", "SM54"). `dossier_id` is the dossier a holder's login opens.
    Whoever comes by a door carries the `credential` they showed there, which the gate confirms;
    the house itself, and somebody who is still proving who they are, carry none.
    """

    capacity: Capacity
    id: UUID
    name: str = ""
    civility: str = ""
    profession: str | None = None
    specialty: str | None = None
    structure_id: UUID | None = None
    structure: str = ""
    channel: Channel = Channel.WEB
    authentication: Authentication = Authentication.NONE
    dossier_id: UUID | None = None
    credential: Credential | None = field(default=None, compare=False, repr=False)

    def told(self) -> dict[str, str]:
        """Plain values for a session or the sealed body of a trace; what is empty is left out."""
        return {f.name: str(value) for f in fields(self) if f.compare and (value := getattr(self, f.name))}

    @classmethod
    def from_told(cls, told: Mapping[str, Any], credential: Credential | None = None) -> Self:
        """The actor that `told` described, and what they showed at the door.

        Raises KeyError or ValueError on anything else.
        """
        uuid: dict[str, Any] = {
            name: UUID(told[name]) for name in ("id", "structure_id", "dossier_id") if told.get(name)
        }
        text = {
            name: told[name]
            for name in ("name", "civility", "profession", "specialty", "structure")
            if told.get(name)
        }
        return cls(
            capacity=Capacity(told["capacity"]),
            channel=Channel(told["channel"]),
            authentication=Authentication(told["authentication"]),
            credential=credential,
            **uuid,
            **text,
        )
