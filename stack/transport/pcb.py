"""Protocol control blocks: what a transport protocol keeps of a socket, imported by the protocol and by the socket.

BSD's inpcb. The protocol binds it, finds it by its service queue, and sends by what stands in it; the socket is one,
and says what becomes of a datagram and of an error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ringbed.stack.ip.demux import Match
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.wire.view import Buffer

Address = tuple[str, int]


class CtlInput(Message):
    """To a socket's queue: an ICMP error of type `kind` and `code`, which stands for `errno`, came about a datagram.

    `peer` is whom the datagram was sent to.
    """

    __slots__ = ("code", "errno", "kind", "peer")

    def __init__(self, errno: int, peer: Address, kind: int, code: int) -> None:
        self.errno = errno
        self.peer = peer
        self.kind = kind
        self.code = code


class Pcb(ABC):
    """`match` is its entry in the L3 demux, None while it is not bound; `queue` is what the entry leads to.

    `local` is what it receives for, an address of ours or a broadcast one, 0 any; `source` what it sends from, 0 the
    best of ours. `peer` is the (address, port) it is connected to, and `output_ifl` the
    interface that its address is of, 0: whatever the route says.
    """

    def __init__(self, queue: ServiceQueue, out_flags: int) -> None:
        self.queue = queue
        self.out_flags = out_flags
        self.local = 0
        self.source = 0
        self.lport = 0
        self.peer: tuple[int, int] | None = None
        self.output_ifl = 0
        self.match: Match | None = None
        self.ttl = 64
        self.tos = 0

    @abstractmethod
    def deliver(self, packet: Packet, payload: Buffer, sport: int) -> bool:
        """A datagram for it, of `payload`, from port `sport`. False when there is no room."""
