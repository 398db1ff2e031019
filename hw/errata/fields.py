"""What saboteurs share: numbers at offsets of a frame, a count of bytes over beats, bytes written over, a lasting stop.

Offsets are from the frame's first byte; a number of several bytes is big-endian, as on the wire.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal, Value

from ringbed.hw.errata.saboteur import Here

__all__ = [
    "IPV4", "IPV6", "L3_AT", "Bytes", "header_words", "is_ipv4", "lasting", "number", "overwrite", "set_fields",
    "store_position", "visit", "within",
]  # fmt: skip

IPV4, IPV6 = 0x0800, 0x86DD
L3_AT = 14  # of a frame without a tag


def number(head: Value, at: int, size: int = 2) -> Value:
    """The number of `size` bytes at offset `at` of a frame's first bytes (Facts.head)."""
    return Cat(*(head[8 * (at + byte) : 8 * (at + byte) + 8] for byte in reversed(range(size))))


def is_ipv4(head: Value) -> Value:
    """An untagged IPv4 packet, by its EtherType."""
    return number(head, 12) == IPV4


def header_words(head: Value) -> Value:
    """The length of that packet's header, in words of four bytes."""
    return head[8 * L3_AT : 8 * L3_AT + 4]


def set_fields(m: Module, here: Here, when: Any, **values: Any) -> None:
    """With `when`, the fields of what goes out have these values."""
    with m.If(when):
        m.d.comb += [here.out[name].eq(value) for name, value in values.items()]


def lasting(m: Module, when: Any) -> Signal:
    """Set in a clock with `when`, from the next one on and until CTRL.RST."""
    kept = Signal()
    with m.If(when):
        m.d.sync += kept.eq(1)
    return kept


class Bytes:
    """A frame's bytes in passing, beat by beat, at a tap of beats: `position` is the offset of lane 0."""

    def __init__(self, m: Module, here: Here) -> None:
        beat, after = here.payload, Signal(16)
        self._m, self._here, self._beat, self._lanes = m, here, beat, len(beat.data) // 8
        self.position = Signal(16)
        m.d.comb += self.position.eq(Mux(beat.first, 0, after))
        with m.If(here.moves):
            m.d.sync += after.eq(self.position + self._lanes)

    def number(self, at: int, size: int = 2) -> Signal:
        """The number at `at`, known from the beat behind that of its last byte on."""
        seen = Signal(8 * size)
        for place in range(size):
            byte, lane = at + place, (at + place) % self._lanes
            with self._m.If(self._here.moves & (self.position == byte - lane)):
                part = seen[8 * (size - 1 - place) : 8 * (size - place)]
                self._m.d.sync += part.eq(self._beat.data[8 * lane : 8 * lane + 8])
        return seen

    def at_first(self, value: Any) -> Signal:
        """`value` as it was with the frame's first beat, in that beat and all later ones."""
        kept, now = Signal(), Signal()
        self._m.d.comb += now.eq(Mux(self._beat.first, value, kept))
        with self._m.If(self._here.moves):
            self._m.d.sync += kept.eq(now)
        return now

    def overwrite(self, when: Any, at: Any, values: list[Any]) -> None:
        """With `when`, the bytes from offset `at` on are these, in whatever beats they are."""
        overwrite(self._m, when, self.position, at, values, self._beat.data, self._here.out.data)


def overwrite(m: Module, when: Any, position: Any, at: Any, values: list[Any], data: Any, out: Any) -> None:
    """With `when`, bytes from offset `at` on become `values` in the beat at `position`: `out` is `data` otherwise."""
    lanes = len(data) // 8
    changed = []
    for lane in range(lanes):
        byte: Any = data[8 * lane : 8 * lane + 8]
        for place, value in enumerate(values):
            byte = Mux(position + lane == at + place, value, byte)
        changed.append(byte)
    with m.If(when):
        m.d.comb += out.eq(Cat(*(Value.cast(byte)[:8] for byte in changed)))


def store_position(m: Module, here: Here) -> Signal:
    """The offset of lane 0 at the tap tx.store, whose beats have no marks of their own."""
    position, lanes = Signal(16), len(here.payload) // 8
    with m.If(here.moves):
        m.d.sync += position.eq(Mux(position + lanes >= here.frame.length, 0, position + lanes))
    return position


def visit(m: Module, here: Here, looks: Any) -> Signal:
    """At a value that is looked at by a number: `looks` holds, and as it came to hold it was the time to fire."""
    was, kept, fires, active = Signal(), Signal(), Signal(), Signal()
    arrives = Signal()
    m.d.comb += [arrives.eq(looks & ~was), fires.eq(here.fires(m, 1, arrives))]
    m.d.sync += was.eq(looks)
    with m.If(arrives):
        m.d.sync += kept.eq(fires)
    m.d.comb += active.eq(looks & Mux(arrives, fires, kept))
    return active


def within(m: Module, here: Here, begins: Any, clocks: Any) -> Signal:
    """No more than `clocks` have passed since the last clock with `begins`, that one not counted.

    Time is the tap's `timebase`: a card at rest is not clocked, and a count of clocks would stand still.
    """
    since, running, inside = Signal(32), Signal(), Signal()
    m.d.comb += inside.eq(running & ((here.timebase - since)[:32] <= clocks))
    with m.If(begins):
        m.d.sync += [since.eq(here.timebase), running.eq(1)]
    with m.Elif(~inside):
        m.d.sync += running.eq(0)
    return inside
