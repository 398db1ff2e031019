"""Faults of the memory bus, handed to a compiled model; and what became of them."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

from ringbed.sim.native.abi import BusFixed, BusRule
from ringbed.sim.seam import bus_faults as seam
from ringbed.sim.seam.bus_faults import Access, BusEvent, BusFaults, BusKind

__all__ = ["hand_over", "handed_over", "take_log"]

BUS_EVENT = struct.Struct("=QQQIIII")  # clock, ordinal, address; kind, access, clocks, beat


def hand_over(faults: BusFaults, lib: Any, handle: int) -> None:
    rules = [BusRule(r.key, r.threshold, *r.span, r.kind, r.mask, r.clocks, 0) for r in faults.rules]
    fixed = [BusFixed(f.ordinal, *f.span, f.kind, f.access, f.clocks, f.beat) for f in faults.sorted_fixed()]
    lib.rb_bus_faults(handle, (BusRule * len(rules))(*rules), len(rules), (BusFixed * len(fixed))(*fixed), len(fixed))


def handed_over(rules: int, fixed: int, data: bytes) -> BusFaults:
    """The faults that `hand_over` made these bytes of, rules first. Raises ValueError for bytes that it never makes."""
    split = rules * ctypes.sizeof(BusRule)
    if len(data) != split + fixed * ctypes.sizeof(BusFixed):
        raise ValueError(f"{rules} rules and {fixed} fixed faults are not {len(data)} bytes")
    by_chance = (BusRule * rules).from_buffer_copy(data[:split])
    listed = (BusFixed * fixed).from_buffer_copy(data[split:])
    if any(rule.kind == BusKind.JITTER and not rule.clocks for rule in by_chance):
        raise ValueError("a jitter of no clocks")
    return BusFaults(
        tuple(
            seam.BusRule(BusKind(r.kind), r.key, r.threshold, _accesses(r.accesses), r.clocks, (r.low, r.high))
            for r in by_chance
        ),
        tuple(
            seam.BusFixed(BusKind(f.kind), Access(f.access), f.ordinal, f.clocks, f.beat, (f.low, f.high))
            for f in listed
        ),
    )


def _accesses(mask: int) -> tuple[Access, ...]:
    return tuple(Access(number) for number in range(32) if mask >> number & 1)


def take_log(lib: Any, handle: int, count: int) -> list[BusEvent]:
    """The `count` events that the harness has, which forgets them."""
    table = ctypes.create_string_buffer(BUS_EVENT.size * count)
    lib.rb_bus_fault_log(handle, table)
    return [
        BusEvent(clock, BusKind(kind), Access(access), ordinal, clocks, beat, address)
        for clock, ordinal, address, kind, access, clocks, beat in BUS_EVENT.iter_unpack(table.raw)
    ]
