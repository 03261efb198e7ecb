"""Whatever the server: each object once, or a stated end; and always an end."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.taxii.paging import Finished
from schemas.rules import RULES
from tests.support.taxii_model import START, Server, Store, run, thing

moments = st.lists(
    st.sampled_from([0, 1, 10, 400_000, 1_000_000, 90_000_000, 90_000_000_000]),
    max_size=60,
)
TOKENS = ["always", "once", "same", "forgets"]


@st.composite
def servers(draw):
    newest_first = draw(st.booleans())
    # Newest first and no token that works: a page of one moment looks the same, so
    # nobody could tell that older ones are hidden.
    tokens = TOKENS if newest_first else [*TOKENS, "never", "dead", "loop"]
    headers = ["right", "undefined", "absent", "javascript", "days", "seconds"]
    return Server(
        page=draw(st.integers(1, 12)),
        gives_next=draw(st.sampled_from(tokens)),
        headers=draw(st.sampled_from([*headers, "offset", "future"])),
        compares=draw(st.sampled_from(["exactly", "seconds", "days"])),
        more=draw(st.sampled_from(["right", "full", "always", "silent"])),
        newest_first=newest_first,
        ignores_limit=draw(st.booleans()),
        empties=draw(st.integers(0, 2)),
    )


def fill(server, steps, first, at):
    for number, step in enumerate(steps):
        at += timedelta(microseconds=step)
        server.add(thing(first + number), at=at)
    return at


def sayable(server):
    """Tell whether the server says at all that there is more."""
    return server.more != "silent" or (server.gives_next != "never" and server.tells)


@settings(max_examples=600, deadline=None)
@given(servers(), moments, moments, st.integers(1, 12), st.none() | st.integers(0, 9))
def test_every_object_comes_once_or_the_poll_says_why_not(
    server, steps, later, limit, killed
):
    store = Store()
    server.tells = server.empties == 0
    at = fill(server, steps, 1, START)
    if killed is not None:
        run(server, store, limit=limit, stop_after=killed)
    end = run(server, store, limit=limit)
    check(server, store, end)
    fill(server, later, 1000, at + timedelta(microseconds=1))
    end = run(server, store, limit=limit)
    check(server, store, end)


def check(server, store, end):
    assert len(store.taken) == len(set(store.taken))
    if isinstance(end, Finished):
        if sayable(server):
            assert set(store.taken) == {item["id"] for _, item in server.shelf}
    else:
        assert end.reason in RULES
