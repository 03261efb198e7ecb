"""A TCP proxy that the tests cut, slow down, or make swallow what one side says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK = 1 << 16


class Proxy:
    """Forwards to one place until told otherwise; made by `open_proxy`.

    Attributes:
        port: On 127.0.0.1.
        answers: When cleared, what the server sends waits until it is set.
        asks: The same for what the client sends.
        refusing: While set, who connects is sent away at once.
        pause_s: Before each chunk of at most 64 KiB, either way.
    """

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.asks = asyncio.Event()
        self.asks.set()
        self.refusing = False
        self.pause_s = 0.0
        self._place = (host, port)
        self._pairs: set[_Pair] = set()

    def cut(self) -> None:
        """Break every connection at once, as a pulled cable's reset would."""
        for pair in self._pairs:
            pair.end()

    def forget_servers(self) -> None:
        """Let the server's half of every connection go; clients are told nothing."""
        for pair in self._pairs:
            pair.is_half = True
            pair.server.transport.abort()

    def forget_clients(self) -> None:
        """Let the client's half of every connection go; servers are told nothing."""
        for pair in self._pairs:
            pair.is_half = True
            pair.client.transport.abort()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            if self.refusing:
                raise ConnectionRefusedError
            server_reader, server_writer = await asyncio.open_connection(*self._place)
        except OSError:  # as the server itself would, were it away
            writer.transport.abort()
            return
        pair = _Pair(writer, server_writer)
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(pair, reader, server_writer, self.asks))
                tasks.create_task(self._pump(pair, server_reader, writer, self.answers))
        finally:
            self._pairs.discard(pair)
            pair.end()

    async def _pump(
        self,
        pair: "_Pair",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        may_pass: asyncio.Event,
    ) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                await may_pass.wait()
                if self.pause_s:
                    await asyncio.sleep(self.pause_s)
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        if pair.is_half:
            await pair.over.wait()
        writer.close()


class _Pair:
    """One connection's two halves."""

    def __init__(
        self, client: asyncio.StreamWriter, server: asyncio.StreamWriter
    ) -> None:
        self.client = client
        self.server = server
        self.is_half = False
        self.over = asyncio.Event()

    def end(self) -> None:
        self.over.set()
        for each in (self.client, self.server):
            each.transport.abort()


@asynccontextmanager
async def open_proxy(host: str, port: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(host, port)
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy
        proxy.refusing = True
        proxy.answers.set()
        proxy.asks.set()
        proxy.cut()
