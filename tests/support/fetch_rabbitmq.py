"""Unpack Debian's RabbitMQ and Erlang into .tools/rabbitmq: no root, no service.

Run by `make rabbitmq` with Python 3.11 or later and nothing else installed.
apt checks the signatures of the machine's own package sources; the package
lists and downloads live in a folder of ours, so nothing of the system changes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / ".tools"
TREE = TOOLS / "rabbitmq"
STAMP = ".complete"
LINE_TO_TYPE = "TOCSIN_TEST_AMQP_URL=amqp://guest:guest@localhost:5672/ make test"

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
    """The server cannot be unpacked on this machine."""


def main() -> int:
    """Make sure that the tree is complete; 0 or 1, with one line to type."""
    try:
        if not is_complete(TREE):
            _say("unpacking RabbitMQ into .tools/rabbitmq (about 35 MB, once)")
            fetch(TREE)
            _say("RabbitMQ is unpacked")
    except FetchError as error:
        _say(f"cannot unpack RabbitMQ: {error}")
        _say(f"start a RabbitMQ of your own, then type: {LINE_TO_TYPE}")
        return 1
    return 0


def is_complete(tree: Path) -> bool:
    """Return whether *tree* was unpacked to the end, for the place it is at now."""
    stamp = tree / STAMP
    # The path stands in Erlang's start script: a moved checkout is unpacked anew.
    return stamp.is_file() and stamp.read_text() == f"{tree}\n"


def fetch(tree: Path) -> None:
    """Replace *tree* by a self-contained server, or leave it as it was.

    Raises:
        FetchError: Not a Debian, no mirror, or no space.
    """
    missing = [tool for tool in ("apt-get", "dpkg", "dpkg-query") if not _which(tool)]
    if missing:
        raise FetchError(f"this is no Debian or Ubuntu ({missing[0]} is missing)")
    try:
        tree.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tree.parent, prefix="fetch-") as folder:
            unpacked = _unpack(Path(folder))
            _point_erlang_at(tree, unpacked)
            (unpacked / STAMP).write_text(f"{tree}\n")
            shutil.rmtree(tree, ignore_errors=True)
            unpacked.replace(tree)
    except OSError as error:
        raise FetchError(f"{error.strerror}: {error.filename}") from error


def _unpack(work: Path) -> Path:
    apt = _Apt(work)
    apt.update()
    debs = work / "debs"
    debs.mkdir()
    apt.run("download", *_wanted(apt), cwd=debs, timeout_s=DOWNLOAD_S)
    unpacked = work / "tree"
    unpacked.mkdir()
    for deb in sorted(debs.glob("*.deb")):
        _run("dpkg", "-x", str(deb), str(unpacked), timeout_s=UNPACK_S)
    return unpacked


def _wanted(apt: "_Apt") -> list[str]:
    """Return `name=version` of what the tree must hold on this machine.

    apt is asked as if nothing were installed, so that an Erlang the machine has
    in part, or in another version, never ends up as half of ours. Of what
    Erlang links to, only libraries that the machine lacks are taken: mixing a
    second C library into a process is worse than using the system's.
    """
    server = [
        package
        for package in apt.closure(["rabbitmq-server"])
        if package.startswith(("rabbitmq-", "erlang-"))
    ]
    installed = _installed()
    erlang = [package for package in server if package.startswith("erlang-")]
    libraries = [
        package
        for package in apt.closure(erlang)
        if package.startswith("lib") and package.split("=")[0] not in installed
    ]
    return sorted({*server, *libraries})


class _Apt:
    """apt-get with state of its own below *work*, an absolute folder."""

    def __init__(self, work: Path) -> None:
        self._config = work / "apt.conf"
        for folder in ("lists/partial", "cache/archives/partial"):
            (work / folder).mkdir(parents=True)
        (work / "status").touch()
        self._config.write_text(APT_CONF.format(work=work))
        self._update_error: FetchError | None = None

    def run(self, *words: str, timeout_s: float, cwd: Path | None = None) -> str:
        # `-c` is read after the machine's own configuration, and so wins.
        return _run(
            "apt-get",
            "-q",
            "-c",
            str(self._config),
            *words,
            timeout_s=timeout_s,
            cwd=cwd,
        )

    def update(self) -> None:
        try:
            self.run("update", timeout_s=UPDATE_S)
        except FetchError as error:
            # One broken third-party source fails the whole update although the
            # sources we need were read: judge by what can be resolved.
            self._update_error = error

    def closure(self, names: Iterable[str]) -> list[str]:
        """Return `name=version` of *names* and of all they depend on."""
        try:
            plan = self.run("install", "--simulate", *names, timeout_s=SOLVE_S)
        except FetchError as error:
            raise self._update_error or error from None
        # Inst erlang-base (1:25.2.3+dfsg-1 Debian:12/stable [amd64])
        found = re.findall(r"^Inst (\S+) \((\S+) ", plan, re.MULTILINE)
        return [f"{name}={version}" for name, version in found]


def _installed() -> set[str]:
    listing = _run(
        "dpkg-query",
        "--show",
        "--showformat=${db:Status-Status} ${Package}\\n",
        timeout_s=SOLVE_S,
    )
    rows = (line.split() for line in listing.splitlines())
    return {row[1] for row in rows if row[0] == "installed"}


def _point_erlang_at(tree: Path, unpacked: Path) -> None:
    """Make Erlang's start script look for itself in *tree*, not in /usr."""
    script = unpacked / "usr/lib/erlang/bin/erl"
    text, count = re.subn(
        r"ROOTDIR=/usr/lib/erlang$",
        lambda _: f'ROOTDIR="{tree}/usr/lib/erlang"',
        script.read_text(),
        flags=re.MULTILINE,
    )
    if not count:
        raise FetchError("Erlang's start script is not as expected")
    script.write_text(text)


def _run(tool: str, *words: str, timeout_s: float, cwd: Path | None = None) -> str:
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


def _say(line: str) -> None:
    sys.stderr.write(f"tocsin: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
