"""One step of the parser's walk through an L3 packet: from what is known before a word of eight bytes to what is after.

Logic alone: `parse` puts as many steps in a row as a beat has words. Rules (M 3.2.9.3-5, RFC 791, RFC 8200):
- IPv4: version 4, IHL 5 or more, the whole header in the frame. IPv6: version 6, then hop-by-hop, destination options
  and routing headers of at most 64 bytes each, in any order; a routing header only with no segments left, else the
  destination in the sum is not the one in the header.
- TCP and UDP: not of a fragment, the packet's length inside the frame, at least 20 and 8 bytes, and for UDP a length
  field equal to the IP payload's. An IPv6 jumbogram (payload length 0) has no length here and so no TCP or UDP.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from ringbed.hw.rx.realign import FCS_BYTES
from ringbed.hw.stream.beat import be16

__all__ = ["At", "Known", "Step"]

TCP, UDP = 6, 17
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
TCP_MIN, UDP_MIN, IPV6_HEADER = 20, 8, 40
LONGEST_EXTENSION = 7  # in 8-byte units after the first: 64 bytes (M 3.2.9.4)


class At(IntEnum):
    """What the next word of the L3 packet is."""

    NOTHING = 0  # no packet begun, or nothing of it left to find
    IPV4 = 1
    IPV6 = 2  # the rest of the fixed header
    NEXT = 3  # the begin of an extension header, or of what they lead to
    EXTENSION = 4  # more of one
    L4 = 5


class Known:
    """What a walk knows between two words: signals of their own, which a model moves about cheaper than one struct.

    `index`: number of the next word in the packet, to 15; `remain`: bytes of the packet from it on; `needed`: frame
    bytes up to the packet's end and the FCS; `ihl`: IP header in words of 4 bytes; `skip`: words of an extension header
    still to come; `udp_next`: the next word holds UDP's length. The others are fields of Parsed, as known so far.
    """

    WIDTHS = {
        "at": 3, "index": 4, "remain": 17, "needed": 18, "ihl": 4, "skip": 3, "udp_next": 1,
        "vlan": 1, "snap": 1, "ipv4": 1, "ipv6": 1, "l3_offset": 5, "fragment": 1, "protocol": 8,
        "tcp": 1, "udp": 1, "udp_sum": 1, "l4_offset": 15, "l4_length": 16,
    }  # fmt: skip

    def __init__(self, name: str) -> None:
        for field, width in self.WIDTHS.items():
            setattr(self, field, Signal(width, name=f"{name}_{field}"))

    def __getattr__(self, name: str) -> Any:  # for type checkers: every field is a Signal
        raise AttributeError(name)

    def __iter__(self) -> Iterator[tuple[str, Signal]]:
        return ((field, getattr(self, field)) for field in self.WIDTHS)


class Step:
    """`after` from `before` and `word`; `header` and `payload` mark its halves, as ParsedBeat says.

    `offset` is the frame offset of the word's own beat lane 0 plus 8 for each word before it. `first`: nothing before
    this word is of this frame. `begin`: the packet begins here, `kinds` are its EtherType and what came before it.
    """

    def __init__(self, m: Module, name: str, before: Known, word: Value, offset: Value, *, first: Value, begin: Value,
                 kinds: Any) -> None:  # fmt: skip
        self.m, self.before, self.after, self.word, self.offset = m, before, Known(name), word, offset
        self.header, self.payload = Signal(2, name=f"{name}_header"), Signal(2, name=f"{name}_payload")
        self.valid = Signal(4, name=f"{name}_valid")
        past = before.remain > 8
        for field, signal in self.after:
            m.d.comb += signal.eq(getattr(before, field))
        m.d.comb += [
            self.valid.eq(Mux(past, 8, before.remain)),
            self.after.remain.eq(Mux(past, before.remain - 8, 0)),
            self.after.udp_next.eq(0), self.after.index.eq(before.index + 1),
        ]  # fmt: skip
        with m.If(begin):
            self._begin(kinds)
        with m.Elif(first):
            self._forget()
        with m.Else():
            self._walk()

    def _forget(self) -> None:
        """A new frame: nothing of the one before counts."""
        after = self.after
        self.m.d.comb += [
            after.at.eq(At.NOTHING),
            *(getattr(after, name).eq(0) for name in ("ipv4", "ipv6", "tcp", "udp")),
        ]

    def _begin(self, kinds: Any) -> None:
        """The first word: version, lengths, fragment, IPv6's first next header."""
        m, word, after = self.m, self.word, self.after
        l3_offset = Signal(5)
        m.d.comb += [
            l3_offset.eq(14 + Mux(kinds.vlan, 4, 0) + Mux(kinds.snap, 8, 0)),
            after.vlan.eq(kinds.vlan), after.snap.eq(kinds.snap), after.l3_offset.eq(l3_offset),
            after.index.eq(1), after.ihl.eq(word[0:4]), after.fragment.eq(0), after.udp_sum.eq(0),
        ]  # fmt: skip
        self._forget()
        with m.If(kinds.ipv4 & (word[4:8] == 4) & (word[0:4] >= 5)):
            total = be16(word, 2)
            m.d.comb += [
                after.at.eq(At.IPV4), after.ipv4.eq(1), self.header.eq(0b11),
                after.fragment.eq(Cat(word[48:54], word[56:64]).any()),  # MF or an offset
                after.remain.eq(Mux(total > 8, total - 8, 0)), after.needed.eq(total + l3_offset + FCS_BYTES),
            ]  # fmt: skip
        with m.Elif(kinds.ipv6 & (word[4:8] == 6)):
            m.d.comb += [
                after.at.eq(At.IPV6), after.ipv6.eq(1), after.ihl.eq(IPV6_HEADER // 4),
                after.protocol.eq(word[48:56]), after.remain.eq(be16(word, 4) + (IPV6_HEADER - 8)),
                after.needed.eq(be16(word, 4) + l3_offset + (IPV6_HEADER + FCS_BYTES)),
            ]  # fmt: skip

    def _walk(self) -> None:
        """Any later word."""
        m, before, after = self.m, self.before, self.after
        with m.Switch(before.at):
            with m.Case(At.IPV4):
                self._ipv4()
            with m.Case(At.IPV6):
                m.d.comb += self.payload.eq(0b11)
                with m.If(before.index == 4):
                    m.d.comb += after.at.eq(At.NEXT)
            with m.Case(At.NEXT):
                self._chain()
            with m.Case(At.EXTENSION):
                m.d.comb += after.skip.eq(before.skip - 1)
                with m.If(before.skip == 1):
                    m.d.comb += after.at.eq(At.NEXT)
            with m.Case(At.L4):
                m.d.comb += self.payload.eq(0b11)
                with m.If(before.udp_next):
                    self._udp_fields(be16(self.word, 0), be16(self.word, 2), before.l4_length)

    def _ipv4(self) -> None:
        """Second word (protocol, source), third (destination), options; TCP or UDP begin in lane 0 or 4."""
        m, before = self.m, self.before
        past = Signal(2)  # halves of this word behind the header
        m.d.comb += past.eq(Cat(2 * before.index >= before.ihl, 2 * before.index + 1 >= before.ihl))
        m.d.comb += self.header.eq(~past)
        with m.If(before.index == 1):
            m.d.comb += [self.after.protocol.eq(self.word[8:16]), self.payload.eq(0b10)]
        with m.Elif(past[1]):
            self._begin_l4(before.protocol, half=before.ihl[0])
        with m.Elif(before.index == 2):
            m.d.comb += self.payload.eq(0b01)

    def _chain(self) -> None:
        """The first word of a header behind IPv6's."""
        m, word, protocol, after = self.m, self.word, self.before.protocol, self.after
        allowed = Signal()
        with m.Switch(protocol):
            with m.Case(HOP_BY_HOP, DESTINATION):
                m.d.comb += allowed.eq(1)
            with m.Case(ROUTING):
                m.d.comb += allowed.eq(word[24:32] == 0)
        with m.If(allowed & (word[8:16] <= LONGEST_EXTENSION)):
            m.d.comb += [after.protocol.eq(word[0:8]), after.skip.eq(word[8:11])]
            with m.If(word[8:11] != 0):
                m.d.comb += after.at.eq(At.EXTENSION)
        with m.Else():
            is_fragment = protocol == FRAGMENT
            m.d.comb += after.fragment.eq(is_fragment)
            self._begin_l4(protocol, half=Const(0, 1))

    def _begin_l4(self, protocol: Value, *, half: Value) -> None:
        """The headers end here: in lane 0, or with `half` in lane 4. The destination address may fill lanes 0 to 3."""
        m, before, after = self.m, self.before, self.after
        length, offset = Signal(16), Signal(15)
        m.d.comb += [
            length.eq(Mux(half, Mux(before.remain > 4, before.remain - 4, 0), before.remain)),
            # from the lane of L3's begin: 6 without a tag, 2 with one
            offset.eq(self.offset + Mux(before.vlan, 2, 6) + Mux(half, 4, 0)),
            after.at.eq(At.NOTHING), after.l4_length.eq(length), after.l4_offset.eq(offset),
            self.payload.eq(Mux(half, Mux(before.index == 2, 0b11, 0b10), 0b11)),
        ]  # fmt: skip
        with m.If(~before.fragment & (protocol == TCP)):
            m.d.comb += [after.at.eq(At.L4), after.tcp.eq(length >= TCP_MIN)]
        with m.If(~before.fragment & (protocol == UDP)):
            m.d.comb += [after.at.eq(At.L4), after.udp_next.eq(half)]
            with m.If(~half):
                self._udp_fields(be16(self.word, 4), be16(self.word, 6), length)

    def _udp_fields(self, field: Value, checksum: Value, length: Value) -> None:
        """UDP's length field and sum field, in the first word of the header or in the second."""
        self.m.d.comb += [
            self.after.udp.eq((field == length) & (length >= UDP_MIN)),
            self.after.udp_sum.eq(checksum != 0),
        ]
