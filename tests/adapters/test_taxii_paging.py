"""What an answer of a TAXII server leads to: each wrong server is a timeline."""

import pytest

from adapters.taxii.cursor import ACCEPTS, Cursor, begin, request
from adapters.taxii.envelope import Arrival, Page
from adapters.taxii.paging import (
    MAX_ATTEMPTS,
    MAX_EMPTY_PAGES,
    Answer,
    Finished,
    Go,
    Held,
    Stopped,
    Wait,
    receive,
)
from tests.support.taxii_model import START, Server, Store, run, thing

T1, T2 = "2026-03-01T08:00:00.000000Z", "2026-03-01T09:00:00.000000Z"


def filled(count=35, **traits):
    server = Server(**traits)
    for number in range(count):
        server.add(thing(number))
    return server


def ids(server):
    return [item["id"] for _, item in server.shelf]


def arrivals(*numbers):
    return tuple(Arrival(b"key %d" % n, f"campaign--{n}", "", b"{}") for n in numbers)


def page(*numbers, more=None, token="", first=T1, last=T1):
    found = Page(more=more, next=token, arrivals=arrivals(*numbers))
    return Answer(status=200, page=found, first=first, last=last)


def after(*answers, poll=None, held=(), known=()):
    """Give the last step."""
    poll = poll or begin(Cursor(), limit=10)
    keys = {b"key %d" % n for n in held}
    step = None
    for answer in answers:
        step = receive(
            poll, answer, Held(frozenset(keys), frozenset(known)), random=0.5
        )
        keys |= {each.key for each in step.fresh}
        poll = step.poll
    return step


# servers that can be followed to the end


@pytest.mark.parametrize(
    "traits",
    [
        {},
        {"gives_next": "never"},
        {"gives_next": "same"},
        {"gives_next": "forgets"},
        {"gives_next": "once"},
        {"gives_next": "dead"},
        {"gives_next": "loop"},
        {"gives_next": "never", "headers": "seconds"},
        {"gives_next": "never", "headers": "offset"},
        {"headers": "future"},
        {"gives_next": "never", "headers": "future", "page": 100},
        {"gives_next": "never", "compares": "seconds"},
        {"headers": "undefined"},
        {"headers": "absent"},
        {"headers": "javascript"},
        {"headers": "days"},
        {"more": "full"},
        {"more": "full", "gives_next": "never"},
        {"more": "silent"},
        {"newest_first": True},
        {"ignores_limit": True},
        {"empties": 3},
    ],
    ids=str,
)
def test_all_of_it_comes_once_in_two_runs(traits):
    server, store = filled(**traits), Store()
    assert run(server, store, limit=5) == Finished()
    assert sorted(store.taken) == sorted(ids(server))
    server.add(thing(100))
    assert run(server, store, limit=5) == Finished()
    assert sorted(store.taken) == sorted(ids(server))


def test_a_run_without_news_costs_one_request():
    server, store = filled(page=10), Store()
    run(server, store)
    server.asked.clear()
    assert run(server, store) == Finished()
    [asked] = server.asked
    assert asked["added_after"] == "2026-03-01T08:00:52.499999Z"


def test_filters_go_along_with_a_token():
    server, store = filled(page=10), Store()
    run(server, store)
    for number in range(50, 75):
        server.add(thing(number))
    server.asked.clear()
    run(server, store)
    assert len(server.asked) == 3
    assert {asked["added_after"] for asked in server.asked} == {
        "2026-03-01T08:00:52.499999Z"
    }


@pytest.mark.parametrize("headers", ["right", "seconds", "days"])
def test_an_object_added_later_with_the_same_moment_is_not_lost(headers):
    server, store = Server(headers=headers), Store()
    server.add(thing(1), at=START)
    run(server, store)
    server.add(thing(2), at=START)
    run(server, store)
    assert store.taken == ids(server)


def test_a_crowd_of_one_moment_is_not_asked_for_again():
    reached = "2026-03-01T08:00:00.5Z"
    crowded = Cursor(reached=reached, crowd=10_001)
    assert crowded.at_rest().after == reached
    whole_day = Cursor(reached="2026-03-01T00:00:00Z", crowd=10_001)
    assert whole_day.at_rest().after == "2026-02-28T23:59:59Z"


