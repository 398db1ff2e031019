"""A test in a flow of one's own, as docs/cocotb.md has it; run by test_nic_icarus.py."""

from __future__ import annotations

from typing import Any

import cocotb

from ringbed.sim import cards
from ringbed.sim.testbed.cocotb_bench import Bench


@cocotb.test()
async def a_ping(dut: Any) -> None:
    bench = await Bench.start(dut, cards.em())
    host = await bench.host("10.0.0.2/24")
    bench.peer("10.0.0.1/24")
    assert await host.ping("10.0.0.1") < 100_000
    assert await bench.findings() == []
