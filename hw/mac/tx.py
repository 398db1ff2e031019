"""The transmit side of the MAC: frames get their padding and their FCS and go to the wire.

Bytes that pad a frame are zeros, whatever the unused lanes of its last beat hold: memory must not leak to the wire.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.mac.crc import Crc32
from ringbed.hw.stream.beat import bytes_below, lanes_of, move_up
from ringbed.hw.stream.patch import TxBeat

__all__ = ["MacTx", "WireTx"]

SHORTEST = 60  # bytes before the FCS (IEEE 802.3, 3.2.8)
FCS_BYTES = 4


class WireTx(wiring.Signature):
    """A frame with FCS to the wire: `tdata`, `tkeep` (ones from lane 0), `tlast`, `tvalid`, `tready`."""

    def __init__(self, width: int) -> None:
        super().__init__({
            "tdata": Out(width), "tkeep": Out(lanes_of(width)), "tlast": Out(1), "tvalid": Out(1), "tready": In(1),
        })  # fmt: skip


class MacTx(wiring.Component):
    """A wire beat each clock, frames back to back; latency 2 clocks. The input waits while pad or a spilt FCS goes out.

    Members
    -------
    i : In, a stream of TxBeat
    o : Out(WireTx)
    count : Out: bytes of the beat on the wire; pause : Out(2): what TxBeat said of its frame
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        self.pad_index, last_pad = divmod(SHORTEST - 1, self.lanes)  # the beat in which a padded frame ends
        self.pad_count = last_pad + 1
        super().__init__({
            "i": In(stream.Signature(TxBeat(width))), "o": Out(WireTx(width)),
            "count": Out(range(self.lanes + 1)), "pause": Out(2),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        # Two steps: `held` is a beat of the padded frame while the FCS unit takes it in, `self.o` the wire's register.
        m = Module()
        beat = data.StructLayout({"data": self.width, "count": range(self.lanes + 1), "last": 1, "fcs": 1, "pause": 2})
        body, body_valid, body_go, begins = Signal(beat), Signal(), Signal(), Signal()
        held, held_valid, held_go = Signal(beat), Signal(), Signal()
        m.d.comb += body_go.eq(body_valid & (~held_valid | held_go))
        self._pad(m, body, body_valid, body_go, begins)

        with m.If(body_go):
            m.d.sync += [held.eq(body), held_valid.eq(1)]
        with m.Elif(held_go):
            m.d.sync += held_valid.eq(0)
        m.submodules.crc = crc = Crc32(self.width)
        m.d.comb += [crc.data.eq(body.data), crc.count.eq(body.count), crc.first.eq(begins), crc.enable.eq(body_go)]
        m.d.comb += self.i.ready.eq(~self.padding & (~held_valid | held_go))

        self._append(m, held, held_valid, held_go, ~crc.remainder)
        return m

    def _pad(self, m: Module, body: Any, valid: Signal, go: Signal, begins: Signal) -> None:
        """The input's beats with zeros behind them, as many as the frame wants."""
        beat = self.i.payload.beat
        self.padding = padding = Signal()
        index = Signal(range(self.pad_index + 2))  # stays one past the last that padding can reach
        shape = data.StructLayout({"fcs": 1, "pad": 1, "pause": 2})
        now, kept, ends, count = Signal(shape), Signal(shape), Signal(), Signal(body.count.shape())
        m.d.comb += [
            valid.eq(padding | self.i.valid),
            begins.eq(index == 0),
            now.eq(kept),
            ends.eq(padding | beat.last),
            count.eq(Mux(padding, 0, beat.count)),
            body.data.eq(beat.data & bytes_below(count, self.width)),
            body.count.eq(count),
            body.last.eq(ends),
            body.fcs.eq(now.fcs),
            body.pause.eq(now.pause),
        ]
        with m.If(begins):
            m.d.comb += [now[name].eq(self.i.payload[name]) for name in ("fcs", "pad", "pause")]
        with m.If(ends & now.pad):
            with m.If(index < self.pad_index):
                m.d.comb += [body.count.eq(self.lanes), body.last.eq(0)]
            with m.Elif((index == self.pad_index) & (count < self.pad_count)):
                m.d.comb += body.count.eq(self.pad_count)
        with m.If(go):
            m.d.sync += [padding.eq(ends & ~body.last), kept.eq(now)]
            with m.If(body.last):
                m.d.sync += index.eq(0)
            with m.Elif(index <= self.pad_index):
                m.d.sync += index.eq(index + 1)

    def _append(self, m: Module, held: Any, valid: Signal, go: Signal, fcs: Any) -> None:
        """The wire's register: a beat, a last beat with its FCS behind it, or the rest of an FCS that found no room."""
        room, total = Signal(), Signal(range(self.lanes + FCS_BYTES + 1))
        rest, rest_count = Signal(32), Signal(range(FCS_BYTES + 1))
        ends = held.last & held.fcs
        spills = ends & (total > self.lanes)
        m.d.comb += [
            room.eq(~self.o.tvalid | self.o.tready),
            go.eq(valid & room & (rest_count == 0)),
            total.eq(held.count + Mux(ends, FCS_BYTES, 0)),
            self.o.tkeep.eq(Const((1 << self.lanes) - 1, self.lanes) >> (self.lanes - self.count)[: len(self.count)]),
        ]
        with m.If(room):
            m.d.sync += self.o.tvalid.eq(valid | (rest_count != 0))
            with m.If(rest_count != 0):
                m.d.sync += [self.o.tdata.eq(rest), self.o.tlast.eq(1), self.count.eq(rest_count), rest_count.eq(0)]
            with m.Elif(valid):
                m.d.sync += [self.o.tlast.eq(held.last & ~spills), self.count.eq(total), self.pause.eq(held.pause)]
                with m.If(spills):
                    m.d.sync += [self.count.eq(self.lanes), rest_count.eq(total - self.lanes)]
        self._place(m, room & (rest_count == 0) & valid, held, fcs, rest)

    def _place(self, m: Module, takes: Any, held: Any, fcs: Any, rest: Signal) -> None:
        """The FCS behind the bytes of the last beat, and in `rest` what of it does not fit."""
        placed = move_up(m, Cat(fcs, Const(0, self.width - 32)), held.count, name="fcs_up")
        with m.If(takes):
            m.d.sync += self.o.tdata.eq(held.data)
            with m.If(held.last & held.fcs & (held.count != self.lanes)):
                m.d.sync += self.o.tdata.eq(held.data | placed)
            with m.Switch(held.count):
                for spilled in range(1, FCS_BYTES + 1):
                    with m.Case(self.lanes - FCS_BYTES + spilled):
                        m.d.sync += rest.eq(fcs[8 * (FCS_BYTES - spilled) :])
