"""What an official document says is what its page says: a sample of them here, all in the long programme."""

import pytest

from documents import cda, narrative

from . import reading
from .files import CORPORA, needs_corpora


def compare(path) -> None:
    """One document, by the second reading."""
    words, names = reading.expected(path)
    shown, lead = reading.said(narrative.rendering(cda.read(path.read_bytes())).html)

    assert shown == words, path
    bare = [word.strip(",().") for word in lead]
    assert [name for name in names if name.strip(",().") not in bare] == [], path


def samples() -> list:
    return sorted(CORPORA.glob("cda-fr-ans-*/*.xml"))


@pytest.mark.corpus
@needs_corpora
def test_a_sample_of_official_documents_says_what_it_says_in_its_order():
    assert len(samples()) == 102
    for path in samples()[::8]:
        compare(path)
