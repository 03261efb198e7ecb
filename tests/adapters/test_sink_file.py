"""The file sink: a delivery is in the folder whole, once, and for its owner alone."""

import asyncio
import errno
import os
import shutil
import stat
import threading
from pathlib import Path

import msgspec
import pytest

from adapters.errors import SinkError, SinkUnavailableError
from adapters.sinks import file
from adapters.sinks.file import open_file_sink
from broker.errors import ConfigError
from tests.support.sinks import delivery

NAME = "00000007-incident-Tk-_aaaaaaaa"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "platform-b"


@pytest.fixture
async def sink(folder):
    async with open_file_sink(folder) as opened:
        yield opened


def content(path):
    return {found.name: found.read_bytes() for found in path.iterdir()}


async def test_a_heartbeat_has_names_of_its_own(sink, folder):
    item = delivery(kind="heartbeat")
    await sink.send(item)
    [path] = folder.iterdir()
    assert path.name == NAME.replace("incident", "heartbeat")
    files = content(path)
    files.pop("delivery.json")
    assert files == {
        "heartbeat.jwt": item.evidence,
        "gaps.json": item.projection,
        "heard.jwt": item.receipt,
    }


async def test_a_delivery_is_a_folder_of_four_files(sink, folder):
    item = delivery()
    await sink.send(item)
    assert [found.name for found in folder.iterdir()] == [NAME]
    files = content(folder / NAME)
    about = msgspec.json.decode(files.pop("delivery.json"))
    assert files == {
        "evidence.sdjwt": item.evidence,
        "projection.json": item.projection,
        "receipt.jwt": item.receipt,
    }
    assert about == {
        "delivery_id": item.delivery_id,
        "number": 7,
        "issuer": "cert-aq",
        "sub": item.sub,
        "ver": item.ver,
        "kind": "incident",
        "tlp": "GREEN",
        "token_id": item.token_id,
    }


async def test_evidence_that_several_signed_says_so_in_its_name(sink, folder):
    item = delivery(evidence=b'{"payload":"e30","signatures":[]}')
    await sink.send(item)
    found = content(folder / NAME)
    assert found["evidence.sdjwt.json"] == item.evidence
    assert "evidence.sdjwt" not in found


async def test_names_sort_by_number(sink, folder):
    for number in (12, 2, 100, 1):
        await sink.send(delivery(number=number))
    names = sorted(found.name for found in folder.iterdir())
    assert [int(name.split("-")[0]) for name in names] == [1, 2, 12, 100]


async def test_a_repeat_changes_nothing(sink, folder):
    await sink.send(delivery())
    before = content(folder / NAME), (folder / NAME).stat()
    await sink.send(delivery(attempt=2, evidence=b"never written"))
    assert (content(folder / NAME), (folder / NAME).stat()) == before
    assert len(list(folder.iterdir())) == 1


async def test_everything_belongs_to_its_owner_alone(sink, folder):
    old = os.umask(0)
    try:
        await sink.send(delivery())
    finally:
        os.umask(old)
    modes = {
        found.relative_to(folder).as_posix(): stat.S_IMODE(found.stat().st_mode)
        for found in [folder, *folder.rglob("*")]
    }
    assert modes.pop(".") == 0o700
    assert modes.pop(NAME) == 0o700
    assert set(modes.values()) == {0o600}


async def test_a_reader_never_sees_half_a_delivery(sink, folder):
    """Look as often as possible while deliveries arrive."""
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            for found in folder.glob("[0-9]*"):
                names = {name.name for name in found.iterdir()}
                sizes = {name.stat().st_size for name in found.glob("evidence*")}
                seen.append((frozenset(names), frozenset(sizes)))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        for number in range(1, 30):
            await sink.send(delivery(number=number, evidence=b"e" * 300_000))
    finally:
        stop.set()
        reader.join(timeout=60)
    whole = frozenset(
        {"evidence.sdjwt", "projection.json", "receipt.jwt", "delivery.json"}
    )
    assert set(seen) == {(whole, frozenset({300_000}))}


