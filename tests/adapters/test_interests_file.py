"""Files of interests: read strictly and at rest; a new one is whole or not there."""

import os
import stat
from pathlib import Path

import pytest

from adapters import interests_file
from adapters.config_parts import FileSinkConfig, MemberConfig
from adapters.interests import EVERYTHING, Interests
from adapters.interests_file import Watched, interests_of, read, write
from broker.errors import ConfigError

THAI = Interests(countries=("TH",))


def served(path: Path | None, org: str = "platform-x") -> MemberConfig:
    sink = FileSinkConfig(name="files", folder=Path("out"))
    if path is None:
        return MemberConfig(org=org, sinks=(sink,))
    return MemberConfig(org=org, sinks=(sink,), interests=path)


def test_who_names_no_file_gets_everything() -> None:
    assert interests_of(served(None)) == EVERYTHING


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "interests" / "x.toml"  # its folder is made
    write(path, THAI)
    assert interests_of(served(path)) == THAI
    assert [each.name for each in path.parent.iterdir()] == ["x.toml"]


def test_a_missing_file_is_a_configuration_error_that_says_what_to_do(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="tocsin interests set"):
        interests_of(served(tmp_path / "x.toml"))


def test_a_folder_is_no_file_of_interests(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read(tmp_path)


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "x.toml", tmp_path / "link.toml"
    write(path, EVERYTHING)
    path.chmod(0o640)
    link.symlink_to(path)
    write(link, THAI)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert read(path) == THAI


def test_when_writing_fails_the_old_file_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "x.toml"
    write(path, THAI)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        write(path, EVERYTHING)
    assert read(path) == THAI
    assert [each.name for each in tmp_path.iterdir()] == ["x.toml"]


def test_only_what_has_changed_is_read_again(tmp_path: Path) -> None:
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    for path in (one, other):
        write(path, EVERYTHING)
    watched = Watched([served(one, "a-one"), served(other, "b-two"), served(None)])
    assert watched.changed() == {"a-one": EVERYTHING, "b-two": EVERYTHING}
    assert watched.changed() == {}
    write(one, THAI)
    assert watched.changed() == {}
    assert watched.changed() == {"a-one": THAI}
    other.unlink()
    assert watched.changed() == {}
    assert isinstance(watched.changed()["b-two"], ConfigError)
    assert watched.changed() == {}


def test_a_file_that_an_editor_has_emptied_asks_for_nothing_new(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    write(path, THAI)
    watched = Watched([served(path)])
    assert watched.changed() == {"platform-x": THAI}
    with path.open("w") as file:  # truncates it
        assert watched.changed() == {}
        file.write('countries = ["MY"]')
    assert watched.changed() == {}
    assert watched.changed() == {"platform-x": Interests(countries=("MY",))}


def test_what_is_written_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.toml"
    write(path, THAI)
    watched = Watched([served(path)])
    watched.changed()

    def read_too_early(path: Path) -> Interests:
        write(path, THAI)
        return EVERYTHING

    write(path, Interests(countries=("MY",)))
    assert watched.changed() == {}
    with monkeypatch.context() as patched:
        patched.setattr(interests_file, "read", read_too_early)
        assert watched.changed() == {}
    assert watched.changed() == {}
    assert watched.changed() == {"platform-x": THAI}
