"""A few faults of `make faults`, on real processes: nothing lost, nothing doubled."""

import pytest

from tests.faults import on_network, on_processes
from tests.faults.installation import open_installation
from tests.faults.striking import Fault, strike

CHOSEN = (
    Fault("the publisher is killed", on_processes.kill_publisher, 40, 40),
    Fault("gate is killed", on_processes.kill_gate, 40, 40),
    Fault("adapter is killed", on_processes.kill_adapter, 40, 40),
    Fault("broker is cut off", on_network.cut_broker, 40, 40),
)


@pytest.mark.slow
async def test_whatever_is_killed_or_cut_nothing_is_lost_and_nothing_comes_twice(
    vhost, tmp_path
):
    async with open_installation(tmp_path, vhost) as installation:
        found = [(await strike(each, installation, "1"))[0] for each in CHOSEN]
    for each in found:
        assert each.count.faults == [], each
        assert each.count.published == each.count.confirmed == 40, each
        assert each.ended == (), each
