"""Whole frames out of the packet buffer, through patches, tag and MAC, to the wire; pause frames between them."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus.burst import LENGTH_WIDTH
from ringbed.hw.mac.tx import MacTx, WireTx
from ringbed.hw.mac.tx_meter import TxMeter
from ringbed.hw.station.statistics import TxStat
from ringbed.hw.stream.beat import lanes_of
from ringbed.hw.stream.patch import Patch, PatchSlot, TxBeat
from ringbed.hw.tx.vlan_insert import VlanInsert

__all__ = ["TxReady", "TxSend"]

# A frame whole in the packet buffer: its bytes, whether FCS and tag are the card's to add, and the sums to put in.
TxReady = data.StructLayout({
    "length": LENGTH_WIDTH, "fcs": 1, "tag": 1, "tci": 16, "slots": data.ArrayLayout(PatchSlot, 2),
})  # fmt: skip


class TxSend(wiring.Component):
    """One beat a clock. A frame begins only with `go`, and once begun is sent to its end.

    Members
    -------
    frame : stream of TxReady; data : stream of the store's beats
    go : In(1): a new frame may begin; pad : In(1): pad to 60 bytes; vet : In(16): EtherType of tags
    pause : stream of TxBeat: a pause frame goes next, `go` or not
    wire : WireTx; stat : stream of TxStat, always ready
    sending : Out(1): a frame is between the store and its last beat on the wire; sent : Out(1): that beat left;
        paused : Out(1): a pause frame's did
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "frame": In(stream.Signature(TxReady)), "data": In(stream.Signature(width)),
            "go": In(1), "pad": In(1), "vet": In(16), "pause": In(stream.Signature(TxBeat(width))),
            "wire": Out(WireTx(width)), "stat": Out(stream.Signature(TxStat, always_ready=True)),
            "sending": Out(1), "sent": Out(1), "paused": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.patch = self.patch = Patch(self.width)
        m.submodules.tag = self.tag = VlanInsert(self.width)
        m.submodules.mac = mac = MacTx(self.width)
        m.submodules.meter = meter = TxMeter(self.width)
        connect(m, mac.o, flipped(self.wire))
        connect(m, meter.o, flipped(self.stat))
        inside, leaves, began = Signal(4), Signal(), Signal()  # frames begun whose last beat has not left
        m.d.comb += [
            leaves.eq(self.wire.tvalid & self.wire.tready & self.wire.tlast),
            self.sent.eq(leaves & (mac.pause == 0)), self.paused.eq(leaves & (mac.pause != 0)),
            self.sending.eq((inside != 0) | self.pause.valid),
            meter.moves.eq(self.wire.tvalid & self.wire.tready), meter.last.eq(self.wire.tlast),
            meter.data.eq(self.wire.tdata), meter.count.eq(mac.count), meter.pause.eq(mac.pause),
        ]  # fmt: skip
        self._read(m, began)
        self._tag(m)
        pauses = self._join(m, mac)
        m.d.sync += inside.eq(inside + began + pauses - leaves)
        return m

    def _read(self, m: Module, began: Signal) -> None:
        """The frame's beats out of the store, with what is known of it."""
        frame, out, patch = self.frame.payload, self.patch.i.payload.tx, self.patch.i
        under_way, gone, left = Signal(), Signal(LENGTH_WIDTH), Signal(LENGTH_WIDTH)
        fire, last = Signal(), Signal()
        m.d.comb += [
            left.eq(frame.length - gone),
            last.eq(left <= self.lanes),
            patch.valid.eq(self.frame.valid & self.data.valid & (under_way | self.go)),
            fire.eq(patch.valid & patch.ready),
            began.eq(fire & ~under_way),
            self.data.ready.eq(fire),
            self.frame.ready.eq(fire & last),
            out.beat.data.eq(self.data.payload),
            out.beat.count.eq(Mux(last, left, self.lanes)),
            out.beat.first.eq(~under_way),
            out.beat.last.eq(last),
            out.fcs.eq(frame.fcs),
            out.pad.eq(self.pad),
            patch.payload.slots.eq(frame.slots),
        ]
        with m.If(fire):
            m.d.sync += [under_way.eq(~last), gone.eq(Mux(last, 0, gone + self.lanes))]

    def _tag(self, m: Module) -> None:
        """The patches are a clock behind, so the frame's tag waits for its first beat there."""
        tag, waits, tci = self.tag, Signal(), Signal(16)
        with m.If(self.patch.i.valid & self.patch.i.ready):
            m.d.sync += [waits.eq(self.frame.payload.tag), tci.eq(self.frame.payload.tci)]
        m.d.comb += [
            tag.i.payload.tx.eq(self.patch.o.payload), tag.i.valid.eq(self.patch.o.valid),
            self.patch.o.ready.eq(tag.i.ready),
            tag.i.payload.tag.eq(waits), tag.i.payload.tci.eq(tci), tag.vet.eq(self.vet),
        ]  # fmt: skip

    def _join(self, m: Module, mac: MacTx) -> Signal:
        """A pause frame goes in between two frames. Gives the clock in which one begins."""
        data, pause, inside, takes_pause, begins = self.tag.o, self.pause, Signal(), Signal(), Signal()
        m.d.comb += [
            takes_pause.eq(pause.valid & ~inside),
            mac.i.valid.eq(takes_pause | data.valid),
            mac.i.payload.eq(data.payload),
            pause.ready.eq(takes_pause & mac.i.ready),
            data.ready.eq(~takes_pause & mac.i.ready),
            begins.eq(pause.ready & pause.payload.beat.first),
        ]
        with m.If(takes_pause):
            m.d.comb += mac.i.payload.eq(pause.payload)
        with m.Elif(data.valid & data.ready):
            m.d.sync += inside.eq(~data.payload.beat.last)
        return begins
