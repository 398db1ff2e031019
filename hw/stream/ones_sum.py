"""One's complement sums (RFC 1071) of beats, in the order the bytes lie in the lanes.

Such a sum does not depend on byte order: summing little-endian gives the big-endian sum with its two bytes exchanged.
Nor does it depend on the size of what is added, since 2**16 and 2**32 are both 1 modulo 65535: beats are added in
pieces of 32 bits to a register wide enough that no carry comes round before the frame's end, and folded once.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value

from ringbed.hw.stream.beat import bytes_below, lanes_of

__all__ = ["SUM_BITS", "add_pieces", "bytes_from", "fold_to_16", "pieces_sum", "tree_sum"]

SUM_BITS = 48  # holds 2**16 pieces, 256 KB: no frame is that long


def pieces_sum(masked: Value) -> Any:
    """The sum of a beat's pieces of 32 bits, not folded."""
    return tree_sum([masked[at : at + 32] for at in range(0, len(masked), 32)])


def tree_sum(parts: list[Any]) -> Any:
    """The sum of all `parts`, added in pairs: the expression stays shallow and narrow however many there are."""
    while len(parts) > 1:
        parts = [reduce(add, parts[at : at + 2]) for at in range(0, len(parts), 2)]
    return parts[0]


def add_pieces(total: Signal) -> Any:
    """The first fold, 48 bits to 18, still to be folded to 16."""
    return reduce(add, [total[at : at + 16] for at in range(0, len(total), 16)])


def fold_to_16(m: Module, value: Value, *, name: str) -> Signal:
    """The carries of `value` (17 to 32 bits) added in again until 16 bits hold it; 0 only when `value` is 0."""
    once, folded = Signal(17, name=f"{name}_once"), Signal(16, name=name)
    m.d.comb += once.eq(value[0:16] + value[16:])
    m.d.comb += folded.eq(once[0:16] + once[16])
    return folded


def bytes_from(position: Value, start: Value, width: int) -> Value:
    """A mask of the bytes of the beat at frame offset `position` that lie at offset `start` or behind it."""
    bits = (lanes_of(width) - 1).bit_length()
    beat, begin = position[bits:], start[bits:]
    ones = Const((1 << width) - 1, width)
    partly = ~bytes_below(start[:bits], width)
    return Mux(beat == begin, partly, Mux(beat > begin, ones, Const(0, width)))
