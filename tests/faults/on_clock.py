"""The clock of the hub jumps by a day; a member is away for one."""

import asyncio

from tests.faults.striking import Fault, Strike, whole
from tests.support.hub import tocsin

DAY_S = 86_400
WRONG_S = 3.0
SETTLE_S = 2.0
STEPS = 12  # in which the day passes


def set_clock(at: Strike, seconds: float) -> None:
    assert at.on.clock is not None
    unfinished = at.on.clock.with_name("clock.new")
    unfinished.write_text(str(seconds))
    unfinished.replace(at.on.clock)


async def forward(at: Strike) -> None:
    set_clock(at, DAY_S)
    await asyncio.sleep(WRONG_S)
    set_clock(at, 0)
    await put_back(at)


async def back(at: Strike) -> None:
    set_clock(at, -DAY_S)
    await asyncio.sleep(WRONG_S)
    set_clock(at, 0)
    await put_back(at)


async def back_while_something_waits(at: Strike) -> None:
    """The endpoint fails, the clock goes back for good, the endpoint works again."""
    link = at.on.links["member"]
    set_clock(at, DAY_S)
    link.refusing = True
    link.cut()
    await asyncio.sleep(WRONG_S)
    set_clock(at, 0)
    link.refusing = False
    await put_back(at)


async def member_away_for_a_day(at: Strike) -> None:
    link = at.on.links["member"]
    link.refusing = True
    link.cut()
    await asyncio.sleep(3)
    for step in range(1, STEPS + 1):
        set_clock(at, step * DAY_S / STEPS)
        await asyncio.sleep(0.5)
    link.refusing = False


async def put_back(at: Strike) -> None:
    """Do as an operator does: put back what was refused by a wrong clock."""
    await asyncio.sleep(SETTLE_S)  # what is being refused just now, too
    refused = len(whole(at.on.refused(), at.journal.read()))
    at.note = f"{refused} refused by the wrong clock and put back" if refused else ""
    config = at.on.folder / "operator.toml"
    direct = at.on.hub.server.url_for("", "").replace(":@", "")
    config.write_text(
        f'[broker]\nurl = "{direct}"\nuser = "operator"\n'
        'password_file = "operator.password"\n'
    )
    words = ("dead-letters", "retry", "--all", "--config", str(config))
    done = await asyncio.to_thread(tocsin, *words)
    assert done.returncode == 0, done.stderr


FAULTS = (
    Fault("gate's and adapter's clock a day ahead, 3 s", forward, puts_back=True),
    Fault("gate's and adapter's clock a day behind, 3 s", back, puts_back=True),
    Fault(
        "clock set back by a day while deliveries wait",
        back_while_something_waits,
        puts_back=True,
    ),
    Fault("member away for a day, by the hub's clock", member_away_for_a_day),
)
