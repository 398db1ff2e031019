"""Which received frames get into the packet buffer, and under which cause the others end.

A frame is written on trial while its verdict is open and kept or forgotten with its last beat. Each frame ends in
exactly one of: kept, off, runt, giant, crc, filter, miss; tried in that order, so that a cause is exclusive. With
RCTL.SBP a bad frame is kept and says so, but for one that has no Ethernet header or would not fit any buffer.
Source: Intel 317453-006 3.2.1, 13.4.22; facts the manual leaves open are in docs/nics/em.md.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.beat import beat_path, lanes_of
from ringbed.hw.burst import LENGTH_WIDTH
from ringbed.hw.mac_rx import LONGEST, RxFrameEnd

__all__ = ["DROPS", "Admitted", "RxAdmit"]

DROPS = ("off", "runt", "giant", "crc", "filter", "miss")
HEADER = 14  # below it there is no Ethernet header
USUAL = 1522  # RCTL.LPE = 0

# What is known of an ended frame: kept or not, bytes in the buffer, FCS error and wire error (kept only with SBP)
Admitted = data.StructLayout({"kept": 1, "length": LENGTH_WIDTH, "ce": 1, "rxe": 1})


class RxAdmit(wiring.Component):
    """Takes the MAC's beats as they come, writes them to the store in the same clock.

    Members
    -------
    i : beats with FCS, cannot be stopped; end : RxFrameEnd of the last one
    on : In(1): RCTL.EN and link, looked at with a frame's first beat
    flush : In(1): the card is being reset: the frame under way is not kept
    sbp, upe, mpe, bam, lpe, strip : In(1): RCTL bits; address : In(48), valid : In(1): the receive address
    free, w_en, w_data, finish, keep : to the FrameStore (`finish` is its `end`)
    o : Out(Admitted), o_valid : Out(1): the clock after the frame's last beat
    began : Out(1): a frame began; dropped : Out(6): one of DROPS ended it; flushed : Out(1): or a reset did
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        amount = (65536 // self.lanes).bit_length()
        super().__init__({
            "i": In(beat_path(width)), "end": In(RxFrameEnd), "on": In(1), "flush": In(1),
            "sbp": In(1), "upe": In(1), "mpe": In(1), "bam": In(1), "lpe": In(1), "strip": In(1),
            "address": In(48), "valid": In(1),
            "free": In(amount), "w_en": Out(1), "w_data": Out(width), "finish": Out(1), "keep": Out(amount),
            "o": Out(Admitted), "o_valid": Out(1),
            "began": Out(1), "dropped": Out(len(DROPS)), "flushed": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        beat, shift = self.i.payload, self.lanes.bit_length() - 1
        off, missed, lost, wanted = Signal(), Signal(), Signal(), self._filter(m)
        off_now, missed_now, lost_now = Signal(), Signal(), Signal()
        first = self.i.valid & beat.first
        full = self.free == 0
        stored = Signal(LENGTH_WIDTH)
        length = self.end.length
        # beats that no frame we could keep needs are not tried: a giant must not fill the buffer
        past = Signal()
        bad = Signal()
        m.d.comb += [
            off_now.eq(Mux(first, ~self.on, off)),
            missed_now.eq(Mux(first, 0, missed) | (full & ~past)),
            lost_now.eq(Mux(first, 0, lost) | self.flush),
            past.eq(~first & (length > Mux(self.lpe | self.sbp, LONGEST, USUAL))),
            self.w_en.eq(self.i.valid & ~full & ~past & ~off_now),
            self.w_data.eq(beat.data),
            self.began.eq(first),
            self.finish.eq(self.i.valid & beat.last),
            stored.eq(length - Mux(self.strip, 4, 0)),
            bad.eq(~self.end.crc_ok | self.end.error),
        ]
        with m.If(self.i.valid):
            m.d.sync += [off.eq(off_now), missed.eq(missed_now), lost.eq(lost_now)]
        with m.Elif(self.flush):
            m.d.sync += lost.eq(1)
        reasons = self._reasons(off_now, missed_now, bad, wanted)
        keep = Signal()
        with m.If(self.finish):
            with m.If(lost_now):
                m.d.comb += self.flushed.eq(1)
            with m.Elif(reasons.any()):
                m.d.comb += self.dropped.eq(reasons & -reasons)  # the lowest one: the first of DROPS
            with m.Else():
                m.d.comb += [keep.eq(1), self.keep.eq((stored + self.lanes - 1) >> shift)]
        m.d.sync += [
            self.o_valid.eq(self.finish),
            self.o.kept.eq(keep),
            self.o.length.eq(stored),
            self.o.ce.eq(~self.end.crc_ok),
            self.o.rxe.eq(self.end.error),
        ]
        return m

    def _reasons(self, off: Any, missed: Any, bad: Any, wanted: Any) -> Signal:
        length = self.end.length
        giant = Mux(self.lpe, length > LONGEST, length > USUAL)
        return Cat(
            off,
            self.end.runt & ~(self.sbp & (length >= HEADER + 4)),
            giant & ~(self.sbp & (length <= LONGEST)),
            bad & ~self.sbp,
            ~wanted,
            missed,
        )

    def _filter(self, m: Module) -> Signal:
        """Does the destination address pass? Known from the first beat on, for the rest of the frame."""
        wanted, now = Signal(), Signal()
        to = self.i.payload.data[:48]
        multicast, broadcast = to[0], to.all()
        m.d.comb += now.eq(
            (self.valid & (to == self.address))
            | Mux(multicast, self.mpe | (broadcast & self.bam), self.upe)
        )  # fmt: skip
        result = Signal()
        m.d.comb += result.eq(Mux(self.i.payload.first, now, wanted))
        with m.If(self.i.valid & self.i.payload.first):
            m.d.sync += wanted.eq(now)
        return result
