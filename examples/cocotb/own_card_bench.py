"""A bench of somebody's own Verilog, mini_nic: its port map, its driver, and a coroutine that watches its own ports.

Run by `pytest examples/cocotb`, on Verilator and on Icarus.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from mini_driver import MiniNic

from ringbed.lab import Bench, dut_spec

MAP = Path(__file__).parents[1] / "third_party" / "nic" / "mini_nic.toml"
MAC = bytes.fromhex("020000000001")


@cocotb.test()
async def what_leaves_the_cards_own_port(dut: Any) -> None:
    """Every frame that the host sends is seen as mini_nic gives it, under back-pressure: big-endian, without FCS."""
    bench = await Bench.start(dut, dut_spec(MAP), backpressure=0.3, seed=2)
    card, frames = bench.card, [b""]

    async def watch() -> None:
        while True:
            await RisingEdge(card.clk)
            if card.out_tvalid.value and card.out_tready.value:
                frames[-1] += card.out_tdata.value.to_bytes(byteorder="big")
                if card.out_tlast.value:
                    frames[-1] = frames[-1][: len(frames[-1]) - int(card.out_tempty.value)]
                    frames.append(b"")

    cocotb.start_soon(watch())
    host = await bench.host("10.0.0.2/24", driver=lambda *world: MiniNic(*world, lladdr=MAC))
    bench.peer("10.0.0.1/24")
    for size in (18, 19, 20, 1400):
        await host.ping("10.0.0.1", bytes(size))
    question, *pings, rest = frames
    assert question[12:14] == b"\x08\x06"  # who has 10.0.0.1?
    assert [len(frame) for frame in pings] == [60, 61, 62, 1442]
    assert rest == b""
    assert await bench.findings() == []
