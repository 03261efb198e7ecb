"""A TCP proxy that the tests cut, or make swallow what one side says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK = 1 << 16


class Proxy:
    """Forwards to one place until told otherwise; made by `open_proxy`.

    Attributes:
        port: On 127.0.0.1.
        answers: When cleared, what the server sends waits until it is set.
    """

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self._place = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Break every connection at once, as a pulled cable's reset would."""
        for writer in self._writers:
            writer.transport.abort()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._place)
        pair = {writer, server_writer}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, server_writer))
                tasks.create_task(self._pump(server_reader, writer, self.answers))
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        may_pass: asyncio.Event | None = None,
    ) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                if may_pass is not None:
                    await may_pass.wait()
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()


@asynccontextmanager
async def open_proxy(host: str, port: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(host, port)
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy
        proxy.answers.set()
        proxy.cut()
