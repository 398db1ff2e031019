"""Streams as others have them, to ours: `empty` or nothing in the place of keep, and the first byte in the high bits.

Ours is AXI4-Stream with lane 0, the low bits, first (Arm IHI 0051 2.4). No clock is added. All of it is wiring but for
`empty`, the number of bytes of the last beat that do not count (Intel's Avalon-ST, Mentor's and many a MAC's), and for
the start of a packet, which is a flip-flop that knows whether a frame is under way (Avalon-ST 5.9).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Assert, Cat, Const, Module, Mux, Signal, Value

from ringbed.hw.formats.dut import Bus, Keep

__all__ = ["begun", "inward", "outward", "turned"]


def turned(value: Value, unit: int) -> Any:
    """`value` with its units of `unit` bits in the other order."""
    return Cat(reversed([value[at : at + unit] for at in range(0, len(value), unit)]))


def begun(m: Module, domain: str, taken: Value, last: Value) -> Signal:
    """Whether a frame is under way: a beat of it was `taken`, and its `last` was not yet."""
    found = Signal(name="begun")
    with m.If(taken):
        m.d[domain] += found.eq(~last)
    return found


def inward(m: Module, bus: Bus, ours: Mapping[str, Any], taken: Value, domain: str = "sync") -> dict[str, Value]:
    """What the card's inputs get, by standard name: `ours` has tdata, tkeep, tlast, tvalid and tuser of our stream.

    `taken`: whether a beat is, in this clock of `domain`. Where there is none the start is what it would not be.
    """
    lanes = bus.data_width // 8
    found: dict[str, Value] = {name: ours[name] for name in ("tdata", "tlast", "tvalid", "tuser")}
    found["tkeep"] = ours["tkeep"]
    if bus.keep == Keep.EMPTY:
        # keep is contiguous: the bytes that count are where it ends
        count = sum((bit for bit in ours["tkeep"]), Const(0))
        empty = Signal(max(1, (lanes - 1).bit_length()), name="rx_empty")
        m.d.comb += empty.eq(Mux(ours["tlast"], lanes - count, 0))
        found["tempty"] = empty
    if bus.start:
        found["tstart"] = begun(m, domain, taken, ours["tlast"]) ^ ours["tvalid"]
    if bus.big:
        found["tdata"], found["tkeep"] = turned(ours["tdata"], 8), turned(ours["tkeep"], 1)
    return found


def outward(m: Module, bus: Bus, theirs: Mapping[str, Any], ready: Any, domain: str = "sync") -> dict[str, Value]:
    """Our tdata, tkeep, tlast and tvalid from the card's outputs; `ready` is what it sees.

    With a start of packet a beat outside of a frame is none, as Avalon-ST says, and one start in a frame is a finding.
    """
    lanes = bus.data_width // 8
    full = Const((1 << lanes) - 1, lanes)
    data, keep = theirs["tdata"], full
    if bus.keep == Keep.KEEP:
        keep = theirs["tkeep"]
    elif bus.keep == Keep.EMPTY:
        keep = Mux(theirs["tlast"], full >> theirs["tempty"], full)
    if bus.big:
        data = turned(data, 8)
        keep = turned(keep, 1) if bus.keep == Keep.KEEP else keep
    valid = _framed(m, bus, theirs, ready, domain) if bus.start else theirs["tvalid"]
    return {"tdata": data, "tkeep": keep, "tlast": theirs["tlast"], "tvalid": valid}


def _framed(m: Module, bus: Bus, theirs: Mapping[str, Any], ready: Any, domain: str) -> Value:
    """tvalid of the beats that are in a frame."""
    valid, stray = Signal(name="in_frame"), Signal(name="stray")
    open_ = begun(m, domain, valid & ready, theirs["tlast"])
    m.d.comb += valid.eq(theirs["tvalid"] & (theirs["tstart"] | open_))
    with m.If(theirs["tvalid"] & ready):
        wrong = f"{bus.ports['tstart']} is not high with a frame's first beat, or with one behind it\n"
        m.d[domain] += Assert((theirs["tstart"] ^ open_) | stray, wrong)
        m.d[domain] += stray.eq(~valid)  # told once
    return valid
