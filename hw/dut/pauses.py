"""Pauses in a stream by noise that a seed brings back: what a block does between beats shows only there."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.formats.blocks import LONGEST_PAUSE, NOISE_BITS

__all__ = ["Pauses"]

RARE = 10  # bits of noise that must all be 1 for a long pause to begin: in one of 1024 clocks


class Pauses(wiring.Component):
    """A stream with a pause in every other clock or so while `on`, and now and then one of 64 to LONGEST_PAUSE clocks.

    A beat that has been offered stays. With `firsts` only a frame's first beat is kept waiting. With `shy`, of some
    frames no beat is taken in the clock in which it is offered: what waits for a ready before it offers waits for ever.

    Members:

    i : stream of beats; o : stream of beats, in the same clock; on : In
    wait : In, no frame begins
    load : In, noise begins anew from `noise` and `seed`; it takes no part in any reset
    """

    def __init__(self, layout: data.StructLayout, seed: int, firsts: bool = False, shy: bool = False) -> None:
        self.seed, self.firsts, self.shy = seed, firsts, shy
        end = stream.Signature(layout)
        super().__init__({
            "i": In(end), "o": Out(end), "on": In(1), "wait": In(1), "noise": In(NOISE_BITS), "load": In(1)
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        i, o, offered, begins, through = self.i, self.o, Signal(), Signal(init=1), Signal()
        held, noise = Signal(range(LONGEST_PAUSE + 1)), self._noise(m)  # clocks of a long pause that are left
        free = ~self.on | (noise[0] & (held == 0) & self._seen(m, begins, noise))
        m.d.comb += [
            through.eq(offered | ((free | ~begins if self.firsts else free) & ~(self.wait & begins))),
            o.payload.eq(i.payload), o.valid.eq(i.valid & through), i.ready.eq(o.ready & through),
        ]  # fmt: skip
        m.d.sync += offered.eq(o.valid & ~o.ready)
        with m.If(held != 0):
            m.d.sync += held.eq(held - 1)
        with m.Elif(self.on & noise[-RARE:].all()):
            m.d.sync += held.eq(Cat(noise[1:7], 1) << Mux(noise[7:10] > 4, 4, noise[7:10]))
        with m.If(o.valid & o.ready):
            m.d.sync += begins.eq(i.payload.last)
        return m

    def _noise(self, m: Module) -> Signal:
        """x**32 + x**22 + x**2 + x + 1, of full period."""
        noise, wanted = Signal(NOISE_BITS, init=self.seed, reset_less=True), self.noise ^ self.seed
        m.d.sync += noise.eq(Cat(noise[31] ^ noise[21] ^ noise[1] ^ noise[0], noise[:-1]))
        with m.If(self.load):
            m.d.sync += noise.eq(Mux(wanted == 0, self.seed, wanted))
        return noise

    def _seen(self, m: Module, begins: Signal, noise: Signal) -> Any:
        """Whether the beat was there in the clock before; in the frames that are to wait for that."""
        if not self.shy:
            return Const(1)
        seen, now = Signal(), Signal(init=1)
        m.d.sync += seen.eq(self.i.valid & ~self.i.ready)
        with m.If(self.i.valid & self.i.ready & self.i.payload.last):
            m.d.sync += now.eq(noise[10])
        return seen | ~now
