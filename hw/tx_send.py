"""Whole frames out of the packet buffer, through the patches and the MAC, to the wire."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.beat import lanes_of
from ringbed.hw.burst import LENGTH_WIDTH
from ringbed.hw.mac_tx import MacTx, WireTx
from ringbed.hw.patch import Patch, PatchSlot

__all__ = ["TxReady", "TxSend"]

# A frame whole in the packet buffer: its bytes, whether the FCS is the card's to add, and the sums to put in.
TxReady = data.StructLayout({"length": LENGTH_WIDTH, "fcs": 1, "slots": data.ArrayLayout(PatchSlot, 2)})


class TxSend(wiring.Component):
    """One beat a clock. A frame begins only with `go`, and once begun is sent to its end.

    Members
    -------
    frame : stream of TxReady; data : stream of the store's beats
    go : In(1): a new frame may begin; pad : In(1): pad to 60 bytes
    wire : WireTx
    sending : Out(1): a frame is between the store and its last beat on the wire; sent : Out(1): that beat left
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "frame": In(stream.Signature(TxReady)), "data": In(stream.Signature(width)),
            "go": In(1), "pad": In(1),
            "wire": Out(WireTx(width)), "sending": Out(1), "sent": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.patch = patch = Patch(self.width)
        m.submodules.mac = mac = MacTx(self.width)
        connect(m, patch.o, mac.i)
        connect(m, mac.o, flipped(self.wire))
        under_way, gone, left = Signal(), Signal(LENGTH_WIDTH), Signal(LENGTH_WIDTH)
        inside = Signal(4)  # frames begun whose last beat has not left
        frame, out, fire, last = self.frame.payload, patch.i.payload.tx, Signal(), Signal()
        m.d.comb += [
            left.eq(frame.length - gone),
            last.eq(left <= self.lanes),
            patch.i.valid.eq(self.frame.valid & self.data.valid & (under_way | self.go)),
            fire.eq(patch.i.valid & patch.i.ready),
            self.data.ready.eq(fire),
            self.frame.ready.eq(fire & last),
            out.beat.data.eq(self.data.payload),
            out.beat.count.eq(Mux(last, left, self.lanes)),
            out.beat.first.eq(~under_way),
            out.beat.last.eq(last),
            out.fcs.eq(frame.fcs),
            out.pad.eq(self.pad),
            patch.i.payload.slots.eq(frame.slots),
            self.sent.eq(self.wire.tvalid & self.wire.tready & self.wire.tlast),
            self.sending.eq(inside != 0),
        ]
        m.d.sync += inside.eq(inside + (fire & ~under_way) - self.sent)
        with m.If(fire):
            m.d.sync += [under_way.eq(~last), gone.eq(Mux(last, 0, gone + self.lanes))]
        return m
