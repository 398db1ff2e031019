"""ICMP over IPv4 (RFC 792, RFC 1122 3.2.2). An echo request is answered from the address it came to."""

from __future__ import annotations

from errno import ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENOPROTOOPT

from ringbed.stack.ip.icmp import Icmp, Quote
from ringbed.stack.kern.packet import BROADCAST, FRAGMENT, ICMP_CSUM_OUT, IPV4_CSUM_OUT, MULTICAST, Packet
from ringbed.stack.kern.stats import Icmp4Stats
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.wire import icmpv4, ipv4, ipv4_options, udp
from ringbed.stack.wire.checksum import checksum, intact, octets_sum
from ringbed.stack.wire.icmpv4 import HEADER_LEN
from ringbed.stack.wire.ipv4 import MIN_LEN, PROTO_ICMP, Ipv4View
from ringbed.stack.wire.view import Buffer


class Icmp4(Icmp):
    echo_request = icmpv4.ECHO_REQUEST
    echo_reply = icmpv4.ECHO_REPLY
    redirect = icmpv4.REDIRECT
    sum_flag = ICMP_CSUM_OUT
    error_max = 576  # RFC 1812 4.3.2.3
    errnos = {
        (icmpv4.UNREACHABLE, 0): ENETUNREACH,
        (icmpv4.UNREACHABLE, 1): EHOSTUNREACH,
        (icmpv4.UNREACHABLE, 2): ECONNREFUSED,
        (icmpv4.UNREACHABLE, 3): ECONNREFUSED,
        (icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_NEEDFRAG): EMSGSIZE,
        (icmpv4.PARAMETER_PROBLEM, 0): ENOPROTOOPT,
    }
    stats: Icmp4Stats

    def _sum_ok(self, packet: Packet, data: Buffer) -> bool:
        return intact(octets_sum(data))

    def _is_error(self, kind: int) -> bool:
        return kind in icmpv4.ERRORS

    def _quote(self, data: Buffer) -> Quote | None:
        """An error must quote a header and 8 bytes more (RFC 792)."""
        if len(data) < HEADER_LEN + MIN_LEN:
            return None
        quote = Ipv4View(data, HEADER_LEN)
        l4 = HEADER_LEN + quote.header_len
        if quote.header_len < MIN_LEN or len(data) < l4 + udp.HEADER_LEN:
            return None
        return Quote(quote.src, quote.dst, quote.proto, int.from_bytes(data[l4 : l4 + 4], "big"))

    def _echo(self, packet: Packet, data: Buffer) -> None:
        """The reply comes from where the request went to."""
        if packet.flags & (BROADCAST | MULTICAST) or not self.ip.is_local(packet.dst):
            return packet.drop(self.stats.icps_bmcastecho)
        if packet.l4 - packet.l3 > MIN_LEN:
            options, to = self._options_back(packet)
            return self._reply(packet, data, to, packet.dst, options)
        return self._reply(packet, data, packet.src, packet.dst)

    def _options_back(self, packet: Packet) -> tuple[bytes, int]:
        """The options of the answer, and where it goes first (RFC 1122 3.2.2.6). IP found those of `packet` good."""
        header = packet.segments[0][packet.l3 : packet.l4]
        time = self.scheduler.now // 1_000_000
        return ipv4_options.answer(header, packet.src, packet.dst, self.ip.is_local, time)

    def _about_error(self, packet: Packet) -> bool:
        if packet.proto != PROTO_ICMP:
            return False
        return packet.end <= packet.l4 or packet.segments[0][packet.l4] in icmpv4.ERRORS

    def _not_single(self, packet: Packet, kind: int, code: int) -> bool:
        """Broadcast by link or by address, a source that is not one host, a fragment other than the first."""
        fragment = Ipv4View(packet.segments[0], packet.l3).fragment if packet.flags & FRAGMENT else 0
        if packet.flags & (BROADCAST | MULTICAST) or fragment & ipv4.OFFSET_MASK:
            return True
        return not self.ip.is_single(packet.dst) or self._is_group(packet.src)

    def _quotable(self, packet: Packet, room: int) -> Buffer:
        """Of one that was on its way to the next link the header's sum was only wanted yet."""
        quote = super()._quotable(packet, room)
        if not packet.flags & IPV4_CSUM_OUT:
            return quote
        summed, size = bytearray(quote), packet.l4 - packet.l3
        at = ipv4.CHECKSUM_AT
        summed[at : at + 2] = b"\0\0"
        summed[at : at + 2] = checksum(octets_sum(summed[:size])).to_bytes(2, "big")
        return summed

    def _is_group(self, src: int) -> bool:
        """A broadcast address, a subnet's all-zeroes, or 0.0.0.0: nobody to answer."""
        return self.ip.table.forwarding(src).nexthop.type in (Rnh.BRECV, Rnh.RECV)
