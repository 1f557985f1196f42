"""Every official document says on its page what it says, word for word, and names everyone who wrote it."""

import pytest

from tests.documents.test_reading import CORPORA, compare, samples

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="DMP_CORPORA names no folder of corpora"),
]


def test_nothing_is_lost_glued_or_invented_in_any_official_document():
    assert len(samples()) == 102
    for path in samples():
        compare(path)
