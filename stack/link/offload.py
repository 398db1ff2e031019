"""Checksums on output: computed as late as possible, once, by whoever can (seed 002, sections 8 to 11).

Above, a packet only carries flags that say which sums it wants. Here, where the interface is known, what the card does
not do is done in software and the flag cleared; what it does keeps its flag, with the pseudo-header sum put into the
field where the card relies on it. On the way to this host itself nothing is summed at all: the flags turn into 'good'.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import (
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

_L4_MASK = TCP_CSUM_OUT | UDP_CSUM_OUT | ICMP_CSUM_OUT


@dataclass(frozen=True, slots=True)
class _Field:
    """One protocol's checksum: where in its header, and the quirk of UDP that a computed 0 is sent as 0xFFFF."""

    at: int
    pseudo: bool
    zero: int
    software: Counter
    hardware: Counter


class ChecksumOutput:
    """What one interface needs of the stack. Immutable: a change of capabilities makes a new one."""

    __slots__ = ("_fields", "_pseudo", "_software", "_stats")

    def __init__(self, capabilities: Capabilities, stats: Stats) -> None:
        self._software = capabilities.software()
        self._pseudo = capabilities.tx_l4 is Offload.PSEUDO
        self._stats = stats.ip
        s = stats
        self._fields = {
            TCP_CSUM_OUT: _Field(16, True, 0, s.tcp.tcps_outswcsum, s.tcp.tcps_outhwcsum),
            UDP_CSUM_OUT: _Field(udp.CHECKSUM_AT, True, 0xFFFF, s.udp.udps_outswcsum, s.udp.udps_outhwcsum),
            ICMP_CSUM_OUT: _Field(icmpv4.CHECKSUM_AT, False, 0, s.icmp.icps_outswcsum, s.icmp.icps_outswcsum),
        }

    def in_proto_cksum_out(self, packet: Packet) -> None:
        """`packet` is `[L2, headers, payload...]`, its addresses set, `l4` counted from L3; see the module's text."""
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
        header = packet.segments[1]
        assert isinstance(header, bytearray)
        value = checksum(int.from_bytes(header[: packet.l4], "big"))
        header[ipv4.CHECKSUM_AT : ipv4.CHECKSUM_AT + 2] = value.to_bytes(2, "big")
        packet.flags &= ~IPV4_CSUM_OUT
        self._stats.ips_outswcsum.value += 1

    def _put_l4(self, packet: Packet, field: _Field) -> None:
        """The field holds zero so far."""
        segments, l4 = packet.segments, packet.l4
        header = segments[1]
        assert isinstance(header, bytearray)
        if len(segments) == 3:  # one payload, at an even byte since headers are even: no walk needed
            total = int.from_bytes(header[l4:], "big") + octets_sum(segments[2])
        else:
            total = segments_sum([header[l4:], *segments[2:]])
        if field.pseudo:
            total += pseudo_sum(packet.src, packet.dst, packet.proto, packet.length - l4)
        at = l4 + field.at
        header[at : at + 2] = (checksum(total) or field.zero).to_bytes(2, "big")
        field.software.value += 1

    def _put_pseudo(self, packet: Packet, field: _Field) -> None:
        header = packet.segments[1]
        assert isinstance(header, bytearray)
        total = pseudo_sum(packet.src, packet.dst, packet.proto, packet.length - packet.l4)
        at = packet.l4 + field.at
        header[at : at + 2] = fold(total).to_bytes(2, "big")
        field.hardware.value += 1


def to_this_host(flags: int) -> int:
    """Flags of a packet that never leaves: sums that were wanted are as good as checked."""
    good = 0
    if flags & IPV4_CSUM_OUT:
        good |= IPV4_CSUM_IN_OK
    if flags & _L4_MASK:
        good |= L4_CSUM_IN_OK
    return flags & ~OUT_MASK | good
