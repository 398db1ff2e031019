"""A UDP socket. Addresses are text, as Python's own sockets have them: `("10.0.0.1", 53)`, `("fe80::1%em0.0", 53)`.

A socket is of one family. What follows `%` is the interface that an address of one link only is of.

Calls never block and never run the stack: what is sent leaves when the host next runs (`Stack.run`), and receiving
with nothing there raises BlockingIOError. Control data (`recvmsg`, `sendmsg`) is the destination address and the
ifl_index of a datagram; handed back unchanged with an answer it makes the answer leave from that address by that
interface.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EAGAIN, EBADF, EDESTADDRREQ, EINVAL, EISCONN
from os import strerror
from typing import NamedTuple

from ringbed.stack.kern.journey import Journey
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.packet import DONTFRAG, DONTROUTE, MAY_BROADCAST, UDP_CSUM_OUT, Packet
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.socket.buffer import SockBuf
from ringbed.stack.socket.errors import SocketError, SocketErrors
from ringbed.stack.transport.pcb import Address, CtlInput, Pcb
from ringbed.stack.transport.udp import Udp
from ringbed.stack.wire.family import INET6
from ringbed.stack.wire.view import Buffer


class Control(NamedTuple):
    """Where a datagram was sent to, and by which interface it came (0: from this host)."""

    destination: str
    ifl_index: int


class Received(NamedTuple):
    """What `recvmsg` gives. `journey` is there when the packet carried one."""

    data: bytes
    source: Address
    control: Control
    journey: Journey | None = None


class _Datagram(NamedTuple):
    payload: Buffer
    src: int
    sport: int
    dst: int
    ifl_index: int
    journey: Journey | None


class UdpSocket(Pcb):
    """Made by `Stack.udp_socket`."""

    def __init__(self, udp: Udp) -> None:
        queue = ServiceQueue("udp socket", self._input, udp.scheduler, udp.stats.udps_fullqueue)
        super().__init__(queue, UDP_CSUM_OUT)
        self._udp = udp
        self._text = udp.family.text
        self._scoped = udp.family is INET6  # its addresses may be of one link only
        self.buffer: SockBuf[_Datagram] = SockBuf(queue, udp.scheduler, udp.stats.udps_upcallerr)
        self._errors = SocketErrors(queue)
        self._closed = False

    # -- options --------------------------------------------------------------------------------------------

    def set_checksum(self, on: bool) -> None:
        """Off: send without a checksum, field 0 (RFC 768). Raises OSError over IPv6, which must have one."""
        if not on and self._udp.family is INET6:
            raise OSError(EINVAL, "UDP over IPv6 needs its checksum")
        self._set_flag(UDP_CSUM_OUT, on)

    def set_broadcast(self, on: bool) -> None:
        """SO_BROADCAST: sending to a broadcast address is EACCES without it."""
        self._set_flag(MAY_BROADCAST, on)

    def set_dontroute(self, on: bool) -> None:
        """SO_DONTROUTE: only to neighbours, by routes of type IF and IFDEST."""
        self._set_flag(DONTROUTE, on)

    def set_dontfragment(self, on: bool) -> None:
        """IP_DONTFRAG: what does not fit into one packet is EMSGSIZE, here or by word of a router on the way."""
        self._set_flag(DONTFRAG, on)

    def set_upcall(self, upcall: Callable[[UdpSocket], None] | None) -> None:
        """`upcall(self)` runs in process context, within `Stack.run`, when there is something to receive.

        What it raises is counted and goes no further (buffer.py).
        """
        self.buffer.wakeup = None if upcall is None else lambda: upcall(self)

    def _set_flag(self, flag: int, on: bool) -> None:
        self.out_flags = self.out_flags | flag if on else self.out_flags & ~flag

    # -- bind, connect, close ---------------------------------------------------------------------------------

    def bind(self, address: Address) -> None:
        """`0.0.0.0` is every address of this host, port 0 the next free one. Raises OSError."""
        self._check_open()
        if self.match is not None:
            raise OSError(EINVAL, f"the socket is bound to port {self.lport} already")
        self._udp.bind(self, *self._parse(address))

    def connect(self, address: Address) -> None:
        """Raises OSError."""
        self._check_open()
        peer, fport = self._parse(address)
        if not peer or not fport:
            raise OSError(EINVAL, f"cannot connect to {address}")
        self.output_ifl = self._scope(address)
        self._udp.connect(self, peer, fport)

    def getsockname(self) -> Address:
        return self._text(self.local), self.lport

    def close(self) -> None:
        """What waits unread is gone; it was counted as delivered."""
        self.queue.drain()
        self._udp.unbind(self)
        self._closed = True

    # -- receive ----------------------------------------------------------------------------------------------

    def _input(self, message: Message) -> None:
        if isinstance(message, Packet):
            self._udp.udp_input(message, self)
        elif isinstance(message, CtlInput):
            self._errors.add(message, self.peer is not None)
        else:
            raise TypeError(f"{self.queue.name} does not know what to do with {message!r}")

    def deliver(self, packet: Packet, payload: Buffer, sport: int) -> bool:
        """From `udp_input`: into the buffer. False when it is full."""
        if packet.journey is not None:
            packet.journey.step("sbappend", self.queue.name)
        datagram = _Datagram(payload, packet.src, sport, packet.dst, packet.ifl_index, packet.journey)
        return self.buffer.append(datagram, len(payload))

    @property
    def readable(self) -> bool:
        """Whether receiving would give something."""
        if not self.buffer.items:
            self.queue.drain()
        return bool(self.buffer.items)

    def _receive(self) -> _Datagram:
        self._raise_pending()
        items = self.buffer.items
        if not items:
            self.queue.drain()
            if not items:
                raise BlockingIOError(EAGAIN, "nothing to receive")
        datagram = self.buffer.popleft()
        if datagram.journey is not None:
            datagram.journey.step("soreceive", self.queue.name)
        return datagram

    def recvfrom(self) -> tuple[bytes, Address]:
        """One datagram and who sent it. Raises BlockingIOError when there is none, OSError for a pending error."""
        datagram = self._receive()
        host = self._host(datagram) if self._scoped else self._text(datagram.src)
        return bytes(datagram.payload), (host, datagram.sport)

    def recvmsg(self) -> Received:
        """`recvfrom` with control data."""
        d = self._receive()
        control = Control(self._text(d.dst), d.ifl_index)
        return Received(bytes(d.payload), (self._host(d), d.sport), control, d.journey)

    # -- send -------------------------------------------------------------------------------------------------

    def sendto(self, data: bytes, address: Address) -> int:
        """Bytes sent. Raises OSError with what the stack answered: no route, too big, queue full, ..."""
        if self.peer is not None:
            raise OSError(EISCONN, "the socket is connected")
        return self._send(data, self._parse(address), self.source, self._scope(address) if self._scoped else 0)

    def send(self, data: bytes) -> int:
        """To the connected peer. Raises OSError."""
        if self.peer is None:
            raise OSError(EDESTADDRREQ, "the socket is not connected")
        return self._send(data, self.peer, self.source, self.output_ifl)

    def sendmsg(
        self,
        data: bytes,
        address: Address | None = None,
        control: Control | None = None,
        journey: Journey | None = None,
    ) -> int:
        """`control`: send from this address of ours (not one of ours: the best), by this interface. Raises OSError."""
        to = self.peer if address is None else self._parse(address)
        if to is None:
            raise OSError(EDESTADDRREQ, "the socket is not connected")
        if control is None:
            scope = self.output_ifl if address is None else self._scope(address)
            return self._send(data, to, self.source, scope, journey)
        source = self._udp.family.parse(control.destination)
        if not self._udp.is_local(source):
            source = self.source  # it came to a broadcast address
        return self._send(data, to, source, control.ifl_index, journey)

    def _send(
        self, data: bytes, to: tuple[int, int], source: int, ifl_index: int = 0, journey: Journey | None = None
    ) -> int:
        self._raise_pending()
        if self.match is None:
            self._udp.bind(self, 0, 0)
        error = self._udp.udp_output(self, data, to, source, ifl_index, journey)
        if error:
            raise OSError(error, f"{len(data)} bytes to {self._text(to[0])} port {to[1]}: {strerror(error)}")
        return len(data)

    # -- errors -----------------------------------------------------------------------------------------------

    def recverr(self) -> SocketError | None:
        """The oldest ICMP error not yet seen, of the last few. A connected socket's next call raises it, too."""
        with self.queue:
            return self._errors.oldest()

    def _raise_pending(self) -> None:
        if self._closed or self._errors.pending:
            self._check_open()
            with self.queue:
                error = self._errors.take_pending()
            raise OSError(error, strerror(error))

    def _check_open(self) -> None:
        if self._closed:
            raise OSError(EBADF, "the socket is closed")

    # -- addresses --------------------------------------------------------------------------------------------

    def _parse(self, address: Address) -> tuple[int, int]:
        host, port = address
        if not 0 <= port <= 0xFFFF:
            raise ValueError(f"port {port} is not within 0..65535")
        if self._scoped:
            host = host.partition("%")[0]
        return self._udp.family.parse(host), port

    def _scope(self, address: Address) -> int:
        """The interface it names, or 0. Raises ValueError."""
        _, percent, name = address[0].partition("%")
        return self._udp.ip.scope(name) if percent else 0

    def _host(self, datagram: _Datagram) -> str:
        """Who sent it."""
        if self._scoped:
            return self._udp.ip.scoped_text(datagram.src, datagram.ifl_index)
        return self._text(datagram.src)
