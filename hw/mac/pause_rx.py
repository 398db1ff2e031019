"""Pause frames on the receive side: which frames are MAC control, and what they ask for (IEEE 802.3 annex 31B, M 8.7).

A MAC control frame has the type of FCT; a pause frame is one of opcode 0001 to FCAH:FCAL or to the station address.
Both must be whole, with a good FCS: that is known at the frame's end, so here stands only what their heads say.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.mac.rx_head import Head

__all__ = ["Control", "PauseRx"]

PAUSE_OPCODE = 0x0001

# `control`: the type is FCT; `opcode`: it is pause's; `to_us`: the destination is one a pause frame may have;
# `station`: it is the station address; `time`: the pause, in units of 64 bytes' time.
Control = data.StructLayout({"control": 1, "opcode": 1, "to_us": 1, "station": 1, "time": 16})


class PauseRx(wiring.Component):
    """One answer a frame, in the clock after RxHead told its head (`time`: its time); stands until the next.

    Members
    -------
    head : In(Head), told, timed : In(1): as RxHead gives them
    fct : In(16): the type; 0: no frame is MAC control; pause_da : In(48): first byte in the low bits
    station : In(48), station_valid : In(1): receive address 0
    o : Out(Control)
    """

    def __init__(self) -> None:
        super().__init__({
            "head": In(Head), "told": In(1), "timed": In(1), "fct": In(16), "pause_da": In(48),
            "station": In(48), "station_valid": In(1), "o": Out(Control),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        head, station = self.head, Signal()
        m.d.comb += station.eq(self.station_valid & (head.destination == self.station))
        with m.If(self.told):
            m.d.sync += [
                self.o.control.eq((head.kind == self.fct) & (self.fct != 0)),
                self.o.opcode.eq(head.tci == PAUSE_OPCODE),
                self.o.to_us.eq(station | (head.destination == self.pause_da)),
                self.o.station.eq(station),
            ]
        with m.If(self.timed):
            m.d.sync += self.o.time.eq(head.time)
        return m
