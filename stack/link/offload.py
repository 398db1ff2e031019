"""Checksums on output: computed as late as possible, once, by whoever can (seed 002, sections 8 to 11).

Above, a packet only carries flags that say which sums it wants. Here, where the interface is known, what the card does
not do is done in software and the flag cleared; what it does keeps its flag, with the pseudo-header sum put into the
field where the card relies on it. The packet's offsets say where the fields are, so it may have been built here or
received, and may lie in any number of segments. On the way to this host itself nothing is summed at all: the flags turn
into 'good'.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import (
    ICMP6_CSUM_OUT,
    ICMP_CSUM_OUT,
    IPV4_CSUM_IN_OK,
    IPV4_CSUM_OUT,
    L4_CSUM_IN_OK,
    OUT_MASK,
    TCP_CSUM_OUT,
    UDP_CSUM_OUT,
    Packet,
)
from ringbed.stack.kern.stats import Stats
from ringbed.stack.link.interface import Capabilities, Offload
from ringbed.stack.wire import icmpv4, ipv4, udp
from ringbed.stack.wire.checksum import checksum, fold, octets_sum, pseudo_sum, segments_sum
from ringbed.stack.wire.family import INET, Family

_L4_MASK = TCP_CSUM_OUT | UDP_CSUM_OUT | ICMP_CSUM_OUT | ICMP6_CSUM_OUT


@dataclass(frozen=True, slots=True)
class _Field:
    """One protocol's checksum: where in its header, and the quirk of UDP that a computed 0 is sent as 0xFFFF."""

    at: int
    pseudo: bool
    zero: int
    software: Counter
    hardware: Counter


class ChecksumOutput:
    """What one family of an interface needs of the stack. Immutable: a change of capabilities makes a new one."""

    __slots__ = ("_fields", "_pseudo", "_software", "_stats")

    def __init__(self, capabilities: Capabilities, stats: Stats, family: Family = INET) -> None:
        l4 = capabilities.l4(family)
        self._software = capabilities.software(family)
        self._pseudo = l4 is Offload.PSEUDO
        self._stats = stats.ip
        s = stats
        self._fields = {
            TCP_CSUM_OUT: _Field(16, True, 0, s.tcp.tcps_outswcsum, s.tcp.tcps_outhwcsum),
            UDP_CSUM_OUT: _Field(udp.CHECKSUM_AT, True, 0xFFFF, s.udp.udps_outswcsum, s.udp.udps_outhwcsum),
            ICMP_CSUM_OUT: _Field(icmpv4.CHECKSUM_AT, False, 0, s.icmp.icps_outswcsum, s.icmp.icps_outswcsum),
            ICMP6_CSUM_OUT: _Field(icmpv4.CHECKSUM_AT, True, 0, s.icmp6.icps_outswcsum, s.icmp6.icps_outswcsum),
        }

    def in_proto_cksum_out(self, packet: Packet) -> None:
        """`packet` has its addresses and offsets set, and ends where its datagram does; see the module's text."""
        flags = packet.flags
        if l4 := flags & _L4_MASK:
            field = self._fields[l4]
            if not l4 & self._software:
                field.hardware.value += 1
            elif self._pseudo and field.pseudo:
                self._put_pseudo(packet, field)
            else:
                self._put_l4(packet, field)
                packet.flags &= ~l4
        if flags & IPV4_CSUM_OUT:
            if flags & IPV4_CSUM_OUT & self._software:
                self._put_ipv4(packet)
            else:
                self._stats.ips_outhwcsum.value += 1

    def _put_ipv4(self, packet: Packet) -> None:
        l3, l4 = packet.l3, packet.l4
        at = l3 + ipv4.CHECKSUM_AT
        header = packet.segments[0]
        if type(header) is not bytearray or packet.ifl_index or len(header) < l4:
            header = _cleared(packet, at, l4)
        header[at : at + 2] = checksum(int.from_bytes(header[l3:l4], "big")).to_bytes(2, "big")
        packet.flags &= ~IPV4_CSUM_OUT
        self._stats.ips_outswcsum.value += 1

    def _put_l4(self, packet: Packet, field: _Field) -> None:
        l4 = packet.l4
        at = l4 + field.at
        segments = packet.segments
        header = segments[0]
        if type(header) is not bytearray or packet.ifl_index or len(header) < at + 2:
            header, segments = _cleared(packet, at, at + 2), packet.segments
        if len(segments) == 2 and not len(header) - l4 & 1:  # one payload at an even byte: no walk needed
            total = int.from_bytes(header[l4:], "big") + octets_sum(segments[1])
        else:
            total = segments_sum([header[l4:], *segments[1:]])
        if field.pseudo:
            total += pseudo_sum(packet.src, packet.dst, packet.proto, packet.start + packet.length - l4)
        header[at : at + 2] = (checksum(total) or field.zero).to_bytes(2, "big")
        field.software.value += 1

    def _put_pseudo(self, packet: Packet, field: _Field) -> None:
        l4 = packet.l4
        at = l4 + field.at
        total = pseudo_sum(packet.src, packet.dst, packet.proto, packet.start + packet.length - l4)
        packet.writable(at + 2)[at : at + 2] = fold(total).to_bytes(2, "big")
        field.hardware.value += 1


def _cleared(packet: Packet, at: int, upto: int) -> bytearray:
    """The headers of what was not built here in one piece, to be changed, with the field at `at` zero.

    In what was received it holds the sum as it was.
    """
    header = packet.writable(upto)
    header[at : at + 2] = b"\0\0"
    return header


def to_this_host(flags: int) -> int:
    """Flags of a packet that never leaves: sums that were wanted are as good as checked."""
    good = 0
    if flags & IPV4_CSUM_OUT:
        good |= IPV4_CSUM_IN_OK
    if flags & _L4_MASK:
        good |= L4_CSUM_IN_OK
    return flags & ~OUT_MASK | good
