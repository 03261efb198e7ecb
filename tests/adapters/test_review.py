"""The file of reviews: what waits, who agreed, what is sent, what is over."""

import sqlite3

import msgspec
import pytest

from adapters import reviewing
from adapters.review import open_reviews
from adapters.reviewing import Newer, view_digest
from broker.bus import Message
from broker.errors import ConfigError, TrustError
from tests.support import records
from tests.support.reviews import ANA, BEN, DAY, REVIEWERS, waiting
from tests.support.views import NOW

MESSAGE = Message(body=b"token", message_id="m", routing_key="k", headers={"a": "b"})
LATER_VERSION = "2026-05-01T00:00:00.000Z"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reviews.sqlite"


@pytest.fixture
def reviews(path):
    with open_reviews(path, REVIEWERS) as found:
        yield found


def kept(reviews, **changes):
    found = waiting(**changes)
    reviews.keep([(MESSAGE, [found], None)])
    return found


def agree(reviews, found, signer=ANA, decision="approve", now=NOW):
    statement = reviewing.sign(found.review, decision, signer, now=int(now))
    return reviews.say(statement, now=now)


def states(reviews, now=NOW):
    return [each.state for each in reviews.held(now=now, every=True)]


def test_what_waits_is_listed_with_its_token_and_survives_a_restart(path):
    with open_reviews(path, REVIEWERS) as reviews:
        found = kept(reviews)
    with open_reviews(path, REVIEWERS) as reviews:
        [held] = reviews.held(now=NOW)
        assert (held.waiting, held.state, held.missing) == (found, "waiting", 1)
        assert reviews.message(found.token_id) == MESSAGE
    assert path.stat().st_mode & 0o077 == 0


def test_keeping_twice_changes_nothing(reviews):
    found = kept(reviews, needed=2)
    agree(reviews, found)
    kept(reviews, needed=2)
    assert [each.missing for each in reviews.held(now=NOW)] == [1]


def test_two_workers_keep_one_file_of_what_waits(path):
    with open_reviews(path, REVIEWERS) as one, open_reviews(path, REVIEWERS) as two:
        found = kept(one)
        assert kept(two) == found  # as after one that died before it acknowledged
        assert [each.waiting for each in two.held(now=NOW)] == [found]
        agree(two, found)
        assert [each.reviews for each in one.ready(now=NOW)] == [(found.review,)]
        newer = Newer(issuer=found.issuer, sub=found.sub, ver=LATER_VERSION)
        two.keep([(MESSAGE, [], newer)])
        assert one.ready(now=NOW) == []
        assert states(one) == states(two) == ["superseded"]


def test_it_is_ready_when_enough_agreed_and_only_once(reviews):
    found = kept(reviews, needed=2)
    assert agree(reviews, found).state == "waiting"
    assert agree(reviews, found).state == "waiting"  # the same person again
    assert reviews.ready(now=NOW) == []
    assert agree(reviews, found, BEN).state == "approved"
    [ready] = reviews.ready(now=NOW)
    assert ready.message == MESSAGE
    assert ready.agreed.view == view_digest(found.view)
    assert ready.agreed.policy_sha256 == found.policy_sha256
    assert ready.agreed.parts == {found.part}
    assert ready.reviews == (found.review,)
    reviews.sent(ready.reviews)
    assert reviews.ready(now=NOW) == []
    assert reviews.message(found.token_id) is None  # nothing waits for it any more


def test_what_was_sent_before_is_sent_along_with_what_is_agreed_to_later(reviews):
    first, second = waiting(), waiting(part=("tool--x", "name"))
    reviews.keep([(MESSAGE, [first, second], None)])
    agree(reviews, first)
    [ready] = reviews.ready(now=NOW)
    reviews.sent(ready.reviews)
    agree(reviews, second)
    [ready] = reviews.ready(now=NOW)
    assert ready.agreed.parts == {first.part, second.part}
    assert ready.reviews == (second.review,)


def test_views_are_ready_each_by_itself(reviews):
    first = waiting()
    second = waiting(view=msgspec.structs.replace(first.view, concerned=True))
    reviews.keep([(MESSAGE, [first, second], None)])
    agree(reviews, second)
    [ready] = reviews.ready(now=NOW)
    assert ready.agreed.view == view_digest(second.view)


