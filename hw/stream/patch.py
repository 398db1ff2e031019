"""Checksums put into a frame as it leaves the packet buffer: two 16-bit numbers at any two offsets."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.beat import Beat, lanes_of, move_up, swap16

__all__ = ["Patch", "PatchBeat", "PatchSlot", "TxBeat"]

# `value` goes to bytes `offset` and `offset + 1` of the frame, high half first.
PatchSlot = data.StructLayout({"enable": 1, "offset": 16, "value": 16})


class TxBeat(data.StructLayout):
    """A beat of a frame without FCS, and what the MAC is to add: `pad` to 60 bytes, then `fcs`; with the first beat.

    `pause`: the frame is one of the card's own, 1 XOFF, 2 XON; for statistics alone.
    """

    def __init__(self, width: int) -> None:
        super().__init__({"beat": Beat(width), "fcs": 1, "pad": 1, "pause": 2})


class PatchBeat(data.StructLayout):
    """A TxBeat and the frame's two slots, looked at with the first beat only."""

    def __init__(self, width: int) -> None:
        super().__init__({"tx": TxBeat(width), "slots": data.ArrayLayout(PatchSlot, 2)})


class Patch(wiring.Component):
    """One beat each clock, latency 1 clock. Where both slots meet the second wins; a slot past the frame does nothing.

    Members
    -------
    i : In, a stream of PatchBeat
    o : Out, a stream of TxBeat
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({"i": In(stream.Signature(PatchBeat(width))), "o": Out(stream.Signature(TxBeat(width)))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        take, beat = Signal(), self.i.payload.tx.beat
        m.d.comb += [self.i.ready.eq(~self.o.valid | self.o.ready), take.eq(self.i.valid & self.i.ready)]
        slots, index = Signal(data.ArrayLayout(PatchSlot, 2)), Signal(16)  # of the frame under way; its next beat
        patched = beat.data
        for number in range(2):
            slot, now = Signal(PatchSlot, name=f"slot_{number}"), Signal(16, name=f"now_{number}")
            m.d.comb += slot.eq(Mux(beat.first, self.i.payload.slots[number], slots[number]))
            m.d.comb += now.eq(Mux(beat.first, 0, index))
            mask, value = self._place(m, slot, now, number)
            patched = (patched & ~mask) | value
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(take):
            m.d.sync += [self.o.payload.eq(self.i.payload.tx), self.o.payload.beat.data.eq(patched)]
            m.d.sync += index.eq(Mux(beat.first, 0, index) + 1)
            with m.If(beat.first):
                m.d.sync += slots.eq(self.i.payload.slots)
        return m

    def _place(self, m: Module, slot: Any, now: Signal, number: int) -> tuple[Signal, Signal]:
        """Mask and value of what the slot replaces in beat `now`: both bytes, or the second alone, cut off before."""
        bits = (self.lanes - 1).bit_length()
        lane, beat = slot.offset[:bits], slot.offset[bits:]
        wide = Cat(swap16(slot.value), Const(0, self.width - 16))
        moved_mask = move_up(m, Const(0xFFFF, self.width), lane, name=f"mask_up_{number}")
        moved_value = move_up(m, wide, lane, name=f"value_up_{number}")
        mask, value = Signal(self.width, name=f"mask_{number}"), Signal(self.width, name=f"value_{number}")
        with m.If(slot.enable & (now == beat)):
            m.d.comb += [mask.eq(moved_mask), value.eq(moved_value)]
        with m.Elif(slot.enable & (now == beat + 1) & (lane == self.lanes - 1)):
            m.d.comb += [mask.eq(0xFF), value.eq(slot.value[0:8])]
        return mask, value
