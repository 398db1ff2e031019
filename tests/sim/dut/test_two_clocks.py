"""A NIC of two clocks, with either of them the main one: frames both ways, and each that was sent is accounted for.

`phy_nic` is mini_nic behind queues of its own to a PHY's clock, so that a map can put the wire, or registers and
memory, on the far side of the wrapper's crossings.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.frame import from_wire, to_wire
from tests.examples.mini import NIC, Open, mini_hosts

SOURCES = [str(Path(__file__).with_name("phy_nic.v")), str(NIC / "mini_nic.v")]
DROPS = 0x34
PHY_IS_OTHER = """clock = "clk"
reset = { port = "rst_n", active = "low" }
[clocks.phy_clk]
ratio = "5/4"
[resets.phy_rst_n]
active = "low"
clock = "phy_clk"
"""
CARD_IS_OTHER = """clock = "phy_clk"
reset = { port = "phy_rst_n", active = "low" }
[clocks.clk]
ratio = "2/3"
phase = 0.4
[resets.rst_n]
active = "low"
clock = "clk"
"""
BUSES = """
[registers]
kind = "apb"
addr_width = 8
clock = "clk"
[dma]
kind = "request"
prefix = "mem_"
addr_width = 64
data_width = 64
clock = "clk"
[wire.rx]
prefix = "in_"
data_width = 64
ready = false
keep = "empty"
byte_order = "big"
fcs = false
clock = "phy_clk"
[wire.tx]
prefix = "out_"
data_width = 64
keep = "empty"
byte_order = "big"
fcs = false
clock = "phy_clk"
[interrupts]
port = "irq"
[pins]
missed = { width = 32, dir = "out" }
"""
CLOCKS = {"wire at 5/4": PHY_IS_OTHER, "card at 2/3": CARD_IS_OTHER}
CASES = [
    pytest.param((engine, clocks), id=f"{engine} {clocks}", marks=marks)
    for engine, clocks, marks in (
        ("native", "wire at 5/4", []), ("native", "card at 2/3", []),
        ("cocotb-verilator", "wire at 5/4", [pytest.mark.cocotb]),
        ("cocotb-icarus", "card at 2/3", [pytest.mark.cocotb]),
        ("cocotb-verilator", "card at 2/3", [pytest.mark.cocotb, pytest.mark.full]),
        ("cocotb-icarus", "wire at 5/4", [pytest.mark.cocotb, pytest.mark.full]),
    )
]  # fmt: skip
COUNT = 18


def write_map(folder: Path, clocks: str) -> Path:
    path = folder / "phy_nic.toml"
    path.write_text(f'top = "phy_nic"\nsources = {SOURCES}\n' + CLOCKS[clocks] + BUSES)
    return path


@pytest.fixture(params=CASES)
def opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """With a case's engine and clocks."""
    engine, clocks = request.param
    with mini_hosts(write_map(tmp_path, clocks), engine, monkeypatch) as open_one:
        yield open_one


def random_frames(count: int, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    return [rng.randbytes(rng.choice((60, 61, 67, 68, 333, 1514, rng.randrange(60, 1515)))) for _ in range(count)]


def test_frames_both_ways(opened: Open) -> None:
    """Six at a time in both directions at once, every channel of the buses held off now and then."""
    host = opened(Collector(), link_bps=1_000_000_000, backpressure=0.4, seed=3, read_latency=90)
    inward, outward = random_frames(COUNT, 1), random_frames(COUNT, 2)
    arrived, left, waiting = list[bytes](), list[bytes](), [TxFrame([frame]) for frame in outward]
    for at in range(0, COUNT, 6):
        for frame in inward[at : at + 6]:
            host.engine.wire_in(to_wire(frame), host.engine.now)
        waiting = waiting[host.driver.transmit(0, waiting[:6]) :]
        host.advance(host.now + 90_000)
        arrived += [frame.data for frame in host.upper.take()]
        left += [from_wire(wire) for _, wire in host.engine.wire_out()]
    assert waiting == []
    assert arrived == inward
    assert left == outward


def test_delivered_and_counted_is_sent(opened: Open) -> None:
    """A wire at full speed into a small ring: the card's two counters have what did not arrive, and order is kept."""
    host = opened(Collector(), size=8, read_latency=250)
    frames = [bytes([number]) * (300 + 40 * number) for number in range(24)]
    for frame in frames:
        host.engine.wire_in(to_wire(frame), host.engine.now)
    host.advance(host.now + 250_000)
    arrived = [frame.data for frame in host.upper.take()]
    assert arrived == [frame for frame in frames if frame in arrived]
    missed = host.engine.get_pin("missed")
    counted = host.device.read(0, DROPS) + missed
    assert len(arrived) + counted == len(frames)
    assert len(arrived) >= 8
    assert counted > 0
