"""The alarm about corrections and retractions that nobody has taken for a day."""

import asyncio

from structlog.testing import capture_logs

from adapters.chasing import chase
from adapters.errors import OutboxUnavailableError
from adapters.metrics import EventCounts
from adapters.outbox import open_outbox
from tests.support.sinks import new_delivery

NOW = 1_770_000_000.0
DAY_S = 86_400


class Clock:
    now = NOW

    def __call__(self):
        return self.now


def row(number, **more):
    return new_delivery(sub=f"incident--{number}", **more)


async def alarms(outbox):
    """What one look says."""
    stop = asyncio.Event()
    stop.set()
    with capture_logs() as logs:
        await chase(outbox, stop)
    return [
        (each["member"], each["sink"], each["count"])
        for each in logs
        if (each["event"], each["log_level"]) == ("retraction.overdue", "error")
    ]


async def test_what_was_not_taken_for_a_day_is_an_alarm_for_each_system(place):
    clock = Clock()
    async with open_outbox(place, clock=clock) as outbox:
        await outbox.store(
            [
                row(1, kind="retraction"),
                row(2, kind="correction"),
                row(3),
                row(4, kind="retraction", member="ngo-a", not_before=NOW + 9 * DAY_S),
                row(5, kind="correction", member="ngo-b"),
            ]
        )
        clock.now += DAY_S - 1
        assert await alarms(outbox) == []
        clock.now += 1
        assert await alarms(outbox) == [("ngo-b", "siem", 1), ("platform-b", "siem", 2)]
        for item in await outbox.due(clock.now, 10):
            if item.member == "ngo-b":
                await outbox.failed(item.delivery_id, "sink-gone", now=clock.now)
            else:
                await outbox.done(item.delivery_id, clock.now)
        assert await alarms(outbox) == [("ngo-b", "siem", 1)]
        counts = EventCounts()
        counts.note_backlog(await outbox.backlog(), now=clock.now)
        labels = {"member": "ngo-b", "sink": "siem"}
        assert counts.registry.get_sample_value("tocsin_overdue", labels) == 1


async def test_it_looks_again_and_waits_for_an_outbox_that_is_away(tmp_path):
    class Away:
        looks = 0

        async def backlog(self):
            self.looks += 1
            if self.looks == 3:
                stop.set()
            raise OutboxUnavailableError("locked")

    stop, away = asyncio.Event(), Away()
    async with asyncio.timeout(5):
        await chase(away, stop, look_s=0.001)
    assert away.looks == 3
