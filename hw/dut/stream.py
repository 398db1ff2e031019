"""Streams as others have them, to ours: `empty` or nothing in the place of keep, and the first byte in the high bits.

Ours is AXI4-Stream with lane 0, the low bits, first (Arm IHI 0051 2.4). No clock is added. All of it is wiring but for
`empty`, the number of bytes of the last beat that do not count (Intel's Avalon-ST, Mentor's and many a MAC's).
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from ringbed.hw.formats.dut import Bus, Keep

__all__ = ["outward", "inward", "turned"]


def turned(value: Value, unit: int) -> Any:
    """`value` with its units of `unit` bits in the other order."""
    return Cat(reversed([value[at : at + unit] for at in range(0, len(value), unit)]))


def inward(m: Module, bus: Bus, ours: dict[str, Signal]) -> dict[str, Value]:
    """What the card's inputs get, by standard name: `ours` has tdata, tkeep, tlast, tvalid and tuser of our stream."""
    lanes = bus.data_width // 8
    found: dict[str, Value] = {name: ours[name] for name in ("tdata", "tlast", "tvalid", "tuser")}
    found["tkeep"] = ours["tkeep"]
    if bus.keep == Keep.EMPTY:
        # keep is contiguous: the bytes that count are where it ends
        count = sum((bit for bit in ours["tkeep"]), Const(0))
        empty = Signal(max(1, (lanes - 1).bit_length()), name="rx_empty")
        m.d.comb += empty.eq(Mux(ours["tlast"], lanes - count, 0))
        found["tempty"] = empty
    if bus.big:
        found["tdata"], found["tkeep"] = turned(ours["tdata"], 8), turned(ours["tkeep"], 1)
    return found


def outward(m: Module, bus: Bus, theirs: dict[str, Signal]) -> dict[str, Value]:
    """Our tdata, tkeep, tlast and tvalid from the card's outputs."""
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
    return {"tdata": data, "tkeep": keep, "tlast": theirs["tlast"], "tvalid": theirs["tvalid"]}
