"""What a restored database may have brought back to life: visits ended since, tokens, codes already used."""

from datetime import datetime

from django.db import connection

from revocation.acts import ends_after_a_restore

from .session_cache import session_cache


@ends_after_a_restore
def end_every_visit(at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_session RETURNING id_mac")
        ended = cursor.fetchall()
    for (id_mac,) in ended:
        session_cache().drop(bytes(id_mac))
    return len(ended)


@ends_after_a_restore
def end_every_token(at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_accesstoken")
        return cursor.rowcount


@ends_after_a_restore
def end_every_code(at: datetime) -> int:
    """A code that served since the point restored would serve again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_contactdevice SET code_mac = NULL, tries_left = 0 WHERE code_mac IS NOT NULL"
        )
        return cursor.rowcount
