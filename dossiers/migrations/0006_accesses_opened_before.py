"""Accesses opened before anybody asked what wakes one.

Opened online, the insurer's code had reached a contact of its own: awake. Opened at a counter, the contact
was the one typed there and nothing more: asleep (no row says so), and the sessions open end now.
"""

from datetime import datetime
from typing import Any

from django.db import migrations

from accounts import web_access
from accounts.paris import paris_day
from accounts.web_access import AccessState
from vault import subjects
from vault.subjects import Wrapped

AT_A_TIME = 500

ONLINE = """
SELECT u.id, u.created_at, k.kind, k.version, k.kek_version, k.wrapped FROM accounts_user u
JOIN dossiers_dossier d ON d.id = u.dossier_id JOIN vault_subjectkey k ON k.subject_id = u.id
WHERE d.opened_through = 'online' AND NOT EXISTS (SELECT FROM accounts_webaccess a WHERE a.user_id = u.id)
"""
AWAKE = """
INSERT INTO accounts_webaccess (user_id, sealed, tries_left) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
SESSIONS_END = """
DELETE FROM accounts_session s USING accounts_user u WHERE u.kind = 'holder' AND s.owner_id = u.id
    AND NOT EXISTS (SELECT FROM accounts_webaccess a WHERE a.user_id = u.id)
"""


def forwards(apps: Any, editor: Any) -> None:
    with editor.connection.cursor() as cursor:
        cursor.execute(ONLINE)
        rows = cursor.fetchall()
        for first in range(0, len(rows), AT_A_TIME):
            cursor.executemany(AWAKE, [_awake(*row) for row in rows[first : first + AT_A_TIME]])
        cursor.execute(SESSIONS_END)


def _awake(user_id: Any, created_at: datetime, *key: Any) -> tuple[Any, bytes, int]:
    keyring = subjects.unwrap(user_id, Wrapped(*key))
    state = AccessState(awake=True, waking="online", asked_on=paris_day(created_at))
    return user_id, web_access.seal(state, user_id, keyring), web_access.TRIES


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0005_access_requests"), ("vault", "0002_walls")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop, elidable=False)]