def test_a_page_that_ends_inside_one_moment_is_asked_for_larger():
    server, store = Server(page=100, gives_next="never"), Store()
    server.add(*map(thing, range(15)), at=START)
    assert run(server, store, limit=10) == Finished()
    assert sorted(store.taken) == sorted(ids(server))
    assert [int(asked["limit"]) for asked in server.asked] == [10, 10, 20]


def test_a_server_that_compares_days_loses_nothing():
    server, store = Server(compares="days"), Store()
    server.add(thing(1))
    run(server, store)
    for number in range(2, 5):
        server.add(thing(number))
    assert run(server, store) == Finished()
    assert store.taken == ids(server)


def test_an_object_replaced_by_a_newer_version_explains_why_it_does_not_come_again():
    server, store = filled(3), Store()
    run(server, store)
    server.shelf.pop()
    server.add(thing(2, version=1))
    server.asked.clear()
    assert run(server, store) == Finished()
    assert len(server.asked) == 1


def test_what_was_deleted_makes_it_look_further_back_and_then_go_on():
    server, store = filled(3), Store()
    run(server, store)
    server.shelf.clear()
    server.asked.clear()
    assert run(server, store) == Finished()
    afters = [asked.get("added_after") for asked in server.asked]
    assert afters == [
        "2026-03-01T08:00:04.499999Z",
        "2026-02-27T23:59:59.000000Z",
        None,
    ]
    server.add(thing(9))
    assert run(server, store) == Finished()
    assert len(store.taken) == 4


def test_a_token_spent_by_a_run_that_was_killed_costs_only_repeats():
    server, store = filled(gives_next="once", page=10), Store()
    assert run(server, store, stop_after=3) is None
    server._used = {store.cursor.next}
    assert run(server, store) == Finished()
    assert sorted(store.taken) == sorted(ids(server))
    # Three pages came in order, so it did not begin anew.
    assert server.asked[-1]["added_after"] > T1


def test_objects_twice_on_one_page_count_once():
    assert len(after(page(1, 1)).fresh) == 1


def test_a_token_without_more_is_followed_while_there_are_objects():
    assert after(page(1, token="a")).move == Go()
    assert after(page(token="a")).move == Finished()
    assert after(page(1, token="a", more=False)).move == Finished()


# servers that cannot


def test_a_cut_inside_one_moment_that_nothing_gets_past_is_said():
    server, store = Server(page=10, gives_next="never"), Store()
    server.add(*map(thing, range(15)), at=START)
    for _ in range(2):
        assert run(server, store, limit=10) == Stopped("taxii-instant")
    assert len(store.taken) == 10


def test_more_without_token_and_date_is_said():
    server = filled(page=10, gives_next="never", headers="absent")
    assert run(server, Store(), limit=10) == Stopped("taxii-instant")


def test_more_for_ever_by_date_is_said_and_everything_came():
    server, store = filled(page=10, gives_next="never", more="always"), Store()
    assert run(server, store, limit=10) == Stopped("taxii-instant")
    assert sorted(store.taken) == sorted(ids(server))


def test_a_promise_that_no_larger_page_can_show_is_said():
    wide = begin(Cursor(), limit=15_000)
    step = after(
        page(1, more=True, last=T1), page(2, more=False, first=T2, last=T2), poll=wide
    )
    assert step.move == Stopped("taxii-instant")


def test_empty_pages_without_end_are_said():
    server, store = filled(5, empties=10_000, more="always"), Store()
    server.empties = 10_000
    assert run(server, store) == Stopped("taxii-loop")
    assert len(server.asked) <= MAX_EMPTY_PAGES + 20


def test_a_circle_of_pages_is_found_soon():
    server, store = filled(60, page=10, gives_next="loop", headers="absent"), Store()
    end = run(server, store, limit=10)
    assert end == Stopped("taxii-loop")
    assert len(store.taken) == 30
    assert len(server.asked) < 15


def test_repeats_in_ever_new_order_are_found_when_there_are_too_many():
    poll, steps = begin(Cursor(), limit=10), 0
    answer = page(1, 2, more=True, token="0")
    step = after(answer, poll=poll)
    while step.move == Go() and not step.poll.by_date:
        steps += 1
        changing = page(*[1] * steps, 2, more=True, token=str(steps))
        step = after(changing, poll=step.poll, held=(1, 2))
        assert steps < 2_000
    assert step.poll.by_date


