"""The file beside a publisher's state by which a restored backup is noticed. Edge.

`<state>.tip` names the newest token that may have left. It is written when the
token is in the state for good and before it leaves, so it may be behind the state
that wrote it, never ahead: a state that lacks the token is an older one. To tell
a copy of both files from the originals it holds the inode of the state, and its
own time of change (`st_ctime`), which copying tools cannot set back.

Not noticed: a disk or virtual machine that is rolled back as a whole, and a copy
with the same inodes within `SLACK_S` of the last writing.
"""

import os
import stat
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from broker.errors import ConfigError

# Between making the file and giving it its name; a disk may be slow. More only
# costs a needless new epoch.
SLACK_S: Final = 10.0
_MAX_BYTES: Final = 1024
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC

Doubt = Literal[
    "tip-missing",  # removed, or not restored with the state
    "tip-unreadable",  # damaged, or not written by us
    "tip-copied",  # itself restored, or touched
    "state-copied",  # the state is another file than the one that last ran
    "state-older",  # it lacks the newest token that may have left
    "state-missing",  # it was removed; only its tip is left
]
"""Why a state may not be the direct continuation of what last ran."""


class Tip(msgspec.Struct, frozen=True):
    """The newest token that may have left.

    Attributes:
        epoch: Last part of the feed's name.
        seq: Its place; 0 before the first one of the epoch.
        token_id: "" before the first one of the epoch.
    """

    epoch: str
    seq: int
    token_id: str


class _Stored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tip: Tip
    state_inode: int
    made_ns: Annotated[int, msgspec.Meta(ge=0)]  # st_ctime when it was made


class TipFile:
    """The tip of one state; made by `beside`.

    A device number is not kept: it may change when the machine starts again.
    """

    def __init__(self, path: Path, *, state_inode: int) -> None:
        self._path = path
        self._state_inode = state_inode

    def read(self) -> Tip | Doubt:
        """Give the tip, or why what is there cannot be relied upon."""
        try:
            data, changed_ns = _read(self._path)
            stored = msgspec.json.decode(data, type=_Stored)
        except FileNotFoundError:
            return "tip-missing"
        except (OSError, ValueError):
            return "tip-unreadable"
        if abs(changed_ns - stored.made_ns) > SLACK_S * 1e9:
            return "tip-copied"
        if stored.state_inode != self._state_inode:
            return "state-copied"
        return stored.tip

    def write(self, tip: Tip) -> None:
        """Replace the tip, durably; mode 0600.

        Raises:
            ConfigError: The disk is full or broken, or the folder is not to be
                written. The old tip or the new one stands.
        """
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            new.unlink(missing_ok=True)  # of a crash
            self._make(new, tip)
            new.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise ConfigError(f"cannot write {self._path}: {error.strerror}") from None

    def _make(self, path: Path, tip: Tip) -> None:
        with open(os.open(path, _MAKE, 0o600), "wb") as file:
            # The clock of the file system, which need not be that of the machine.
            made_ns = os.fstat(file.fileno()).st_ctime_ns
            stored = _Stored(tip=tip, state_inode=self._state_inode, made_ns=made_ns)
            file.write(msgspec.json.encode(stored))
            file.flush()
            os.fsync(file.fileno())


def beside(state: Path) -> TipFile:
    """Give the tip of the file *state*, by whatever link it is named.

    Raises:
        ConfigError: There is no such file any more.
    """
    try:
        path = state.resolve(strict=True)
        inode = path.stat().st_ino
    except OSError as error:
        raise ConfigError(f"cannot open {state}: {error.strerror}") from None
    return TipFile(path.with_name(f"{path.name}.tip"), state_inode=inode)


def _read(path: Path) -> tuple[bytes, int]:
    """Read a regular file, no link, and when it was last changed (ns)."""
    # Without O_NONBLOCK a pipe in its place would stop us for ever.
    with open(os.open(path, _READ), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("no regular file")
        return file.read(_MAX_BYTES), status.st_ctime_ns


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
