"""The tests themselves stand behind the walls."""

import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_tests_run_as_the_application_login():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user")

        assert cursor.fetchone() == ("dmp_app", "dmp_app")


def test_a_real_database_commits(real_database):
    with real_database.superuser() as superuser:
        superuser.execute("CREATE TABLE kept (id int)")
        superuser.execute("GRANT INSERT ON kept TO dmp_app")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO kept VALUES (1)")

    with real_database.owner() as owner, pytest.raises(Exception, match="permission denied"):
        owner.execute("SELECT * FROM kept")
    with real_database.superuser() as superuser:
        assert superuser.execute("SELECT * FROM kept").fetchall() == [(1,)]
