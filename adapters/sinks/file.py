"""A folder of a member's own: one subfolder per delivery, whole or not there.

    00000007-incident-Q2hlY2tlZCBh/
        evidence.sdjwt    the issuer's signed text; evidence.sdjwt.json, if several
                          signed it
        projection.json   the plain STIX bundle
        receipt.jwt       the adapter's account of the cuts
        delivery.json     number, issuer, version, marking, ids

and of a heartbeat:

    00000008-heartbeat-a8Xk1cQp0dWq/
        heartbeat.jwt     what the issuer says it has published
        gaps.json         what became of each record that it lists
        heard.jwt         the gate's word: what the hub did not take in
        delivery.json     as above

and of the notice that a record is to be erased:

    00000009-erasure-Q0bX1cQp0dWq/
        erasure.jwt       which record and why, signed by the hub
        erased.json       the same as plain JSON
        delivery.json     as above

Names sort by delivery number. Whatever starts with a dot is unfinished.
"""

import asyncio
import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from adapters import erasing, gaps
from adapters.delivery import Delivery
from adapters.errors import SinkError, SinkUnavailableError
from broker.errors import ConfigError

_EVIDENCE: Final = {
    "application/sd-jwt": "evidence.sdjwt",
    "application/sd-jwt+json": "evidence.sdjwt.json",
}
_UNFINISHED: Final = ".unfinished-"
_TOKEN_CHARS: Final = 12
_SAFE_NAME: Final = re.compile(r"[0-9]{8,}-[a-z]{1,20}-[A-Za-z0-9_-]{1,12}")
_REASONS: Final = {
    errno.ENOSPC: "sink-disk-full",
    errno.EDQUOT: "sink-disk-full",
    errno.EACCES: "sink-permission",
    errno.EPERM: "sink-permission",
    errno.EROFS: "sink-permission",
    errno.ENOENT: "sink-folder-missing",
    errno.ENOTDIR: "sink-folder-missing",
}


@asynccontextmanager
async def open_file_sink(folder: Path) -> AsyncIterator["FileSink"]:
    """Open *folder*, creating it (mode 0700; its parent must exist).

    One folder belongs to one sink of one member.

    Raises:
        ConfigError: No folder, somebody else's, or writable by others.
    """
    # Of its own: a hung network disk must not hold up the threads of others.
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="file-sink")
    try:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(executor, _prepare, folder)
        yield FileSink(folder, executor)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


class FileSink:
    """Writes deliveries into one folder. Made by `open_file_sink`."""

    def __init__(self, folder: Path, executor: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._executor = executor

    async def send(self, item: Delivery) -> None:
        """Return once *item* is on disk under its final name.

        A repeat changes nothing, unless the member has taken the first away.

        Raises:
            SinkUnavailableError: `sink-disk-full`, `sink-permission`,
                `sink-folder-missing`, `sink-io`. It may have taken effect.
            SinkError: `sink-name`: not a kind or token id that a file can
                be named after.
        """
        name = f"{item.number:08d}-{item.kind}-{item.token_id[:_TOKEN_CHARS]}"
        if not _SAFE_NAME.fullmatch(name):
            raise SinkError("sink-name")
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, self._write, name, item)
        except OSError as exc:
            reason = _REASONS.get(exc.errno or 0, "sink-io")
            raise SinkUnavailableError(reason) from exc

    def _write(self, name: str, item: Delivery) -> None:
        final = self._folder / name
        if not final.exists():
            temporary = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._folder))
            try:
                for file_name, content in _files(item).items():
                    _write_file(temporary / file_name, content)
                _sync_folder(temporary)
                temporary.rename(final)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        # Also on a repeat: the attempt before may have stopped between the two.
        _sync_folder(self._folder)


def _prepare(folder: Path) -> None:
    """Check the folder and clear what an interrupted process left in it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.geteuid():
            raise ConfigError(f"the folder {folder} belongs to somebody else")
        if stat.S_IMODE(found.st_mode) & 0o022:
            raise ConfigError(
                f"the folder {folder} is writable by others; type: chmod 700 {folder}"
            )
        for left in folder.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left)
    except OSError as exc:
        raise ConfigError(f"cannot use the folder {folder}: {exc.strerror}") from None


def put_aside(folder: Path, name: str, content: bytes) -> None:
    """Return once *content* is on disk as a file of *folder*; it replaces another.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    unfinished = folder / f"{_UNFINISHED}{name}"
    unfinished.unlink(missing_ok=True)
    _write_file(unfinished, content)
    unfinished.replace(folder / name)
    _sync_folder(folder)
    _sync_folder(folder.parent)


def _files(item: Delivery) -> dict[str, bytes]:
    about = {
        "delivery_id": item.delivery_id,
        "number": item.number,
        "issuer": item.issuer,
        "sub": item.sub,
        "ver": item.ver,
        "kind": item.kind,
        "tlp": item.tlp,
        "token_id": item.token_id,
    }
    names = (_EVIDENCE[item.evidence_type], "projection.json", "receipt.jwt")
    if item.kind == gaps.KIND:
        heartbeat, account, heard = gaps.NAMES
        names = (f"{heartbeat}.jwt", f"{account}.json", f"{heard}.jwt")
    bodies = (item.evidence, item.projection, item.receipt)
    found = dict(zip(names, bodies, strict=True))
    if item.kind == erasing.KIND:
        notice, plain = erasing.NAMES
        found = {f"{notice}.jwt": item.evidence, f"{plain}.json": item.projection}
    return {
        **found,
        "delivery.json": msgspec.json.encode(about),
    }


def _write_file(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _sync_folder(path: Path) -> None:
    """Make the names in *path* durable; fsync of a file does not (fsync(2))."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
