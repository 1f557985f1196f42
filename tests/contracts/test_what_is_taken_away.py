"""Every act that takes something away is in the journal, and is done again after a restore.

An action that is missing from both lists fails: whoever adds one says whether it takes something away.
"""

import pytest

from access.policy import Action
from revocation import acts

TAKES_AWAY = {
    Action.WITHDRAW: "withdraw",
}
"""Each such action and the kind of its lines. To come with their acts: block, mask, object, close, ask for
deletion, end an account, suspend a representative."""

TAKES_NOTHING_AWAY = {
    Action.ENTER,
    Action.ENROL,
    Action.CHECK_EXISTENCE,
    Action.OPEN,
    Action.SEARCH,
    Action.ASK_CONTACTS,
    Action.GIVE_ACCESS,
    Action.SEND_WAKE_CODE,
    Action.WAKE,
    Action.VISIT,
    Action.LIST,
    Action.READ,
    Action.DEPOSIT,
    Action.FOLLOW_DEPOSIT,
    Action.TRACES,
    Action.PEOPLE,
    Action.AUTHORISE,
    Action.FOLLOW,
    Action.ASK_HISTORY,
    Action.IMPORT,
    Action.CHECK,
    Action.NOTIFY,
    Action.REVIEW,
}
# Words that take something away, in whatever language the action is named.
SUSPECT = (
    "withdraw",
    "block",
    "mask",
    "hide",
    "close",
    "delete",
    "erase",
    "object",
    "end",
    "suspend",
    "revoke",
)


def test_every_action_is_known_to_take_something_away_or_not():
    assert set(Action) == TAKES_AWAY.keys() | TAKES_NOTHING_AWAY
    assert not TAKES_AWAY.keys() & TAKES_NOTHING_AWAY


@pytest.mark.parametrize("action", sorted(TAKES_NOTHING_AWAY))
def test_an_action_that_takes_nothing_away_is_not_named_as_if_it_did(action):
    assert not [word for word in SUSPECT if word in str(action).split("_")]


def test_every_kind_of_line_is_replayed_and_no_other():
    assert acts.kinds().keys() == set(TAKES_AWAY.values())


def test_visits_tokens_and_codes_end_after_a_restore():
    assert {ending.__name__ for ending in acts.endings()} == {
        "end_every_visit",
        "end_every_token",
        "end_every_code",
    }
