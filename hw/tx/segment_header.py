"""The header of a segmentation: kept as software wrote it, and made right for one segment after the other.

A header is edited a byte each clock while the payload of the segment before passes, so it needs no shifter: all lanes
of the store get the byte, one of them takes it. What is changed (Intel 317453-006 3.5, RFC 791, 8200, 793, 768):

| step | bytes | of | value |
|---|---|---|---|
| 0, 1 | total length, IPv4; payload length, IPv6 | l3_start + 2; + 4 | up to the segment's end |
| 2, 3 | identification, IPv4 | l3_start + 4 | 1 more with each segment, modulo 2**16 |
| 4..7 | sequence number, TCP; in 4, 5 length, UDP | l4_start + 4 | MSS more with each segment; up to the end |
| 8 | flags, TCP | l4_start + 13 | FIN and PSH in the last segment only |
| 9, 10 | checksum | sum_at | the prototype's (the pseudo-header's sum, length 0) plus the length of TCP or UDP |

The number of a field that the request does not name stays; so does a byte beyond the header.
"""

from __future__ import annotations

from typing import Any

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ringbed.hw.stream.beat import lanes_of

__all__ = ["HEADER_BYTES", "L3", "L4", "SegmentHeader", "SegmentRequest"]

HEADER_BYTES = 240  # M 3.5: the on-chip store for a header
LAST_ONLY = 0x09  # FIN and PSH
IPV6_HEADER = 40  # not counted in the payload length (RFC 8200, 3)
FIRST_READ, LAST_STEP = 2, 10  # the lengths are never read
SEQUENCE = (2, 7)  # all that changes between two segments of the same size


class L3(enum.Enum, shape=2):  # type: ignore[call-arg]
    """Whose length, and whose identification, is edited."""

    NONE = 0
    IPV4 = 1
    IPV6 = 2


class L4(enum.Enum, shape=2):  # type: ignore[call-arg]
    """Whose sequence number and flags, or whose length, is edited."""

    NONE = 0
    TCP = 1
    UDP = 2


class SegmentRequest(data.StructLayout):
    """What a message asks for. `segment` 0: it is a plain frame, and nothing else here counts.

    `mss` and `payload` are bytes of payload, each segment's and the message's, at least 1; `header` is bytes before the
    payload, 1 to HEADER_BYTES; `l3_start` and `l4_start` are offsets into it. `sum`: the number at offset `sum_at` is
    to grow by the length of TCP or UDP.
    """

    def __init__(self) -> None:
        super().__init__({
            "segment": 1, "mss": 16, "payload": 20, "header": 8,
            "l3": L3, "l3_start": 8, "l4": L4, "l4_start": 8, "sum": 1, "sum_at": 8,
        })  # fmt: skip


