"""The receive checksum engines: IPv4 header, TCP/UDP and the packet checksum of each frame, in one pass.

What is checked of which frame is RX_TABLE in `hw/formats/em/`; `parse` has found it out, this block only adds.
The packet checksum is the plain sum, not complemented, of big-endian words from byte PCSS to the frame's end (M 3.2.3);
an odd last byte is the high half of its word.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.rx.parse import Parsed, ParsedBeat
from ringbed.hw.rx.realign import WORD, words_in
from ringbed.hw.stream.beat import bytes_below, swap16
from ringbed.hw.stream.ones_sum import SUM_BITS, add_pieces, bytes_from, fold_to_16, pieces_sum, tree_sum

__all__ = ["ChecksumRx", "RxChecksums", "RxSumControl"]

# RXCSUM's fields, and RCTL.SECRC: the packet checksum then leaves the FCS out.
RxSumControl = data.StructLayout({"pcss": 8, "ipofl": 1, "tuofl": 1, "ipv6ofl": 1, "secrc": 1})

# The descriptor's fields of the same names (M 3.2.3.1-2): checked or not, and bad or not.
RxChecksums = data.StructLayout({"packet_checksum": 16, "ixsm": 1, "ipcs": 1, "ipe": 1, "tcpcs": 1, "tcpe": 1})

ALL_GOOD = 0xFFFF  # the sum of data that holds its own checksum


class ChecksumRx(wiring.Component):
    """Parsed beats in, one result a frame, in order, exactly 3 clocks after the frame's last parsed beat.

    One beat each clock; frames of one beat back to back give a result each clock.

    Members
    -------
    i : In, a stream of ParsedBeat; cannot be stopped
    control : In(RxSumControl): looked at with a frame's first beat: another PCSS in mid-frame would sum neither range
    o : Out, a stream of RxChecksums; cannot be stopped
    """

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__({
            "i": In(stream.Signature(ParsedBeat(width), always_ready=True)),
            "control": In(RxSumControl),
            "o": Out(stream.Signature(RxChecksums, always_ready=True)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        step = self.i.payload
        control, kept = Signal(RxSumControl), Signal(RxSumControl)
        m.d.comb += control.eq(Mux(step.beat.first, self.control, kept))
        with m.If(self.i.valid):
            m.d.sync += kept.eq(control)
        header = self._total(m, "header", [word & self._halves(marks) for word, marks in self._words(step.header)])
        payload = self._total(m, "payload", [
            word & self._halves(marks) & bytes_below(step.valid[4 * number : 4 * number + 4], WORD)
            for number, (word, marks) in enumerate(self._words(step.payload))
        ])  # fmt: skip
        packet = self._total(m, "packet", [self._packet_part(step, control)])

        # clock 1: the totals are complete; clock 2: one fold; clock 3: the second fold and the verdict
        ended, parsed = Signal(), Signal(Parsed)
        m.d.sync += ended.eq(self.i.valid & step.beat.last)
        with m.If(self.i.valid & step.beat.last):
            m.d.sync += parsed.eq(step.parsed)
        folding, checks, odd = Signal(), Signal(RxChecksums), Signal()
        header_1, payload_1, packet_1 = Signal(20), Signal(20), Signal(20)
        pseudo = swap16(parsed.l4_length) + (parsed.protocol << 8)  # what the pseudo-header holds beside addresses
        m.d.sync += folding.eq(ended)
        with m.If(ended):
            m.d.sync += [
                header_1.eq(add_pieces(header)),
                payload_1.eq(add_pieces(payload) + pseudo),
                packet_1.eq(add_pieces(packet)),
                odd.eq(kept.pcss[0]),
            ]
            self._decide(m, kept, parsed, checks)

        m.d.sync += self.o.valid.eq(folding)
        with m.If(folding):
            self._conclude(m, checks, header_1, payload_1, packet_1, odd)
        return m

    def _words(self, marks: Value) -> list[tuple[Value, Value]]:
        """Each word of the step with the marks of its two halves."""
        words = self.i.payload.words
        return [(words[WORD * at : WORD * (at + 1)], marks[2 * at : 2 * at + 2]) for at in range(words_in(self.width))]

    def _halves(self, marks: Value) -> Value:
        """A mask of the halves of a word that are marked."""
        half = WORD // 2
        return Cat(marks[0].replicate(half), marks[1].replicate(half))

    def _packet_part(self, step: Any, control: Any) -> Value:
        """The bytes of the beat that the packet checksum covers."""
        count = Mux(control.secrc, step.body, step.beat.count)
        mask = bytes_below(count, self.width) & bytes_from(step.position, control.pcss, self.width)
        return step.beat.data & mask

    def _total(self, m: Module, name: str, masked: list[Value]) -> Signal:
        """The sum over the frame of `masked`, one beat at a time."""
        total, sums = Signal(SUM_BITS, name=f"{name}_total"), list[Any]()
        for number, value in enumerate(masked):
            part = Signal(len(value), name=f"{name}_part{number}")
            m.d.comb += part.eq(value)
            sums.append(pieces_sum(part))
        with m.If(self.i.valid):
            m.d.sync += total.eq(Mux(self.i.payload.beat.first, 0, total) + tree_sum(sums))
        return total

    def _decide(self, m: Module, control: Any, parsed: Any, checks: Any) -> None:
        """Which of the sums mean something in this frame."""
        ipcs, tcpcs = Signal(), Signal()
        summed = parsed.tcp | (parsed.udp & parsed.udp_sum)
        m.d.comb += [
            ipcs.eq(control.ipofl & parsed.ipv4),
            tcpcs.eq(control.tuofl & summed & (parsed.ipv4 | control.ipv6ofl)),
        ]
        m.d.sync += [checks.ipcs.eq(ipcs), checks.tcpcs.eq(tcpcs), checks.ixsm.eq(~(ipcs | tcpcs))]

    def _conclude(self, m: Module, checks: Any, header: Signal, payload: Signal, packet: Signal, odd: Signal) -> None:
        """The result, from the sums folded once."""
        out = self.o.payload
        folded = fold_to_16(m, packet, name="packet_folded")
        m.d.sync += [
            out.eq(checks),
            out.ipe.eq(checks.ipcs & (fold_to_16(m, header, name="header_folded") != ALL_GOOD)),
            out.tcpe.eq(checks.tcpcs & (fold_to_16(m, payload, name="payload_folded") != ALL_GOOD)),
            # lanes are little-endian, and from an odd start each byte is the other half of its word
            out.packet_checksum.eq(Mux(odd, folded, swap16(folded))),
        ]