def test_one_who_rejects_ends_it(reviews):
    found = kept(reviews, needed=2)
    assert agree(reviews, found, decision="reject").state == "rejected"
    assert reviews.held(now=NOW) == []
    assert reviews.message(found.token_id) is None
    with pytest.raises(ConfigError, match="it is rejected"):
        agree(reviews, found, BEN)


def test_who_waits_too_long_gets_nothing(reviews):
    found = kept(reviews)
    late = NOW + 7 * DAY
    assert states(reviews, late - 1) == ["waiting"]
    assert states(reviews, late) == ["lapsed"]
    assert reviews.message(found.token_id) is None
    with pytest.raises(ConfigError, match="it is lapsed"):
        agree(reviews, found, now=late)
    assert reviews.ready(now=late) == []


def test_a_newer_version_ends_what_waits_and_what_was_not_sent_yet(reviews):
    found = kept(reviews)
    other = kept(reviews, part=("tool--x", "name"))
    agree(reviews, other)
    other_record = Newer(found.issuer, "incident--else", LATER_VERSION)
    reviews.keep([(MESSAGE, [], other_record)])
    assert sorted(states(reviews)) == ["approved", "waiting"]
    reviews.keep([(MESSAGE, [], Newer(found.issuer, found.sub, LATER_VERSION))])
    assert states(reviews) == ["superseded", "superseded"]
    assert reviews.ready(now=NOW) == []
    assert reviews.message(found.token_id) is None


def test_an_older_version_that_comes_late_does_not_begin_to_wait(reviews):
    newer = kept(reviews, ver=LATER_VERSION, token_id="N" * 43)
    kept(reviews)
    [held] = reviews.held(now=NOW)
    assert held.waiting == newer
    assert sorted(states(reviews)) == ["superseded", "waiting"]


def test_a_changed_policy_ends_what_waited_under_the_old_one(reviews):
    found = kept(reviews)
    reviews.rule_by(found.policy_sha256)
    assert states(reviews) == ["waiting"]
    agree(reviews, found)
    reviews.rule_by("0" * 64)
    assert states(reviews) == ["policy-changed"]
    assert reviews.ready(now=NOW) == []


def test_what_waits_under_policies_that_were_replaced_ends_and_nothing_else(reviews):
    found = kept(reviews)
    reviews.end_under([])
    reviews.end_under(["0" * 64])
    assert states(reviews) == ["waiting"]
    reviews.end_under(["0" * 64, found.policy_sha256])
    assert states(reviews) == ["policy-changed"]
    assert reviews.message(found.token_id) is None


def test_whoever_is_no_reviewer_any_more_counts_no_more(path):
    with open_reviews(path, REVIEWERS) as reviews:
        found = kept(reviews)
        agree(reviews, found)
    with open_reviews(path, {BEN.kid: REVIEWERS[BEN.kid]}) as reviews:
        assert reviews.ready(now=NOW) == []


def test_a_state_written_into_the_file_sends_nothing(path, reviews):
    kept(reviews)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE reviews SET state = 'approved'")
    assert reviews.ready(now=NOW) == []


def test_a_statement_moved_to_another_review_counts_for_nothing(path, reviews):
    found, other = kept(reviews), kept(reviews, part=("tool--x", "name"))
    agree(reviews, found)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE statements SET review = ?", (other.review,))
        db.execute("UPDATE reviews SET state = 'approved'")
    assert reviews.ready(now=NOW) == []


def test_a_number_is_found_by_its_beginning(reviews):
    found = kept(reviews)
    assert reviews.find(found.review[:8], now=NOW).waiting == found
    with pytest.raises(ConfigError, match="no review has"):
        reviews.find("zz%", now=NOW)
    kept(reviews, part=("tool--x", "name"))
    with pytest.raises(ConfigError, match="several reviews have"):
        reviews.find("", now=NOW)


def test_a_stranger_cannot_say_anything(reviews):
    with pytest.raises(TrustError, match="not-a-reviewer"):
        agree(reviews, kept(reviews), records.signer("eve"))
