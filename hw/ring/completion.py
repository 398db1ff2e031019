"""A ring's completion policy: status written back in place, in bursts, after the data it speaks of.

Order, for both directions: all descriptors of a frame wait until the frame's last burst is answered; they are written
in ring order; the head moves, and an interrupt may rise, when the response to the write is in. A partial batch goes out
when the pipeline before it runs empty. A frame with more descriptors than fit here, or than the ring has left, has the
first of them written early, once their data is in memory: the alternative is to wait for ever.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus.dma import ADDRESS_WIDTH, Request, WriteBeat
from ringbed.hw.ring.descriptor_queue import LINE, descriptor_burst, descriptors_in, first_descriptor
from ringbed.hw.ring.status_beats import StatusBeats
from ringbed.hw.stream.beat import lanes_of
from ringbed.hw.stream.fifo import Fifo

__all__ = ["SEQUENCE_WIDTH", "Completion", "Entry"]

SEQUENCE_WIDTH = 8  # data bursts, modulo; at most 64 are out at a time


class Entry(data.StructLayout):
    """A used descriptor: its upper eight bytes, whether they are written at all, whether it ends its frame.

    `late`: it is in no hurry, for whoever counts them.
    `sequence`, looked at with `eop`: data bursts asked for so far, this frame's included.
    """

    def __init__(self) -> None:
        super().__init__({"upper": 64, "write": 1, "late": 1, "eop": 1, "sequence": SEQUENCE_WIDTH})


class Completion(wiring.Component):
    """Write-back of one ring. `strobe` says which of a descriptor's upper eight bytes are written.

    Members
    -------
    base : In(64), count : In(16): the ring; head_in with head_w: where the next write-back goes
    i : stream of Entry
    answered : In(1): a data burst was answered in this clock
    threshold : In(6): descriptors to gather; flush : In(1): no more are coming for now
    starved : In(1): no descriptor is left on the card or on its way
    request, beat : to DmaWrite; response : In(1): a write-back was answered; failed : In(1): with an error
    done : Out(8): descriptors finished in this clock
    frames : Out(8): frames among them
    landed : Out(1): a frame's last data burst was answered: only its status is still to come
    written : Out(1): at least one of them was written; now, lates : Out(4): how many, without and with `late`
    stopped : In(1): write nothing. After a failed write-back nothing counts as done any more, until a reset
    busy : Out(1): a write-back is due or out; entries that wait for their data, or for others, do not count
    """

    def __init__(self, width: int, depth: int, strobe: int) -> None:
        lanes_of(width)
        self.width, self.depth, self.strobe = width, depth, strobe
        super().__init__({
            "base": In(ADDRESS_WIDTH), "count": In(16), "head_w": In(1), "head_in": In(16),
            "i": In(stream.Signature(Entry())), "answered": In(1),
            "threshold": In(6), "flush": In(1), "starved": In(1), "stopped": In(1),
            "request": Out(stream.Signature(Request())), "beat": Out(stream.Signature(WriteBeat(width))),
            "response": In(1), "failed": In(1),
            "done": Out(8), "frames": Out(8), "written": Out(1), "now": Out(4), "lates": Out(4),
            "landed": Out(1), "busy": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.entries = entries = Fifo(Entry(), self.depth)
        m.submodules.ends = ends = Fifo(data.StructLayout({"sequence": SEQUENCE_WIDTH, "amount": 8}), self.depth)
        released, taken = Signal(8), Signal(8)  # entries freed for write-back, entries that left, in this clock
        ready = Signal(8)
        m.d.sync += ready.eq(ready + released - taken)
        self._release(m, entries, ends, ready, released)
        self._write_back(m, entries, ready, taken)
        return m

    def _release(self, m: Module, entries: Fifo, ends: Fifo, ready: Signal, released: Signal) -> None:
        """Entries come in; a frame's become ready when its last data burst is answered."""
        answered, open_entries, latest = Signal(SEQUENCE_WIDTH), Signal(8), Signal(SEQUENCE_WIDTH)
        ahead, taken, stuck = Signal(SEQUENCE_WIDTH), Signal(), Signal()
        m.d.comb += [
            entries.i.payload.eq(self.i.payload),
            entries.i.valid.eq(self.i.valid & ends.i.ready),
            self.i.ready.eq(entries.i.ready & ends.i.ready),
            taken.eq(self.i.valid & self.i.ready),
            ends.i.valid.eq(taken & self.i.payload.eop),
            ends.i.payload.sequence.eq(self.i.payload.sequence),
            ends.i.payload.amount.eq(open_entries + 1),
            ahead.eq(answered - ends.o.payload.sequence),
            ends.o.ready.eq(~ahead[-1]),
            self.landed.eq(ends.o.valid & ends.o.ready),
            stuck.eq(
                (~entries.i.ready | (self.starved & ~self.i.valid))
                & ~ends.o.valid
                & (ready == 0)
                & (answered == latest)
            ),
        ]
        m.d.sync += answered.eq(answered + self.answered)
        with m.If(taken):
            m.d.sync += [latest.eq(self.i.payload.sequence), open_entries.eq(open_entries + 1)]
            with m.If(self.i.payload.eop):
                m.d.sync += open_entries.eq(0)
        with m.If(ends.o.valid & ends.o.ready):
            m.d.comb += released.eq(ends.o.payload.amount)
        with m.Elif(stuck):
            m.d.comb += released.eq(open_entries)
            m.d.sync += open_entries.eq(0)

    def _write_back(self, m: Module, entries: Fifo, ready: Signal, taken: Signal) -> None:
        """Batches of ready entries go out; what the bus answers is done. Silent entries take no bus time."""
        shape = data.StructLayout({"amount": 4, "frames": 4, "now": 4, "lates": 4, "bus": 1})
        m.submodules.batches = batches = Fifo(
            shape, 16, has_room="completion: a batch on the bus has its place, set aside when it was asked for"
        )
        index, left = Signal(16), Signal(4)  # of the next entry in the ring; still to go of the batch on the bus
        size, entry = self._ask(m, index, ready), entries.o.payload
        go, silent, asked, moves = Signal(), Signal(), Signal(), Signal()
        # a full queue waits for nothing: what would make the batch larger cannot come in
        enough = (ready >= Mux(self.threshold < LINE, self.threshold, LINE)) | ~entries.i.ready
        m.d.comb += [
            go.eq((ready != 0) & entries.o.valid & ~self.stopped & (left == 0) & batches.i.ready),
            silent.eq(go & ~entry.write),
            self.request.valid.eq(go & entry.write & (self.flush | enough)),
            asked.eq(self.request.valid & self.request.ready),
            moves.eq(self._status(m, entries, asked, left)),
            entries.o.ready.eq(silent | moves), taken.eq(silent | moves),
            batches.i.valid.eq(silent | (moves & (left == 1))),
            # a batch that waits to be larger is no work, until more comes or a timer ends
            self.busy.eq(((ready != 0) & ((left != 0) | ~entry.write | self.flush | enough)) | batches.o.valid),
        ]  # fmt: skip
        with m.If(asked):
            m.d.sync += left.eq(size)
        with m.Elif(moves):
            m.d.sync += left.eq(left - 1)
        with m.If(silent | asked):
            after = index + Mux(silent, 1, size)
            m.d.sync += index.eq(Mux(after == self.count, 0, after))
        with m.If(self.head_w):
            m.d.sync += index.eq(self.head_in)
        self._tally(m, entry, asked, moves, silent, batches.i.payload)
        self._finish(m, batches)

    def _tally(self, m: Module, entry: Any, asked: Signal, moves: Signal, silent: Signal, batch: Any) -> None:
        """What there is in the batch on the bus with the entry on show; a silent one is a batch of its own."""
        urgent, late = entry.write & ~entry.late, entry.write & entry.late
        for name, here in (("amount", 1), ("frames", entry.eop), ("now", urgent), ("lates", late)):
            before = Signal(4, name=f"{name}_before")
            m.d.comb += batch[name].eq(Mux(silent, 0, before) + here)
            with m.If(asked):
                m.d.sync += before.eq(0)
            with m.Elif(moves):
                m.d.sync += before.eq(batch[name])
        m.d.comb += batch.bus.eq(~silent)

    def _ask(self, m: Module, index: Signal, ready: Signal) -> Signal:
        """The next burst: no more than are ready, than the line holds, than there are to the ring's end."""
        address, line, limit, most, size = Signal(ADDRESS_WIDTH), Signal(4), Signal(16), Signal(4), Signal(4)
        begin, length = descriptor_burst(self.width, address, size)
        m.d.comb += [
            address.eq(self.base + (index << 4)),
            line.eq(LINE - address[4:7]),
            limit.eq(self.count - index),
            most.eq(Mux(ready < line, ready, line)),
            size.eq(Mux(limit < most, limit, most)),
            self.request.payload.address.eq(begin),
            self.request.payload.len.eq(length),
        ]
        self._first = first_descriptor(self.width, address)
        return size

    def _status(self, m: Module, entries: Fifo, asked: Signal, left: Signal) -> Any:
        """The batch's entries into beats; gives whether one moves in this clock."""
        m.submodules.status = status = StatusBeats(self.width, self.strobe)
        connect(m, status.o, flipped(self.beat))
        place = Signal(max(descriptors_in(self.width).bit_length() - 1, 0))  # of the entry on show in its beat
        moves = status.i.valid & status.i.ready
        m.d.comb += [
            status.i.valid.eq((left != 0) & entries.o.valid),
            status.i.payload.upper.eq(entries.o.payload.upper),
            status.i.payload.write.eq(entries.o.payload.write),
            status.i.payload.place.eq(place),
            status.i.payload.last.eq(left == 1),
        ]
        with m.If(asked):
            m.d.sync += place.eq(self._first)
        with m.Elif(moves):
            m.d.sync += place.eq(place + 1)
        return moves

    def _finish(self, m: Module, batches: Fifo) -> None:
        """Responses are counted: one may come while silent entries ahead of its batch are being finished."""
        finished, responses, on_bus = Signal(), Signal(5), batches.o.payload.bus
        broken = Signal()
        m.d.comb += [
            finished.eq(batches.o.valid & (self.response | (responses != 0) | ~on_bus)),
            batches.o.ready.eq(finished),
        ]
        m.d.sync += [responses.eq(responses + self.response - (finished & on_bus)), broken.eq(broken | self.failed)]
        with m.If(finished & ~broken & ~self.failed):
            m.d.comb += [
                self.done.eq(batches.o.payload.amount),
                self.frames.eq(batches.o.payload.frames),
                self.written.eq(batches.o.payload.bus),
                self.now.eq(batches.o.payload.now),
                self.lates.eq(batches.o.payload.lates),
            ]
