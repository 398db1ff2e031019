"""ICMP (RFC 792, RFC 1122 3.2.2): answers to echo requests, errors in both directions, and raw sockets for the rest.

Input runs behind one service queue, and so does the limit of errors that are sent: whoever finds something wrong with a
packet, in whatever context, posts it there. An echo request is answered from the address it came to. Everything else is
offered to the raw sockets; errors also to the UDP socket whose datagram they quote. Errors go out only for a packet
that was not itself an ICMP error, came from one host to one host, and is whole; and not more than
`ERRORS_PER_SECOND`.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENOPROTOOPT

from ringbed.stack.ip.demux import Match
from ringbed.stack.ip.ipv4 import Ip
from ringbed.stack.kern.journey import Journey
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import BROADCAST, FRAGMENT, HEADROOM, ICMP_CSUM_OUT, L4_CSUM_IN_OK, MULTICAST, Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.stats import Stats
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.wire import icmpv4, ipv4, ipv4_options, udp
from ringbed.stack.wire.checksum import intact, octets_sum
from ringbed.stack.wire.icmpv4 import HEADER, HEADER_LEN, IcmpView
from ringbed.stack.wire.ipv4 import MIN_LEN, PROTO_ICMP, Ipv4View
from ringbed.stack.wire.view import Buffer

ERRORS_PER_SECOND = 100
SECOND = 1_000_000_000
ERROR_MAX = 576  # bytes of the whole error datagram (RFC 1812 4.3.2.3)
_NEEDFRAG = (icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_NEEDFRAG)
_ERRNO = {
    (icmpv4.UNREACHABLE, 0): ENETUNREACH,
    (icmpv4.UNREACHABLE, 1): EHOSTUNREACH,
    (icmpv4.UNREACHABLE, 2): ECONNREFUSED,
    (icmpv4.UNREACHABLE, 3): ECONNREFUSED,
    _NEEDFRAG: EMSGSIZE,
    (icmpv4.PARAMETER_PROBLEM, 0): ENOPROTOOPT,
}

ErrorSink = Callable[[int, Ipv4View, int, int, int], bool]  # errno, quoted header, first word of L4, type, code


class IcmpError(Message):
    """`packet` is wrong, and its sender shall hear of it: an error of type `kind`, with `rest` in its second word.

    The packet has been ended by who found it out; nobody changes its bytes any more.
    """

    __slots__ = ("code", "kind", "packet", "rest")

    def __init__(self, packet: Packet, kind: int, code: int, rest: int) -> None:
        self.packet = packet
        self.kind = kind
        self.code = code
        self.rest = rest


class RateLimit(Owned):
    """So many in each second of simulated time."""

    def __init__(self, queue: ServiceQueue, per_second: int) -> None:
        self._per_second = per_second
        self._window = 0  # the second that is counted in
        self._sent = 0
        self.queue = queue

    def spend(self, now: int) -> bool:
        """Whether one more may go at `now` ns."""
        second = now // SECOND
        if second != self._window:
            self._window, self._sent = second, 0
        self._sent += 1
        return self._sent <= self._per_second


class Icmp:
    """`raw` are the service queues of raw sockets; `quoted` takes errors by the protocol of the packet they quote."""

    def __init__(self, ip: Ip, stats: Stats, scheduler: Scheduler) -> None:
        self._ip = ip
        self._stats = stats.icmp
        self._scheduler = scheduler
        self.raw: tuple[ServiceQueue, ...] = ()
        self.quoted: dict[int, ErrorSink] = {}
        self.queue = ServiceQueue("icmp", self._service, scheduler, stats.icmp.icps_fullqueue)
        self._limit = RateLimit(self.queue, ERRORS_PER_SECOND)
        ip.icmp_error = self.icmp_error
        ip.demux.add(Match(PROTO_ICMP), self.queue)

    # -- in -------------------------------------------------------------------------------------------------

    def _service(self, message: Message) -> None:
        if isinstance(message, Packet):
            self.icmp_input(message)
        elif isinstance(message, IcmpError):
            self._send_error(message)
        else:
            raise TypeError(f"{self.queue.name} does not know what to do with {message!r}")

    def icmp_input(self, packet: Packet) -> None:
        stats = self._stats
        stats.icps_input.value += 1
        if packet.journey is not None:
            packet.journey.step("icmp_input", "icmp")
        data = packet.segments[0][packet.l4 : packet.end]
        if len(data) < HEADER_LEN:
            return packet.drop(stats.icps_tooshort)
        if not packet.flags & L4_CSUM_IN_OK:  # which only a packet of this host has: no card knows ICMP
            stats.icps_inswcsum.value += 1
            if not intact(octets_sum(data)):
                return packet.drop(stats.icps_badsum)
        kind = data[0]
        stats.count_in(kind)
        if kind == icmpv4.ECHO_REQUEST:
            return self._echo(packet, data)
        if kind == icmpv4.REDIRECT:
            return packet.drop(stats.icps_redirect)
        known = False
        if kind in icmpv4.ERRORS:
            if not self._quotes_enough(data):
                return packet.drop(stats.icps_badlen)
            known = self._notify(data)
        return self._to_raw(packet, known)

    def _echo(self, packet: Packet, data: Buffer) -> None:
        """The reply comes from where the request went to, with the same data."""
        if packet.flags & (BROADCAST | MULTICAST) or not self._ip.is_local(packet.dst):
            return packet.drop(self._stats.icps_bmcastecho)
        self._stats.icps_reflect.value += 1
        rest, options, to = IcmpView(data).rest, b"", packet.src
        if packet.l4 - packet.l3 > MIN_LEN:
            options, to = self._options_back(packet)
        journey = packet.journey
        self.output(icmpv4.ECHO_REPLY, 0, rest, data[HEADER_LEN:], to, packet.dst, journey=journey, options=options)
        return None

    def _options_back(self, packet: Packet) -> tuple[bytes, int]:
        """The options of the answer, and where it goes first (RFC 1122 3.2.2.6). IP found those of `packet` good."""
        header = packet.segments[0][packet.l3 : packet.l4]
        time = self._scheduler.now // 1_000_000
        return ipv4_options.answer(header, packet.src, packet.dst, self._ip.is_local, time)

    def _to_raw(self, packet: Packet, known: bool) -> None:
        if self.raw:
            for queue in self.raw:
                queue.post(packet)
        elif not known:
            packet.drop(self._stats.icps_nosocket)

    @staticmethod
    def _quotes_enough(data: Buffer) -> bool:
        """An error must quote a header and 8 bytes more (RFC 792)."""
        if len(data) < HEADER_LEN + MIN_LEN:
            return False
        header_len = Ipv4View(data, HEADER_LEN).header_len
        return header_len >= MIN_LEN and len(data) >= HEADER_LEN + header_len + udp.HEADER_LEN

    def _notify(self, data: Buffer) -> bool:
        """Tell the socket whose packet is quoted. True when there was one."""
        quote = Ipv4View(data, HEADER_LEN)
        sink = self.quoted.get(quote.proto)
        if sink is None:
            return False
        kind, code = data[0], data[1]
        l4 = HEADER_LEN + quote.header_len
        word = int.from_bytes(data[l4 : l4 + 4], "big")
        told = sink(_ERRNO.get((kind, code), EHOSTUNREACH), quote, word, kind, code)
        self._stats.icps_errordelivered.value += told
        return told

    # -- out ------------------------------------------------------------------------------------------------

    def output(
        self, kind: int, code: int, rest: int, payload: Buffer, dst: int, src: int = 0, flags: int = 0, ttl: int = 64,
        output_ifl: int = 0, journey: Journey | None = None, options: bytes = b"",
    ) -> int:  # fmt: skip
        """Send a message, `options` in its IP header; its checksum is only asked for. Returns 0 or an errno."""
        at = HEADROOM + MIN_LEN + len(options)
        header = bytearray(at + HEADER_LEN)
        HEADER.pack_into(header, at, kind, code, 0, rest)
        packet = Packet([header, payload] if payload else [header], flags | ICMP_CSUM_OUT, 0, journey, HEADROOM)
        packet.output_ifl = output_ifl
        if journey is not None:
            journey.step("icmp_output")
        error = self._ip.ip_output(packet, dst, src, PROTO_ICMP, ttl, options=options)
        if not error:
            self._stats.count_out(kind)
        return error

    def icmp_error(self, packet: Packet, kind: int, code: int, rest: int = 0) -> None:
        """Tell the sender of a received packet what is wrong with it, where RFC 1122 3.2.2 lets us.

        The caller still ends the packet: this only has one more sent, by the consumer of ICMP's queue, or counts why
        not.
        """
        stats = self._stats
        stats.icps_error.value += 1
        data = packet.segments[0]
        if packet.proto == PROTO_ICMP and (packet.end <= packet.l4 or data[packet.l4] in icmpv4.ERRORS):
            stats.icps_oldicmp.value += 1
        elif self._not_single(packet):
            stats.icps_notsingle.value += 1
        elif not self.queue.post(IcmpError(packet, kind, code, rest)):
            stats.icps_toomany.value += 1

    def _send_error(self, about: IcmpError) -> None:
        if not self._limit.spend(self._scheduler.now):
            self._stats.icps_toofreq.value += 1
            return
        packet, room = about.packet, ERROR_MAX - MIN_LEN - HEADER_LEN
        quote = packet.segments[0][packet.l3 : min(packet.end, packet.l3 + room)]
        self.output(about.kind, about.code, about.rest, quote, packet.src, packet.dst)

    def _not_single(self, packet: Packet) -> bool:
        """Broadcast by link or by address, a source that is not one host, a fragment other than the first."""
        fragment = Ipv4View(packet.segments[0], packet.l3).fragment if packet.flags & FRAGMENT else 0
        if packet.flags & (BROADCAST | MULTICAST) or fragment & ipv4.OFFSET_MASK:
            return True
        return not self._ip.is_local(packet.dst) or self._is_group(packet.src)

    def _is_group(self, src: int) -> bool:
        """A broadcast address, a subnet's all-zeroes, or 0.0.0.0: nobody to answer."""
        return self._ip.table.forwarding(src).nexthop.type in (Rnh.BRECV, Rnh.RECV)
