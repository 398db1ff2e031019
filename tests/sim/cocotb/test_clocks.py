"""Where the clocks of a whole card differ from the native engine's, and by how many: what docs/cocotb.md says of it.

cocotbext-axi shows an answer of memory, a register write and a frame's first beat one clock later. Such clocks would
add up if `em` waited for one frame's memory before the next frame's: it does not, so every frame is as much later as
the first is, but for an answer more where a write-back waits for another.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from ringbed.benchmarks import sim_loop
from ringbed.drivers.world import TxFrame
from ringbed.hw.formats import em
from ringbed.sim.seam.engine import Event
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.frame import to_wire

MAC = bytes.fromhex("020000000001")
FRAMES = [MAC + random.Random(number).randbytes(1508) for number in range(3)]  # of 1,514 bytes, back to back
LATENCY = 50
DONE = em.REGISTERS["RB_RXDONE"].offset


@dataclass
class Way:
    """A card whose driver is up, and the clock of each frame behind what began it."""

    host: Any

    def sent(self) -> list[int]:
        """From the driver's doorbell to the last beat on the wire."""
        engine, out, begin = self.host.engine, list[int](), self.host.engine.now
        self.host.driver.transmit(0, [TxFrame([frame]) for frame in FRAMES])
        while len(out) < len(FRAMES):
            engine.run(engine.now + 2000, Event.WIRE)
            out += [clock - begin for clock, _ in engine.wire_out()]
        return out

    def begin_to_receive(self) -> int:
        """The frames come on the wire, at once; the clock."""
        begin = int(self.host.engine.now) + 10
        for frame in FRAMES:
            self.host.engine.wire_in(to_wire(frame), begin)
        return begin

    def done_at(self, clock: int) -> int:
        """How many of the frames are in memory, write-backs answered."""
        self.host.engine.run(clock, Event.FINDING)
        return int(self.host.engine.peek(DONE))

    def received(self) -> list[int]:
        """From there to each frame's being there; looks at every clock."""
        begin, clock, out = self.begin_to_receive(), 0, list[int]()
        while len(out) < len(FRAMES):
            out += [clock] * (self.done_at(begin + clock) - len(out))
            clock += 1
        return out


def open_way(kind: str, latency: int) -> Way:
    host = open_host("em0", Collector(), engine=kind, mac=MAC, read_latency=latency, write_latency=latency)
    host.up()
    host.advance(host.now + 8 * 1000)  # descriptors for what is received have been read
    return Way(host)


@pytest.mark.needs("native", "cocotb-icarus")
def test_how_much_later_than_native_each_frame_is() -> None:
    """`slower` has memory as late as cocotb's: what is left is one clock, of the doorbell or the wire's first beat."""
    native, slower, cocotb = (
        open_way(kind, latency)
        for kind, latency in (("native", LATENCY), ("native", LATENCY + 1), ("cocotb-icarus", LATENCY))
    )
    sent = slower.sent()
    assert [late - early for late, early in zip(sent, native.sent(), strict=True)] == [2, 2, 2]  # descriptor, data
    assert cocotb.sent() == [clock + 1 for clock in sent]
    received = slower.received()
    # the answer for a frame's data; the last write-back waits for the one before it, too
    assert [late - early for late, early in zip(received, native.received(), strict=True)] == [1, 1, 2]
    begin = cocotb.begin_to_receive()
    for count, clock in enumerate(received, 1):
        later = begin + clock + 1
        assert (cocotb.done_at(later - 1), cocotb.done_at(later)) == (count - 1, count)
    for way in (native, slower, cocotb):
        assert way.host.engine.findings() == []
        way.host.engine.close()


def loop_of_60(kind: str, hold: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Clocks of the bench's loop, skipped ones too."""
    run, took = sim_loop._run, list[int]()

    def timed(host: Any, *rest: Any) -> None:
        begin = host.engine.now
        run(host, *rest)
        took.append(host.engine.now - begin)

    with monkeypatch.context() as changed:
        changed.setattr(sim_loop, "HOLD", hold)
        changed.setattr(sim_loop, "_run", timed)
        sim_loop.loop(1514, 60, kind, warm=0)
    return took[-1]


@pytest.mark.needs("native")
def test_a_clock_may_cost_a_loop_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's figures: one clock of interrupt latency, an interval of 2,500 clocks."""
    assert [loop_of_60("native", hold, monkeypatch) for hold in (765, 766)] == [15_000, 17_500]


@pytest.mark.full
@pytest.mark.needs("native", "cocotb-icarus")
def test_so_does_the_clock_by_which_cocotb_is_later(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [loop_of_60(kind, 765, monkeypatch) for kind in ("native", "cocotb-icarus")] == [15_000, 17_500]
