"""Whether the web access of a holder is awake, and the nine digits that may wake it.

Nothing here decides what wakes an access: `access.waking` does, and the acts of `dossiers.waking` write it,
inside the gate. An account without a row here is asleep.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

from django.db import connection

from vault import blind
from vault.keyring import Keyring

from .contacts import Contact, sameness

TABLE, COLUMN = "accounts_webaccess", "sealed"
CODE_LIVES = timedelta(days=30)
TRIES = 10  # of nine digits, between two sendings
BETWEEN_SENDINGS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class CodeSent:
    """The nine digits that left: by which channel, where (masked), when."""

    channel: str
    mask: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessState:
    """One web access. `waking`, of `access.waking.Waking`: what it still waits for, or what woke it.

    `known_device`: the contact of the account that the insurer knew. `tried`: masks already written to.
    `asked_on`: the day it was asked for at a counter, told in the messages. `relative`: the telephone or
    mailbox is a relative's.
    """

    awake: bool
    waking: str
    asked_on: date
    known_device: UUID | None = None
    letter_refused: bool = False
    relative: bool = False
    sent: CodeSent | None = None
    tried: tuple[str, ...] = ()
    sending: str = ""  # the sending under way, so that a job done again chooses the same contact

    def payload(self) -> dict[str, Any]:
        sent = self.sent
        return {
            "awake": self.awake,
            "waking": str(self.waking),
            "asked_on": self.asked_on.isoformat(),
            "known_device": str(self.known_device) if self.known_device else None,
            "letter_refused": self.letter_refused,
            "relative": self.relative,
            "sent": [sent.channel, sent.mask, sent.at.isoformat()] if sent else None,
            "tried": list(self.tried),
            "sending": self.sending,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        sent = payload["sent"]
        return cls(
            awake=payload["awake"] is True,
            waking=payload["waking"],
            asked_on=date.fromisoformat(payload["asked_on"]),
            known_device=UUID(payload["known_device"]) if payload["known_device"] else None,
            letter_refused=payload["letter_refused"],
            relative=payload["relative"],
            sent=CodeSent(sent[0], sent[1], datetime.fromisoformat(sent[2])) if sent else None,
            tried=tuple(payload["tried"]),
            sending=payload["sending"],
        )


def seal(state: AccessState, user_id: UUID, keyring: Keyring) -> bytes:
    return keyring.seal_json(TABLE, COLUMN, user_id, state.payload())


def account_of(dossier_id: UUID) -> UUID | None:
    """The account that opens this dossier, if its holder has a web access, awake or asleep."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_user WHERE dossier_id = %s::uuid", [dossier_id])
        row = cursor.fetchone()
    return row[0] if row else None


def state_of(user_id: UUID, keyring: Keyring, *, locked: bool = False) -> AccessState | None:
    """The access of this account; None when nothing was ever written of it, and then it is asleep."""
    asked = "SELECT sealed FROM accounts_webaccess WHERE user_id = %s::uuid"
    with connection.cursor() as cursor:
        cursor.execute(f"{asked} FOR UPDATE" if locked else asked, [user_id])
        row = cursor.fetchone()
    return (
        AccessState.from_payload(keyring.unseal_json(TABLE, COLUMN, user_id, bytes(row[0]))) if row else None
    )


def is_awake(user_id: UUID, keyring: Keyring) -> bool:
    state = state_of(user_id, keyring)
    return state is not None and state.awake


def write(user_id: UUID, keyring: Keyring, state: AccessState) -> None:
    """Keep the state of an access, the first one included. Call it with a passage in hand."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_webaccess (user_id, sealed, tries_left) VALUES (%s::uuid, %s::bytea, %s)"
            " ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed",
            [user_id, seal(state, user_id, keyring), TRIES],
        )


def awaken(user_id: UUID, keyring: Keyring, state: AccessState) -> None:
    """Wake an access; no code of nine digits serves any more."""
    write(user_id, keyring, replace(state, awake=True, sending=""))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_wakecode WHERE user_id = %s::uuid", [user_id])


# Nine digits ----------------------------------------------------------------------------------


def new_code() -> str:
    return f"{secrets.randbelow(10**9):09d}"


def said(code: str) -> str:
    """« 123 456 789 »."""
    return f"{code[:3]} {code[3:6]} {code[6:]}"


def code_left(user_id: UUID, code: str, *, at: datetime) -> None:
    """A code left for the person: it may be typed for thirty days. Those before it still serve, since
    a letter asked for each day would otherwise kill the one in the post."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_wakecode (id, user_id, code_mac, expires_at)"
            " VALUES (%s::uuid, %s::uuid, %s::bytea, %s::timestamptz)",
            [uuid4(), user_id, _mac(user_id, code), at + CODE_LIVES],
        )
        cursor.execute(
            "UPDATE accounts_webaccess SET tries_left = %s WHERE user_id = %s::uuid", [TRIES, user_id]
        )


