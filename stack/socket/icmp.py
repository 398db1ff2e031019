"""A raw ICMP socket: sees every message but echo requests, and sends echo requests; what `ping` needs."""

from __future__ import annotations

from collections.abc import Callable
from errno import EAGAIN, EBADF
from os import strerror
from typing import NamedTuple

from ringbed.stack.ip.icmp import Icmp
from ringbed.stack.kern.journey import Journey
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.packet import MAY_BROADCAST, Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.socket.buffer import SockBuf
from ringbed.stack.wire.icmpv4 import Icmp as IcmpValue


class IcmpMessage(NamedTuple):
    """A message as it came. `ident` and `sequence` mean something in echo replies."""

    type: int
    code: int
    ident: int
    sequence: int
    payload: bytes
    source: str
    ttl: int
    ifl_index: int
    journey: Journey | None = None


class IcmpSocket:
    """Made by `Stack.icmp_socket`."""

    def __init__(self, icmp: Icmp, scheduler: Scheduler) -> None:
        self._icmp = icmp
        self._family = icmp.ip.family
        self._stats = stats = icmp.stats
        self.queue = ServiceQueue("icmp socket", self._input, scheduler, stats.icps_fullqueue)
        self.buffer: SockBuf[IcmpMessage] = SockBuf(self.queue, scheduler, stats.icps_upcallerr)
        self.may_broadcast = False
        icmp.add_raw(self.queue)

    def close(self) -> None:
        self.queue.drain()
        self._icmp.remove_raw(self.queue)

    def set_upcall(self, upcall: Callable[[IcmpSocket], None] | None) -> None:
        """`upcall(self)` runs in process context, within `Stack.run`, when there is something to receive.

        What it raises is counted and goes no further (buffer.py).
        """
        self.buffer.wakeup = None if upcall is None else lambda: upcall(self)

    def _input(self, packet: Message) -> None:
        """By the consumer of the queue: what ICMP gives to raw sockets is packets."""
        assert isinstance(packet, Packet)
        value = IcmpValue.parse(packet.segments[0][: packet.end], packet.l4)
        ttl = packet.segments[0][packet.l3 + self._family.ttl_at]
        ident, sequence = divmod(value.rest, 1 << 16)
        message = IcmpMessage(
            value.type, value.code, ident, sequence, value.payload,
            self._icmp.ip.scoped_text(packet.src, packet.ifl_index), ttl, packet.ifl_index, packet.journey,
        )  # fmt: skip
        if self.buffer.append(message, len(value.payload)):
            self._stats.icps_delivered.value += 1
        else:
            packet.drop(self._stats.icps_fullsock)

    def recv(self) -> IcmpMessage:
        """Raises BlockingIOError when there is none."""
        if not self.buffer:
            self.queue.drain()
            if not self.buffer:
                raise BlockingIOError(EAGAIN, "nothing to receive")
        return self.buffer.popleft()

    def echo_request(
        self, to: str, ident: int, sequence: int, payload: bytes = b"", ttl: int = 64, ifl_index: int = 0,
        journey: Journey | None = None,
    ) -> None:  # fmt: skip
        """One ping; `fe80::1%em0.0` names an interface as `ifl_index` does.

        Raises OSError with what the stack answered, ValueError for numbers beyond 16 bits.
        """
        if not (0 <= ident <= 0xFFFF and 0 <= sequence <= 0xFFFF):
            raise ValueError(f"identifier {ident} or sequence {sequence} is not within 0..65535")
        if self.queue not in self._icmp.raw:
            raise OSError(EBADF, "the socket is closed")
        flags = MAY_BROADCAST if self.may_broadcast else 0
        host, percent, name = to.partition("%")
        ifl_index = self._icmp.ip.scope(name) if percent else ifl_index
        error = self._icmp.output(
            self._icmp.echo_request, 0, ident << 16 | sequence, payload, self._family.parse(host), 0, flags, ttl,
            ifl_index, journey,
        )  # fmt: skip
        if error:
            raise OSError(error, f"ping of {len(payload)} bytes to {to}: {strerror(error)}")
