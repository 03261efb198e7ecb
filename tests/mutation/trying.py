"""Runs the tests of a module with another module in its place, in a fork of this process.

What neither changes nor is changed is imported once, here; so a fork begins with it, and
most mutants are noticed within a second.
"""

import contextlib
import importlib
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

import pytest
from hypothesis import Phase, settings

# What a fork imports again: whatever may have taken names from the changed module.
_FRESH: Final = ("adapters", "tests", "conftest", "deploy")
_PLUGINS: Final = ("_pytest", "pytest", "hypothesis", "_hypothesis", "coverage")
_MEMORY_BYTES: Final = 3 * 1024**3
_ARGUMENTS: Final = (
    "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:cov",
    "-m", "not slow and not rabbitmq and not browser",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: `survived`, `killed` or `timeout`.
        by: The test that failed; "" where none began.
    """

    status: str
    by: str
    seconds: float


class _Instead(importlib.machinery.SourceFileLoader):
    """Gives a module whose code is another than its file's."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        return self._code


class _Noting:
    """Notes the first test that fails, and looks for no smaller example of it.

    The quickest tests run first, as far as *took* knows them.
    """

    def __init__(self, notes: Path, took: Mapping[str, float]) -> None:
        self._notes, self._took = notes, took

    def pytest_configure(self) -> None:
        settings.register_profile(
            "mutation", settings(), phases=(Phase.explicit, Phase.generate)
        )
        settings.load_profile("mutation")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: round(self._took.get(item.nodeid, 0), 1))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self._notes.exists():
            self._notes.write_text(report.nodeid, encoding="utf-8")
        with self._notes.with_suffix(".took").open("a", encoding="utf-8") as took:
            took.write(f"{report.duration} {report.nodeid}\n")

    def pytest_sessionfinish(self) -> None:
        names = self._notes.with_suffix(".modules")
        names.write_text("\n".join(sys.modules), encoding="utf-8")


class Trial:
    """Mutants of one module, tried against some files of tests."""

    def __init__(self, module: str, files: Sequence[str], folder: Path) -> None:
        self.module, self._files, self._folder = module, list(files), folder
        self._path = str(Path(*module.split(".")).with_suffix(".py").resolve())
        self._running: dict[int, tuple[str, Path, float]] = {}
        self._took: dict[str, float] = {}
        self.timeout_s = 600.0

    def begin(self) -> Outcome:
        """Run the tests with nothing changed, then import what they needed."""
        source = Path(self._path).read_text(encoding="utf-8")
        self.start("", compile(source, self._path, "exec"))
        [(_, notes, _)] = self._running.values()
        [(_, outcome)] = self.wait()
        took = notes.with_suffix(".took").read_text(encoding="utf-8")
        for seconds, test in (line.split(" ", 1) for line in took.splitlines()):
            self._took[test] = self._took.get(test, 0) + float(seconds)
        listed = notes.with_suffix(".modules")
        for name in listed.read_text().split() if listed.exists() else ():
            if name.split(".")[0] not in _FRESH and not name.startswith(_PLUGINS):
                with contextlib.suppress(ImportError, AttributeError):
                    importlib.import_module(name)
        for name in [n for n in sys.modules if n.split(".")[0] == "adapters"]:
            del sys.modules[name]
        return outcome

    @property
    def busy(self) -> int:
        """How many runs have not ended."""
        return len(self._running)

    def start(self, key: str, code: CodeType) -> None:
        """Run the tests with *code* as the module, in a process of its own."""
        made = Path(tempfile.mkdtemp(dir=self._folder))
        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                status = self._run(code, made)
            except BaseException:  # noqa: BLE001  nothing of it may return to the loop
                status = 99
            os._exit(status)
        self._running[pid] = (key, made / "failed", time.monotonic())

    def _run(self, code: CodeType, made: Path) -> int:
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
        out = os.open(made / "output", os.O_WRONLY | os.O_CREAT)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.meta_path.insert(0, _Instead(self.module, self._path, code))
        noting = _Noting(made / "failed", self._took)
        for number, file in enumerate(self._files):
            arguments = [*_ARGUMENTS, f"--basetemp={made / str(number)}", file]
            status = pytest.main(arguments, plugins=[noting])
            if status != 0:
                return int(status)
        return 0

    def wait(self) -> list[tuple[str, Outcome]]:
        """Wait until a run ends, or is stopped because it takes too long."""
        while True:
            ended = []
            for pid, (key, notes, began) in list(self._running.items()):
                took = time.monotonic() - began
                done, status = os.waitpid(pid, os.WNOHANG)
                if not done and took > self.timeout_s:
                    os.killpg(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    ended.append((key, Outcome("timeout", "", took)))
                elif done:
                    by = notes.read_text(encoding="utf-8") if notes.exists() else ""
                    survived = os.waitstatus_to_exitcode(status) == 0
                    word = "survived" if survived else "killed"
                    ended.append((key, Outcome(word, by, took)))
                else:
                    continue
                del self._running[pid]
            if ended:
                return ended
            time.sleep(0.02)
