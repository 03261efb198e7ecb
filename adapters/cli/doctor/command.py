"""doctor: what is wrong with an installation, step by step, in plain words."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from adapters.cli import show
from adapters.cli.asking import ask
from adapters.cli.connecting import log_json
from adapters.cli.doctor import files, flow, network, sinks, trip
from adapters.cli.doctor.network import Place
from adapters.config import AdapterConfig, GateConfig, PublisherConfig
from adapters.config_parts import DatabaseConfig
from adapters.config_use import outbox_of
from adapters.doctor import Finding, Step, Told, examine, of_several, ok
from broker.directory import Directory
from broker.directory_client import open_directory, read_remote
from broker.errors import ConfigError
from broker.rabbitmq_link import Link
from broker.signers import Signer, load_signer

_WIDTH: Final = 14  # of the longest name of a step, and a space


def doctor(*, config: Path, directory: Path | None = None, json: bool = False) -> int:
    """Say in plain words what is wrong with this installation, and what to do next.

    For a publisher, a gate or an adapter. What depends on something that failed is not
    tried. Nothing is changed, and nothing is sent but, for a publisher, one signed
    exercise that goes to the gate and to nobody. Ends with the highest code of what
    was found: 0 all holds, 1 refused, 2 configuration, 3 not reachable.

    Args:
        config: Configuration (TOML) of publisher, gate or adapter.
        directory: Folder of the directory, or configuration that names one; else --config's.
        json: Print one line of JSON for each finding.
    """
    log_json(logging.CRITICAL)
    return asyncio.run(_examined(config, directory, _as_json if json else _as_text))


async def _examined(
    config: Path, directory: Path | None, tell: Callable[[Told], None]
) -> int:
    async with AsyncExitStack() as stack:
        installation = Installation(config, directory, stack)
        code = await examine([installation.first()], tell)
        return code or await examine(installation.others(), tell)


class Installation:
    """What is examined, and what earlier steps have found for later ones."""

    def __init__(
        self, config: Path, directory: Path | None, stack: AsyncExitStack
    ) -> None:
        self._config = config
        self._folder = directory
        self._stack = stack
        self._settings: files.Settings
        self._directory: Directory
        self._signer: Signer
        self._places: dict[Place, str]
        self._link: Link

    def first(self) -> Step:
        """Give the step that tells which others there are."""
        return Step("configuration", (), self._read)

    def others(self) -> list[Step]:
        """Give the steps of this kind of installation, in order."""
        is_adapter = isinstance(self._settings, AdapterConfig)
        of_adapter = [
            Step("policy", ("directory",), self._policy),
            Step("sinks", ("secrets",), self._sinks),
            Step("database", ("secrets",), self._database),
            Step("deliveries", ("database",), self._deliveries),
        ]
        of_hub = [Step("running", (), self._running)]
        of_publisher = [
            Step(
                "exercise",
                ("membership", "clock", "disk", "rights", "queues"),
                self._exercise,
            )
        ]
        return [
            Step("secrets", (), self._secrets),
            Step("key", ("secrets",), self._key),
            Step("directory", (), self._load),
            Step("membership", ("key", "directory"), self._listed),
            Step("clock", (), self._clock),
            Step("disk", (), self._disk),
            *(of_adapter if is_adapter else ()),
            Step("name", ("secrets",), self._name),
            Step("port", ("name",), self._port),
            Step("tls", ("port",), self._tls),
            Step("login", ("tls",), self._login),
            # Before the rights: who asks for those is held up by the broker's alarms.
            Step("queues", ("login", "directory"), self._queues),
            Step("rights", ("login", "directory"), self._rights),
            *(of_hub if not isinstance(self._settings, PublisherConfig) else ()),
            *(of_publisher if isinstance(self._settings, PublisherConfig) else ()),
        ]

    async def _read(self) -> Sequence[Finding]:
        self._settings = files.read_settings(self._config)
        kind = files.WORDS[type(self._settings)]
        return [ok(f"{self._config} is that of {kind}, and can be read")]

    async def _secrets(self) -> Sequence[Finding]:
        return files.secret_files(self._settings)

    async def _key(self) -> Sequence[Finding]:
        settings = self._settings
        passphrase = settings.key_passphrase_file
        self._signer = load_signer(
            settings.org,
            settings.key,
            passphrase_file=passphrase if isinstance(passphrase, Path) else None,
            ask=ask,
        )
        return [ok(f"the signing key opens: {self._signer.kid}")]

    async def _load(self) -> Sequence[Finding]:
        named = self._folder or self._settings.directory
        if not isinstance(named, Path):
            raise ConfigError(
                "the configuration names no directory, so nothing can be said of your "
                "key; add directory, or type --directory FOLDER"
            )
        loaded, _ = await asyncio.to_thread(open_directory, named, clock=time.time)
        self._directory = loaded.directory
        return files.loaded(loaded, now=time.time())

    async def _listed(self) -> Sequence[Finding]:
        return files.own_key(
            self._directory, self._signer.kid, self._settings, now=time.time()
        )

    async def _clock(self) -> Sequence[Finding]:
        theirs = None
        named = self._folder or self._settings.directory
        if isinstance(named, Path) and named.is_file():
            with suppress(ConfigError):  # said of the directory
                theirs = await network.time_at(read_remote(named).url)
        return files.clock(self._settings, now=time.time(), theirs=theirs)

    async def _disk(self) -> Sequence[Finding]:
        return files.disk(self._settings)

    async def _policy(self) -> Sequence[Finding]:
        assert isinstance(self._settings, AdapterConfig)  # noqa: S101  see `others`
        return files.rules(self._settings, self._directory)

    async def _sinks(self) -> Sequence[Finding]:
        assert isinstance(self._settings, AdapterConfig)  # noqa: S101  see `others`
        return await sinks.reach(self._settings)

    async def _database(self) -> Sequence[Finding]:
        assert isinstance(self._settings, AdapterConfig)  # noqa: S101  see `others`
        outbox_of(self._settings)
        if not isinstance(self._settings.database, DatabaseConfig):
            return [ok("deliveries are kept in a file")]
        return await network.database(self._settings.database.url)

    async def _deliveries(self) -> Sequence[Finding]:
        assert isinstance(self._settings, AdapterConfig)  # noqa: S101  see `others`
        return await flow.deliveries(self._settings)

    async def _running(self) -> Sequence[Finding]:
        assert isinstance(self._settings, AdapterConfig | GateConfig)  # noqa: S101  see `others`
        return await flow.running(self._settings)

    async def _name(self) -> Sequence[Finding]:
        self._places = network.places_of(self._settings.broker)
        return await self._of_each(network.resolve)

    async def _port(self) -> Sequence[Finding]:
        return await self._of_each(network.connect)

    async def _of_each(
        self, look: Callable[[Place], Awaitable[list[Finding]]]
    ) -> list[Finding]:
        """Look at each node, and go on with those where nothing failed."""
        found = {place: await look(place) for place in self._places}
        for place, said in found.items():
            if any(each.state == "failed" for each in said):
                del self._places[place]
        return of_several(list(found.values()))

    async def _tls(self) -> Sequence[Finding]:
        broker = self._settings.broker
        return await network.secure(self._places, broker, now=datetime.now(UTC))

    async def _login(self) -> Sequence[Finding]:
        found = await self._of_each(self._login_at)
        if self._places:
            urls = list(self._places.values())
            lent = network.opened(self._settings.broker, urls)
            self._link = await self._stack.enter_async_context(lent)
        return found

    async def _login_at(self, place: Place) -> list[Finding]:
        broker = self._settings.broker
        async with network.opened(broker, [self._places[place]]) as link:
            return await network.login(link, broker)

    async def _rights(self) -> Sequence[Finding]:
        return await network.rights(self._link, self._settings, self._directory)

    async def _queues(self) -> Sequence[Finding]:
        return await flow.queues(self._link, self._settings, self._directory)

    async def _exercise(self) -> Sequence[Finding]:
        assert isinstance(self._settings, PublisherConfig)  # noqa: S101  see `others`
        return await trip.there_and_back(
            self._link, self._settings, self._signer, self._directory
        )


def _as_text(told: Told) -> None:
    found = told.finding
    mark = {"ok": "  ", "note": "- ", "not tried": "- ", "warning": "! "}
    words = "" if found.state in ("ok", "note") else f"{found.state}: "
    start = mark.get(found.state, "X ")
    show.line(f"{start}{told.step:<{_WIDTH}}{words}{found.said}")
    if found.advice:
        show.line(f"  {'':<{_WIDTH}}-> {found.advice}")


def _as_json(told: Told) -> None:
    found = told.finding
    value: dict[str, Any] = {
        "ok": found.state != "failed",
        "step": told.step,
        "state": found.state,
        "said": found.said,
    }
    if found.advice:
        value["advice"] = found.advice
    show.json_line(value)
