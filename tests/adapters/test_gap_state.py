"""What an adapter counts: its account of what never came is the truth, always."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import gap_state
from adapters.gap_state import GapState, open_gap_state
from adapters.gaps import Line
from broker import base64url
from broker.errors import ConfigError
from broker.following import Followed, follow
from broker.heartbeats import Heard, Heartbeat, Listed, Passed, chained
from broker.private_sqlite import PrivateFile
from broker.sdjwt import digest

ORG = "cert-aq"
COMMUNITIES = ("urn:tocsin:community:all", "urn:tocsin:community:press")
NAMES = [digest(str(i).encode()) for i in range(24)]
BEGAN, NOW = 100.0, 200.0


def line_of(community: str) -> str:
    return base64url.encode(digest(community.encode()).encode()[:16]).decode()


def passed(
    names: list[str],
    upto: int,
    *,
    iat: int,
    community: str = COMMUNITIES[0],
    listed: int = 500,
    lacks: set[str] = frozenset(),
    at: int = 150,
) -> Passed:
    first = max(0, upto - listed)
    ids = tuple(Listed(n, at) for n in names[first:upto])
    beat = Heartbeat(
        iss=f"urn:tocsin:org:{ORG}", iat=iat, line=line_of(community),
        community=community, tlp="GREEN", count=upto,
        hash=chained("", names[:upto]), before=chained("", names[:first]), ids=ids,
    )  # fmt: skip
    gone = tuple(each.token_id for each in ids if each.token_id in lacks)
    heard = Heard(iss="urn:tocsin:org:hub", heartbeat=digest(b""), seen=iat, lacks=gone)
    return Passed(ORG, beat, heard, b"text", b"heard")


def in_memory() -> PrivateFile:
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for statement in gap_state._LAYOUT.tables:
        db.execute(statement)
    db.execute("INSERT INTO began VALUES (?)", (BEGAN,))
    return PrivateFile(db, Path("memory"))


def test_two_workers_that_share_the_file_miss_nothing_that_either_got(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gaps"
    names = [digest(str(i).encode()) for i in range(30)]

    def slowly(*known: object) -> Followed:
        time.sleep(0.002)  # between reading and writing: the other one's chance
        return follow(*known)

    monkeypatch.setattr(gap_state, "follow", slowly)

    def take(first: int) -> None:
        with open_gap_state(path, now=BEGAN) as state:
            for place in range(first, len(names), 2):
                state.received([(names[place], 2)], now=NOW)
                for community in COMMUNITIES:
                    beat = passed(names, place + 1, iat=place, community=community)
                    state.hear(beat, b"", now=NOW)

    with ThreadPoolExecutor() as workers:
        for done in [workers.submit(take, first) for first in (0, 1)]:
            done.result()
    with open_gap_state(path, now=NOW) as state:
        for (
            community
        ) in COMMUNITIES:  # the last one may have come before the one before
            state.hear(
                passed(names, len(names), iat=999, community=community), b"", now=NOW
            )
        assert state.missing() == ()
        assert [line.count for line in state.lines()] == [len(names)] * 2
        # Each is forgotten once both lines have listed it: counted, not overwritten.
        [left] = state._file.rows("SELECT count(*) FROM received")
        assert left == (0,)


@given(st.data())
def test_whatever_is_lost_late_or_twice_and_whenever_it_restarts_it_knows_what_is_missing(
    data: st.DataObject,
) -> None:
    """Records on one or two lines, heartbeats of each, anything in any order."""
    both = data.draw(st.lists(st.booleans(), min_size=1, max_size=len(NAMES)))
    lines = {
        COMMUNITIES[0]: NAMES[: len(both)],
        COMMUNITIES[1]: [n for n, b in zip(NAMES, both, strict=False) if b],
    }
    lacks = data.draw(st.sets(st.sampled_from(NAMES[: len(both)])))
    listed = data.draw(st.integers(1, 30))
    sent: list[object] = [
        (name, 2 if b else 1)
        for name, b in zip(NAMES, both, strict=False)
        if name not in lacks
    ]
    for community, names in lines.items():
        ends = data.draw(st.sets(st.integers(0, len(names)), min_size=1))
        sent += [
            passed(names, end, iat=i, community=community, listed=listed, lacks=lacks)
            for i, end in enumerate(sorted(ends))
        ]
    came = data.draw(st.lists(st.sampled_from(sent), max_size=40))

    file = in_memory()
    records: set[str] = set()
    told: set[str] = set()
    newest: dict[str, Passed] = {}
    first: dict[str, int] = {}
    for each in came:
        state = GapState(file)  # as after a restart: it remembers nothing itself
        if isinstance(each, Passed):
            if state.hear(each, b"", now=NOW) != "old":
                line = each.beat.community
                newest[line] = each
                first.setdefault(line, each.beat.first)
                told |= {i.token_id for i in each.beat.ids}
        else:
            state.received([each], now=NOW)
            records.add(each[0])
    state = GapState(file)
    assert {each.token_id for each in state.missing()} == told - records - lacks
    for known in state.lines():
        last = newest[known.community].beat
        assert (known.count, known.iat) == (last.count, last.iat)
        listed_names = set(lines[known.community][first[known.community] : last.count])
        assert known.unlisted == len(listed_names - told_on(came, known.community))


def told_on(came: list[object], community: str) -> set[str]:
    """What the heartbeats of a line that were followed have listed."""
    found: set[str] = set()
    last = (-1, -1)
    for each in came:
        if not isinstance(each, Passed) or each.beat.community != community:
            continue
        if (each.beat.iat, each.beat.count) > last:
            last = (each.beat.iat, each.beat.count)
            found |= {i.token_id for i in each.beat.ids}
    return found


@given(st.integers(0, 24), st.sets(st.sampled_from(NAMES)))
def test_what_heartbeats_have_listed_is_remembered_no_more(
    upto: int, came: set[str]
) -> None:
    file = in_memory()
    state = GapState(file)
    state.received([(name, 1) for name in came], now=NOW)
    state.hear(passed(NAMES, upto, iat=1), b"", now=NOW)
    kept = {name for (name,) in file.rows("SELECT token_id FROM received")}
    assert kept == came - set(NAMES[:upto])


def test_what_was_published_before_it_began_to_read_is_not_missing() -> None:
    state = GapState(in_memory())
    state.hear(passed(NAMES, 3, iat=1, at=int(BEGAN) - 1), b"", now=NOW)
    assert state.missing() == ()
    state.hear(passed(NAMES, 5, iat=2, at=int(BEGAN)), b"", now=NOW)
    assert {each.token_id for each in state.missing()} == set(NAMES[3:5])


def test_what_was_refused_here_is_not_missing_on_any_line() -> None:
    state = GapState(in_memory())
    state.received([(NAMES[0], 0)], now=NOW)
    for community in COMMUNITIES:
        state.hear(passed(NAMES, 1, iat=1, community=community), b"", now=NOW)
    assert state.missing() == ()


def test_the_longest_missing_are_asked_for_first_and_each_once_in_a_period() -> None:
    state = GapState(in_memory())
    state.hear(passed(NAMES, 2, iat=1), b"", now=NOW)
    state.hear(passed(NAMES, 4, iat=2), b"", now=NOW + 10)
    assert state.overdue(noticed=NOW - 1, asked=0, limit=9) == ()
    assert set(state.overdue(noticed=NOW, asked=0, limit=9)) == set(NAMES[:2])
    assert set(state.overdue(noticed=NOW + 10, asked=0, limit=2)) == set(NAMES[:2])
    state.asked(NAMES[:2], now=NOW + 20)
    assert set(state.overdue(noticed=NOW + 10, asked=0, limit=9)) == set(NAMES[2:4])
    assert len(state.overdue(noticed=NOW + 10, asked=NOW + 20, limit=9)) == 4


def test_a_missing_one_that_comes_is_told_to_be_late() -> None:
    state = GapState(in_memory())
    for community in COMMUNITIES:
        state.hear(passed(NAMES, 2, iat=1, community=community), b"", now=NOW)
    assert state.received([(NAMES[0], 2), (NAMES[9], 1)], now=NOW) == (NAMES[0],)
    assert {each.token_id for each in state.missing()} == {NAMES[1]}


def test_a_heartbeat_waits_until_members_are_told_and_a_newer_one_waits_behind() -> (
    None
):
    state = GapState(in_memory())
    line = Line(ORG, line_of(COMMUNITIES[0]))
    state.hear(passed(NAMES, 1, iat=1), b"one", now=NOW)
    state.hear(passed(NAMES, 2, iat=2), b"two", now=NOW + 100)
    assert state.untold(heard=NOW - 1) == ()
    [waiting] = state.untold(heard=NOW)
    assert (waiting.line, waiting.body, waiting.began) == (line, b"one", BEGAN)
    state.tell(line, ["platform-x"])
    assert state.were_told(line) == {"platform-x"}
    assert state.missing_of(line) == set(NAMES[:2])
    state.hear(passed(NAMES, 2, iat=3), b"three", now=NOW + 200)
    assert [each.body for each in state.untold(heard=NOW + 200)] == [b"three"]
    state.tell(line, [])
    assert state.were_told(line) == set()


def test_old_records_go_and_lines_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    file = in_memory()
    state = GapState(file)
    state.received([(NAMES[5], 1)], now=NOW)
    state.hear(passed(NAMES, 1, iat=1), b"", now=NOW)
    state.prune(now=NOW + gap_state.KEPT_S + 1)
    assert file.rows("SELECT * FROM received") == []
    assert state.missing() == ()
    assert [each.count for each in state.lines()] == [1]
    state.prune(now=NOW + gap_state.LINE_KEPT_S + 1)
    assert state.lines() == ()


def test_the_lines_of_an_issuer_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gap_state, "MAX_LINES", 1)
    state = GapState(in_memory())
    for iat, community in enumerate(COMMUNITIES):
        state.hear(passed(NAMES, 1, iat=iat, community=community), b"", now=NOW)
    state.prune(now=NOW)
    assert [each.community for each in state.lines()] == [COMMUNITIES[1]]
    assert len(state.missing()) == 1


def test_it_is_a_private_file_that_two_may_have_open(tmp_path: Path) -> None:
    path = tmp_path / "gaps"
    with open_gap_state(path, now=BEGAN) as one, open_gap_state(path, now=NOW) as two:
        one.hear(passed(NAMES, 1, iat=1, at=int(BEGAN)), b"", now=NOW)
        assert len(two.missing()) == 1  # it began with the first opening
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigError), open_gap_state(path, now=NOW):
        pass


def test_what_comes_late_is_remembered_for_lines_that_have_yet_to_list_it_alone() -> (
    None
):
    file = in_memory()
    state = GapState(file)
    state.hear(passed(NAMES, 1, iat=1, community=COMMUNITIES[0]), b"", now=NOW)
    state.received([(NAMES[0], 2)], now=NOW)
    assert file.rows("SELECT lines FROM received") == [(1,)]
    state.hear(passed(NAMES, 1, iat=1, community=COMMUNITIES[1]), b"", now=NOW)
    assert file.rows("SELECT * FROM received") == []
    assert state.missing() == ()
