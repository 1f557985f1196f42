"""Every code of the policy and of the ledger is a French sentence somewhere."""

from dataclasses import replace

import pytest

from access.policy import LAWS, Action, Reason
from audit.ledger import Trace
from dossiers.house import HOUSE
from portal.typography import french
from portal.wording import DEEDS, GROUNDS, REFUSALS, TURNED_AWAY, sentence, why
from tests.cast import CAMILLE, LEFEVRE, NADIA, NOON, PHARMACIST, ROY


def trace(kind, actor=LEFEVRE, at=NOON, **detail):
    return Trace(
        position=1,
        kind=str(kind),
        at=at,
        actor=actor.told(),
        detail=detail,
        channel=str(actor.channel),
        capacity=str(actor.capacity),
        profession=actor.profession or "",
        document_class="",
        structure="",
    )


def words(said):
    return said.replace("<strong>", "").replace("</strong>", "")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_sentence(reason):
    assert why(reason).endswith(".")
    assert (reason in GROUNDS) != (reason in REFUSALS)


@pytest.mark.parametrize("answer", REFUSALS.values())
def test_a_refusal_says_what_to_do_next(answer):
    assert not answer.title.endswith(".")
    assert answer.next_step.endswith(".")


@pytest.mark.parametrize("said", [*GROUNDS.values(), *(a.title + a.next_step for a in REFUSALS.values())])
def test_sentences_have_their_typography(said):
    assert french(said) == said


@pytest.mark.parametrize("action", LAWS)
@pytest.mark.parametrize("actor", [CAMILLE, LEFEVRE, ROY, HOUSE], ids=lambda actor: str(actor.capacity))
def test_every_kind_of_trace_is_told(action, actor):
    assert words(sentence(trace(action, actor))).endswith(".")
    assert "Refusé" in words(sentence(trace(f"{action}.refused", actor, reason="not_granted")))


def test_being_found_says_by_what():
    by_name, by_number = (
        words(sentence(trace("search", looked_by=way, reason="care"))) for way in ("name", "ins")
    )

    assert by_name.endswith(
        "a cherché un patient par son nom\u00a0: votre identité était parmi les réponses."
    )
    assert by_number.endswith("a cherché votre dossier par votre numéro.")


def test_every_action_has_a_deed():
    assert set(DEEDS) == set(Action)


@pytest.mark.parametrize("reason", TURNED_AWAY)
def test_being_turned_away_has_a_reason_that_the_holder_reads(reason):
    line = sentence(trace("read.refused", reason=str(reason)))

    assert french(TURNED_AWAY[reason]).replace("'", "&#x27;") in line


TOLD = (
    (
        trace("read", title="Résultats de biologie"),
        "Le Dr Anne Lefèvre, Cabinet des Tilleuls, a lu « Résultats de biologie ».",
    ),
    (trace("read", CAMILLE, title="Ordonnance"), "Vous avez lu « Ordonnance »."),
    (
        trace("deposit", replace(NADIA, civility="MME")),
        "Nadia Benali, infirmière, Cabinet des Tilleuls, a déposé un document.",
    ),
    (
        trace("deposit", replace(NADIA, civility="M")),
        "Nadia Benali, infirmier, Cabinet des Tilleuls, a déposé un document.",
    ),
    (
        trace("authorise", PHARMACIST, until="2027-11-21"),
        "Lucie Ferran, pharmacien ou pharmacienne, Pharmacie du Pont, a déclaré votre accord"
        " jusqu’au 21 novembre 2027.",
    ),
    (
        trace("withdraw", CAMILLE, whom="Nadia BENALI"),
        "Vous avez retiré une autorisation : Nadia Benali ne peut plus lire votre dossier.",
    ),
    (
        trace("open", ROY),
        "Bernard Roy, agent d’accueil, CPAM de la Haute-Garonne, a ouvert votre dossier avec vous.",
    ),
    (trace("import", HOUSE, outcome="filed"), "L’Assurance Maladie a versé votre parcours de soins."),
    (
        trace("import", HOUSE, outcome="nothing"),
        "L’Assurance Maladie a répondu qu’aucun soin remboursé n’est connu.",
    ),
    (
        trace("read.refused", PHARMACIST, reason="outside_matrix"),
        "Lucie Ferran, pharmacien ou pharmacienne, Pharmacie du Pont, a voulu lire un document. "
        "Refusé : son métier ne lit pas cette sorte de document.",
    ),
)


@pytest.mark.parametrize(("made", "said"), TOLD)
def test_a_trace_is_a_sentence(made, said):
    assert french(words(sentence(made))) == french(said)


def test_a_title_cannot_write_html():
    assert "<script>" not in sentence(trace("read", title="<script>x</script>"))
