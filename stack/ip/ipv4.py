"""IPv4 input, delivery and output (RFC 791, RFC 1122 section 3). Input is stateless: packet and counters, nothing else.

`ip_input` checks the header, finds the route and hands the packet to its next hop, which decides what 'for us' means;
`ip_deliver` is where next hops bring what is for this host. `ip_output` writes the header of what this host sends and
hands it to a next hop in the same way. Checksums: see link/offload.py for the way out; on the way in a card's 'bad' is
a drop, 'good' is believed, and what was not checked is checked here.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EHOSTUNREACH, EMSGSIZE
from itertools import count
from typing import Protocol

from ringbed.stack.ip.demux import L3Demux
from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import (
    DONTROUTE,
    FRAGMENT,
    IPV4_CSUM_IN_BAD,
    IPV4_CSUM_IN_OK,
    IPV4_CSUM_OUT,
    Packet,
)
from ringbed.stack.kern.stats import Stats
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.route.table import KEY_BITS, Route, RouteTable, Rtt
from ringbed.stack.wire import icmpv4, ipv4, ipv4_options
from ringbed.stack.wire.ipv4 import HEADER, MIN_LEN
from ringbed.stack.wire.ipv4_options import BadOption

_NEIGHBOURS = frozenset({Rtt.IF, Rtt.IFDEST})
_IN_VERDICT = IPV4_CSUM_IN_OK | IPV4_CSUM_IN_BAD
TTL = 64

IcmpError = Callable[[Packet, int, int, int], None]  # packet, type, code, second word of the header


class Tabled(Protocol):
    """What input needs of the iff a packet came by: the table of its routing instance."""

    @property
    def table(self) -> RouteTable: ...


class Ip:
    """IPv4 in one routing instance.

    `permanent` makes the permanent routes of a table; they need this object, and it needs the table.
    """

    def __init__(self, stats: Stats, permanent: Callable[[Ip], list[Route]]) -> None:
        self._stats = stats.ip
        self.demux = L3Demux()
        self.table = RouteTable(permanent(self))
        self.icmp_error: IcmpError | None = None  # ICMP puts itself here
        self._ident = count(1).__next__  # one step that nothing comes between: senders in every context need one

    # -- in -------------------------------------------------------------------------------------------------

    def ip_input(self, packet: Packet, iff: Tabled) -> None:
        """From the L2 demux. Goes on to a next hop or is dropped."""
        stats = self._stats
        stats.ips_total.value += 1
        if packet.journey is not None:
            packet.journey.step("ip_input")
        data = packet.segments[0]
        l3 = packet.l3
        size = len(data) - l3
        if size < MIN_LEN:
            return packet.drop(stats.ips_tooshort)
        version_ihl, _, total, _, fragment, _, proto, _, src, dst = HEADER.unpack_from(data, l3)
        header_len = (version_ihl & 15) << 2
        if bad := self._bad_header(packet, version_ihl, header_len, total, size):
            return packet.drop(bad)
        lookup = iff.table.lookup  # source and destination in the same table
        if (bad := lookup(src << 32, KEY_BITS)[0].nexthop.bad_source) is not None:
            return packet.drop(bad)
        packet.src = src
        packet.dst = dst
        packet.proto = proto
        packet.l4 = l3 + header_len
        packet.end = l3 + total
        if fragment & (ipv4.MF | ipv4.OFFSET_MASK):
            packet.flags |= FRAGMENT
        if header_len > MIN_LEN and not self._options(packet):
            return None
        lookup(dst << 32 | src, KEY_BITS)[0].nexthop.output(packet, False)
        return None

    def _bad_header(self, packet: Packet, version_ihl: int, header_len: int, total: int, size: int) -> Counter | None:
        """The cause for which a header is no good, or None. The sum comes first of what the sum protects."""
        stats = self._stats
        if version_ihl >> 4 != 4:
            return stats.ips_badvers
        if not MIN_LEN <= header_len <= size:
            return stats.ips_badhlen
        verdict = packet.flags & _IN_VERDICT
        if not verdict:
            stats.ips_inswcsum.value += 1
            l3 = packet.l3
            if int.from_bytes(packet.segments[0][l3 : l3 + header_len], "big") % 65535:
                return stats.ips_badsum
        else:
            stats.ips_inhwcsum.value += 1
            if verdict & IPV4_CSUM_IN_BAD:
                return stats.ips_badsum
        if total < header_len:
            return stats.ips_badlen
        if total > size:
            return stats.ips_toosmall
        return None

    def _options(self, packet: Packet) -> bool:
        """RFC 1122 3.2.1.8: step over what we need not understand; an unfinished source route is not for a host."""
        try:
            found = list(ipv4_options.options(packet.segments[0][packet.l3 : packet.l4]))
        except BadOption as bad:
            self._error(packet, icmpv4.PARAMETER_PROBLEM, 0, bad.at << 24)
            packet.drop(self._stats.ips_badoptions)
            return False
        if any(option.kind in ipv4_options.SOURCE_ROUTES and not option.full for option in found):
            packet.drop(self._stats.ips_cantforward)
            return False
        return True

    def ip_deliver(self, packet: Packet) -> None:
        """For this host: find who wants it, and queue it there."""
        stats = self._stats
        if packet.flags & FRAGMENT:
            stats.ips_fragments.value += 1
            return packet.drop(stats.ips_fragdropped)
        l4 = packet.l4
        word = packet.segments[0][l4 : min(l4 + 4, packet.end)]
        first = int.from_bytes(word, "big") << 8 * (4 - len(word))
        queue = self.demux.lookup(packet.dst, packet.src, packet.proto, first)
        if queue is None:
            self._error(packet, icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_PROTOCOL, 0)
            return packet.drop(stats.ips_noproto)
        stats.ips_delivered.value += 1
        if packet.journey is not None:
            packet.journey.step("ip_deliver", queue.name)
        queue.post(packet)
        return None

    def _error(self, packet: Packet, kind: int, code: int, rest: int) -> None:
        if self.icmp_error is not None:
            self.icmp_error(packet, kind, code, rest)

    def is_local(self, address: int) -> bool:
        """Whether this host has the address, on whichever interface of the instance."""
        return self.table.forwarding(address).nexthop.type is Rnh.LOCAL

    # -- out ------------------------------------------------------------------------------------------------

    def ip_output(
        self, packet: Packet, dst: int, src: int, proto: int, ttl: int = TTL, tos: int = 0, options: bytes = b""
    ) -> int:
        """Send a packet that has 20 bytes and `options` of room for IP's header at `l3`. `src` 0: the best local one.

        Returns 0, or the errno that the sender should see; the packet is counted either way.
        """
        total = packet.length
        if total > 0xFFFF:
            packet.drop(self._stats.ips_toolong)
            return EMSGSIZE
        if packet.output_ifl or packet.flags & DONTROUTE:
            route = self._route(packet, dst, src)
            if route is None:
                packet.drop(self._stats.ips_noroute)
                return EHOSTUNREACH
        else:
            route = self.table.forwarding(dst, src)
        nexthop = route.nexthop
        if not src:
            src = nexthop.source(packet)
        packet.src = src
        packet.dst = dst
        packet.proto = proto
        l3 = packet.l3
        header_len = MIN_LEN + len(options)
        packet.l4 = l3 + header_len
        packet.flags |= IPV4_CSUM_OUT
        ident = self._ident() & 0xFFFF
        header = packet.segments[0]
        assert isinstance(header, bytearray)
        HEADER.pack_into(header, l3, 0x40 + header_len // 4, tos, total, ident, 0, ttl, proto, 0, src, dst)
        if options:
            header[l3 + MIN_LEN : packet.l4] = options
        if packet.journey is not None:
            packet.journey.step("ip_output")
        error = nexthop.output(packet, True)
        if not error:
            self._stats.ips_localout.value += 1
        return error

    def _route(self, packet: Packet, dst: int, src: int) -> Route | None:
        """Where the sender named an interface, or wants a neighbour only."""
        ifl_index = packet.output_ifl
        if packet.flags & DONTROUTE:
            return self.table.route(dst, src, lambda r: r.type in _NEIGHBOURS and ifl_index in (0, r.ifl_index))
        best = self.table.forwarding(dst, src)
        if ifl_index and best.nexthop.ifl_index not in (0, ifl_index) and best.nexthop.type is not Rnh.LOCAL:
            return self.table.route(dst, src, lambda r: r.nexthop.ifl_index == ifl_index) or best
        return best
