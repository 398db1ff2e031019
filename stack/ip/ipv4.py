"""IPv4 (RFC 791, RFC 1122 section 3): its header, read and written. Input is stateless: packet and counters only.

`ip_input` checks the header, finds the route and hands the packet to its next hop, which decides what 'for us' means.
Checksums: see link/offload.py for the way out; on the way in a card's 'bad' is a drop, 'good' is believed, and what was
not checked is checked here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from ringbed.stack.ip.fragment import pieces4
from ringbed.stack.ip.protocol import Ip, Tabled
from ringbed.stack.ip.reassembly import Part
from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import DONTFRAG, FRAGMENT, IPV4_CSUM_IN_BAD, IPV4_CSUM_IN_OK, IPV4_CSUM_OUT, Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.stats import Ip4Stats, Stats
from ringbed.stack.kern.timers import Timers
from ringbed.stack.route.group import Broadcaster, BroadcastRecv
from ringbed.stack.route.nexthop import Discard, NextHop, Recv, Reject
from ringbed.stack.route.table import Route, Rtt, prefix
from ringbed.stack.wire import icmpv4, ipv4, ipv4_options
from ringbed.stack.wire.checksum import checksum, octets_sum
from ringbed.stack.wire.family import INET
from ringbed.stack.wire.ipv4 import HEADER, MIN_LEN
from ringbed.stack.wire.ipv4_options import BadOption

_KEY_BITS = 2 * INET.bits
_IN_VERDICT = IPV4_CSUM_IN_OK | IPV4_CSUM_IN_BAD
_EVERYBODY = 0xFFFFFFFF
_CLASS_D = 0xE0000000
_CLASS_E = 0xF0000000
_LOOPBACK = 0x7F000000
_THIS_LINK = 0xA9FE  # 169.254/16, of which no address is seen on another link (RFC 3927, 7)


class Ip4(Ip):
    """IPv4 in one routing instance."""

    family = INET
    port_unreachable = icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_PORT
    no_route = icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_NET
    no_host = icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_HOST
    too_big = icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_NEEDFRAG
    time_exceeded = icmpv4.TIME_EXCEEDED, icmpv4.IN_TRANSIT
    not_in_time = icmpv4.TIME_EXCEEDED, icmpv4.IN_REASSEMBLY
    stats: Ip4Stats

    def __init__(self, stats: Stats, scheduler: Scheduler, timers: Timers) -> None:
        super().__init__(stats.ip, stats, scheduler, timers)
        self._ident = count(1).__next__  # one step that nothing comes between: senders in every context need one

    def _permanent(self) -> list[Route]:
        """224/4 discards: there is no multicast yet, and every such packet is counted.

        127/8 is of this host alone (RFC 1122 3.2.1.3), which is not on the wire; until there is lo0 it leads nowhere.
        From all but 0.0.0.0 no packet comes that is anybody's.
        """
        stats, bad = self.stats, self.stats.ips_badaddr
        return [
            Route(prefix(INET, 0, 0), Rtt.PERM, Reject(stats, forwarder=self)),
            Route(prefix(INET, 0), Rtt.PERM, Recv(stats, self)),
            Route(prefix(INET, _LOOPBACK, 8), Rtt.PERM, Reject(stats, bad, bad_source=bad)),
            Route(prefix(INET, _CLASS_D, 4), Rtt.PERM, Discard(stats, stats.ips_notmember, bad_source=bad)),
            Route(prefix(INET, _CLASS_E, 4), Rtt.PERM, Discard(stats, bad_source=bad)),
            Route(prefix(INET, _EVERYBODY), Rtt.PERM, BroadcastRecv(stats, self, self.outgoing)),
        ]

    # -- in -------------------------------------------------------------------------------------------------

    def ip_input(self, packet: Packet, iff: Tabled) -> None:
        """From the L2 demux. Goes on to a next hop or is dropped."""
        stats = self.stats
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
        lookup = iff.table.tree.lookup  # source and destination in the same table
        if (bad := lookup(src << 32, _KEY_BITS)[0].nexthop.bad_source) is not None:
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
        lookup(dst << 32 | src, _KEY_BITS)[0].nexthop.output(packet, False)
        return None

    def _bad_header(self, packet: Packet, version_ihl: int, header_len: int, total: int, size: int) -> Counter | None:
        """The cause for which a header is no good, or None. The sum comes first of what the sum protects."""
        stats = self.stats
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
            self.error(packet, icmpv4.PARAMETER_PROBLEM, 0, bad.at << 24)
            packet.drop(self.stats.ips_badoptions)
            return False
        if any(option.kind in ipv4_options.SOURCE_ROUTES and not option.full for option in found):
            packet.drop(self.stats.ips_cantforward)
            return False
        return True

    def _unwanted(self, packet: Packet) -> None:
        self.error(packet, icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_PROTOCOL)
        packet.drop(self.stats.ips_noproto)

    # -- in pieces ------------------------------------------------------------------------------------------

    def part(self, packet: Packet) -> Part | None:
        l3, l4 = packet.l3, packet.l4
        header, data = bytes(packet.octets(l3, l4)), bytes(packet.octets(l4, packet.end))
        field, more = int.from_bytes(header[6:8], "big"), bool(header[6] << 8 & ipv4.MF)
        at = (field & ipv4.OFFSET_MASK) * 8
        if not data or (more and len(data) % 8) or l4 - l3 + at + len(data) > INET.longest:
            packet.drop(self.stats.ips_badfrags)
            return None
        ident = int.from_bytes(header[4:6], "big")
        return Part((packet.src, packet.dst, packet.proto, ident), at, data, more, header)

    def whole(self, first: Part, data: bytes) -> Packet | None:
        length = len(first.header) + len(data)
        if length > INET.longest:
            return None
        header = bytearray(first.header)
        header[2:4] = length.to_bytes(2, "big")
        header[6:8] = header[ipv4.CHECKSUM_AT : ipv4.CHECKSUM_AT + 2] = b"\0\0"
        header[ipv4.CHECKSUM_AT : ipv4.CHECKSUM_AT + 2] = checksum(octets_sum(header)).to_bytes(2, "big")
        packet = Packet([bytes(header) + data])
        packet.proto, packet.l4, packet.end = header[9], len(header), length
        return packet

    # -- on -------------------------------------------------------------------------------------------------

    def _out_of_scope(self, packet: Packet, nexthop: NextHop) -> Counter | None:
        if packet.src and packet.src >> 16 != _THIS_LINK and packet.dst >> 16 != _THIS_LINK:
            return None
        return self.stats.ips_badaddr

    def _may_cut(self, packet: Packet) -> bool:
        return not packet.segments[0][packet.l3 + 6] << 8 & ipv4.DF

    def _one_hop_less(self, packet: Packet, nexthop: NextHop) -> None:
        l3, l4 = packet.l3, packet.l4
        header = packet.writable(l4)
        header[l3 + INET.ttl_at] -= 1
        if l4 - l3 > MIN_LEN:
            ours, time = nexthop.local, self.scheduler.now // 1_000_000
            header[l3:l4] = ipv4_options.passed_on(header[l3:l4], ours, self.is_local, time)
        header[l3 + ipv4.CHECKSUM_AT : l3 + ipv4.CHECKSUM_AT + 2] = b"\0\0"
        packet.flags |= IPV4_CSUM_OUT

    def _may_redirect(self, packet: Packet, gateway: int, iff: Broadcaster) -> bool:
        """Both are on one subnet (RFC 1812, 5.2.7.2)."""
        ours = iff.local_for(packet.src)
        return bool(ours) and ours == iff.local_for(gateway)

    def _redirect(self, packet: Packet, gateway: int) -> None:
        self.error(packet, icmpv4.REDIRECT, icmpv4.REDIRECT_HOST, gateway)

    # -- out ------------------------------------------------------------------------------------------------

    def _pieces(self, packet: Packet, mtu: int) -> Iterator[Packet]:
        return pieces4(packet, mtu, self.sums)

    def _put_header(self, packet: Packet, ttl: int, tos: int, options: bytes) -> None:
        l3 = packet.l3
        header_len = MIN_LEN + len(options)
        packet.l4 = l3 + header_len
        packet.flags |= IPV4_CSUM_OUT
        header, ident = packet.segments[0], self._ident() & 0xFFFF
        assert isinstance(header, bytearray)
        whole = ipv4.DF if packet.flags & DONTFRAG else 0
        HEADER.pack_into(
            header, l3, 0x40 + header_len // 4, tos, packet.length, ident, whole, ttl, packet.proto, 0, packet.src,
            packet.dst,
        )  # fmt: skip
        if options:
            header[l3 + MIN_LEN : packet.l4] = options
