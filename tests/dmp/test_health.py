"""Alive is not ready: a proxy is told the difference."""

import pytest
from django.db import OperationalError


def test_a_process_that_answers_is_alive(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_a_process_whose_database_answers_is_ready(client):
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_a_process_without_its_database_is_not_ready(client, monkeypatch):
    def gone(*_, **__):
        raise OperationalError

    monkeypatch.setattr("dmp.health.connection.cursor", gone)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"database\n")


def test_every_answer_refuses_devices_and_other_sites(client):
    answer = client.get("/healthz")

    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
