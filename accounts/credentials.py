"""Whether what somebody showed at the door still holds: asked of the database, never of a cache.

A session ends when its row goes or its time is over, when the account is closed, when a professional is
struck off, when another password is chosen. A token ends likewise with its program.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from .actors import Actor, Capacity, CredentialKind

_SESSION = """EXISTS (SELECT FROM accounts_session s JOIN {account} a ON a.id = s.owner_id
    WHERE s.id_mac = %s::bytea AND s.owner_id = %s::uuid AND s.idle_until > %s::timestamptz AND {in_force})"""
_OF_A_USER = _SESSION.format(
    account="accounts_user", in_force="a.active AND a.password_epoch = %s::integer AND a.kind = %s::text"
)
_OF_A_PROFESSIONAL = _SESSION.format(account="accounts_professional", in_force="a.struck_off_at IS NULL")
_OF_A_PROGRAM = """EXISTS (SELECT FROM accounts_accesstoken t JOIN accounts_program a ON a.id = t.program_id
    WHERE t.token_mac = %s::bytea AND t.program_id = %s::uuid AND t.expires_at > %s::timestamptz
      AND a.active)"""


def holding(actor: Actor, at: datetime) -> tuple[str, list[Any]]:
    """The SQL expression, and its parameters, that is true while the actor's credential holds.

    It reads with the rights of `dmp_app`: those a statement begins with, even one that takes a role.
    """
    shown = actor.credential
    if shown is None:
        return "true", []
    known = [shown.mac, shown.account_id, at]
    if shown.kind is CredentialKind.TOKEN:
        return _OF_A_PROGRAM, known
    if actor.capacity is Capacity.PROFESSIONAL:
        return _OF_A_PROFESSIONAL, known
    return _OF_A_USER, [*known, shown.password_epoch, actor.capacity.value]


def confirm(actor: Actor, *, at: datetime) -> bool:
    """Whether the actor's credential holds, for a page that asks nothing of the gate."""
    expression, parameters = holding(actor, at)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}", parameters)
        row = cursor.fetchone()
    return confirmed(actor, bool(row and row[0]))


def confirmed(actor: Actor, holds: bool) -> bool:
    """Remember in the actor's credential what the database has just answered."""
    if actor.credential is not None:
        actor.credential.confirmed = holds
    return holds
