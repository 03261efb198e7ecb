"""A private PostgreSQL server for one test run: own port, own folder, loopback only.

    with PostgreSQLNode() as node:
        await asyncpg.connect(node.url)

Started as root it runs as nobody, since PostgreSQL refuses to run as root.
"""

import asyncio
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from adapters.outbox import open_outbox
from tests.support.fetch_postgresql import LINE_TO_TYPE, TREE, bin_folder, is_complete

_USER: Final = "tocsin"
_START_S: Final = 60
_STOP_S: Final = 30
_NOBODY: Final = 65534

# Nobody pulls the plug here: what is committed survives `kill` without fsync, which
# makes a new database cost half a second.
_SETTINGS: Final = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
shared_buffers = 32MB
max_connections = 50
jit = off
fsync = off
full_page_writes = off
logging_collector = off
"""


class NodeError(Exception):
    """The server did not start; the text ends with what it printed."""


class PostgreSQLServer:
    """A server, and a database for whoever asks.

    Args:
        url: Of a database of it, by a login that may create others.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._names = itertools.count()
        self._made: str | None = None

    async def fresh(self) -> str:
        """Give the URL of an empty database."""
        return await self._create("template1")

    async def with_tables(self) -> str:
        """Give the URL of a database in which an outbox has made its tables.

        They are made once: for each test they would cost a third of a second.
        """
        if self._made is None:
            made = await self.fresh()
            async with open_outbox(made):
                self._made = made
        return await self._create(_name_of(self._made))

    async def _create(self, template: str) -> str:
        name = f"tocsin_test_{os.getpid()}_{next(self._names)}"
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        finally:
            await connection.close()
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    async def close(self) -> None:
        """Drop what `with_tables` copies."""
        if self._made is not None:
            await self.drop(self._made)

    async def drop(self, url: str) -> None:
        """Drop a database that `fresh` made, whoever uses it."""
        name = _name_of(url)
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await connection.close()


def _name_of(url: str) -> str:
    return urlsplit(url).path[1:]


@contextmanager
def open_postgresql_server(
    environment: Mapping[str, str],
) -> Iterator[PostgreSQLServer]:
    """Lend the server that is named in TOCSIN_TEST_POSTGRESQL_URL, or a private one."""
    named = environment.get("TOCSIN_TEST_POSTGRESQL_URL")
    if named:
        server = PostgreSQLServer(named)
        yield server
        asyncio.run(server.close())
        return
    with PostgreSQLNode() as node:
        yield PostgreSQLServer(node.url)


class PostgreSQLNode:
    """One server, started on entering and wiped on leaving."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Its first database; the login is the server's administrator, no password."""
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """The server's main process."""
        assert self._server is not None
        return self._server.pid

    def __enter__(self) -> Self:
        if not is_complete(TREE):
            raise NodeError(
                f"PostgreSQL is not unpacked; type: make postgresql\n(or: {LINE_TO_TYPE})"
            )
        self._folder = Path(tempfile.mkdtemp(prefix="tocsin-postgresql-"))
        try:
            self._tree = self._readable_tree()
            self._bin = bin_folder(self._tree)
            self._data = self._folder / "data"
            self._data.mkdir(mode=0o700)
            if self._drops:
                os.chown(self._data, _NOBODY, _NOBODY)
                self._folder.chmod(0o711)
            self._run(
                "initdb", "-D", str(self._data), "-U", _USER, "--auth=trust",
                "--encoding=UTF8", "--locale=C", "--no-sync",
            )  # fmt: skip
            with socket.create_server(("127.0.0.1", 0)) as free:
                self._port = free.getsockname()[1]
            settings = _SETTINGS.format(port=self._port)
            (self._data / "postgresql.auto.conf").write_text(settings)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, also after `kill` or `stop`; return when it answers."""
        log = self._folder / "log"
        with log.open("ab") as output:
            self._server = subprocess.Popen(  # noqa: S603  unpacked by us
                [self._bin / "postgres", "-D", self._data],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **self._how(),
            )
        until = time.monotonic() + _START_S
        while not self._is_ready():
            if self._server.poll() is not None or time.monotonic() > until:
                raise NodeError(log.read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it cleanly, without waiting for clients."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill it and all of its children, as a power failure would."""
        assert self._server is not None
        if self._server.poll() is None:
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait(_STOP_S)

    def _end(self, number: signal.Signals) -> None:
        assert self._server is not None
        self._server.send_signal(number)
        self._server.wait(_STOP_S)

    def _is_ready(self) -> bool:
        # The status file says `ready` once recovery is over; a port alone does not.
        # One that was killed leaves its own behind.
        assert self._server is not None
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        of_this_one = lines[:1] == [str(self._server.pid)]
        return of_this_one and len(lines) > 7 and lines[7].strip() == "ready"

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(  # noqa: S603  unpacked by us
            [self._bin / program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_START_S,
            check=False,
            **self._how(),
        )
        if done.returncode:
            raise NodeError(done.stderr.decode(errors="replace")[-2000:])

    @property
    def _drops(self) -> bool:
        return os.geteuid() == 0

    def _how(self) -> dict[str, Any]:
        libraries = [*(self._tree / "usr/lib").glob("*-linux-*")]
        found: dict[str, Any] = {
            "cwd": self._folder,
            "env": {
                "PATH": os.environ.get("PATH", ""),
                "LC_ALL": "C",
                "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            },
            "start_new_session": True,
        }
        if self._drops:
            found |= {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        return found

    def _readable_tree(self) -> Path:
        """Give a tree that the server's user may read: a copy where ours is hidden."""
        if not self._drops or all(p.stat().st_mode & 0o001 for p in TREE.parents):
            return TREE
        return Path(shutil.copytree(TREE, self._folder / "tree", symlinks=True))


# How a test starts one: the fixture of that name.
OwnPostgreSQL = Callable[[], AbstractContextManager[PostgreSQLNode]]
