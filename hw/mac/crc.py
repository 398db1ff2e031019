"""The Ethernet frame check sequence (IEEE 802.3, 3.2.9) over beats of 1 to `lanes` bytes, one beat each clock.

The remainder after n bytes is an exclusive or of one 32-bit word for each half byte, taken from tables: 16 entries
each, few gates, and in a model a load instead of a wide parity. Measured in Verilator at 64 bits: tables of half
bytes 51 ns a clock (12 KB of Verilog), tables of bytes 50 ns (63 KB), a parity for each bit of the remainder 909 ns.

A short last beat needs no tables of its own: leading zeros leave a remainder of zero alone, so the n bytes are moved
up against the end of the beat, and the full-beat tables serve.
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.beat import bytes_below, lanes_of, move_up

__all__ = ["GOOD_REMAINDER", "Crc32"]

POLYNOMIAL = 0xEDB88320  # bit-reversed, as the wire sends the low bit of each byte first
GOOD_REMAINDER = 0xDEBB20E3  # of any frame followed by its right FCS


def advance(remainder: int) -> int:
    """The remainder after one zero byte more."""
    for _ in range(8):
        remainder = (remainder >> 1) ^ (POLYNOMIAL if remainder & 1 else 0)
    return remainder


def half_byte_tables(lanes: int) -> list[list[int]]:
    """For each half byte of a beat, low half first: what each of its values leaves at the beat's end."""
    low, high = list(range(16)), [value << 4 for value in range(16)]
    tables: list[list[int]] = []
    for _ in range(lanes):
        low, high = [advance(word) for word in low], [advance(word) for word in high]
        tables[:0] = [low, high]
    return tables


class Crc32(wiring.Component):
    """The FCS of the frame in passing. `remainder` holds what came in up to the last clock: latency 1.

    Members
    -------
    data : In(width), count : In(1..lanes), first : In(1)
        One beat; with `first` it begins a new frame.
    enable : In(1)
        Take the beat in this clock.
    remainder : Out(32)
        GOOD_REMAINDER after a frame with its FCS; its complement, low byte first, is the FCS to append.
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__(
            {
                "data": In(width),
                "count": In(range(self.lanes + 1)),
                "first": In(1),
                "enable": In(1),
                "remainder": Out(32, init=0xFFFFFFFF),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        before, mixed = Signal(32), Signal(self.width)
        m.d.comb += before.eq(Mux(self.first, 0xFFFFFFFF, self.remainder))
        m.d.comb += mixed.eq((self.data ^ before) & bytes_below(self.count, self.width))
        missing = Signal(range(self.lanes))
        m.d.comb += missing.eq(self.lanes - self.count)
        moved = move_up(m, mixed, missing, name="moved")

        # under four bytes: the rest of the old remainder meets no data and only moves down
        unmet = Signal(32)
        with m.Switch(self.count):
            for count in (1, 2, 3):
                with m.Case(count):
                    m.d.comb += unmet.eq(before[8 * count :])
        with m.If(self.enable):
            m.d.sync += self.remainder.eq(reduce(xor, self._words(m, moved), unmet))
        return m

    def _words(self, m: Module, moved: Value) -> list[Value]:
        """What each half byte of `moved` brings to the remainder."""
        words = []
        for half, table in enumerate(half_byte_tables(self.lanes)):
            m.submodules[f"table_{half}"] = memory = Memory(shape=32, depth=16, init=table)
            port = memory.read_port(domain="comb")
            m.d.comb += port.addr.eq(moved[4 * half : 4 * half + 4])
            words.append(port.data)
        return words
