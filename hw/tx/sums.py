"""Between packing and sending: a frame's length is counted, its sums are taken, and it is kept or forgotten."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from ringbed.hw.bus.burst import LENGTH_WIDTH
from ringbed.hw.stream.beat import beat_path, lanes_of
from ringbed.hw.stream.fifo import Fifo
from ringbed.hw.tx.checksum import ChecksumTx
from ringbed.hw.tx.orders import SumOrder, TxFinish
from ringbed.hw.tx.send import TxReady

__all__ = ["TxSums"]

BEHIND = 8  # frames that can be between their last beat and the queue, and more than fit in three clocks


class TxSums(wiring.Component):
    """A frame is ready a few clocks after its last beat; without `sums` (a card with no TX engine) just the same.

    Members
    -------
    i : beats of frames, cannot be stopped; order : In(SumOrder), with the first; ending : In(TxFinish), with the last
    finish, keep : to the FrameStore, with the last beat
    o : stream of TxReady; room : Out(1): there is room for the frame that begins with the next beat
    in_flight : Out(1): a frame has ended and has no sums yet
    Raises ValueError for fewer `frames` to wait at `o` than can be on their way there.
    """

    def __init__(self, width: int, sums: bool, frames: int) -> None:
        if frames < BEHIND:
            raise ValueError(f"frames on their way need places for {BEHIND} frames at least, not {frames}")
        self.width, self.lanes, self.sums, self.frames = width, lanes_of(width), sums, frames
        amount = (65536 // self.lanes).bit_length()
        super().__init__({
            "i": In(beat_path(width)), "order": In(SumOrder), "ending": In(TxFinish),
            "finish": Out(1), "keep": Out(amount), "o": Out(stream.Signature(TxReady)), "room": Out(1),
            "in_flight": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape = data.StructLayout({"length": LENGTH_WIDTH, "fcs": 1, "tag": 1, "tci": 16, "abort": 1})
        m.submodules.ended = ended = Fifo(
            shape, BEHIND, has_room="tx_sums: frames that ended have their sums before more than BEHIND of them wait",
            has_item="tx_sums: sums come of a frame that ended",
        )  # fmt: skip
        m.submodules.ready = ready = Fifo(
            TxReady, self.frames, has_room="tx_sums: no more than BEHIND frames come after `room` fell"
        )
        beats, now, beat = Signal.like(self.keep), Signal.like(self.keep), self.i.payload
        shift = self.lanes.bit_length() - 1
        m.d.comb += [
            now.eq(Mux(beat.first, 0, beats) + 1),
            self.finish.eq(self.i.valid & beat.last),
            self.keep.eq(Mux(self.ending.abort, 0, now)),
            ended.i.valid.eq(self.finish),
            ended.i.payload.length.eq(((now - 1) << shift) + beat.count),
            self.in_flight.eq(ended.o.valid),
            self.room.eq(ready.level <= self.frames - BEHIND),
        ]
        m.d.comb += [ended.i.payload[name].eq(self.ending[name]) for name in ("fcs", "tag", "tci", "abort")]
        with m.If(self.i.valid):
            m.d.sync += beats.eq(now)
        if self.sums:
            summed = self._checksum(m, ready)
        else:
            summed = ended.o.valid
        m.d.comb += [
            ended.o.ready.eq(summed),
            ready.i.valid.eq(summed & ~ended.o.payload.abort),
        ]
        m.d.comb += [ready.i.payload[name].eq(ended.o.payload[name]) for name in ("length", "fcs", "tag", "tci")]
        connect(m, ready.o, wiring.flipped(self.o))
        return m

    def _checksum(self, m: Module, ready: Fifo) -> Any:
        """Slot 0 is the IP header's sum, slot 1 TCP's or UDP's, which wins where both meet. True when ready."""
        m.submodules.checksum = checksum = ChecksumTx(self.width)
        m.d.comb += [
            checksum.i.payload.eq(self.i.payload), checksum.i.valid.eq(self.i.valid),
            checksum.ranges[0].start.eq(self.order.ip_start), checksum.ranges[0].end.eq(self.order.ip_end),
            checksum.ranges[1].start.eq(self.order.l4_start), checksum.ranges[1].end.eq(self.order.l4_end),
            checksum.ranges[1].udp.eq(self.order.udp),
            checksum.places[0].enable.eq(self.ending.ip), checksum.places[0].offset.eq(self.ending.ip_at),
            checksum.places[1].enable.eq(self.ending.l4), checksum.places[1].offset.eq(self.ending.l4_at),
            ready.i.payload.slots.eq(checksum.o.payload),
        ]  # fmt: skip
        return checksum.o.valid
