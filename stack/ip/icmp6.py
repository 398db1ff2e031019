"""ICMPv6 (RFC 4443): as ICMP, with other numbers, a pseudo-header in its sum, and rules of its own for errors.

It also carries neighbour discovery: what is of that goes on, whole and summed, to the queue of the interface's
resolver. An echo request to a group is answered, from the best address of ours (4.2).
"""

from __future__ import annotations

from errno import EACCES, ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENOPROTOOPT

from ringbed.stack.ip.icmp import Icmp, IcmpError, Quote
from ringbed.stack.ip.ipv6 import Ip6
from ringbed.stack.kern.packet import BROADCAST, ICMP6_CSUM_OUT, MULTICAST, Packet
from ringbed.stack.kern.stats import Icmp6Stats
from ringbed.stack.wire import icmpv6, nd
from ringbed.stack.wire.checksum import octets_sum, pseudo_sum
from ringbed.stack.wire.icmpv4 import HEADER_LEN
from ringbed.stack.wire.icmpv6 import FIRST_INFORMATIONAL, NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION
from ringbed.stack.wire.ipv6 import GROUPS, LINK_LOCAL, PROTO_ICMPV6, Ipv6View, is_link_local
from ringbed.stack.wire.ipv6_headers import UNKNOWN_OPTION, BadHeader, upper
from ringbed.stack.wire.view import Buffer

_DISCOVERY = frozenset({NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT})
_OF_ROUTERS = frozenset({icmpv6.ROUTER_SOLICITATION, icmpv6.ROUTER_ADVERTISEMENT})
_FOR_GROUPS_TOO = frozenset({(icmpv6.TOO_BIG, 0), (icmpv6.PARAMETER_PROBLEM, UNKNOWN_OPTION)})  # RFC 4443, 2.4 (e.3)


class Icmp6(Icmp):
    echo_request = icmpv6.ECHO_REQUEST
    echo_reply = icmpv6.ECHO_REPLY
    redirect = icmpv6.REDIRECT
    sum_flag = ICMP6_CSUM_OUT
    error_max = 1280  # RFC 4443, 2.4 (c): the least MTU there is
    errnos = {
        (icmpv6.UNREACHABLE, 0): ENETUNREACH,
        (icmpv6.UNREACHABLE, 1): EACCES,
        (icmpv6.UNREACHABLE, 3): EHOSTUNREACH,
        (icmpv6.UNREACHABLE, icmpv6.UNREACHABLE_PORT): ECONNREFUSED,
        (icmpv6.TOO_BIG, 0): EMSGSIZE,
        (icmpv6.PARAMETER_PROBLEM, 1): ECONNREFUSED,
        (icmpv6.PARAMETER_PROBLEM, 2): ENOPROTOOPT,
    }
    ip: Ip6
    stats: Icmp6Stats

    def _sum_ok(self, packet: Packet, data: Buffer) -> bool:
        total = octets_sum(data) + pseudo_sum(packet.src, packet.dst, PROTO_ICMPV6, len(data))
        return total % 65535 == 0  # never nothing but zeros: the pseudo-header is in it

    def _received(self, packet: Packet, data: Buffer) -> None:
        if data[0] not in (_DISCOVERY | _OF_ROUTERS if packet.ifl_index in self.ip.discovering else _DISCOVERY):
            return super()._received(packet, data)
        resolver = self.ip.resolvers.get(packet.ifl_index)
        if resolver is None:  # from this host itself, or the family has gone from the interface meanwhile
            return packet.drop(self.stats.icp6s_nolink)
        resolver(packet)
        return None

    def _is_error(self, kind: int) -> bool:
        return kind < FIRST_INFORMATIONAL

    def _quote(self, data: Buffer) -> Quote | None:
        """A header, all that may follow it, and the first 4 bytes of what is above: else it is nobody's."""
        packet = data[HEADER_LEN:]
        if len(packet) < Ipv6View.MIN:
            return None
        try:
            above = upper(packet, believe=True)
        except BadHeader:
            return None
        if above.fragment or len(packet) < above.at + 4:
            return None
        quote = Ipv6View(packet)
        return Quote(quote.src, quote.dst, above.proto, int.from_bytes(packet[above.at : above.at + 4], "big"))

    def _echo(self, packet: Packet, data: Buffer) -> None:
        ours = packet.dst if self.ip.is_local(packet.dst) else 0
        self._reply(packet, data, packet.src, ours)

    def _reply_ifl(self, packet: Packet) -> int:
        """An address of one link only means something nowhere else."""
        return packet.ifl_index if is_link_local(packet.src) else 0

    def _about_error(self, packet: Packet) -> bool:
        """RFC 4443, 2.4 (e.1) and (e.2): behind whatever headers, and a redirect likewise."""
        above = self.ip.above(packet)
        if above is None:
            return True
        at = packet.l3 + above.at
        if above.proto != PROTO_ICMPV6 or packet.end <= at:
            return above.proto == PROTO_ICMPV6
        kind = packet.segments[0][at]
        return kind < FIRST_INFORMATIONAL or kind == icmpv6.REDIRECT

    def _not_single(self, packet: Packet, kind: int, code: int) -> bool:
        """RFC 4443, 2.4 (e.3) to (e.6): to a group, by address or by link, or from nobody."""
        if not packet.src:
            return True
        if packet.dst >= GROUPS or packet.flags & (BROADCAST | MULTICAST):
            return (kind, code) not in _FOR_GROUPS_TOO
        return not self.ip.is_single(packet.dst)

    def _send_error(self, about: IcmpError) -> None:
        if about.kind == icmpv6.REDIRECT:
            self._send_redirect(about)
        else:
            super()._send_error(about)

    def _send_redirect(self, about: IcmpError) -> None:
        """Of neighbour discovery (RFC 4861, 4.5 and 8.2): from our address on the link, to whoever is on it."""
        packet, ip = about.packet, self.ip
        iff = ip.interfaces.get(packet.ifl_index)
        source = iff.source_address(LINK_LOCAL) if iff is not None else 0
        if not is_link_local(source) or not self._limit.spend(self.scheduler.now):
            self.stats.icps_toofreq.value += 1
            return
        found = ip.table.route(about.rest, 0, lambda route: route.ifl_index == packet.ifl_index)
        lladdr = found.nexthop.lladdr if found is not None else None
        whole = packet.octets(packet.l3, packet.end)
        body = nd.redirect(about.rest, packet.dst, lladdr, whole, self.error_max - ip.family.header_len)
        self.output(icmpv6.REDIRECT, 0, 0, body, packet.src, source, 0, nd.HOP_LIMIT, packet.ifl_index)
