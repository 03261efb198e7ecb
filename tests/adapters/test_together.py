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
    assert [sorted(each) for each in asked] == [[*range(callers)]] * 10
