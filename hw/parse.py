"""The second half of the parser: walks the L3 packet word by word to the TCP or UDP header.

It marks which half words are IPv4 header and which count for the TCP or UDP sum, so that `checksum_rx` only adds, and
with the last beat it says what the frame was. Rules (M 3.2.9.3-5, RFC 791, RFC 8200):
- IPv4: version 4, IHL 5 or more, the whole header in the frame. IPv6: version 6, then hop-by-hop, destination options
  and routing headers of at most 64 bytes each, in any order; a routing header only with no segments left, else the
  destination in the sum is not the one in the header.
- TCP and UDP: not of a fragment, the packet's length inside the frame, at least 20 and 8 bytes, and for UDP a length
  field equal to the IP payload's. An IPv6 jumbogram (payload length 0) has no length here and so no TCP or UDP.

Words past a packet's end are not told apart on the way: FCS, padding and the next frame's bytes may run through the
walk, and the lengths compared at the frame's end undo what came of it. A last step's word holds at most two bytes that
are not FCS, too few for any field of a header; so at the end the registers already say all.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.beat import Beat, be16, beat_path, lanes_of
from ringbed.hw.realign import FCS_BYTES, Realign, check_width

__all__ = ["Parse", "Parsed", "ParsedBeat"]

TCP, UDP = 6, 17
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
TCP_MIN, UDP_MIN, IPV6_HEADER = 20, 8, 40
LONGEST_EXTENSION = 7  # in 8-byte units after the first: 64 bytes (M 3.2.9.4)

# What a frame was. Offsets are from the frame's first byte. `ipv4`, `ipv6`: with a complete header. `tcp`, `udp`: found
# and all lengths sane; `l4_offset`, `l4_length` (the IP payload from that header on) and `udp_sum` (the field is not 0)
# are for these. `protocol` is IPv4's, or the first IPv6 next header the walk did not skip.
Parsed = data.StructLayout({
    "vlan": 1, "snap": 1, "ipv4": 1, "ipv6": 1, "l3_offset": 5, "fragment": 1, "protocol": 8,
    "tcp": 1, "udp": 1, "udp_sum": 1, "l4_offset": 15, "l4_length": 16,
})  # fmt: skip


class ParsedBeat(data.StructLayout):
    """One beat of the frame with `body` and `position` as in Moved, and the L3 word beside it.

    `header` and `payload` have a bit for each half of `word`: it belongs to the IPv4 header; it counts for the TCP or
    UDP sum (addresses, header and data), but only in its lowest `valid` bytes. `parsed` is valid with `beat.last`.
    """

    def __init__(self, width: int) -> None:
        super().__init__({
            "beat": Beat(width), "body": range(lanes_of(width) + 1), "position": 15,
            "word": width, "header": 2, "payload": 2, "valid": range(lanes_of(width) + 1), "parsed": Parsed,
        })  # fmt: skip


class At(IntEnum):
    """What the next word of the L3 packet is."""

    NOTHING = 0  # no packet begun, or nothing of it left to find
    IPV4 = 1
    IPV6 = 2  # the rest of the fixed header
    NEXT = 3  # the begin of an extension header, or of what they lead to
    EXTENSION = 4  # more of one
    L4 = 5


class Parse(wiring.Component):
    """Beats (FCS included) to parsed beats, one each clock; a frame's last comes out exactly 3 clocks after it came.

    Members
    -------
    i : In, beats; cannot be stopped
    o : Out, a stream of ParsedBeat; cannot be stopped
    """

    def __init__(self, width: int) -> None:
        check_width(width)
        self.width = width
        super().__init__({
            "i": In(beat_path(width)),
            "o": Out(stream.Signature(ParsedBeat(width), always_ready=True)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.realign = realign = Realign(self.width)
        wiring.connect(m, wiring.flipped(self.i), realign.i)
        step, out = realign.o.payload, self.o.payload
        m.d.sync += self.o.valid.eq(realign.o.valid)

        self.at, self.index = Signal(At), Signal(4)  # the walk; number of the word in the packet, to 15: IP headers
        self.found = Signal(Parsed)  # as known so far, without the checks at the end
        self.remain, self.needed = Signal(17), Signal(18)  # bytes of the packet from this word on; see _check_end
        self.ihl, self.skip, self.udp_next = Signal(4), Signal(3), Signal()  # IP header in words of 4 bytes
        with m.If(realign.o.valid):
            m.d.sync += [
                out.beat.eq(step.beat), out.body.eq(step.body), out.position.eq(step.position), out.word.eq(step.word),
                out.header.eq(0), out.payload.eq(0), out.valid.eq(Mux(self.remain > 8, 8, self.remain)),
                self.remain.eq(Mux(self.remain > 8, self.remain - 8, 0)), self.udp_next.eq(0),
            ]  # fmt: skip
            m.d.sync += self.index.eq(self.index + 1)
            with m.If(step.begin):
                self._begin(m, step)
            with m.Else():
                self._walk(m, step)
            self._check_end(m, step)
        return m

    def _begin(self, m: Module, step: Any) -> None:
        """The first word: version, lengths, fragment, IPv6's first next header."""
        word, found = step.word, self.found
        l3_offset = Signal(5)
        m.d.comb += l3_offset.eq(14 + Mux(step.vlan, 4, 0) + Mux(step.snap, 8, 0))
        m.d.sync += [
            found.eq(0), found.vlan.eq(step.vlan), found.snap.eq(step.snap), found.l3_offset.eq(l3_offset),
            self.index.eq(1), self.ihl.eq(word[0:4]),
        ]  # fmt: skip
        with m.If(step.ipv4 & (word[4:8] == 4) & (word[0:4] >= 5)):
            total = be16(word, 2)
            m.d.sync += [
                self.at.eq(At.IPV4), found.ipv4.eq(1), self._mark_header(0b11),
                found.fragment.eq(Cat(word[48:54], word[56:64]).any()),  # MF or an offset
                self.remain.eq(Mux(total > 8, total - 8, 0)), self.needed.eq(total + l3_offset + FCS_BYTES),
            ]  # fmt: skip
        with m.Elif(step.ipv6 & (word[4:8] == 6)):
            m.d.sync += [
                self.at.eq(At.IPV6), found.ipv6.eq(1), self.ihl.eq(IPV6_HEADER // 4), found.protocol.eq(word[48:56]),
                self.remain.eq(be16(word, 4) + (IPV6_HEADER - 8)),
                self.needed.eq(be16(word, 4) + l3_offset + (IPV6_HEADER + FCS_BYTES)),
            ]  # fmt: skip
        with m.Else():
            m.d.sync += self.at.eq(At.NOTHING)

    def _walk(self, m: Module, step: Any) -> None:
        """Any later word."""
        word = step.word
        with m.Switch(self.at):
            with m.Case(At.IPV4):
                self._walk_ipv4(m, step)
            with m.Case(At.IPV6):
                m.d.sync += self._mark_payload(0b11)
                with m.If(self.index == 4):
                    m.d.sync += self.at.eq(At.NEXT)
            with m.Case(At.NEXT):
                self._walk_chain(m, step)
            with m.Case(At.EXTENSION):
                m.d.sync += self.skip.eq(self.skip - 1)
                with m.If(self.skip == 1):
                    m.d.sync += self.at.eq(At.NEXT)
            with m.Case(At.L4):
                m.d.sync += self._mark_payload(0b11)
                with m.If(self.udp_next):
                    self._udp_fields(m, be16(word, 0), be16(word, 2), self.found.l4_length)

    def _walk_ipv4(self, m: Module, step: Any) -> None:
        """Second word (protocol, source), third (destination), options; TCP or UDP begin in lane 0 or 4."""
        past = Signal(2)  # halves of this word behind the header
        m.d.comb += past.eq(Cat(2 * self.index >= self.ihl, 2 * self.index + 1 >= self.ihl))
        m.d.sync += self._mark_header(~past)
        with m.If(self.index == 1):
            m.d.sync += [self.found.protocol.eq(step.word[8:16]), self._mark_payload(0b10)]
        with m.Elif(past[1]):
            self._begin_l4(m, step, self.found.protocol, half=self.ihl[0])
        with m.Elif(self.index == 2):
            m.d.sync += self._mark_payload(0b01)

    def _walk_chain(self, m: Module, step: Any) -> None:
        """The first word of a header behind IPv6's."""
        word, protocol = step.word, self.found.protocol
        allowed = Signal()
        with m.Switch(protocol):
            with m.Case(HOP_BY_HOP, DESTINATION):
                m.d.comb += allowed.eq(1)
            with m.Case(ROUTING):
                m.d.comb += allowed.eq(word[24:32] == 0)
        with m.If(allowed & (word[8:16] <= LONGEST_EXTENSION)):
            m.d.sync += [protocol.eq(word[0:8]), self.skip.eq(word[8:11])]
            with m.If(word[8:11] != 0):
                m.d.sync += self.at.eq(At.EXTENSION)
        with m.Else():
            m.d.sync += self.found.fragment.eq(protocol == FRAGMENT)
            self._begin_l4(m, step, protocol, half=Const(0, 1))

    def _begin_l4(self, m: Module, step: Any, protocol: Value, *, half: Value) -> None:
        """The headers end here: in lane 0, or with `half` in lane 4. The destination address may fill lanes 0 to 3."""
        word, found = step.word, self.found
        length, offset = Signal(16), Signal(15)
        m.d.comb += length.eq(Mux(half, Mux(self.remain > 4, self.remain - 4, 0), self.remain))
        # from the lane of L3's begin: 6 without a tag, 2 with one
        m.d.comb += offset.eq(step.position + Mux(found.vlan, 2, 6) + Mux(half, 4, 0))
        m.d.sync += [
            self.at.eq(At.NOTHING), found.l4_length.eq(length), found.l4_offset.eq(offset),
            self._mark_payload(Mux(half, Mux(self.index == 2, 0b11, 0b10), 0b11)),
        ]  # fmt: skip
        with m.If(~found.fragment & (protocol == TCP)):
            m.d.sync += [self.at.eq(At.L4), found.tcp.eq(length >= TCP_MIN)]
        with m.If(~found.fragment & (protocol == UDP)):
            m.d.sync += [self.at.eq(At.L4), self.udp_next.eq(half)]
            with m.If(~half):
                self._udp_fields(m, be16(word, 4), be16(word, 6), length)

    def _udp_fields(self, m: Module, field: Value, checksum: Value, length: Value) -> None:
        """UDP's length field and sum field, in the first word of the header or in the second."""
        m.d.sync += [
            self.found.udp.eq((field == length) & (length >= UDP_MIN)),
            self.found.udp_sum.eq(checksum != 0),
        ]

    def _check_end(self, m: Module, step: Any) -> None:
        """With the frame's last beat: what was found, if the frame was long enough for it."""
        found, parsed = self.found, self.o.payload.parsed
        length, header_end, fits = Signal(16), Signal(7), Signal()
        m.d.comb += [
            length.eq(step.position + step.beat.count),
            header_end.eq(found.l3_offset + (self.ihl << 2) + FCS_BYTES),
            fits.eq(self.needed <= length),  # the frame bytes up to the packet's end and the FCS
        ]
        with m.If(step.beat.last):
            m.d.sync += [
                parsed.eq(found),
                parsed.ipv4.eq(found.ipv4 & (header_end <= length)),
                parsed.ipv6.eq(found.ipv6 & (header_end <= length)),
                parsed.tcp.eq(found.tcp & fits),
                parsed.udp.eq(found.udp & fits),
                found.eq(0), self.at.eq(At.NOTHING), self.udp_next.eq(0),
            ]  # fmt: skip

    def _mark_header(self, halves: Any) -> Any:
        """Mark halves of this word as IPv4 header."""
        return self.o.payload.header.eq(halves)

    def _mark_payload(self, halves: Any) -> Any:
        """Mark halves of this word for the TCP or UDP sum."""
        return self.o.payload.payload.eq(halves)