@pytest.mark.parametrize("when", ["second file", "rename"])
async def test_a_crash_leaves_nothing_that_looks_delivered(folder, when, monkeypatch):
    class PowerFailure(BaseException):
        pass

    def fail(*_):
        raise PowerFailure

    async with open_file_sink(folder) as sink:
        if when == "rename":
            monkeypatch.setattr(Path, "rename", fail)
        else:
            monkeypatch.setattr(
                file,
                "_write_file",
                lambda path, content: (
                    fail()
                    if path.name == "projection.json"
                    else path.write_bytes(content)
                ),
            )
        # The process is gone: it cannot tidy up either.
        monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(PowerFailure):
            await sink.send(delivery())
    monkeypatch.undo()
    assert [found.name[:12] for found in folder.iterdir()] == [".unfinished-"]
    async with open_file_sink(folder) as sink:
        assert list(folder.iterdir()) == []
        await sink.send(delivery())
    assert [found.name for found in folder.iterdir()] == [NAME]


async def test_every_file_and_both_folders_are_synced_before_it_is_done(
    sink, folder, monkeypatch
):
    done = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(handle):
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        done.append(path.name if path.suffix or path == folder else "(unfinished)")
        real_fsync(handle)

    def rename(self, target):
        done.append("rename")
        return real_rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    await sink.send(delivery())
    assert sorted(done[:4]) == [
        "delivery.json",
        "evidence.sdjwt",
        "projection.json",
        "receipt.jwt",
    ]
    assert done[4:] == ["(unfinished)", "rename", folder.name]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "sink-disk-full"),
        (errno.EDQUOT, "sink-disk-full"),
        (errno.EACCES, "sink-permission"),
        (errno.EROFS, "sink-permission"),
        (errno.EIO, "sink-io"),
    ],
)
async def test_a_disk_that_fails_postpones_with_its_reason_and_leaves_no_rest(
    sink, folder, monkeypatch, number, reason
):
    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SinkUnavailableError) as caught:
        await sink.send(delivery())
    assert caught.value.reason == reason
    assert list(folder.iterdir()) == []
    monkeypatch.undo()
    await sink.send(delivery())
    assert [found.name for found in folder.iterdir()] == [NAME]


async def test_a_folder_that_is_gone_postpones(sink, folder):
    folder.rmdir()
    with pytest.raises(SinkUnavailableError) as caught:
        await sink.send(delivery())
    assert caught.value.reason == "sink-folder-missing"


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "../../etc"},
        {"kind": "a/b"},
        {"kind": ""},
        {"token_id": "../" * 10},
        {"token_id": "a\0b"},
        {"token_id": ""},
    ],
)
async def test_no_name_leads_out_of_the_folder(sink, tmp_path, changes):
    with pytest.raises(SinkError) as caught:
        await sink.send(delivery(**changes))
    assert caught.value.reason == "sink-name"
    assert not isinstance(caught.value, SinkUnavailableError)
    assert [found.name for found in tmp_path.rglob("*")] == ["platform-b"]


async def test_a_hung_disk_does_not_hold_up_another_sink(folder, tmp_path, monkeypatch):
    release = threading.Event()
    write = file._write_file

    def slow(path, content):
        if folder in path.parents:
            release.wait(10)
        write(path, content)

    monkeypatch.setattr(file, "_write_file", slow)
    async with open_file_sink(folder) as hung, open_file_sink(tmp_path / "b") as well:
        try:
            attempts = [asyncio.create_task(hung.send(delivery())) for _ in range(20)]
            await asyncio.sleep(0.01)
            async with asyncio.timeout(2):
                await well.send(delivery())
        finally:
            release.set()
            await asyncio.gather(*attempts)


async def refused(place):
    with pytest.raises(ConfigError) as caught:
        async with open_file_sink(place):
            pass
    return str(caught.value)


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
async def test_a_folder_that_others_can_write_to_is_refused(folder, mode):
    folder.mkdir()
    folder.chmod(mode)
    assert "writable by others" in await refused(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
async def test_a_folder_of_somebody_else_is_refused(folder):
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    assert "somebody else" in await refused(folder)


async def test_a_file_or_a_missing_parent_is_refused(tmp_path):
    (tmp_path / "file").touch()
    assert "cannot use" in await refused(tmp_path / "file")
    assert "cannot use" in await refused(tmp_path / "nowhere" / "platform-b")


async def test_a_folder_that_exists_keeps_what_is_in_it(folder):
    folder.mkdir(mode=0o750)
    (folder / "00000001-incident-xxxx").mkdir()
    async with open_file_sink(folder) as sink:
        await sink.send(delivery())
    assert len(list(folder.iterdir())) == 2