def test_new_objects_for_ever_end_at_the_bound_and_the_next_run_goes_on_there():
    poll = begin(Cursor(), limit=10, max_pages=2)
    step = after(
        page(1, more=True, token="a"), page(2, more=True, token="b"), poll=poll
    )
    assert step.move == Stopped("taxii-endless")
    assert request(begin(step.poll.cursor, limit=10)).params["next"] == "b"
    step = after(page(1, more=True), page(2, more=True, last=T2), poll=poll)
    assert step.move == Stopped("taxii-endless")
    assert step.poll.cursor.next == ""


# answers that are no page


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "taxii-refused"),
        (401, "taxii-login"),
        (403, "taxii-login"),
        (404, "taxii-missing"),
        (406, "taxii-version"),
        (415, "taxii-version"),
        (204, "taxii-refused"),
    ],
)
def test_a_refusal_ends_the_run_with_its_reason(status, reason):
    answers = [Answer(status=status)] * (len(ACCEPTS) if reason[6] in "mv" else 1)
    step = after(*answers)
    assert step.move == Stopped(reason)
    assert step.poll.cursor == Cursor()


def test_a_media_type_that_the_server_does_not_know_is_replaced_and_remembered():
    step = after(Answer(status=406), page(1))
    assert step.move == Finished()
    assert request(begin(step.poll.cursor, limit=1)).accept == ACCEPTS[1]


def test_a_login_that_ends_in_the_middle_keeps_the_token():
    step = after(page(1, more=True, token="a"), Answer(status=401))
    assert step.move == Stopped("taxii-login")
    assert step.poll.cursor.next == "a"


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_a_server_that_is_busy_is_asked_again_and_not_for_ever(status):
    poll, waits = begin(Cursor(), limit=10), []
    for _ in range(MAX_ATTEMPTS - 1):
        step = after(Answer(status=status), poll=poll)
        waits.append(step.move.seconds)
        poll = step.poll
    assert waits == [0.75, 1.5, 3.0, 6.0]
    reason = "taxii-busy" if status else "taxii-unreachable"
    assert after(Answer(status=status), poll=poll).move == Stopped(reason)


def test_an_answer_ends_the_count_of_attempts():
    step = after(Answer(status=503), page(1, more=True, token="a"))
    assert step.poll.attempts == 0


def test_retry_after_is_obeyed_if_it_is_not_too_long():
    assert after(Answer(status=429, retry_after_s=60.0)).move == Wait(60.0)
    long = after(Answer(status=429, retry_after_s=3600.0))
    assert long.move == Stopped("taxii-busy")


def test_a_token_that_makes_the_server_fail_is_not_used_for_ever():
    failing = [Answer(status=500)] * MAX_ATTEMPTS
    assert after(page(1, more=True, token="a"), *failing).poll.cursor.next == ""
    silent = [Answer(status=0)] * MAX_ATTEMPTS
    assert after(page(1, more=True, token="a"), *silent).poll.cursor.next == "a"


def test_a_page_that_is_too_large_is_asked_for_smaller():
    too_large = Answer(status=200, fault=("too-large", "$"))
    assert request(after(too_large).poll).params["limit"] == "5"
    assert request(after(Answer(status=413)).poll).params["limit"] == "5"
    assert after(*[too_large] * 4).move == Stopped("too-large")


def test_a_page_that_cannot_be_read_ends_the_run():
    step = after(Answer(status=200, fault=("not-json", "line 1 column 1")))
    assert step.move == Stopped("not-json", "line 1 column 1")


@pytest.mark.parametrize(
    "answer", [Answer(status=400), Answer(status=200, fault=("too-large", ""))]
)
def test_a_larger_page_that_is_refused_ends_the_run(answer):
    step = after(page(1, more=True, first="", last=""), answer)
    assert step.move == Stopped("taxii-instant")


def test_dates_that_fall_are_no_dates():
    step = after(page(1, more=True, first=T2, last=T1))
    assert step.poll.cursor.reached == ""
    assert request(step.poll).params == {"limit": "20"}


def test_a_first_date_that_is_missing_is_taken_from_the_last():
    step = after(
        page(1, more=True, token="a", first=""),
        page(2, more=True, token="b", first="", last=T2),
    )
    assert step.poll.cursor.in_order == 2
    assert step.poll.cursor.without_token().after == "2026-03-01T08:59:59.999999Z"
