"""The archive: what was accepted stays, once, in order, in a chain without forks."""

import hashlib
import sqlite3
import threading
from contextlib import closing
from functools import partial

import pytest

from broker import base64url, seen
from broker.archive import Archived, open_archive
from broker.errors import ConfigError
from tests.support.issuing import HUB, NOW, directory

STAMP = partial(seen.make_stamp, HUB)
HEAD = partial(seen.make_head, HUB)
SEEN = int(NOW)


def name(number):
    digest = hashlib.sha256(str(number).encode()).digest()
    return base64url.encode(digest).decode()


def item(number, *, token=b"token", first_seen=SEEN):
    return Archived(
        token_id=name(number),
        issuer="cert-aq",
        sub=f"incident--{number}",
        ver="2026-02-01T10:00:00Z",
        kind="incident",
        tlp="GREEN",
        first_seen=first_seen,
        token=token,
    )


@pytest.fixture
def archive(tmp_path):
    with open_archive(tmp_path / "archive.sqlite") as opened:
        yield opened


def ids(found):
    return [each.token_id for each in found]


def add(archive, *items):
    return archive.append(items, STAMP)


def walk(archive):
    """Verify every stamp and every link; give the token ids in order."""
    link, found = "", []
    for each in archive.since():
        stamp = seen.verify_stamp(each.stamp, directory(), now=NOW)
        assert stamp.pos == each.number == len(found) + 1
        assert (stamp.prev, stamp.token, stamp.seen) == (
            link, each.token_id, each.first_seen,
        )  # fmt: skip
        link = stamp.link
        found.append(each.token_id)
    return found


def test_a_token_comes_back_as_it_was(archive):
    token = b"header.payload.signature~" * 10_000
    add(archive, item(1, token=token))
    found = archive.get(name(1))
    assert found.token == token
    assert (found.number, found.issuer, found.tlp) == (1, "cert-aq", "GREEN")


def test_an_unknown_token_is_not_there(archive):
    assert archive.get(name(1)) is None
    assert archive.first_seen([name(1)]) == {}


def test_a_token_archived_twice_keeps_its_first_moment(archive):
    add(archive, item(1, first_seen=1000))
    add(archive, item(1, first_seen=2000), item(2, first_seen=2000))
    assert archive.first_seen([name(1), name(2)]) == {name(1): 1000, name(2): 2000}
    assert ids(archive.since()) == [name(1), name(2)]


def test_reading_goes_through_all_pages_in_order(archive):
    add(archive, *(item(number) for number in range(1, 131)))
    assert ids(archive.since()) == [name(number) for number in range(1, 131)]


def test_reading_goes_on_where_it_stopped(archive):
    add(archive, *(item(number) for number in range(1, 6)))
    assert ids(archive.since(after=3)) == [name(4), name(5)]


def test_reading_leaves_out_what_was_seen_before_a_moment(archive):
    add(archive, *(item(n, first_seen=1000 + n) for n in range(1, 6)))
    assert ids(archive.since(1004)) == [name(4), name(5)]


def test_the_archive_is_read_while_the_gate_writes(archive, tmp_path):
    add(archive, *(item(number) for number in range(1, 101)))
    with open_archive(tmp_path / "archive.sqlite") as reader:
        reading = reader.since()
        next(reading)
        add(archive, item(101))
        assert ids(reading)[-1] == name(101)


def test_nobody_else_may_open_it(tmp_path):
    path = tmp_path / "archive.sqlite"
    with open_archive(path):
        assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="type: chmod 600"), open_archive(path):
        pytest.fail("it is open")


# ------------------------------------------------------------------ the chain


def test_the_chain_has_a_place_for_every_token_each_linked_to_the_one_before(archive):
    add(archive, item(1), item(2, first_seen=SEEN - 5))
    add(archive, item(3))
    assert walk(archive) == [name(1), name(2), name(3)]


def test_what_is_stored_comes_back_with_its_place_and_stamp(archive):
    [one, two] = add(archive, item(1), item(2))
    assert [one, two] == list(archive.since())
    assert (one.number, two.number) == (1, 2)
    assert archive.get(name(2)) == two


def test_a_token_appended_again_gets_its_stored_stamp_and_never_a_second_one(archive):
    [first] = add(archive, item(1))

    def never(**_):
        pytest.fail("it was stamped again")

    assert archive.append([item(1, first_seen=SEEN + 60)], never) == [first]
    [again, new] = add(archive, item(1, first_seen=SEEN + 60), item(2))
    assert again == first
    assert walk(archive) == [name(1), name(2)]
    assert new.number == 2


