"""Processes of an installation that are killed, stopped and started again.

A supervisor starts again what ended, as systemd would (`Restart=always`,
`RestartSec=100ms`), so a fault only has to end it.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.hub import ROOT, TOCSIN

RESTART_S = 0.1
AGAIN_S = 1.0  # after the second time it ended by itself, and later
END_S = 30.0
REFUSALS = (b'"gate.refused"', b'"record.refused"')
PYTHON = (sys.executable, "-P")


class Process:
    """One long-lived program.

    Args:
        words: What to type; of `tocsin`, unless *program* says otherwise.
        ready: Event in its log that says that it works.
        has_end: It may end with exit code 0, and is not started again then.

    Attributes:
        ended: Exit codes with which it ended though nobody had killed it.
    """

    def __init__(
        self,
        name: str,
        words: Sequence[str],
        log: Path,
        *,
        ready: str = "",
        program: Sequence[str] = TOCSIN,
        has_end: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        self.ended: list[int] = []
        self.is_wanted = False
        self._command = [*program, *words]
        self._ready = ready
        self._has_end = has_end
        self._running: subprocess.Popen[bytes] | None = None
        self._began_at = 0  # bytes of the log
        self._start_at = 0.0
        self._was_killed = False
        self._read_at = 0
        self._refusals: list[dict[str, Any]] = []

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    @property
    def is_alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def start(self) -> None:
        self.is_wanted, self._was_killed = True, False
        self._began_at = self._log_size()
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(  # noqa: S603  our own programs
                [*_die_with_us(), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def kill(self) -> None:
        """End it as a power cut would; the supervisor starts it again."""
        self._was_killed = True
        self._signal(signal.SIGKILL)
        if self._running is not None:
            self._running.wait()
        self._began_at = self._log_size()

    def stop(self) -> None:
        """Let it hang."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    async def end(self) -> int:
        """Tell it to end, and give its exit code; -9 if it had to be killed."""
        self.is_wanted = False
        if not self.is_alive:
            return 0 if self._running is None else self._running.returncode
        self.go_on()
        self._signal(signal.SIGTERM)
        until = time.monotonic() + END_S
        while self.is_alive and time.monotonic() < until:  # noqa: ASYNC110  no event
            await asyncio.sleep(0.05)
        self._signal(signal.SIGKILL)
        assert self._running is not None
        return self._running.wait()

    async def ready(self, timeout_s: float = 60) -> None:
        """Return when it has said so, since it was last started."""
        await until(self._has_begun, timeout_s=timeout_s, what=f"{self.name} is ready")

    def look_after(self, now: float) -> None:
        """Start it again if it ended; called by the supervisor."""
        if not self.is_wanted or self.is_alive:
            return
        assert self._running is not None
        if self._has_end and self._running.returncode == 0:
            self.is_wanted = False
            return
        if not self._start_at:
            if not self._was_killed:
                self.ended.append(self._running.returncode)
            often = len(self.ended) > 1 and not self._was_killed
            self._start_at = now + (AGAIN_S if often else RESTART_S)
        if now >= self._start_at:
            self._start_at = 0.0
            self.start()

    def refusals(self) -> list[dict[str, Any]]:
        """Give what it has logged of records that it refused."""
        if self.log.exists():
            with self.log.open("rb") as log:
                log.seek(self._read_at)
                text = log.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read_at += len(whole)
            for line in whole.splitlines():
                if any(name in line for name in REFUSALS):
                    self._refusals.append(json.loads(line))
        return self._refusals

    def children(self) -> list[int]:
        """Give the process ids of those that it has started."""
        return children_of(self.pid)

    def rss_kib(self) -> int:
        """Say how much memory it and its children have."""
        return sum(map(_rss_kib, [self.pid, *self.children()]))

    def open_files(self) -> int:
        """Count the file handles of it and of its children."""
        return sum(
            len(os.listdir(f"/proc/{pid}/fd")) for pid in [self.pid, *self.children()]
        )

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _signal(self, number: signal.Signals) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(number)

    def _has_begun(self) -> bool:
        if not self.log.exists():
            return False
        with self.log.open("rb") as log:
            log.seek(self._began_at)
            return f'"{self._ready}"'.encode() in log.read()


def _die_with_us() -> list[str]:
    # Killed tests must not leave a hub running; setpriv is util-linux's.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def children_of(pid: int) -> list[int]:
    names = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in names.split()]


def _rss_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    lines = [each for each in status.splitlines() if each.startswith("VmRSS")]
    return int(lines[0].split()[1]) if lines else 0  # a zombie has none


@asynccontextmanager
async def supervised(processes: Sequence[Process]) -> AsyncIterator[None]:
    """Start *processes*, again whenever they end, and end them at the end."""

    async def watch() -> None:
        while True:
            for each in processes:
                each.look_after(time.monotonic())
            await asyncio.sleep(0.02)

    for each in processes:
        each.start()
    watching = asyncio.create_task(watch(), name="supervisor")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(*(each.end() for each in processes))


async def until(
    check: Any, *, timeout_s: float, what: str, every_s: float = 0.05
) -> None:
    """Wait until *check()* holds."""
    end = time.monotonic() + timeout_s
    while not check():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout_s:.0f} s until {what}")
        await asyncio.sleep(every_s)
