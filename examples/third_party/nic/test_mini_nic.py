"""mini_nic under its driver and a whole stack: pings of every size to a peer at the other end of its wire."""

from pathlib import Path
from typing import Any

import pytest
from mini_driver import MiniNic

from ringbed.lab import Peer, Stack, StackOnDriver, open_dut, ping

MAP, MAC = Path(__file__).with_name("mini_nic.toml"), bytes.fromhex("020000000001")


@pytest.mark.parametrize("settings", [{}, {"read_latency": 200, "backpressure": 0.3, "seed": 7}])
def test_pings(settings: dict[str, Any]) -> None:
    upper = StackOnDriver(Stack("mine"))
    host = open_dut(MAP, lambda device, dma, sink: MiniNic(device, dma, sink, lladdr=MAC), upper, **settings)
    host.up()
    upper.ifd.add_ifl().add_iff().add_ifa("10.0.0.2/24")
    peer = Peer(host.engine, "10.0.0.1/24", host.frequency)
    for size in range(0, 1473, 46):
        ping(host, peer, bytes(size))  # where no answer comes, it says what was found and counted
    assert not host.engine.findings()  # nothing that the bus checker or the memory saw
    host.down()
    host.engine.close()