class SegmentHeader(wiring.Component):
    """The prototype goes in a beat each clock; 20 clocks after `begin` the first segment's header can be read.

    `next` takes 6 clocks, or 11 for the last segment. `request`, `size` and `final` are steady from one pulse to the
    next.

    Members
    -------
    request : In(SegmentRequest)
    w_en, w_index, w_data : a beat of the prototype
    begin, next : In(1): the header is whole, make the first segment's; make the one after
    size : In(16): bytes of payload in the segment to be made; final : In(1): it is the last
    busy : Out(1)
    r_index, r_data : a beat of the header, in the same clock
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        self.depth = -(-HEADER_BYTES // self.lanes) + 1
        index = range(self.depth)
        super().__init__({
            "request": In(SegmentRequest()),
            "w_en": In(1), "w_index": In(index), "w_data": In(width),
            "begin": In(1), "next": In(1), "size": In(16), "final": In(1), "busy": Out(1),
            "r_index": In(index), "r_data": Out(width),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        step, end, reading, first = Signal(range(LAST_STEP + 1)), Signal(range(LAST_STEP + 1)), Signal(), Signal()
        ident, sequence, flags, pseudo = Signal(16), Signal(32), Signal(8), Signal(16)
        at, wanted = self._where(m, step)
        old = self._store(m, at, wanted, reading, self._new(m, step, ident, sequence, flags, pseudo))
        with m.If(self.begin):
            m.d.sync += [self.busy.eq(1), reading.eq(1), first.eq(1), step.eq(FIRST_READ), end.eq(LAST_STEP)]
        with m.Elif(self.next):
            m.d.sync += [self.busy.eq(1), first.eq(0), ident.eq(ident + 1), sequence.eq(sequence + self.request.mss)]
            m.d.sync += [step.eq(Mux(self.final, 0, SEQUENCE[0])), end.eq(Mux(self.final, LAST_STEP, SEQUENCE[1]))]
        with m.Elif(self.busy):
            m.d.sync += step.eq(step + 1)
            with m.If(step == end):
                m.d.sync += [self.busy.eq(reading), reading.eq(0), step.eq(0)]
        with m.If(self.busy & reading), m.Switch(step):
            places = (ident[8:], ident[:8], sequence[24:], sequence[16:24], sequence[8:16], sequence[:8],
                      flags, pseudo[8:], pseudo[:8])  # fmt: skip
            for number, place in enumerate(places, FIRST_READ):
                with m.Case(number):
                    m.d.sync += place.eq(old)
        return m

    def _where(self, m: Module, step: Signal) -> tuple[Signal, Signal]:
        """The header's byte that step is about, and whether the request wants it changed."""
        request, at, wanted = self.request, Signal(9), Signal()
        l3, l4 = request.l3, request.l4
        with m.Switch(step):
            with m.Case(0, 1):
                field = Mux(l3 == L3.IPV6, 4, 2)
                m.d.comb += [at.eq(request.l3_start + field + step[0]), wanted.eq(l3 != L3.NONE)]
            with m.Case(2, 3):
                m.d.comb += [at.eq(request.l3_start + 4 + step[0]), wanted.eq(l3 == L3.IPV4)]
            with m.Case(4, 5, 6, 7):
                m.d.comb += at.eq(request.l4_start + 4 + step[:2])
                m.d.comb += wanted.eq((l4 == L4.TCP) | ((l4 == L4.UDP) & ~step[1]))
            with m.Case(8):
                m.d.comb += [at.eq(request.l4_start + 13), wanted.eq(l4 == L4.TCP)]
            with m.Default():
                m.d.comb += [at.eq(request.sum_at + ~step[0]), wanted.eq(request.sum)]
        return at, wanted

    def _new(self, m: Module, step: Signal, ident: Signal, sequence: Signal, flags: Signal, pseudo: Signal) -> Any:
        """The byte that step writes."""
        request = self.request
        whole, l3_length, l4_length = Signal(17), Signal(16), Signal(16)
        once, total = Signal(17), Signal(16)
        m.d.comb += [
            whole.eq(request.header + self.size),
            l3_length.eq(whole - request.l3_start - Mux(request.l3 == L3.IPV6, IPV6_HEADER, 0)),
            l4_length.eq(whole - request.l4_start),
            once.eq(pseudo + l4_length),
            total.eq(once[:16] + once[16]),
        ]
        at_four = Mux(request.l4 == L4.UDP, l4_length, sequence[16:])
        return Array([
            l3_length[8:], l3_length[:8], ident[8:], ident[:8],
            at_four[8:], at_four[:8], sequence[8:16], sequence[:8],
            Mux(self.final, flags, flags & ~LAST_ONLY), total[8:], total[:8],
        ])[step]  # fmt: skip

    def _store(self, m: Module, at: Signal, wanted: Signal, reading: Signal, new: Any) -> Any:
        """The header's bytes; gives the one at `at`."""
        bits = self.lanes.bit_length() - 1
        m.submodules.store = store = Memory(shape=self.width, depth=self.depth, init=[])
        write, read = store.write_port(granularity=8), store.read_port(domain="comb")
        byte, lane = Signal(8), at[:bits]
        m.d.comb += [
            byte.eq(new),
            write.addr.eq(Mux(self.w_en, self.w_index, at[bits:])),
            write.data.eq(Mux(self.w_en, self.w_data, Cat([byte] * self.lanes))),
            read.addr.eq(Mux(self.busy, at[bits:], self.r_index)),
            self.r_data.eq(read.data),
        ]
        with m.If(self.w_en):
            m.d.comb += write.en.eq((1 << self.lanes) - 1)
        with m.Elif(self.busy & ~reading & wanted & (at < self.request.header)):
            m.d.comb += write.en.eq(1 << lane)
        old = Signal(8)
        with m.If(reading), m.Switch(lane):
            for number in range(self.lanes):
                with m.Case(number):
                    m.d.comb += old.eq(read.data[8 * number : 8 * number + 8])
        return old
