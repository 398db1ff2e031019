"""Segmentation: a message of one header and much payload becomes frames of the header and at most MSS bytes each.

The block knows beats and a `SegmentRequest`, no card's descriptors: whoever decodes those fills the request in, and
whatever else belongs to the frames (where sums go, a tag) is carried along as `side`. Checksums are not its work: it
makes the pseudo-header's sum right, and the block that sums plain frames sums the segments (Intel 317453-006 3.5).

- Plain frames pass in the same clock, unchanged.
- A message's header is taken in (a clock a beat), its fields are read and the first segment's are set (20 clocks). Then
  a beat goes out each clock, from segment to segment, as long as beats come in and a segment lasts the 6 clocks that
  the next header takes (11 before the last); the payload is never stored.
- A message of another length than the request says, or with a bus error, has `failed`: segments that were whole by then
  are good frames, the one under way ends with `abort`, and what is left of the message is taken and thrown away.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.beat import beat_path, bytes_below, lanes_of
from ringbed.hw.tx.segment_cut import SegmentCut
from ringbed.hw.tx.segment_header import SegmentHeader, SegmentRequest

__all__ = ["Segment", "SegmentRequest"]


class Segment(wiring.Component):
    """Members:

    i : stream of Beats; `error` in any of them spoils the message from there on
    request, side : In, with a frame's first beat
    o : stream of Beats; valid does not wait for ready
    o_side : Out, of the frame at `o`; cutting : Out(1): that frame is a segment
    abort : Out(1): with a segment's last beat: it is to be forgotten
    made : Out(1): a segment is complete; done, failed : Out(1): a message is over, well or not
    working : Out(1): a header is being made, which nobody has to wait for outside
    """

    def __init__(self, width: int, side: Any) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "i": In(beat_path(width, stops=True)), "request": In(SegmentRequest()), "side": In(side),
            "o": Out(beat_path(width, stops=True)), "o_side": Out(side), "cutting": Out(1), "abort": Out(1),
            "made": Out(1), "done": Out(1), "failed": Out(1), "working": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.header = self.header = SegmentHeader(self.width)
        m.submodules.cut = self.cut = cut = SegmentCut(self.width)
        self.asked, side, spoilt = Signal(SegmentRequest()), Signal.like(Value.cast(self.side)), Signal()
        asked, starts, loaded = self.asked, Signal(), Signal()
        m.d.comb += [
            starts.eq(self.i.valid & self.i.payload.first & self.request.segment),
            Value.cast(self.o_side).eq(Mux(self.cutting, side, Value.cast(self.side))),
            cut.i.payload.eq(self.i.payload), cut.header.eq(asked.header), cut.mss.eq(asked.mss),
            cut.total.eq(asked.header + asked.payload),
            self.header.request.eq(asked), self.header.w_data.eq(self.i.payload.data),
            self.working.eq(self.header.busy),
        ]  # fmt: skip
        self._plan(m, loaded)
        with m.FSM():
            with m.State("pass"):
                m.d.comb += self.o.payload.eq(self.i.payload)
                with m.If(starts):
                    m.d.comb += cut.begin.eq(1)
                    m.d.sync += [asked.eq(self.request), side.eq(Value.cast(self.side)), spoilt.eq(0)]
                    m.d.sync += self.index.eq(0)
                    m.next = "load"
                with m.Else():
                    m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
            with m.State("load"):
                self._load(m, loaded)
                with m.If(loaded):
                    m.next = "send"
                with m.Elif(cut.over):  # shorter than its header
                    m.d.sync += spoilt.eq(1)
                    m.next = "drain"
            with m.State("send"):
                over = self._send(m)
                with m.If(over):
                    m.d.sync += spoilt.eq(cut.short & ~self.in_header)
                    m.next = "drain"
            with m.State("drain"):
                m.d.comb += [cut.take.eq(~cut.over), cut.i.valid.eq(self.i.valid), self.i.ready.eq(cut.i.ready)]
                # a header that was begun for a segment that never came must not be edited in the next message's store
                with m.If(cut.over & ~self.header.busy):
                    m.d.comb += [self.done.eq(cut.exact & ~spoilt), self.failed.eq(~self.done)]
                    m.next = "pass"
        return m

    def _plan(self, m: Module, loaded: Signal) -> None:
        """What there is to make: the segment being sent, and the one whose header is made next.

        `left` counts the first one's bytes, header included; `size`, `final`, `after` are the second's payload, whether
        it is the last, and the payload behind it. Both are the same segment until its header is out.
        """
        bits, asked = self.lanes.bit_length() - 1, self.asked
        self.index, self.left, self.sent_final = Signal(6), Signal(17), Signal()
        self.in_header, self.with_header, self.step = Signal(), Signal(), Signal()
        size, after, final = Signal(16), Signal(20), Signal()
        rest, next_size, next_final, prepares = Signal(20), Signal(16), Signal(), Signal()
        whole, ends = asked.header[bits:], Signal()
        m.d.comb += [
            self.in_header.eq(self.index < whole),
            self.with_header.eq(self.in_header | ((self.index == whole) & (asked.header[:bits] != 0))),
            ends.eq(self.left <= self.lanes), self.cut.ends.eq(ends), self.cut.final.eq(self.sent_final),
            self.cut.count.eq(Mux(ends, self.left, self.lanes)),
            self.header.begin.eq(loaded),
            self.header.next.eq(self.step & (self.index == whole) & ~self.cut.short & ~self.sent_final),
            prepares.eq(loaded | self.header.next),
            rest.eq(Mux(loaded, asked.payload, after)),
            next_final.eq(Mux(prepares, rest <= asked.mss, final)),
            next_size.eq(Mux(prepares, Mux(next_final, rest, asked.mss), size)),
            self.header.size.eq(size), self.header.final.eq(final),
        ]  # fmt: skip
        with m.If(prepares):
            m.d.sync += [size.eq(next_size), final.eq(next_final), after.eq(rest - next_size)]
            # the size is needed while its header is edited, so it comes a clock early where the last one is told apart
            m.d.comb += self.header.final.eq(next_final)
        with m.If(loaded | (self.step & ends)):
            m.d.sync += [self.left.eq(asked.header + next_size), self.sent_final.eq(next_final), self.index.eq(0)]
        with m.Elif(self.step):
            m.d.sync += [self.left.eq(self.left - self.lanes), self.index.eq(Mux(self.index > whole, self.index,
                                                                              self.index + 1))]  # fmt: skip

    def _load(self, m: Module, loaded: Signal) -> None:
        """The header's beats, the one with its last byte and payload behind it included, or the one behind that."""
        bits = self.lanes.bit_length() - 1
        cut, header, beat = self.cut, self.asked.header, self.i.payload
        took, at_end = Signal(), Signal()
        m.d.comb += [
            cut.take.eq(~cut.over), cut.i.valid.eq(self.i.valid), self.i.ready.eq(cut.i.ready),
            took.eq(cut.i.valid & cut.i.ready), at_end.eq(self.index == header[bits:]),
            self.header.w_en.eq(took), self.header.w_index.eq(self.index),
            loaded.eq(took & at_end & (beat.count > header[:bits])),
        ]  # fmt: skip
        with m.If(took & ~at_end):
            m.d.sync += self.index.eq(self.index + 1)

    def _send(self, m: Module) -> Signal:
        """One output beat. Gives whether it is the message's last, for good or ill."""
        bits, cut, beat = self.lanes.bit_length() - 1, self.cut, self.o.payload
        short, first, there, mask = Signal(), Signal(), Signal(), Signal(self.width)
        over = Signal()
        m.d.comb += [
            first.eq(self.index == 0), short.eq(cut.short & ~self.in_header),
            there.eq((self.in_header | cut.ready) & ~(self.with_header & self.header.busy)),
            self.header.r_index.eq(self.index),
            cut.i.valid.eq(self.i.valid), self.i.ready.eq(cut.i.ready),
            mask.eq(bytes_below(self.asked.header[:bits], self.width)),
            beat.data.eq(cut.o), beat.count.eq(cut.count), beat.first.eq(first), beat.last.eq(cut.ends | short),
            self.cutting.eq(1), self.abort.eq(short),
            self.o.valid.eq(there & ~(short & first)),
            self.step.eq(self.o.valid & self.o.ready),
            cut.step.eq(self.step & ~self.in_header & ~short),
            self.made.eq(self.step & cut.ends & ~short),
            over.eq(Mux(short, self.step | (there & first), self.made & self.sent_final)),
        ]  # fmt: skip
        with m.If(self.in_header):
            m.d.comb += beat.data.eq(self.header.r_data)
        with m.Elif(self.with_header):
            m.d.comb += beat.data.eq((self.header.r_data & mask) | (cut.o & ~mask))
        return over
