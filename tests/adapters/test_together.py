"""Questions of several callers at once are asked as one."""

import asyncio

import pytest

from adapters.together import Together


async def questions(callers: int, rounds: int) -> list[list[int]]:
    """Let each ask *rounds* times, the next time right after the answer."""
    asked: list[list[int]] = []

    async def ask(of):
        asked.append([*of])
        await asyncio.sleep(0)  # a transaction gives way to others
        return of

    together = Together(ask)

    async def caller(number):
        for _ in range(rounds):
            assert await together(number) == number

    async with asyncio.TaskGroup() as tasks:
        for number in range(callers):
            tasks.create_task(caller(number))
    return asked


@pytest.mark.parametrize("callers", [2, 3, 4, 20])
async def test_who_comes_back_right_after_an_answer_is_asked_for_with_the_others(
    callers,
):
    asked = await questions(callers, rounds=10)
    # The first one knew of nobody else, and is through one round earlier.
    together = [[*range(callers)]] * 9
    assert [sorted(each) for each in asked] == [[0], *together, [*range(1, callers)]]


async def test_who_is_alone_waits_for_nobody():
    async def ask(of):
        await asyncio.sleep(0)
        return of

    together = Together(ask)

    async def turns():
        passed, waiting = 0, asyncio.create_task(together(1))
        while not waiting.done():
            passed += 1
            await asyncio.sleep(0)
        return passed

    alone = await turns()
    async with asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(together(number))
    # Those others may come back at once; who then was alone knows better.
    assert [await turns() > alone, await turns() == alone] == [True, True]
