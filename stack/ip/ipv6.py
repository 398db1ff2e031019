"""IPv6 (RFC 8200): its header, read and written, and the headers behind it. Input is stateless.

`ip_input` checks the header and what every node on the way must look at, hop-by-hop options; whom the packet is for is
the next hop's to say. What only its destination may look at is walked through where it is delivered. There is no sum
to check: what protects the addresses is the pseudo-header's part in the sums above.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from ringbed.stack.ip.fragment import pieces6
from ringbed.stack.ip.protocol import Ip, Tabled
from ringbed.stack.ip.reassembly import Part
from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import FRAGMENT, MULTICAST, Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.stats import Ip6Stats, Stats
from ringbed.stack.kern.timers import Timers
from ringbed.stack.route.group import Broadcaster, Multicast
from ringbed.stack.route.nexthop import Discard, NextHop, Reject
from ringbed.stack.route.table import Route, Rtt, prefix
from ringbed.stack.wire import icmpv6
from ringbed.stack.wire.family import INET6
from ringbed.stack.wire.ipv6 import ALL_NODES, GROUPS, HEADER, HEADER_LEN, LOOPBACK, MAPPED, is_link_local
from ringbed.stack.wire.ipv6_headers import (
    ERRONEOUS,
    EXTENSIONS,
    HOP_BY_HOP,
    INCOMPLETE_CHAIN,
    NO_NEXT,
    UNKNOWN_HEADER,
    BadHeader,
    Tell,
    Upper,
    chain_is_whole,
    fragment_at,
    upper,
)

_KEY_BITS = 2 * INET6.bits
_LENGTH_AT, _NEXT_AT = 4, 6  # in the header


class Ip6(Ip):
    """IPv6 in one routing instance."""

    family = INET6
    port_unreachable = icmpv6.UNREACHABLE, icmpv6.UNREACHABLE_PORT
    no_route = icmpv6.UNREACHABLE, icmpv6.UNREACHABLE_ROUTE
    no_host = icmpv6.UNREACHABLE, icmpv6.UNREACHABLE_ADDRESS
    too_big = icmpv6.TOO_BIG, 0
    time_exceeded = icmpv6.TIME_EXCEEDED, icmpv6.IN_TRANSIT
    not_in_time = icmpv6.TIME_EXCEEDED, icmpv6.IN_REASSEMBLY
    stats: Ip6Stats

    def __init__(self, stats: Stats, scheduler: Scheduler, timers: Timers) -> None:
        super().__init__(stats.ip6, stats, scheduler, timers)
        self._ident = count(1).__next__  # of what is sent in pieces
        self.discovering: frozenset[int] = frozenset()  # the ifls where messages of routers are no raw socket's alone

    def _permanent(self) -> list[Route]:
        """Addresses of RFC 4291 2.5 and 2.7 that no packet on a wire is to, or from, and the groups.

        :: is nobody's address, but the source of who has none yet; ::1 is of this host alone and leads nowhere until
        there is lo0; an IPv4-mapped one is of a program. ff02::1 is every node, us too.
        """
        stats, bad = self.stats, self.stats.ips_badaddr
        groups = Multicast(stats, self.outgoing)
        return [
            Route(prefix(INET6, 0, 0), Rtt.PERM, Reject(stats, forwarder=self)),
            Route(prefix(INET6, 0), Rtt.PERM, Reject(stats, bad)),
            Route(prefix(INET6, LOOPBACK), Rtt.PERM, Reject(stats, bad, bad_source=bad)),
            Route(prefix(INET6, MAPPED, 96), Rtt.PERM, Discard(stats, bad, bad_source=bad)),
            Route(prefix(INET6, GROUPS, 8), Rtt.PERM, groups),
            Route(prefix(INET6, ALL_NODES), Rtt.PERM, Multicast(stats, self.outgoing, self)),
        ]

    # -- in -------------------------------------------------------------------------------------------------

    def ip_input(self, packet: Packet, iff: Tabled) -> None:
        stats = self.stats
        stats.ips_total.value += 1
        if packet.journey is not None:
            packet.journey.step("ip6_input")
        data = packet.segments[0]
        l3 = packet.l3
        size = len(data) - l3
        if size < HEADER_LEN:
            return packet.drop(stats.ips_tooshort)
        first, length, proto, _, src_octets, dst_octets = HEADER.unpack_from(data, l3)
        if first >> 28 != 6:
            return packet.drop(stats.ips_badvers)
        if HEADER_LEN + length > size:
            return packet.drop(stats.ips_toosmall)
        src, dst = int.from_bytes(src_octets, "big"), int.from_bytes(dst_octets, "big")
        lookup = iff.table.tree.lookup  # source and destination in the same table
        if (bad := lookup(src << 128, _KEY_BITS)[0].nexthop.bad_source) is not None:
            return packet.drop(bad)
        packet.src = src
        packet.dst = dst
        packet.proto = proto
        packet.l4 = l3 + HEADER_LEN
        packet.end = packet.l4 + length
        if proto == HOP_BY_HOP and not self._walk(packet, only_first=True):
            return None
        lookup(dst << 128 | src, _KEY_BITS)[0].nexthop.output(packet, False)
        return None

    def ip_deliver(self, packet: Packet) -> None:
        if packet.proto in EXTENSIONS and not self._walk(packet):
            return None
        if packet.proto == NO_NEXT and not packet.flags & FRAGMENT:
            return packet.drop(self.stats.ip6s_nonext)
        return super().ip_deliver(packet)

    def _walk(self, packet: Packet, only_first: bool = False) -> bool:
        """Over the headers behind the first, to what is above them, or for hop-by-hop options alone. False: dropped."""
        try:
            above = upper(packet.segments[0][packet.l3 : packet.end], only_first)
        except BadHeader as bad:
            group = packet.flags & MULTICAST
            if bad.tell is Tell.ANY or (bad.tell is Tell.ONE and not group):
                self.error(packet, icmpv6.PARAMETER_PROBLEM, bad.code, bad.at)
            packet.drop(self.stats.ips_badoptions)
            return False
        packet.proto = above.proto
        packet.l4 = packet.l3 + above.at
        if above.fragment:
            packet.flags |= FRAGMENT
        return True

    def above(self, packet: Packet) -> Upper | None:
        """What is above its headers, whatever they ask for; None when nobody can tell."""
        try:
            return upper(packet.segments[0][packet.l3 : packet.end], believe=True)
        except BadHeader:
            return None

    def _unwanted(self, packet: Packet) -> None:
        """RFC 8200, 4: a Parameter Problem that points at what named the protocol."""
        above = self.above(packet)
        if above is not None:  # as it must be: it was delivered
            self.error(packet, icmpv6.PARAMETER_PROBLEM, UNKNOWN_HEADER, above.named_at)
        packet.drop(self.stats.ips_noproto)

    # -- in pieces ------------------------------------------------------------------------------------------

    def part(self, packet: Packet) -> Part | None:
        """RFC 8200, 4.5, with its errors: the key has the interface too, where the addresses mean nothing without."""
        octets = bytes(packet.octets(packet.l3, packet.end))
        named_at, header_at = fragment_at(octets)
        data, field = octets[header_at + 8 :], int.from_bytes(octets[header_at + 2 : header_at + 4], "big")
        at, more = field & 0xFFF8, bool(field & 1)
        ident = int.from_bytes(octets[header_at + 4 : header_at + 8], "big")
        header = octets[:named_at] + octets[header_at : header_at + 1] + octets[named_at + 1 : header_at]
        wrong: tuple[int, int] | None = None
        if not data or (more and len(data) % 8):
            wrong = ERRONEOUS, _LENGTH_AT
        elif header_at + at + len(data) > INET6.longest:
            wrong = ERRONEOUS, header_at + 2
        elif not at and not chain_is_whole(header + data):
            wrong = INCOMPLETE_CHAIN, 0
        if wrong is not None:
            self.error(packet, icmpv6.PARAMETER_PROBLEM, *wrong)
            packet.drop(self.stats.ips_badfrags)
            return None
        link = packet.ifl_index if is_link_local(packet.src) or is_link_local(packet.dst) else 0
        return Part((packet.src, packet.dst, ident, link), at, data, more, header)

    def whole(self, first: Part, data: bytes) -> Packet | None:
        octets = bytearray(first.header + data)
        if len(octets) > INET6.longest:
            return None
        octets[_LENGTH_AT : _LENGTH_AT + 2] = (len(octets) - HEADER_LEN).to_bytes(2, "big")
        packet = Packet([bytes(octets)])
        packet.proto, packet.l4, packet.end = octets[_NEXT_AT], HEADER_LEN, len(octets)
        return packet

    # -- on -------------------------------------------------------------------------------------------------

    def _out_of_scope(self, packet: Packet, nexthop: NextHop) -> Counter | None:
        """RFC 4291, 2.5.2 and 2.5.6; RFC 4007, 9."""
        if not packet.src:
            return self.stats.ips_badaddr
        if is_link_local(packet.dst):
            return self.stats.ip6s_badscope
        if is_link_local(packet.src) and nexthop.ifl_index != packet.ifl_index:
            self.error(packet, icmpv6.UNREACHABLE, icmpv6.UNREACHABLE_SCOPE)
            return self.stats.ip6s_badscope
        return None

    def _may_cut(self, packet: Packet) -> bool:
        """Nobody but its sender may (RFC 8200, 5)."""
        return False

    def _one_hop_less(self, packet: Packet, nexthop: NextHop) -> None:
        header = packet.writable(packet.l3 + HEADER_LEN)
        header[packet.l3 + INET6.ttl_at] -= 1

    def _may_redirect(self, packet: Packet, gateway: int, iff: Broadcaster) -> bool:
        """Another router is known by its link-local address, or not at all (RFC 4861, 8.2)."""
        return bool(iff.local_for(packet.src)) and (gateway == packet.dst or is_link_local(gateway))

    def _redirect(self, packet: Packet, gateway: int) -> None:
        self.error(packet, icmpv6.REDIRECT, 0, gateway)

    # -- out ------------------------------------------------------------------------------------------------

    def _pieces(self, packet: Packet, mtu: int) -> Iterator[Packet]:
        return pieces6(packet, mtu, self._ident() & 0xFFFFFFFF, self.sums)

    def _put_header(self, packet: Packet, ttl: int, tos: int, options: bytes) -> None:
        """`tos` is the traffic class. Options would be headers of their own: nothing here sends any."""
        l3 = packet.l3
        packet.l4 = l3 + HEADER_LEN
        header = packet.segments[0]
        assert isinstance(header, bytearray)
        assert not options
        length = packet.length - HEADER_LEN
        source, destination = packet.src.to_bytes(16, "big"), packet.dst.to_bytes(16, "big")
        HEADER.pack_into(header, l3, 6 << 28 | tos << 20, length, packet.proto, ttl, source, destination)
