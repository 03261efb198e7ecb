"""The file of feedback: nothing read from the queue is lost, reports are summed up."""

import sqlite3

import pytest
from msgspec.structs import replace

from broker import answers, delivery_reports, feedback_file
from broker.answers import Taken
from broker.bus import Message
from broker.delivery_reports import Named, Reached
from broker.errors import ConfigError
from broker.feedback_file import MAX_BODY, beside, open_feedback
from broker.feedback_kept import Told
from tests.support.issuing import HUB, NOW, directory, signer
from tests.support.records import an_id, sha

TOKEN, OTHER = sha(b"a token"), sha(b"another")
MINUTE = int(NOW) // 60 * 60


@pytest.fixture
def path(tmp_path):
    return beside(tmp_path / "cert-aq.sqlite")


@pytest.fixture
def file(path):
    with open_feedback(path, now=NOW) as opened:
        yield opened


def reported(*reached, adapter="main", now=NOW):
    return delivery_reports.message(
        reached, adapter=adapter, issuer="cert-aq", signer=HUB, now=now
    )


def reached(members=1, names=(), token=TOKEN, at=MINUTE):
    return Reached(token, members, at, tuple(Named(each, at) for each in names))


def answer(number=1, by="platform-x"):
    made = answers.make(
        Taken("removed", number), token=TOKEN, sub=an_id("incident"), signer=signer(by),
        now=int(NOW),
    )  # fmt: skip
    return answers.message(made, "cert-aq", signer(by))


def take(file, *messages, now=NOW):
    file.keep(messages, now)
    file.take_in("cert-aq", directory())


def test_it_is_private_and_lies_beside_the_state(path, file):
    assert path.name == "cert-aq.sqlite.feedback"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_kept_comes_back_as_it_came_in_its_order(file):
    messages = [answer(2), answer(1), reported(reached())]
    file.keep(messages, NOW)
    found = file.unshown()
    assert [each.message for each in found] == messages
    assert {each.came_at for each in found} == {NOW}


def test_what_comes_again_is_kept_once(path, file):
    file.keep([answer(), answer()], NOW)
    with open_feedback(path, now=NOW) as other:  # another process
        other.keep([answer()], NOW + 1)
    assert len(file.kept()) == 1


def test_another_sender_under_the_same_message_id_displaces_nothing(file):
    theirs = replace(answer(by="cert-bv"), message_id=answer().message_id)
    file.keep([theirs, answer()], NOW)
    assert len(file.kept()) == 2


def test_what_was_shown_is_not_unshown_and_stays(file):
    file.keep([answer(1), answer(2)], NOW)
    first, second = file.unshown()
    file.mark_shown([first.place])
    assert file.unshown() == [second]
    assert file.kept() == [first, second]


def test_a_body_that_is_too_large_leaves_only_that_it_came(file):
    big = Message(body=b"x" * (MAX_BODY + 1), message_id="m", routing_key="a.b.c")
    file.keep([big], NOW)
    [found] = file.unshown()
    assert found.message.body == b""


def test_who_tells_much_displaces_its_own_oldest_alone(file, monkeypatch):
    monkeypatch.setattr(feedback_file, "MAX_OF_SENDER", 3)
    file.keep([answer(by="cert-bv")], NOW)
    file.keep([answer(n) for n in range(1, 6)], NOW)
    senders = [each.message.user_id for each in file.kept()]
    assert senders == ["cert-bv"] + ["platform-x"] * 3
    assert [each.message for each in file.kept()][1:] == [answer(n) for n in (3, 4, 5)]


def test_what_is_very_old_is_forgotten_when_it_is_opened(path, file):
    take(file, answer(), reported(reached()))
    later = NOW + feedback_file.KEPT_S + 1
    with open_feedback(path, now=later) as opened:
        assert opened.kept() == []
        assert opened.told([TOKEN]) == {}


def test_a_report_is_taken_in_and_is_no_message_any_more(file):
    message = reported(reached(3, ["platform-x"]))
    take(file, message)
    assert file.kept() == []
    told = Told(3, MINUTE, {"platform-x": MINUTE}, (message.body,))
    assert file.told([TOKEN, OTHER]) == {TOKEN: told}


def test_a_later_report_replaces_an_earlier_one_whatever_comes_first(file):
    early, late = reported(reached(1)), reported(reached(4), now=NOW + 60)
    take(file, late)
    take(file, early)
    assert file.told([TOKEN])[TOKEN].members == 4
    assert file.told([TOKEN])[TOKEN].reports == (late.body,)


def test_of_one_minute_the_greater_number_holds(file):
    take(file, reported(reached(4)))
    take(file, reported(reached(2)))
    assert file.told([TOKEN])[TOKEN].members == 4


def test_a_member_that_takes_its_consent_back_was_named_all_the_same(file):
    take(file, reported(reached(2, ["platform-x"])))
    take(file, reported(reached(1), now=NOW + 60), now=NOW + 60)
    told = file.told([TOKEN])[TOKEN]
    assert (told.members, [*told.named]) == (2, ["platform-x"])


def test_adapters_add_up(file):
    take(file, reported(reached(2, ["cert-bv"])))
    take(file, reported(reached(3, ["platform-x"]), adapter="other"))
    told = file.told([TOKEN])[TOKEN]
    assert (told.members, sorted(told.named), len(told.reports)) == (
        5, ["cert-bv", "platform-x"], 2,
    )  # fmt: skip


def test_a_report_is_kept_as_long_as_it_is_the_newest_of_a_token(path, file):
    both = reported(reached(1), reached(1, token=OTHER))
    newer = reported(reached(2), now=NOW + 60)
    take(file, both)
    take(file, newer)
    assert file.told([OTHER])[OTHER].reports == (both.body,)
    take(file, reported(reached(2, token=OTHER), now=NOW + 60))
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM reports").fetchone() == (2,)


def test_a_report_of_nobody_stays_to_be_shown(file):
    forged = delivery_reports.message(
        [reached()], adapter="main", issuer="cert-aq", signer=signer("cert-bv"), now=NOW
    )
    take(file, forged)
    assert [each.message for each in file.unshown()] == [forged]
    assert file.told([TOKEN]) == {}


def test_what_the_gate_told_since_a_place_is_found(file):
    told = Message(
        body=b"{}", message_id="m", routing_key="gate.cert-aq.x", user_id="gate"
    )
    file.keep([answer(), told], NOW)
    [found] = file.since(0, "gate")
    assert found.message == told
    assert file.since(found.place, "gate") == []
    assert [each.message for each in file.of_type(answers.CONTENT_TYPE)] == [answer()]


def test_another_kind_of_file_is_refused(tmp_path):
    other = tmp_path / "x.feedback"
    other.touch(0o600)
    other.write_bytes(b"no database, but of some length" * 100)
    with pytest.raises(ConfigError), open_feedback(other, now=NOW):
        pass
