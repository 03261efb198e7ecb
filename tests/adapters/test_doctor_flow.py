"""What a doctor says of queues, sinks and the running process."""

import pytest

from adapters.doctor_flow import Flow, of_letters, of_queue, of_running, of_sinks

NOW = 1_790_000_000.0
RUN = "tocsin adapter run"


def said(finding):
    return finding.state, finding.said


@pytest.mark.parametrize(
    ("messages", "readers", "state", "words"),
    [
        (5, 1, "ok", "which is being read"),
        (5, 0, "warning", "nobody reads it now"),
        (10_001, 1, "warning", "10001 messages wait"),
        (80_000, 1, "warning", "80 % of what it holds"),
        (80_000, 0, "warning", "80 % of what it holds"),
        (100_000, 1, "failed", "is full (100000 messages), and refuses"),
    ],
)
def test_of_a_queue_it_says_how_full_it_is_and_whether_anybody_reads_it(
    messages, readers, state, words
):
    found = of_queue("q", messages, readers, most=100_000, run=RUN)
    assert (found.state, words in found.said) == (state, True)
    assert (found.code == 3) is (state == "failed")
    if not readers:
        assert RUN in found.advice


@pytest.mark.parametrize(
    ("messages", "state"), [(0, "ok"), (1, "note"), (79, "note"), (80, "warning")]
)
def test_what_was_put_aside_is_told_and_an_alarm_before_it_stops_anybody(
    messages, state
):
    assert of_letters("tocsin.dead", messages, most=100).state == state


def flow(**changes):
    whole = {
        "member": "platform-x",
        "sink": "siem",
        "pending": 3,
        "failed": 0,
        "oldest_at": NOW - 60,
        "failing_since": None,
        "reason": "",
    }
    return Flow(**{**whole, **changes})


def test_where_nothing_waits_all_is_well():
    assert [each.state for each in of_sinks((), now=NOW)] == ["ok"]


def test_a_sink_that_takes_nothing_is_named_with_since_when_and_why():
    dead = flow(failing_since=NOW - 30, reason="sink-timeout")
    calm = flow(sink="files", oldest_at=None)
    [one, other] = of_sinks((dead, calm), now=NOW)
    assert said(one) == (
        "warning",
        "sink platform-x/siem: 3 wait, the oldest since 2026-09-21T14:12:20.000Z (UTC); "
        "it takes nothing since 2026-09-21T14:12:50.000Z (UTC) (sink-timeout)",
    )
    assert other.state == "ok"


def test_a_sink_that_takes_less_than_comes_is_told_and_what_was_given_up():
    [slow] = of_sinks((flow(oldest_at=NOW - 601),), now=NOW)
    assert (slow.state, "less than comes" in slow.said) == ("warning", True)
    [lost] = of_sinks((flow(pending=0, failed=2),), now=NOW)
    assert (lost.state, "2 were given up" in lost.said) == ("warning", True)


def test_what_the_running_process_says_is_told_line_by_line():
    assert [each.state for each in of_running(200, "ready\n")] == ["ok"]
    partly = of_running(200, "worker 2: no answer\n")
    assert [each.state for each in partly] == ["ok", "note"]
    held = of_running(503, "broker: takes nothing\noutbox: not available\n")
    assert [(each.state, each.code) for each in held] == [("failed", 3)] * 2
    assert "broker: takes nothing" in held[0].said
    assert [each.said for each in of_running(500, "")] == ["it answers with status 500"]
    many = of_running(503, "x" * 1000 + "\n" * 100)
    assert max(len(each.said) for each in many) < 250
    assert len(many) == 20
