"""Which archived records go once more, and whose word says for whom."""

import msgspec
import pytest

from adapters import burying
from adapters.pipeline import Refused
from broker.bus import Message
from broker.dead_letters import put_back
from broker.replaying import (
    LEFT_OUT,
    Replay,
    Version,
    expiry_of,
    for_member,
    replay_of,
    why_left_out,
)
from tests.support.issuing import NOW, Feed, draft

QUEUE = "tocsin.adapter.main"
ARCHIVED = Message(
    body=b"b", message_id="id", routing_key="", headers={"tocsin-seen": "stamp"}
)
ONE = Version("2026-02-01T10:00:00.000Z", "incident", 1)
TWO = Version("2026-02-01T10:01:00Z", "correction", 2)
BACK = Version("2026-02-01T10:02:00Z", "retraction", 3)


def arrived(replay, user="operator"):
    message = for_member(ARCHIVED, replay, queue=QUEUE)
    return msgspec.structs.replace(message, user_id=user)


def why(version, *others, exp=NOW + 1, erased=False):
    versions = [version, *others]
    return why_left_out(version, versions, exp=exp, erased=erased, now=NOW)


@pytest.mark.parametrize("forced", [True, False])
def test_the_operators_word_says_for_whom_alone(forced):
    replay = Replay("platform-x", forced)
    message = arrived(replay)
    assert replay_of(message) == replay
    assert message.headers["tocsin-seen"] == "stamp"
    assert message.routing_key == QUEUE


@pytest.mark.parametrize("user", ["gate", "cert-aq", "adapter-main", ""])
def test_nobody_elses_word_counts(user):
    assert replay_of(arrived(Replay("platform-x", True), user)) is None


@pytest.mark.parametrize("said", [{}, {"tocsin-replay-for": 7}])
def test_what_the_operator_puts_back_without_a_member_is_for_all(said):
    message = msgspec.structs.replace(ARCHIVED, user_id="operator", headers=said)
    assert replay_of(message) is None


def test_refused_and_put_back_it_is_still_for_that_member_alone():
    replay = Replay("platform-x", True)
    dead = burying.dead_letter(arrived(replay), Refused("expired", ""), "main", now=NOW)
    dead = msgspec.structs.replace(dead, user_id="adapter-main")
    _, back = put_back(dead)
    assert replay_of(msgspec.structs.replace(back, user_id="operator")) == replay


@pytest.mark.parametrize(("user", "kept"), [("operator", True), ("gate", False)])
def test_of_what_the_broker_gave_up_only_the_operators_word_is_kept(user, kept):
    sent = arrived(Replay("platform-x", False), user)
    death = {"x-death-queue": QUEUE, "x-death-routing-key": QUEUE}
    dead = msgspec.structs.replace(sent, headers={**sent.headers, **death})
    _, back = put_back(dead)
    assert ("tocsin-replay-for" in back.headers) is kept


def test_the_newest_version_goes_and_the_others_do_not():
    assert why(TWO, ONE) == ""
    assert why(ONE, TWO) == "superseded"


def test_versions_are_compared_as_moments_not_as_text():
    later = Version("2026-02-01T10:00:00.0001Z", "incident", 2)
    assert why(ONE, later) == "superseded"
    assert why(later, ONE) == ""


def test_of_two_that_are_called_the_same_the_first_goes():
    same = Version("2026-02-01T10:00:00Z", "incident", 9)
    assert why(ONE, same) == ""
    assert why(same, ONE) == "superseded"


def test_of_a_retracted_record_the_retraction_alone_goes_even_after_its_time():
    assert why(ONE, BACK) == "retracted"
    assert why(BACK, ONE, exp=NOW - 1) == ""


def test_what_has_expired_or_was_erased_does_not_go():
    assert why(ONE, exp=NOW - 1) == "expired"
    assert why(ONE, erased=True) == "erased"
    assert why(BACK, erased=True) == "erased"
    assert set(LEFT_OUT) == {"superseded", "retracted", "expired", "erased"}


def test_the_end_of_its_time_is_read_from_the_token():
    assert expiry_of(Feed().sign(draft())) > NOW