def test_a_token_that_stands_twice_in_one_batch_has_one_place(archive):
    one, two = add(archive, item(1), item(1))
    assert one == two
    assert walk(archive) == [name(1)]


def test_where_signing_fails_nothing_is_stored_and_the_chain_goes_on(archive):
    add(archive, item(1))

    def failing(*, token_id, **more):
        if token_id == name(3):
            raise OSError("the key store does not answer")
        return STAMP(token_id=token_id, **more)

    with pytest.raises(OSError, match="key store"):
        archive.append([item(2), item(3)], failing)
    assert walk(archive) == [name(1)]
    add(archive, item(3), item(2))
    assert walk(archive) == [name(1), name(3), name(2)]


def test_the_chain_goes_on_from_its_end_though_all_records_were_pruned(
    archive, tmp_path
):
    *_, last = add(archive, *[item(number) for number in range(1, 4)])
    with closing(sqlite3.connect(tmp_path / "archive.sqlite")) as db, db:
        db.execute("DELETE FROM tokens")
    [after] = add(archive, item(4))
    stamp = seen.verify_stamp(after.stamp, directory(), now=NOW)
    assert stamp.pos == after.number == 4
    assert stamp.prev == seen.link_of(last.stamp)


@pytest.mark.parametrize("files", [1, 2])
def test_lanes_that_append_at_once_make_no_gap_and_no_fork(tmp_path, files):
    # With two, as two gates on one archive would.
    path = tmp_path / "archive.sqlite"
    with open_archive(path) as one, open_archive(path) as two:
        start, errors = threading.Barrier(8, timeout=60), []

        def lane(number):
            archive = (one, two)[number % files]
            start.wait()
            try:
                for batch in range(10):
                    first = 1000 * number + 3 * batch
                    # The last is everybody's: who comes second finds it there.
                    add(archive, *map(item, range(first, first + 3)), item(-batch))
            except BaseException as error:
                errors.append(error)
                raise

        threads = [
            threading.Thread(target=lane, args=(n,), daemon=True) for n in range(1, 9)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(timeout=60)
        assert not any(each.is_alive() for each in threads)
        assert errors == []
        assert len(walk(one)) == 8 * 10 * 3 + 10


def test_an_archive_of_another_layout_is_refused(tmp_path):
    path = tmp_path / "archive.sqlite"
    with open_archive(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=1")
    with pytest.raises(ConfigError, match="older version"), open_archive(path):
        pytest.fail("it is open")


def test_the_archive_tells_whether_its_chain_has_a_stamp(archive, tmp_path):
    assert archive.continues(0, "")
    assert not archive.continues(1, name(1))
    links = [seen.link_of(a.stamp) for a in add(archive, item(1), item(2), item(3))]
    for pos, link in enumerate(links, 1):
        assert archive.continues(pos, link)
        assert not archive.continues(pos, name("another"))
    assert archive.continues(0, "")
    assert not archive.continues(4, links[-1])
    # What was pruned may have been there; the end is always known.
    with closing(sqlite3.connect(tmp_path / "archive.sqlite")) as db, db:
        db.execute("DELETE FROM tokens")
    assert archive.continues(2, name("another"))
    assert archive.continues(3, links[-1])
    assert not archive.continues(3, name("another"))
    assert not archive.continues(4, name("another"))


# ------------------------------------------------------------------ heads


def test_a_head_signs_the_end_of_the_chain(archive):
    assert archive.newest_head() is None
    empty = archive.sign_head(HEAD, now=SEEN)
    assert seen.verify_head(empty.head, directory(), now=NOW) == seen.Head(SEEN, 0, "")
    *_, last = add(archive, item(1), item(2))
    newest = archive.sign_head(HEAD, now=SEEN + 60)
    assert seen.verify_head(newest.head, directory(), now=NOW) == seen.Head(
        SEEN + 60, 2, seen.link_of(last.stamp)
    )
    assert archive.heads() == [empty, newest]
    assert archive.newest_head() == newest
    assert (newest.at, newest.pos) == (SEEN + 60, 2)


def test_the_head_of_a_chain_that_did_not_grow_is_signed_all_the_same(archive):
    add(archive, item(1))
    found = [archive.sign_head(HEAD, now=SEEN + n).pos for n in (1, 2)]
    assert found == [1, 1]
    assert len(archive.heads()) == 2


def test_heads_survive_the_end_of_the_process(tmp_path):
    with open_archive(tmp_path / "a.sqlite") as archive:
        add(archive, item(1))
        signed = archive.sign_head(HEAD, now=SEEN)
    with open_archive(tmp_path / "a.sqlite") as archive:
        assert archive.newest_head() == signed
