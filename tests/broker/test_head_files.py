"""Files of heads: only added to, believed as of the moment when each was kept."""

import json
from pathlib import Path

import pytest

from broker.errors import ConfigError, TrustError
from broker.head_files import KeptHeads, open_heads, read_path
from broker.heads import check, statements_of
from tests.support.chains import START, Chain
from tests.support.issuing import directory, key_entry, service
from tests.support.receipts import receipt

KNOWN = directory()
LATER = START + 86_400
CHAIN = Chain().grow(9)


def keep(kept: KeptHeads, text: str, now: int = LATER) -> list[object]:
    said = statements_of(text, KNOWN, now=LATER)
    return [fork for each in said if (fork := kept.keep(each, now=now))]


def test_what_was_kept_is_there_again_with_its_moment(tmp_path: Path) -> None:
    path = tmp_path / "heads"
    kept = open_heads(path, KNOWN)
    assert kept.held == []
    for pos in (3, 5, 3):
        assert keep(kept, CHAIN.head(pos), LATER + pos) == []
    again = open_heads(path, KNOWN)
    assert [(each.since, each.head.pos) for each in again.held] == [
        (LATER + 3, 3),
        (LATER + 5, 5),
    ]
    assert again.held == kept.held
    assert path.stat().st_mode & 0o777 == 0o600
    assert keep(again, CHAIN.head(5)) == []  # known, so not written again
    assert len(path.read_bytes().splitlines()) == 2


def test_a_contradiction_is_proven_and_not_kept(tmp_path: Path) -> None:
    kept = open_heads(tmp_path / "heads", KNOWN)
    keep(kept, CHAIN.head(5))
    other = CHAIN.fork(3, 6)
    for text in (other.head(5), receipt(other, 5), CHAIN.head(2, at=START + 9000)):
        [fork] = keep(kept, text)
        assert check(fork, KNOWN, now=LATER)
    assert len(open_heads(tmp_path / "heads", KNOWN).held) == 1


def test_two_that_keep_one_file_know_what_the_other_has_kept(tmp_path: Path) -> None:
    one = open_heads(tmp_path / "heads", KNOWN)
    two = open_heads(tmp_path / "heads", KNOWN)
    assert keep(one, CHAIN.head(3)) == keep(two, CHAIN.head(3)) == []
    assert keep(two, CHAIN.head(5)) == []
    assert [each.head.pos for each in two.held] == [3, 5]
    # What the one has not seen itself it contradicts all the same.
    [fork] = keep(one, CHAIN.fork(3, 6).head(5))
    assert check(fork, KNOWN, now=LATER)
    assert keep(one, CHAIN.head(7)) == keep(two, CHAIN.head(9)) == []
    assert one.held == open_heads(tmp_path / "heads", KNOWN).held[:3]
    assert two.held == open_heads(tmp_path / "heads", KNOWN).held


def test_two_receipts_of_one_run_are_held_against_each_other(tmp_path: Path) -> None:
    kept = open_heads(tmp_path / "heads", KNOWN)
    assert keep(kept, receipt(CHAIN, 5)) == []
    [fork] = keep(kept, receipt(CHAIN.fork(3, 6), 5))
    assert check(fork, KNOWN, now=LATER)
    assert not (tmp_path / "heads").exists()


def test_heads_kept_after_the_theft_of_the_gates_key_do_not_count(
    tmp_path: Path,
) -> None:
    path = tmp_path / "heads"
    kept = open_heads(path, KNOWN)
    keep(kept, CHAIN.head(3), START + 1800)
    keep(kept, CHAIN.head(5), START + 3600)  # from then on it is stolen
    key = key_entry("hub", revoked_at="2026-03-01T13:00:00Z")
    after = open_heads(path, directory(service(keys=(key,))))
    assert [each.head.pos for each in after.held] == [3]
    assert after.dropped == 1


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "x",
        '{"held":"2026-03-01T12:00:00Z","head":"a","more":1}',
        '{"held":"yesterday","head":"a"}',
        '{"held":1,"head":"a"}',
        "",
        "\\xff",
    ],
)
def test_a_line_that_is_none_is_said_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "heads"
    good = {"held": "2026-03-01T12:10:00Z", "head": CHAIN.head(3)}
    text = json.dumps(good) + "\n" + line + "\n"
    path.write_bytes(text.encode().replace(b"\\xff", b"\xff"))
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="line 2"):
        open_heads(path, KNOWN)


def test_a_file_that_others_may_write_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "heads"
    path.touch()
    for mode in (0o620, 0o602, 0o666):
        path.chmod(mode)
        with pytest.raises(ConfigError, match="chmod 600"):
            open_heads(path, KNOWN)
    path.chmod(0o644)  # heads are no secret
    assert open_heads(path, KNOWN).held == []


def test_files_that_cannot_be_read_or_written_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        open_heads(tmp_path, KNOWN)
    kept = open_heads(tmp_path / "none" / "heads", KNOWN)
    with pytest.raises(ConfigError, match="cannot write"):
        keep(kept, CHAIN.head(3))
    with pytest.raises(ConfigError, match="cannot read"):
        read_path(tmp_path / "none")


def test_sizes_have_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "path"
    path.write_bytes(b"\n".join([*CHAIN.path(2, 6), b""]))
    assert read_path(path) == CHAIN.path(2, 6)
    monkeypatch.setattr("broker.head_files.MAX_PATH", 4)
    with pytest.raises(TrustError):
        read_path(path)
    monkeypatch.setattr("broker.head_files._MAX_FILE_BYTES", 10)
    kept = tmp_path / "heads"
    kept.write_bytes(b"x" * 11)
    kept.chmod(0o600)
    with pytest.raises(ConfigError, match="64 MiB"):
        open_heads(kept, KNOWN)
