"""What does not count on the wire into a card is garbage, the same on every engine: a card that reads it is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In, Out

from ringbed.sim.engines import open_engine
from ringbed.sim.seam.engine import Event
from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.spec import NicSpec
from tests.sim.conftest import needs_native

MAP = """
top = "mirror"
clock = "clk"
reset = {{ port = "rst" }}
[wire.rx]
prefix = "rx_"
data_width = {width}
ready = false
[wire.tx]
prefix = "tx_"
data_width = {width}
ready = false
[pins]
gap = {{ width = {pin}, dir = "out" }}
gap_last = {{ width = 1, dir = "out" }}
"""
FRAMES = [bytes(range(1, 1 + size)) for size in (1, 8, 13, 64, 65)]


class Mirror(Component):
    """A card with a bug: what it sends has every lane. `gap`: what was there in the last clock without TVALID."""

    def __init__(self, portmap: PortMap) -> None:
        ours = [port for port in portmap.ports() if port.name not in ("clk", "rst")]
        super().__init__({port.name: (In if port.dir == "in" else Out)(port.width) for port in ours})

    def ports(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.signature.members}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [self.tx_tdata.eq(self.rx_tdata), self.tx_tkeep.eq(~0), self.tx_tlast.eq(self.rx_tlast),
                     self.tx_tvalid.eq(self.rx_tvalid)]  # fmt: skip
        with m.If(~self.rx_tvalid):
            m.d.sync += [self.gap.eq(self.rx_tdata), self.gap_last.eq(self.rx_tlast)]
        return m


def spec(width: int) -> NicSpec:
    portmap = PortMap.parse(MAP.format(width=width, pin=min(width, 64)))
    return NicSpec("mirror", lambda: Mirror(portmap), portmap, {"width": width}, (Path(__file__),))


def words(seed: int, count: int) -> list[bytes]:
    """Marsaglia's xorshift32 from the harness's channel 14, one word a frame."""
    state = (seed * 2654435761 % 2**32) ^ ((14 * 40503 + 0x9E3779B9) % 2**32)
    found = []
    for _ in range(count):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        found.append(state.to_bytes(4, "little"))
    return found


@pytest.mark.parametrize("width", [64, *(pytest.param(width, marks=pytest.mark.full) for width in (16, 512))])
@pytest.mark.parametrize("kind", [
    pytest.param("native", marks=needs_native), "pysim", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb),
])  # fmt: skip
def test_a_card_that_reads_lanes_beyond_the_end_gets_garbage(kind: str, width: int) -> None:
    engine, lanes = open_engine(kind, spec(width), seed=5), width // 8
    try:
        for number, frame in enumerate(FRAMES):
            engine.wire_in(frame, at=100 * (number + 1))
        engine.run(1000, Event.NONE)
        got, gap, last = [frame for _, frame in engine.wire_out()], engine.get_pin("gap"), engine.get_pin("gap_last")
    finally:
        engine.close()
    drawn = words(5, len(FRAMES))
    assert got == [frame + (word * lanes)[len(frame) % lanes or lanes : lanes]
                   for frame, word in zip(FRAMES, drawn, strict=True)]  # fmt: skip
    assert last == 1
    if kind != "cocotb-icarus":  # whose source leaves the last beat there
        assert gap == int.from_bytes((drawn[-1] * lanes)[: min(lanes, 8)], "little")