@dataclass(frozen=True, slots=True)
class Weighed:
    """Whether a typed code is the right one, and how many tries remain until the next sending."""

    right: bool
    tries_left: int


def weigh(user_id: UUID, typed: str, *, at: datetime) -> Weighed:
    """Count one try and spend the code if it is right: of many at once, one succeeds."""
    digits = "".join(character for character in typed if character.isdecimal())
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_webaccess SET tries_left = tries_left - 1"
            " WHERE user_id = %s::uuid AND tries_left > 0 RETURNING tries_left",
            [user_id],
        )
        row = cursor.fetchone()
        if row is None:
            return Weighed(False, 0)
        cursor.execute(
            "DELETE FROM accounts_wakecode WHERE user_id = %s::uuid AND code_mac = %s::bytea"
            " AND expires_at > %s::timestamptz",
            [user_id, _mac(user_id, digits), at],
        )
        return Weighed(cursor.rowcount > 0, row[0])


# Contacts typed at counters --------------------------------------------------------------------


class ContactOfSeveral(Exception):
    """This telephone or mailbox was typed for as many dossiers as one may be."""


def refuse_contact_of_several(contact: Contact, person: str, *, most: int) -> None:
    """Raises ContactOfSeveral when `contact` was typed for `most` people, `person` not among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) >= %s AND NOT bool_or(pair_mac = %s::bytea) FROM accounts_typedcontact"
            " WHERE contact_mac = %s::bytea",
            [most, _pair_mac(contact, person), contact_mac(contact)],
        )
        (several,) = cursor.fetchone()
    if several:
        raise ContactOfSeveral


def claim_typed_contact(contact: Contact, person: str, *, most: int) -> None:
    """Note that `contact` was typed for `person`. Raises ContactOfSeveral beyond `most` people.

    Each person takes a rank; two at once want the same one and the second is refused by the key, which
    raises IntegrityError: the act is then asked again.
    """
    pair = _pair_mac(contact, person)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_typedcontact (contact_mac, rank, pair_mac)
            SELECT %(contact)s::bytea, rank, %(pair)s::bytea FROM generate_series(1, %(most)s::int) AS rank
            WHERE NOT EXISTS (SELECT FROM accounts_typedcontact WHERE pair_mac = %(pair)s::bytea)
                AND NOT EXISTS (SELECT FROM accounts_typedcontact taken
                                WHERE taken.contact_mac = %(contact)s::bytea AND taken.rank = rank.rank)
            ORDER BY rank LIMIT 1
            """,
            {"contact": contact_mac(contact), "pair": pair, "most": most},
        )
        if cursor.rowcount == 1:
            return
        cursor.execute("SELECT FROM accounts_typedcontact WHERE pair_mac = %s::bytea", [pair])
        if cursor.fetchone() is None:
            raise ContactOfSeveral


def contact_mac(contact: Contact) -> bytes:
    """What two spellings of one contact have in common, as a keyed digest."""
    return blind.keyed_mac("typed_contact", sameness(contact).encode())


def _pair_mac(contact: Contact, person: str) -> bytes:
    return blind.keyed_mac("typed_contact.person", f"{sameness(contact)}|{person}".encode())


def purge(*, at: datetime) -> int:
    """Delete the codes that expired."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_wakecode WHERE expires_at <= %s::timestamptz", [at])
        return cursor.rowcount


def _mac(user_id: UUID, code: str) -> bytes:
    return blind.keyed_mac("wake", f"{user_id}|{code}".encode())
