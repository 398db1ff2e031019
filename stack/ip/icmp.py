"""ICMP of either family: answers to echo requests, errors in both directions, and raw sockets for the rest.

Input runs behind one service queue, and so does the limit of errors that are sent: whoever finds something wrong with a
packet, in whatever context, posts it there. Everything but an echo request is offered to the raw sockets; errors also
to the UDP socket whose datagram they quote. Errors go out only for a packet that was not itself an ICMP error, came
from one host to one host, and is whole; and not more than `ERRORS_PER_SECOND`. What messages look like and mean, and
which of them may be answered, is each family's own: icmp4.py, icmp6.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from errno import EHOSTUNREACH
from typing import ClassVar, NamedTuple

from ringbed.stack.ip.demux import Match
from ringbed.stack.ip.protocol import Ip
from ringbed.stack.kern.config import Config, changing
from ringbed.stack.kern.journey import Journey
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import HEADROOM, L4_CSUM_IN_OK, Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.kern.stats import IcmpStats
from ringbed.stack.wire.icmpv4 import HEADER, HEADER_LEN, IcmpView
from ringbed.stack.wire.view import Buffer

ERRORS_PER_SECOND = 100
SECOND = 1_000_000_000


class Quote(NamedTuple):
    """What an error says of the packet that it is about. `word` are the first 4 bytes of its L4."""

    src: int
    dst: int
    proto: int
    word: int


ErrorSink = Callable[[int, Quote, int, int], bool]  # errno, quote, type, code


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


class Icmp(ABC):
    """`raw` are the service queues of raw sockets; `quoted` takes errors by the protocol of the packet they quote.

    A family says: the types of an echo, and of a redirect; the flag that asks for its sum; how long an error may be,
    headers and all; and the errno that an error stands for, by type and code.
    """

    echo_request: ClassVar[int]
    echo_reply: ClassVar[int]
    redirect: ClassVar[int]
    sum_flag: ClassVar[int]
    error_max: ClassVar[int]
    errnos: ClassVar[Mapping[tuple[int, int], int]]

    def __init__(self, ip: Ip, stats: IcmpStats, scheduler: Scheduler, config: Config) -> None:
        self.config = config
        self.ip = ip
        self.stats = stats
        self.scheduler = scheduler
        self.raw: tuple[ServiceQueue, ...] = ()
        self.quoted: dict[int, ErrorSink] = {}
        self._proto = ip.family.icmp
        self._at = HEADROOM + ip.family.header_len
        self.queue = ServiceQueue(stats.title, self._service, scheduler, stats.icps_fullqueue)
        self._limit = RateLimit(self.queue, ERRORS_PER_SECOND)
        ip.icmp_error = self.icmp_error
        ip.demux.add(Match(self._proto), self.queue)

    @changing
    def add_raw(self, queue: ServiceQueue) -> None:
        """A raw socket opens."""
        self.raw = (*self.raw, queue)

    @changing
    def remove_raw(self, queue: ServiceQueue) -> None:
        self.raw = tuple(each for each in self.raw if each is not queue)

    # -- in -------------------------------------------------------------------------------------------------

    def _service(self, message: Message) -> None:
        if isinstance(message, Packet):
            self.icmp_input(message)
        elif isinstance(message, IcmpError):
            self._send_error(message)
        else:
            raise TypeError(f"{self.queue.name} does not know what to do with {message!r}")

    def icmp_input(self, packet: Packet) -> None:
        stats = self.stats
        stats.icps_input.value += 1
        if packet.journey is not None:
            packet.journey.step(f"{stats.title}_input", stats.title)
        data = packet.segments[0][packet.l4 : packet.end]
        if len(data) < HEADER_LEN:
            return packet.drop(stats.icps_tooshort)
        if not packet.flags & L4_CSUM_IN_OK:  # which only a packet of this host has: no card knows ICMP
            stats.icps_inswcsum.value += 1
            if not self._sum_ok(packet, data):
                return packet.drop(stats.icps_badsum)
        stats.count_in(data[0])
        return self._received(packet, data)

    @abstractmethod
    def _sum_ok(self, packet: Packet, data: Buffer) -> bool:
        """By summing the message."""

    def _received(self, packet: Packet, data: Buffer) -> None:
        """A whole message."""
        kind = data[0]
        if kind == self.echo_request:
            return self._echo(packet, data)
        if kind == self.redirect:
            return packet.drop(self.stats.icps_redirect)
        known = False
        if self._is_error(kind):
            quote = self._quote(data)
            if quote is None:
                return packet.drop(self.stats.icps_badlen)
            known = self._notify(data, quote)
        return self._to_raw(packet, known)

    @abstractmethod
    def _is_error(self, kind: int) -> bool:
        """Whether messages of this type are errors, and quote a packet."""

    @abstractmethod
    def _quote(self, data: Buffer) -> Quote | None:
        """What an error quotes; None when it is not enough to know whose it is."""

    @abstractmethod
    def _echo(self, packet: Packet, data: Buffer) -> None:
        """Answer a request, or drop it."""

    def _reply(self, packet: Packet, data: Buffer, to: int, src: int, options: bytes = b"") -> None:
        """To an echo request, with the same data."""
        self.stats.icps_reflect.value += 1
        rest, payload, journey = IcmpView(data).rest, data[HEADER_LEN:], packet.journey
        ifl_index = self._reply_ifl(packet)
        self.output(self.echo_reply, 0, rest, payload, to, src, output_ifl=ifl_index, journey=journey, options=options)

    def _reply_ifl(self, packet: Packet) -> int:
        """The interface an answer must leave by; 0: the one that the route has."""
        return 0

    def _to_raw(self, packet: Packet, known: bool) -> None:
        if self.raw:
            for queue in self.raw:
                queue.post(packet)
        elif not known:
            packet.drop(self.stats.icps_nosocket)

    def _notify(self, data: Buffer, quote: Quote) -> bool:
        """Tell the socket whose packet is quoted. True when there was one."""
        sink = self.quoted.get(quote.proto)
        if sink is None:
            return False
        kind, code = data[0], data[1]
        told = sink(self.errnos.get((kind, code), EHOSTUNREACH), quote, kind, code)
        self.stats.icps_errordelivered.value += told
        return told

    # -- out ------------------------------------------------------------------------------------------------

    def output(
        self, kind: int, code: int, rest: int, payload: Buffer, dst: int, src: int = 0, flags: int = 0, ttl: int = 64,
        output_ifl: int = 0, journey: Journey | None = None, options: bytes = b"",
    ) -> int:  # fmt: skip
        """Send a message, `options` in its IP header; its checksum is only asked for. Returns 0 or an errno."""
        at = self._at + len(options)
        header = bytearray(at + HEADER_LEN)
        HEADER.pack_into(header, at, kind, code, 0, rest)
        packet = Packet([header, payload] if payload else [header], flags | self.sum_flag, 0, journey, HEADROOM)
        packet.output_ifl = output_ifl
        if journey is not None:
            journey.step(f"{self.stats.title}_output")
        error = self.ip.ip_output(packet, dst, src, self._proto, ttl, options=options)
        if not error:
            self.stats.count_out(kind)
        return error

    def icmp_error(self, packet: Packet, kind: int, code: int, rest: int = 0) -> None:
        """Tell the sender of a received packet what is wrong with it, where the family's rules let us.

        The caller still ends the packet: this only has one more sent, by the consumer of ICMP's queue, or counts why
        not.
        """
        stats = self.stats
        stats.icps_error.value += 1
        if self._about_error(packet):
            stats.icps_oldicmp.value += 1
        elif self._not_single(packet, kind, code):
            stats.icps_notsingle.value += 1
        elif not self.queue.post(IcmpError(packet, kind, code, rest)):
            stats.icps_toomany.value += 1

    def _quotable(self, packet: Packet, room: int) -> Buffer:
        """Its first bytes, at most `room`, from the network header on."""
        return packet.octets(packet.l3, min(packet.end, packet.l3 + room))

    @abstractmethod
    def _about_error(self, packet: Packet) -> bool:
        """Whether the packet is an ICMP error, or cannot be told from one: nobody answers those."""

    @abstractmethod
    def _not_single(self, packet: Packet, kind: int, code: int) -> bool:
        """Whether it came from or to more than one host, or is a part that no error of this kind may be about."""

    def _send_error(self, about: IcmpError) -> None:
        if not self._limit.spend(self.scheduler.now):
            self.stats.icps_toofreq.value += 1
            return
        packet, room = about.packet, self.error_max - self.ip.family.header_len - HEADER_LEN
        quote = self._quotable(packet, room)
        src = packet.dst if self.ip.is_local(packet.dst) else 0
        ifl_index = self._reply_ifl(packet)
        self.output(about.kind, about.code, about.rest, quote, packet.src, src, output_ifl=ifl_index)
