"""One form, sent four times at the same moment, is one deposit."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection

from documents import consultation, keeping
from tests.cast import NOON

from .conftest import open_dossier
from .files import pdf


@pytest.fixture
def dossier_id(real_database, content_store):
    return open_dossier()


@pytest.mark.parametrize("content", [pdf(), pdf() + b"%" * keeping.SMALL], ids=["small", "large"])
def test_four_at_once_are_one(real_database, deposit, dossier_id, camille, content):
    together, form = Barrier(4), uuid4()

    def send(_):
        together.wait(10)
        try:
            return deposit(content, sent_as=form, checked=False, unless_there=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(send, range(4)))

    assert len({receipt.document_id for receipt in made}) == 1
    assert sorted(receipt.already for receipt in made) == [False, True, True, True]
    assert len(consultation.contents(dossier_id, by=camille, at=NOON).summaries) == 1
    with real_database.superuser() as server:
        kept = server.execute("SELECT count(*) FROM documents_content WHERE part = 'original'")
        assert kept.fetchone() == (1,)
