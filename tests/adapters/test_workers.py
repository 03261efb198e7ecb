"""Several workers: started, watched, started again, and ended by their parent."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from structlog.testing import LogCapture

from adapters import workers
from adapters.config_use import need_sharing
from adapters.worker_status import answers
from adapters.workers import open_workers, supervise
from broker.errors import ConfigError
from tests.support.adapter_config import adapter_config, served

ROOT = Path(__file__).parents[2]
# A worker: notes each life, answers at its socket, and ends as it is told. It imports
# nothing of ours, so that it is there at once.
ANSWERING = """
import asyncio, os, signal, sys

async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok")
    writer.close()

def note(what):
    with open(sys.argv[3], "a") as file:
        file.write(f"{sys.argv[1]} {what}\\n")

async def live():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with await asyncio.start_unix_server(answer, sys.argv[2]):
        note(os.getpid())
        await stop.wait()
    note("ended")

asyncio.run(live())
"""


@pytest.fixture
def written():
    found = LogCapture()
    structlog.configure(processors=[found])
    return found.entries


def python(code, *words):
    return lambda number, socket: (
        *(sys.executable, "-P", "-c", code),
        *(str(number), str(socket), *map(str, words)),
    )


@pytest.fixture(autouse=True)
def _our_own_code(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


class Lives:
    """What `ANSWERING` has noted."""

    def __init__(self, path):
        self.path = path

    def lines(self):
        return self.path.read_text().splitlines() if self.path.exists() else []

    def pids(self):
        pairs = (line.split() for line in self.lines())
        return {int(n): int(pid) for n, pid in pairs if pid != "ended"}

    async def begun(self, count):
        """Wait until so many lives have begun."""
        async with asyncio.timeout(30):
            while sum("ended" not in line for line in self.lines()) < count:  # noqa: ASYNC110  files tell of no event
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def supervised(command, count=2, **options):
    with open_workers(count) as found:
        stop = asyncio.Event()
        task = asyncio.create_task(supervise(found, command, stop=stop, **options))
        try:
            yield found, stop, task
        finally:
            stop.set()
            await asyncio.wait({task}, timeout=20)


async def test_a_worker_that_is_killed_is_started_again_and_all_end_at_the_stop(
    tmp_path, written
):
    lives = Lives(tmp_path / "lives")
    async with supervised(python(ANSWERING, lives.path)) as (_, stop, task):
        await lives.begun(2)
        os.kill(lives.pids()[2], signal.SIGKILL)
        await lives.begun(3)
        stop.set()
        assert await task == 0
    assert sorted(line for line in lives.lines() if "ended" in line) == [
        "1 ended",
        "2 ended",
    ]
    assert [(e["event"], e["worker"], e.get("code")) for e in written] == [
        ("worker.ended", 2, -9),
        ("worker.restarted", 2, None),
    ]


async def test_one_that_hangs_is_killed_and_started_again(
    tmp_path, written, monkeypatch
):
    monkeypatch.setattr(workers, "LOOK_S", 0.2)
    lives = Lives(tmp_path / "lives")
    command = python(ANSWERING, lives.path)
    async with supervised(command, look_s=0.05) as (found, _, _):
        await lives.begun(2)
        async with asyncio.timeout(20):
            while not all(each.has_begun for each in found):  # noqa: ASYNC110  nor here
                await asyncio.sleep(0.02)
        os.kill(lives.pids()[1], signal.SIGSTOP)
        await lives.begun(3)
    assert [e["event"] for e in written][:2] == ["worker.hangs", "worker.ended"]


async def test_how_long_it_may_take_to_start_says_nothing_once_it_has_answered(
    tmp_path, written, monkeypatch
):
    """Looks that it misses then are counted; one is no reason to kill it."""
    heard = iter([True, *[False] * (workers.MISSED - 1), True, *[False] * 9])

    async def answers_so(_socket, *, timeout_s):
        return next(heard)

    monkeypatch.setattr(workers, "answers", answers_so)
    monkeypatch.setattr(workers, "START_S", -1.0)  # it is over
    lives, stop = Lives(tmp_path / "lives"), asyncio.Event()
    with open_workers(1) as [worker]:
        command = python(ANSWERING, lives.path)
        living = asyncio.create_task(worker.live(command, stop, kill_s=20))
        await lives.begun(1)
        for _ in range(2 * workers.MISSED):
            await worker.look()
        assert written == []
        await worker.look()
        assert [e["event"] for e in written] == ["worker.hangs"]
        async with asyncio.timeout(20):
            assert await living == -signal.SIGKILL


async def test_who_has_never_answered_is_killed_when_its_time_to_start_is_over(
    written, monkeypatch
):
    monkeypatch.setattr(workers, "LOOK_S", 0.1)
    stop = asyncio.Event()
    with open_workers(1) as [worker]:
        silent = python("import time; time.sleep(60)")
        living = asyncio.create_task(worker.live(silent, stop, kill_s=20))
        while worker._process is None:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)
        for _ in range(workers.MISSED + 1):
            await worker.look()
        assert written == []
        monkeypatch.setattr(workers, "START_S", -1.0)
        await worker.look()
        assert [e["event"] for e in written] == ["worker.hangs"]
        async with asyncio.timeout(20):
            assert await living == -signal.SIGKILL


async def test_when_one_cannot_be_run_at_all_nothing_of_the_others_is_left(tmp_path):
    lives = Lives(tmp_path / "lives")
    answering = python(ANSWERING, lives.path)
    broken = asyncio.Event()

    def command(number, socket):
        if number == 1:
            return answering(number, socket)
        if broken.is_set():
            raise ZeroDivisionError
        return (sys.executable, "-c", "import time; time.sleep(60)")

    with open_workers(2) as found:
        watching = {asyncio.current_task()}
        running = asyncio.create_task(supervise(found, command, stop=asyncio.Event()))
        await lives.begun(1)
        broken.set()
        while found[1]._process is None:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)
        found[1].kill()
        async with asyncio.timeout(20):
            with pytest.raises(ExceptionGroup):
                await running
        assert asyncio.all_tasks() == watching
        with pytest.raises(ProcessLookupError):  # ended, and waited for
            os.kill(lives.pids()[1], 0)


async def test_what_is_wrong_with_the_configuration_ends_all_and_is_the_exit_code(
    written,
):
    async with supervised(python("raise SystemExit(2)")) as (_, stop, task):
        async with asyncio.timeout(20):
            assert await task == 2
        assert stop.is_set()
    assert written == []


async def test_once_one_has_begun_nothing_ends_the_others(tmp_path, written):
    lives = Lives(tmp_path / "lives")
    code = f"""
