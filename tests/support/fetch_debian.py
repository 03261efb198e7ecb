"""Unpack Debian packages into .tools: no root, no service, nothing installed.

For tools that only the tests need. Python 3.11 or later is enough to run it. apt
checks the signatures of the machine's own package sources; the package lists and
downloads live in a folder of ours, so nothing of the system changes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / ".tools"
STAMP = ".complete"

# Seconds. A mirror that answers needs about five in all; a dead one must not
# hold a build for ever.
UPDATE_S = 180
SOLVE_S = 60
DOWNLOAD_S = 300
UNPACK_S = 120

APT_CONF = """\
Dir::State::lists "{work}/lists";
Dir::State::status "{work}/status";
Dir::Cache "{work}/cache";
Debug::NoLocking "true";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Acquire::Retries "3";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


class FetchError(Exception):
    """The tool cannot be unpacked on this machine."""


@dataclass(frozen=True)
class Tool:
    """What to unpack, and what to say.

    Attributes:
        tree: Where it goes, below `TOOLS`.
        size_mb: Of the downloads, about.
        wanted: Gives `name=version` of the packages.
        finish: Makes the unpacked folder, the second argument, fit for *tree*, where
            it will be. Raises FetchError.
        instead: What to do where this fails, one line.
    """

    name: str
    tree: Path
    size_mb: int
    wanted: "Callable[[Apt], list[str]]"
    finish: Callable[[Path, Path], None]
    instead: str

    def install(self) -> int:
        """Make sure that the tree is complete; 0 or 1, with one line to type."""
        try:
            if not is_complete(self.tree):
                place = self.tree.relative_to(TOOLS.parent)
                say(f"unpacking {self.name} into {place} ({self.size_mb} MB, once)")
                self._fetch()
                say(f"{self.name} is unpacked")
        except FetchError as error:
            say(f"cannot unpack {self.name}: {error}")
            say(self.instead)
            return 1
        return 0

    def _fetch(self) -> None:
        """Replace the tree by a self-contained one, or leave it as it was."""
        tools = ("apt-get", "apt-cache", "dpkg", "dpkg-query")
        missing = [tool for tool in tools if not _which(tool)]
        if missing:
            raise FetchError(f"this is no Debian or Ubuntu ({missing[0]} is missing)")
        try:
            TOOLS.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=TOOLS, prefix="fetch-") as folder:
                unpacked = self._unpack(Path(folder))
                self.finish(self.tree, unpacked)
                (unpacked / STAMP).write_text(f"{self.tree}\n")
                shutil.rmtree(self.tree, ignore_errors=True)
                unpacked.replace(self.tree)
        except OSError as error:
            raise FetchError(f"{error.strerror}: {error.filename}") from error

    def _unpack(self, work: Path) -> Path:
        apt = Apt(work)
        apt.update()
        debs = work / "debs"
        debs.mkdir()
        apt.get("download", *self.wanted(apt), cwd=debs, timeout_s=DOWNLOAD_S)
        unpacked = work / "tree"
        unpacked.mkdir()
        for deb in sorted(debs.glob("*.deb")):
            run("dpkg", "-x", str(deb), str(unpacked), timeout_s=UNPACK_S)
        return unpacked


def is_complete(tree: Path) -> bool:
    """Return whether *tree* was unpacked to the end, for the place it is at now."""
    stamp = tree / STAMP
    # Paths may stand in start scripts: a moved checkout is unpacked anew.
    return stamp.is_file() and stamp.read_text() == f"{tree}\n"


class Apt:
    """apt-get with state of its own below *work*, an absolute folder.

    It is asked as if nothing were installed, so that what the machine has in part,
    or in another version, never ends up as half of ours.
    """

    def __init__(self, work: Path) -> None:
        self._config = work / "apt.conf"
        for folder in ("lists/partial", "cache/archives/partial"):
            (work / folder).mkdir(parents=True)
        (work / "status").touch()
        self._config.write_text(APT_CONF.format(work=work))
        self._update_error: FetchError | None = None

    def get(self, *words: str, timeout_s: float, cwd: Path | None = None) -> str:
        # `-c` is read after the machine's own configuration, and so wins.
        config = ("-q", "-c", str(self._config))
        return run("apt-get", *config, *words, timeout_s=timeout_s, cwd=cwd)

    def update(self) -> None:
        try:
            self.get("update", timeout_s=UPDATE_S)
        except FetchError as error:
            # One broken third-party source fails the whole update although the
            # sources we need were read: judge by what can be resolved.
            self._update_error = error

    def closure(self, names: Iterable[str]) -> list[str]:
        """Return `name=version` of *names* and of all they depend on."""
        try:
            plan = self.get("install", "--simulate", *names, timeout_s=SOLVE_S)
        except FetchError as error:
            raise self._update_error or error from None
        # Inst erlang-base (1:25.2.3+dfsg-1 Debian:12/stable [amd64])
        found = re.findall(r"^Inst (\S+) \((\S+) ", plan, re.MULTILINE)
        return [f"{name}={version}" for name, version in found]

    def depends(self, name: str) -> list[str]:
        """Return the names that *name* itself depends on."""
        words = ("-c", str(self._config), "depends", name)
        listing = run("apt-cache", *words, timeout_s=SOLVE_S)
        return re.findall(r"^  Depends: ([^<\s]+)$", listing, re.MULTILINE)

    def missing_libraries(self, names: Iterable[str]) -> list[str]:
        """Return `name=version` of the libraries in the closure the machine lacks.

        Only those: mixing a second C library into a process is worse than using
        the system's.
        """
        installed = _installed()
        return [
            package
            for package in self.closure(names)
            if package.startswith("lib") and package.split("=")[0] not in installed
        ]


def _installed() -> set[str]:
    listing = run(
        "dpkg-query",
        "--show",
        "--showformat=${db:Status-Status} ${Package}\\n",
        timeout_s=SOLVE_S,
    )
    rows = (line.split() for line in listing.splitlines())
    return {row[1] for row in rows if row[0] == "installed"}


def run(tool: str, *words: str, timeout_s: float, cwd: Path | None = None) -> str:
    """Give what *tool* writes.

    Raises:
        FetchError: It failed, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - fixed tools, words of our own
            [_which(tool) or tool, *words],
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(
            f"{tool} {words[-1]}: no end after {timeout_s} seconds"
        ) from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        errors = [line for line in lines if line.startswith("E:")] or lines
        raise FetchError(f"{tool}: {errors[0]}")
    return done.stdout


def _which(tool: str) -> str | None:
    # dpkg needs the sbin folders, which an ordinary user's PATH may lack.
    return shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def say(line: str) -> None:
    sys.stderr.write(f"tocsin: {line}\n")
