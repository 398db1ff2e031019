"""The MAC's part of a wire: what is dropped there has a cause and a counter, and the link's time counts all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.engine import Event
from ringbed.sim.seam.portmap import PortMap, Reset, Wire
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.wire.edge import WireEdge
from ringbed.sim.wire.frame import fcs, to_wire
from tests.sim.test_engines import Opener, start
from tests.sim.toy import toy_spec

NOTHING = {"bad_fcs": 0, "error": 0, "runt": 0}


def edge(fcs: bool, error: bool) -> WireEdge:
    wires = Wire("rx_", 64, True, False, fcs, error), Wire("tx_", 64, False, True, fcs)
    return WireEdge(PortMap("card", "clk", Reset("rst"), rx=wires[0], tx=wires[1]))


@pytest.mark.parametrize("error", [False, True])
def test_a_card_without_an_fcs_gets_good_frames_without_it(error: bool) -> None:
    of = edge(fcs=False, error=error)
    good = to_wire(bytes(range(60)))
    assert of.into(good, 0, False) == bytes(range(60))
    assert of.into(b"x" + fcs(b"x"), 0, False) == b"x"
    assert of.counters == NOTHING
    assert of.into(good, 0, True) is None
    assert of.counters == NOTHING | {"error": 1}
    assert of.into(good[:-1] + b"!", 0, False) is None
    assert of.into(b"123", 0, False) is None
    assert of.counters == {"bad_fcs": 2, "error": 1, "runt": 0}
    assert of.into(bytes(4), 0, False) is None  # the FCS of nothing is 0
    assert of.counters == {"bad_fcs": 2, "error": 1, "runt": 1}


def test_a_card_with_an_fcs_judges_for_itself_what_it_hears_of() -> None:
    for error in (False, True):
        of, bad = edge(fcs=True, error=error), to_wire(bytes(60))[:-1] + b"!"
        assert [of.into(frame, 0, False) for frame in (bad, b"123", bytes(4))] == [bad, b"123", bytes(4)]
        assert of.counters == NOTHING
        assert of.into(bad, 0, True) == (bad if error else None)
        assert of.counters == NOTHING | {"error": int(not error)}


def test_frames_out_are_padded_with_an_fcs_behind() -> None:
    assert edge(fcs=False, error=True).out([(7, b"short")]) == [(7, to_wire(b"short"))]
    assert edge(fcs=True, error=True).out([(7, b"short")]) == [(7, b"short")]


def without_fcs() -> NicSpec:
    """The toy behind a MAC."""
    spec = toy_spec()
    rx, tx = spec.portmap.rx, spec.portmap.tx
    assert rx is not None
    assert tx is not None
    return replace(spec, portmap=replace(spec.portmap, rx=replace(rx, fcs=False), tx=replace(tx, fcs=False)))


def test_the_link_carries_the_fcs_and_the_pad(opened: Opener) -> None:
    """At 1 Gb/s and 125 MHz a byte takes a clock. The toy is deaf while it sends: what went in in between is lost."""
    for length, period in ((60, 84 + 84), (100, 124 + 124)):
        memory = HostMemory()
        engine = opened(without_fcs(), memory, link_bps=10**9, write_latency=1, read_latency=1)
        start(engine, memory.coherent(256).iova)
        body = bytes(range(length))
        for _ in range(9):
            engine.wire_in(body + fcs(body), at=1000)
        engine.run(4000, Event.NONE)
        out = engine.wire_out()
        assert {frame for _, frame in out} == {to_wire(body)}
        clocks = [clock for clock, _ in out]
        assert clocks[0] >= 1000 + 8 + length + 4  # not before its FCS was there to be judged
        assert {b - a for a, b in zip(clocks, clocks[1:], strict=False)} == {period}


def test_a_short_frame_takes_the_time_of_its_pad(opened: Opener) -> None:
    """Two of 24 bytes come 70 clocks apart, and cannot leave in less than 84."""
    memory = HostMemory()
    engine = opened(without_fcs(), memory, link_bps=10**9, write_latency=1, read_latency=1)
    start(engine, memory.coherent(256).iova)
    body = bytes(range(24))
    for at in (1000, 1070):
        engine.wire_in(body + fcs(body), at=at)
    engine.run(4000, Event.NONE)
    out = engine.wire_out()
    assert [frame for _, frame in out] == [to_wire(body)] * 2
    assert out[1][0] - out[0][0] == 84


def test_what_is_dropped_is_in_the_figures(opened: Opener) -> None:
    memory = HostMemory()
    engine = opened(without_fcs(), memory)
    start(engine, memory.coherent(256).iova)
    good = to_wire(bytes(60))
    for frame, error in ((good, False), (good, True), (good[:-1] + b"!", False), (bytes(4), False)):
        engine.wire_in(frame, at=engine.now, error=error)
        engine.run(engine.now + 500, Event.NONE)
    assert (engine.stats().wire_in, engine.stats().wire_out) == (4, 1)  # nobody took it from the wire yet
    assert len(engine.wire_out()) == 1
    assert (engine.stats().wire_in, engine.stats().wire_out) == (4, 1)
    assert engine.stats().dropped == {"bad_fcs": 1, "error": 1, "runt": 1}
    assert engine.findings() == []