import os, sys
marks = {str(tmp_path)!r} + "/mark"
if sys.argv[1] == "2" and not os.path.exists(marks):
    open(marks, "w").close()
    raise SystemExit(2)
{ANSWERING}"""
    command = python(code, lives.path)
    with open_workers(2) as found:
        found[0].has_begun = True
        stop = asyncio.Event()
        task = asyncio.create_task(supervise(found, command, stop=stop))
        await lives.begun(2)
        stop.set()
        assert await task == 0
    assert [e["event"] for e in written] == ["worker.ended", "worker.restarted"]


async def test_who_does_not_end_in_time_is_killed(tmp_path, written):
    stubborn = (
        "import signal, sys, time, pathlib\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[3]).touch()\n"
        "time.sleep(60)"
    )
    mark = tmp_path / "mark"
    options = {"count": 1, "kill_s": 0.2}
    async with supervised(python(stubborn, mark), **options) as (_, stop, task):
        async with asyncio.timeout(20):
            while not mark.exists():  # noqa: ASYNC110  a file tells of no event
                await asyncio.sleep(0.02)
        stop.set()
        assert await task == 0
    assert [e["event"] for e in written] == ["worker.killed"]


async def test_workers_end_by_themselves_when_their_parent_is_killed(tmp_path):
    lives = Lives(tmp_path / "lives")
    ours = ANSWERING.replace(
        "        await stop.wait()",
        "        from adapters.workers import lifeline\n"
        "        async with lifeline(stop):\n"
        "            await stop.wait()",
    )
    parent = f"""
import asyncio, sys
from adapters.workers import open_workers, supervise
def command(number, socket):
    return (sys.executable, "-P", "-c", {ours!r}, str(number), str(socket), {str(lives.path)!r})
with open_workers(2) as found:
    asyncio.run(supervise(found, command, stop=asyncio.Event()))
"""
    running = subprocess.Popen([sys.executable, "-P", "-c", parent])  # noqa: ASYNC220, S603  our own code
    try:
        await lives.begun(2)
    finally:
        running.kill()
        running.wait()
    async with asyncio.timeout(20):
        while len(lives.lines()) < 4:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.02)
    assert sorted(lives.lines())[1::2] == ["1 ended", "2 ended"]


async def test_sockets_have_short_names_whatever_the_folder_for_temporary_files(
    tmp_path, monkeypatch
):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with open_workers(2) as found:
        assert all(len(os.fsencode(each.socket)) < 107 for each in found)
        assert found[0].socket.parent.stat().st_mode & 0o777 == 0o700
    assert not found[0].socket.parent.exists()


async def test_nobody_answers_where_nobody_is(tmp_path):
    assert not await answers(tmp_path / "none.sock", timeout_s=1)


def test_several_workers_need_a_database(tmp_path):
    config = adapter_config(tmp_path, members=(served("ngo-a", tmp_path),), workers=2)
    with pytest.raises(ConfigError, match="workers = 2 needs \\[database\\]"):
        need_sharing(config)
