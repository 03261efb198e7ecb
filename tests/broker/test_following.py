"""Following a line: a reader knows count and chain alone, and misses nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import base64url, publisher_lines
from broker.following import Next, Place, contradicts, follow
from broker.heartbeats import Heartbeat, Listed, chained
from broker.private_sqlite import Layout, open_private
from broker.sdjwt import digest

ALL = "urn:tocsin:community:all"
LINE = base64url.encode(b"l" * 16).decode()
NAMES = [digest(str(i).encode()) for i in range(60)]


def beat(
    upto: int, listed: int, iat: int, names: list[str] = NAMES, **more: object
) -> Heartbeat:
    """The heartbeat of a line of *names* after *upto*, with the newest *listed*."""
    first = max(0, upto - listed)
    values = {
        "iss": "urn:tocsin:org:cert-aq", "iat": iat, "line": LINE, "community": ALL,
        "tlp": "GREEN", "count": upto, "hash": chained("", names[:upto]),
        "before": chained("", names[:first]),
        "ids": tuple(Listed(n, iat) for n in names[first:upto]), **more,
    }  # fmt: skip
    return Heartbeat(**values)


def followed(before: Place | None, told: Heartbeat) -> Next:
    found = follow(before, told)
    assert isinstance(found, Next)
    return found


@given(
    steps=st.lists(st.integers(0, 6), min_size=1, max_size=12),
    listed=st.integers(1, 8),
    data=st.data(),
)
def test_whatever_is_lost_comes_late_or_twice_each_record_is_told_once_or_counted(
    steps: list[int], listed: int, data: st.DataObject
) -> None:
    """The reader's account equals the truth; between heartbeats it keeps its place alone."""
    beats, upto = [], 0
    for iat, step in enumerate(steps):
        upto = min(upto + step, len(NAMES))
        beats.append(beat(upto, listed, iat))
    came = data.draw(st.lists(st.sampled_from(beats), max_size=20))
    place, told, skipped, first = None, [], 0, None
    for each in came:
        found = follow(place, each)
        assert found != "conflict"
        if isinstance(found, Next):
            first = each.first if first is None else first
            told += [t.token_id for t in found.fresh]
            skipped += found.skipped
            place = found.place
    if place is None:
        assert came == []
        return
    assert len(told) == len(set(told))
    assert set(told) <= set(NAMES[first : place.count])
    assert len(told) + skipped == place.count - first
    assert place.chain == chained("", NAMES[: place.count])


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 29), st.integers(1, 8))
def test_another_past_is_noticed_wherever_both_know_it(
    one: int, two: int, changed: int, listed: int
) -> None:
    """A heartbeat of a line in which one record was put in place of another."""
    others = [*NAMES[:changed], digest(b"other"), *NAMES[changed + 1 :]]
    before = followed(None, beat(one, 8, iat=1)).place
    after = beat(two, listed, iat=2, names=others)
    is_seen = two < one or (changed < one and after.first <= one)
    assert contradicts(before, after) == is_seen
    assert (follow(before, after) == "conflict") == is_seen


def test_a_line_never_gets_shorter_and_never_another() -> None:
    before = followed(None, beat(5, 8, iat=10)).place
    assert follow(before, beat(4, 8, iat=11)) == "conflict"
    assert follow(before, beat(4, 8, iat=10)) == "old"
    assert follow(before, beat(6, 8, iat=9)) == "conflict"
    assert follow(before, beat(6, 8, iat=10, tlp="AMBER")) == "conflict"
    other = "urn:tocsin:community:press"
    assert follow(before, beat(6, 8, iat=11, community=other)) == "conflict"


def test_silence_goes_on_and_the_same_again_is_nothing_new() -> None:
    before = followed(None, beat(5, 8, iat=10)).place
    assert followed(before, beat(5, 8, iat=11)).fresh == ()
    assert follow(before, beat(5, 8, iat=10)) == "old"


# --------------------------------------------------------------- the issuer's side

LAYOUT = Layout(
    name="lines", application_id=1, version=1, exclusive=True,
    tables=publisher_lines.TABLES,
)  # fmt: skip


@pytest.fixture
def lines(tmp_path: Path) -> object:
    with open_private(tmp_path / "lines.sqlite", LAYOUT) as file:
        yield file


def new_line() -> str:
    return LINE


def test_an_issuer_lists_all_in_as_many_heartbeats_as_it_takes(lines: object) -> None:
    names = [digest(str(i).encode()) for i in range(1201)]
    place, told = None, []
    with lines.transaction() as db:
        for name in names:
            publisher_lines.wait(db, name, [ALL], "GREEN")
        for part in (names[:1100], names[:1101], names[1101:]):
            publisher_lines.count(db, part, at=7, new_line=new_line)
            for each in publisher_lines.beats(db, now=len(told)):
                ids = tuple(Listed(*i) for i in each.ids)
                said = Heartbeat(
                    iss="urn:tocsin:org:cert-aq", iat=each.at, line=each.line,
                    community=each.community, tlp=each.tlp, before=each.before,
                    count=each.first + len(ids), ids=ids,
                    hash=chained(each.before, [i.token_id for i in ids]),
                )  # fmt: skip
                found = followed(place, said)
                assert found.skipped == 0
                told += [t.token_id for t in found.fresh]
                place = found.place
                publisher_lines.said(db, each)
    assert told == names
    assert place is not None
    assert place.chain == chained("", names)


def test_what_was_not_said_is_said_again(lines: object) -> None:
    with lines.transaction() as db:
        publisher_lines.wait(db, NAMES[0], [ALL], "GREEN")
        publisher_lines.count(db, NAMES[:1], at=7, new_line=new_line)
        assert publisher_lines.beats(db, now=9) == publisher_lines.beats(db, now=9)


def test_a_clock_that_is_set_back_does_not_show(lines: object) -> None:
    with lines.transaction() as db:
        publisher_lines.begin(db, ALL, "GREEN", new_line=new_line)
        publisher_lines.said(db, publisher_lines.beats(db, now=50)[0])
        assert [each.at for each in publisher_lines.beats(db, now=40)] == [50]
