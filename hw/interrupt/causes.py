"""Interrupt causes and their mask: ICR, ICS, IMS, IMC and the level line (M 13.4.17-21)."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Interrupt"]


class Interrupt(wiring.Component):
    """Causes latch whether masked or not. An event in the very clock of a clearing read is kept, never lost.

    Members
    -------
    event : In(32): causes raised by the card in this clock
    wdata : In(32): what software writes
    icr_r, icr_w, ics_w, ims_w, imc_w : In(1): register strobes
    clear : In(1): device reset
    causes, mask : Out(32): ICR and IMS as they read
    irq : Out(1): level, one clock behind `causes & mask`. It falls when software has cleared all that held it up, for
        one clock at least: a cause that came in that very clock is a new interrupt, for whoever counts or delays them
    """

    def __init__(self, causes: int) -> None:
        self.valid = causes
        super().__init__({
            "event": In(32), "wdata": In(32), "clear": In(1),
            "icr_r": In(1), "icr_w": In(1), "ics_w": In(1), "ims_w": In(1), "imc_w": In(1),
            "causes": Out(32), "mask": Out(32), "irq": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        written, kept, raised = Signal(32), Signal(32), Signal(32)
        m.d.comb += [
            written.eq(self.wdata & self.valid),
            # all ones are cleared by a read, the written ones by a write
            kept.eq(self.causes & ~Mux(self.icr_r, 0xFFFFFFFF, Mux(self.icr_w, written, 0))),
            raised.eq((self.event & self.valid) | Mux(self.ics_w, written, 0)),
        ]
        m.d.sync += [self.causes.eq(kept | raised), self.irq.eq((kept & self.mask).any())]
        with m.If(self.ims_w):
            m.d.sync += self.mask.eq(self.mask | written)
        with m.Elif(self.imc_w):
            m.d.sync += self.mask.eq(self.mask & ~written)
        with m.If(self.clear):
            m.d.sync += [self.causes.eq(0), self.mask.eq(0), self.irq.eq(0)]
        return m
