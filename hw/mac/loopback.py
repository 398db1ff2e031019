"""Loopback: what the transmitter sends comes back to the receiver, and the wire hears and says nothing.

It is switched between frames of both directions: a frame that has begun ends where it began. While it waits for the
wire's frame to end, no frame is begun; a wire without a gap has one clock between frames too, so that is soon.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.mac.rx import WireRx
from ringbed.hw.mac.tx import WireTx

__all__ = ["Loopback"]


class Loopback(wiring.Component):
    """No clock of delay, either way.

    Members
    -------
    on : In(1): loop from the next frame on
    from_mac : In(WireTx), to_mac : Out(WireRx): the card's side
    rx : In(WireRx), tx : Out(WireTx): the wire
    looping : Out(1): it does
    looped : Out(1): a frame has gone back whole
    ignored : Out(1): a frame has begun on the wire that nobody hears
    """

    def __init__(self, width: int) -> None:
        super().__init__({
            "on": In(1), "from_mac": In(WireTx(width)), "to_mac": Out(WireRx(width)),
            "rx": In(WireRx(width)), "tx": Out(WireTx(width)),
            "looping": Out(1), "looped": Out(1), "ignored": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        mac, wire = self.from_mac, self.rx
        sending, hearing = Signal(), Signal()  # inside a frame of the transmitter, of the wire
        sends, hears = Signal(), Signal()  # the same behind this clock
        held = Signal()  # no new frame: the switch waits
        m.d.comb += [
            held.eq((self.on != self.looping) & ~sending),
            # a beat that was offered is not taken back: it counts as sending until its frame's last is taken
            sends.eq(Mux(mac.tvalid & ~held, ~(mac.tready & mac.tlast), sending)),
            hears.eq(Mux(wire.tvalid, ~wire.tlast, hearing)),
            self.looped.eq(self.looping & mac.tvalid & mac.tready & mac.tlast),
            self.ignored.eq(self.looping & wire.tvalid & ~hearing),
        ]
        m.d.sync += [sending.eq(sends), hearing.eq(hears)]
        with m.If(held & ~hears):
            m.d.sync += self.looping.eq(self.on)
        self._transmit(m, held)
        self._receive(m, held)
        return m

    def _transmit(self, m: Module, held: Signal) -> None:
        mac, wire = self.from_mac, self.tx
        m.d.comb += [
            wire.tdata.eq(mac.tdata), wire.tkeep.eq(mac.tkeep), wire.tlast.eq(mac.tlast),
            wire.tvalid.eq(mac.tvalid & ~self.looping & ~held),
            mac.tready.eq((self.looping | wire.tready) & ~held),
        ]  # fmt: skip

    def _receive(self, m: Module, held: Signal) -> None:
        mac, wire, out = self.from_mac, self.rx, self.to_mac
        with m.If(self.looping):
            m.d.comb += [
                out.tdata.eq(mac.tdata), out.tkeep.eq(mac.tkeep), out.tlast.eq(mac.tlast),
                out.tvalid.eq(mac.tvalid & ~held),
            ]  # fmt: skip
        with m.Else():
            m.d.comb += [
                out.tdata.eq(wire.tdata), out.tkeep.eq(wire.tkeep), out.tlast.eq(wire.tlast),
                out.tuser.eq(wire.tuser), out.tvalid.eq(wire.tvalid),
            ]  # fmt: skip
