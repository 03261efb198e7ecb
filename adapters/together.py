"""Calls that wait for one another are made as one. Edge."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from typing import Any, Final, Generic, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")

# Turns of the loop that whoever asks lets pass before, if others asked just now. As many as it takes from an
# answer to the next question of who got it: through the task that carried it, its
# shield, the caller, and the task of the next. Without, the first to come back asks
# alone, and all others wait for that: 310 transactions for 450 deliveries to three
# sinks that answer at once, instead of 165 (measured).
_TURNS: Final = 4


def to_its_end(
    method: Callable[_P, Coroutine[Any, Any, _T]],
) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Let a cancelled caller wait until *method* is through.

    A transaction that is abandoned half way keeps the file locked until its
    connection is collected: for seconds, measured.
    """

    @wraps(method)
    async def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        task = asyncio.create_task(method(*args, **kwargs), name="outbox")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            task.exception()  # nobody else will look at it
            raise

    return run


class Together(Generic[_Asked, _Found]):
    """Asks once for all who wait while somebody else is asking.

    One transaction for many: a thousand sinks that each begin one of their own make
    the database their common limit.

    Args:
        ask: Gives one answer for each that is asked, in order. What it raises, each
            of the callers gets.
        unwanted: Gets an answer whose caller was cancelled meanwhile.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[_Asked]], Awaitable[Sequence[_Found]]],
        unwanted: Callable[[_Found], object] = lambda _: None,
    ) -> None:
        self._ask = ask
        self._unwanted = unwanted
        self._one = asyncio.Lock()
        self._waiting: list[tuple[_Asked, asyncio.Future[_Found]]] = []
        self._last = 0  # so many were answered together

    async def __call__(self, asked: _Asked) -> _Found:
        """Ask, with others; who is cancelled still waits for the answer."""
        task = asyncio.create_task(self._call(asked), name="outbox")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            if task.exception() is None:
                self._unwanted(task.result())
            raise

    async def _call(self, asked: _Asked) -> _Found:
        answer: asyncio.Future[_Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        has_company = self._one.locked() or self._last > 1
        async with self._one:
            if not answer.done():
                for _ in range(_TURNS if has_company else 0):
                    await asyncio.sleep(0)
                waiting, self._waiting = self._waiting, []
                self._last = len(waiting)
                await self._answer(waiting)
        return await answer

    async def _answer(
        self, waiting: Sequence[tuple[_Asked, asyncio.Future[_Found]]]
    ) -> None:
        try:
            found = await self._ask([asked for asked, _ in waiting])
        except Exception as error:  # noqa: BLE001  the callers get it
            for _, answer in waiting:
                answer.set_exception(error)
        else:
            for (_, answer), each in zip(waiting, found, strict=True):
                answer.set_result(each)
