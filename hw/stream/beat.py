"""What every block of the frame path shares: the beat, and byte masks and shifts that cost little in gates and model.

Rules of the frame path:
- Byte 0 of a beat, the first on the wire, is `data[0:8]`. A number of several bytes is big-endian, as on the wire.
- All beats but a frame's last carry `lanes` bytes; lanes past `count` hold anything, and a block must not let them out.
- A path that cannot be stopped is a stream with `always_ready=True`: at most one beat each clock, gaps anywhere.

Shifts are by constants and chosen by the bits of the amount: a `<<` by a signal widens its result, and the model then
computes with numbers of several machine words.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, stream

__all__ = ["Beat", "beat_path", "be16", "bytes_below", "lanes_of", "move_up", "swap16"]


def lanes_of(width: int) -> int:
    """Bytes of one beat; raises ValueError for a `width` that is not a power of two from 64 to 512 bits."""
    if width not in (64, 128, 256, 512):
        raise ValueError(f"a data path is 64, 128, 256 or 512 bits wide, not {width!r}")
    return width // 8


class Beat(data.StructLayout):
    """One beat of a frame: `data`, `count` of valid bytes (1..lanes), `first`, `last`, `error` (with `last`)."""

    def __init__(self, width: int) -> None:
        super().__init__(
            {"data": width, "count": range(lanes_of(width) + 1), "first": 1, "last": 1, "error": 1},
        )


def beat_path(width: int, *, stops: bool = False) -> stream.Signature:
    """A stream of beats, one that cannot be stopped unless `stops`."""
    return stream.Signature(Beat(width), always_ready=not stops)


def bytes_below(count: ValueLike, width: int) -> Value:
    """A mask of `width` bits with the lowest `count` bytes set; `count` is 0..lanes."""
    lanes = lanes_of(width)
    unused = (lanes - Value.cast(count))[: lanes.bit_length()]
    return Const((1 << width) - 1, width) >> (unused << 3)


def move_up(m: Module, value: Value, count: ValueLike, *, name: str) -> Signal:
    """`value` moved up by `count` bytes (0..lanes-1), zeros coming in, of the same width."""
    count = Value.cast(count)
    for bit in range((len(value) // 8 - 1).bit_length()):
        moved = Signal(len(value), name=f"{name}_{bit}")
        m.d.comb += moved.eq(Mux(count[bit], Cat(Const(0, 8 << bit), value[: -(8 << bit)]), value))
        value = moved
    return moved


def swap16(value: Value) -> Any:
    """The 16-bit `value` with its bytes exchanged."""
    return Cat(value[8:16], value[0:8])


def be16(beat: Value, lane: int) -> Any:
    """The big-endian number of 16 bits in lanes `lane` and `lane + 1`."""
    return swap16(beat[8 * lane : 8 * lane + 16])
