"""Waiting for an event, or for a time."""

import asyncio

from broker.waiting import first_of


async def test_it_ends_with_the_first_event_and_leaves_no_task_behind():
    never, soon = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().call_soon(soon.set)
    await first_of(never, soon)
    assert soon.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_it_ends_after_the_time_without_an_error():
    stop = asyncio.Event()
    await first_of(stop, timeout_s=0)
    assert not stop.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_event_that_is_set_already_is_not_waited_for():
    stop = asyncio.Event()
    stop.set()
    await first_of(stop)
    assert asyncio.all_tasks() == {asyncio.current_task()}
