"""Which received frames get into the packet buffer, and under which cause the others end.

A frame is written on trial while its verdict is open and kept or forgotten with its last beat. Each frame ends in
exactly one of: kept, off, runt, giant, crc, pause, filter, vlan, miss; tried in that order, so that a cause is
exclusive. With RCTL.SBP a bad frame is kept and says so, but for one that has no Ethernet header or would not fit any
buffer. MAC control frames are filtered like others, but for RCTL.DPF, which keeps pause frames to the station address
out, and RCTL.PMCF, which lets those in that are no pause frames, whatever their address.
Source: Intel 317453-006 3.2.1, 13.4.22; facts the manual leaves open are in docs/nics/em.md.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.burst import LENGTH_WIDTH
from ringbed.hw.mac.pause_rx import Control
from ringbed.hw.mac.rx import LONGEST, RxFrameEnd
from ringbed.hw.rx.filter import Verdict
from ringbed.hw.rx.vlan_strip import TAG_BYTES
from ringbed.hw.station.statistics import RxStat
from ringbed.hw.stream.beat import beat_path, lanes_of

__all__ = ["DROPS", "AdmitControl", "Admitted", "RxAdmit"]

DROPS = ("off", "runt", "giant", "crc", "pause", "filter", "vlan", "miss")
HEADER = 14  # below it there is no Ethernet header
FCS_BYTES = 4
USUAL = 1522  # RCTL.LPE = 0

# RCTL's fields of the same names; `strip` is SECRC.
AdmitControl = data.StructLayout({"sbp": 1, "lpe": 1, "strip": 1, "dpf": 1, "pmcf": 1})

# What is known of an ended frame: kept or not, bytes in the buffer, FCS error and wire error (kept only with SBP),
# accepted by the hash alone, and the tag that was taken out of it.
Admitted = data.StructLayout({"kept": 1, "length": LENGTH_WIDTH, "ce": 1, "rxe": 1, "pif": 1, "vp": 1, "tag": 16})


class RxAdmit(wiring.Component):
    """Takes beats as they come, without their tag if that is stripped, writes them to the store in the same clock.

    Members
    -------
    i : beats with FCS, cannot be stopped; end : RxFrameEnd of the last one, as the frame was on the wire
    stripped : In(1), tag : In(16): with the last beat: the tag is gone, its TCI
    verdict : In(Verdict), mac : In(Control): what the filters and PauseRx say of the frame, with the last beat
    on : In(1): RCTL.EN and link, looked at with a frame's first beat
    flush : In(1): the card is being reset: the frame under way is not kept
    control : In(AdmitControl): looked at with a frame's first beat too: what was thought too long is not in the store
    no_buffer : In(1): the ring has no free descriptor
    free, w_en, w_data, finish, keep : to the FrameStore (`finish` is its `end`)
    o : Out(Admitted), o_valid : Out(1): the clock after the frame's last beat
    stat : stream of RxStat, and pause_time : Out(16), of an XON or XOFF: in the same clock, for frames that found it on
    began : Out(1): a frame began; dropped : Out: one of DROPS ended it; flushed : Out(1): or a reset did
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        amount = (65536 // self.lanes).bit_length()
        super().__init__({
            "i": In(beat_path(width)), "end": In(RxFrameEnd), "stripped": In(1), "tag": In(16),
            "verdict": In(Verdict), "mac": In(Control), "on": In(1), "flush": In(1),
            "control": In(AdmitControl), "no_buffer": In(1),
            "free": In(amount), "w_en": Out(1), "w_data": Out(width), "finish": Out(1), "keep": Out(amount),
            "o": Out(Admitted), "o_valid": Out(1),
            "stat": Out(stream.Signature(RxStat, always_ready=True)), "pause_time": Out(16),
            "began": Out(1), "dropped": Out(len(DROPS)), "flushed": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        beat, shift, control = self.i.payload, self.lanes.bit_length() - 1, self._control(m)
        off, missed, lost = Signal(), Signal(), Signal()
        off_now, missed_now, lost_now = Signal(), Signal(), Signal()
        first = self.i.valid & beat.first
        full = self.free == 0
        stored = Signal(LENGTH_WIDTH)
        length = self.end.length
        # beats that no frame we could keep needs are not tried: a giant must not fill the buffer
        past = Signal()
        m.d.comb += [
            off_now.eq(Mux(first, ~self.on, off)),
            missed_now.eq(Mux(first, 0, missed) | (full & ~past)),
            lost_now.eq(Mux(first, 0, lost) | self.flush),
            past.eq(~first & (length > Mux(control.lpe | control.sbp, LONGEST, USUAL))),
            self.w_en.eq(self.i.valid & ~full & ~past & ~off_now),
            self.w_data.eq(beat.data),
            self.began.eq(first),
            self.finish.eq(self.i.valid & beat.last),
            stored.eq(length - Mux(control.strip, FCS_BYTES, 0) - Mux(self.stripped, TAG_BYTES, 0)),
        ]
        with m.If(self.i.valid):
            m.d.sync += [off.eq(off_now), missed.eq(missed_now), lost.eq(lost_now)]
        with m.Elif(self.flush):
            m.d.sync += lost.eq(1)
        reasons = self._reasons(m, control, off_now, missed_now)
        keep = Signal()
        with m.If(self.finish):
            with m.If(lost_now):
                m.d.comb += self.flushed.eq(1)
            with m.Elif(reasons.any()):
                m.d.comb += self.dropped.eq(reasons & -reasons)  # the lowest one: the first of DROPS
            with m.Else():
                m.d.comb += [keep.eq(1), self.keep.eq((stored + self.lanes - 1) >> shift)]
        m.d.sync += [self.o_valid.eq(self.finish), self.stat.valid.eq(self.finish & ~lost_now & ~off_now)]
        with m.If(self.finish):
            m.d.sync += [
                self.o.kept.eq(keep), self.o.length.eq(stored), self.o.ce.eq(~self.end.crc_ok),
                self.o.rxe.eq(self.end.error), self.o.pif.eq(self.verdict.inexact), self.o.vp.eq(self.stripped),
                self.o.tag.eq(Mux(self.stripped, self.tag, 0)),
            ]  # fmt: skip
        return m

    def _control(self, m: Module) -> Any:
        """The switches as they stood when the frame began."""
        now, kept = Signal(AdmitControl), Signal(AdmitControl)
        m.d.comb += now.eq(kept)
        with m.If(self.i.valid & self.i.payload.first):
            m.d.comb += now.eq(self.control)
        m.d.sync += kept.eq(now)
        return now

    def _reasons(self, m: Module, control: Any, off: Any, missed: Any) -> Signal:
        """A bit for each of DROPS; and the statistics, which want to know the same things."""
        end, verdict, mac = self.end, self.verdict, self.mac
        runt, giant, bad, whole, paused, wanted = (Signal() for _ in range(6))
        header = Mux(self.stripped, HEADER + TAG_BYTES, HEADER)
        m.d.comb += [
            runt.eq(end.runt),
            giant.eq(Mux(control.lpe, end.length > LONGEST, end.length > USUAL)),
            bad.eq(~end.crc_ok | end.error),
            whole.eq(~runt & ~giant & ~bad & mac.control),  # a MAC control frame in good order
            paused.eq(whole & mac.opcode & mac.to_us),
            wanted.eq(verdict.address | (whole & ~mac.opcode & control.pmcf)),
        ]
        reasons = Cat(
            off,
            runt & ~(control.sbp & (end.length >= header + FCS_BYTES)),
            giant & ~(control.sbp & (end.length <= LONGEST)),
            bad & ~control.sbp,
            whole & (~wanted | (paused & mac.station & control.dpf)),
            ~wanted,
            ~verdict.vlan,
            missed,
        )
        stat = self.stat.payload
        with m.If(self.finish):
            m.d.sync += [
                stat.length.eq(end.length), stat.crc.eq(~end.crc_ok), stat.rxe.eq(end.error),
                stat.passed.eq(wanted & verdict.vlan & (end.length >= HEADER)),
                stat.missed.eq(self.dropped[DROPS.index("miss")]), stat.runt.eq(runt), stat.giant.eq(giant),
                stat.multicast.eq(verdict.multicast), stat.broadcast.eq(verdict.broadcast),
                stat.xon.eq(paused & (mac.time == 0)), stat.xoff.eq(paused & (mac.time != 0)),
                stat.control.eq(whole & ~mac.opcode), stat.no_buffer.eq(self.no_buffer),
                self.pause_time.eq(mac.time),
            ]  # fmt: skip
        return reasons
