"""UDP (RFC 768, RFC 1122 4.1): input in worker context, output in the caller's, and who is bound to what."""

from __future__ import annotations

from errno import EADDRINUSE, EADDRNOTAVAIL, EHOSTUNREACH, EMSGSIZE

from ringbed.stack.ip.core import Core
from ringbed.stack.ip.demux import Match
from ringbed.stack.ip.icmp import Quote
from ringbed.stack.ip.protocol import Ip
from ringbed.stack.kern.config import changing
from ringbed.stack.kern.journey import Journey
from ringbed.stack.kern.message import Message
from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import HEADROOM, L4_CSUM_IN_BAD, L4_CSUM_IN_OK, Packet
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.transport.pcb import CtlInput, Pcb
from ringbed.stack.wire.checksum import octets_sum, pseudo_sum
from ringbed.stack.wire.family import INET6
from ringbed.stack.wire.udp import HEADER, HEADER_LEN, PROTO_UDP
from ringbed.stack.wire.view import Buffer

EPHEMERAL = range(49152, 65536)
_VERDICT = L4_CSUM_IN_OK | L4_CSUM_IN_BAD


def binding(local: int, lport: int, peer: int = 0, fport: int = 0) -> Match:
    """What the L3 demux matches for a socket; 0 is any, of an address, and of the peer as a whole."""
    if fport:
        return Match(PROTO_UDP, local or None, peer or None, fport << 16 | lport, 0xFFFFFFFF)
    return Match(PROTO_UDP, local or None, None, lport, 0xFFFF)


class Udp(Owned):
    """Over one family in one routing instance. Who is bound to what is configuration."""

    def __init__(self, ip: Ip, core: Core) -> None:
        self.ip = ip
        self.family = ip.family
        self.stats = core.stats.udp
        self.scheduler = core.scheduler
        self._sum_needed = ip.family is INET6  # which has no other (RFC 8200, 8.1)
        self.max_payload = ip.family.longest - ip.family.header_len - HEADER_LEN
        self._at = HEADROOM + ip.family.header_len
        self._room = self._at + HEADER_LEN
        self._owners: dict[ServiceQueue, Pcb] = {}
        self._ports: dict[int, int] = {}  # local port -> how many sockets have it
        self._next = EPHEMERAL.start
        catch_all = ServiceQueue("udp", self._nobody, core.scheduler, self.stats.udps_fullqueue)
        ip.demux.add(Match(PROTO_UDP), catch_all)
        self.queue = self.config = core.config

    # -- in -------------------------------------------------------------------------------------------------

    def _nobody(self, message: Message) -> None:
        assert isinstance(message, Packet)  # nothing but the L3 demux leads here
        self.udp_input(message, None)

    def udp_input(self, packet: Packet, socket: Pcb | None) -> None:
        """A datagram that the L3 demux gave to `socket`, or to nobody."""
        stats = self.stats
        stats.udps_ipackets.value += 1
        if packet.journey is not None:
            packet.journey.step("udp_input")
        data, l4 = packet.segments[0], packet.l4
        size = packet.end - l4
        if size < HEADER_LEN:
            return packet.drop(stats.udps_hdrops)
        sport, _, length, sum_field = HEADER.unpack_from(data, l4)
        if not HEADER_LEN <= length <= size:
            return packet.drop(stats.udps_badlen)
        end = l4 + length
        if not sum_field and self._sum_needed and packet.ifl_index:
            return packet.drop(stats.udps_nosum6)
        if not self._sum_ok(packet, data[l4:end], sum_field):
            return packet.drop(stats.udps_badsum)
        if socket is None:
            return self._no_port(packet)
        payload = data[l4 + HEADER_LEN : end]
        if not socket.deliver(packet, payload, sport):
            return packet.drop(stats.udps_fullsock)
        stats.udps_delivered.value += 1
        return None

    def _sum_ok(self, packet: Packet, datagram: Buffer, sum_field: int) -> bool:
        """By the card's verdict if it has one, else by summing; a field of 0 says that the sender made no sum."""
        verdict = packet.flags & _VERDICT
        if verdict and not packet.ifl_index:  # it never left this host, and nobody summed it
            return True
        if not sum_field:
            self.stats.udps_nosum.value += 1
            return True
        if verdict:
            self.stats.udps_inhwcsum.value += 1
            return not verdict & L4_CSUM_IN_BAD
        self.stats.udps_inswcsum.value += 1
        total = octets_sum(datagram) + pseudo_sum(packet.src, packet.dst, PROTO_UDP, len(datagram))
        return total % 65535 == 0  # never nothing but zeros: the pseudo-header is in it

    def _no_port(self, packet: Packet) -> None:
        if not self.is_local(packet.dst):
            return packet.drop(self.stats.udps_noportbcast)
        self.ip.error(packet, *self.ip.port_unreachable)
        return packet.drop(self.stats.udps_noport)

    def udp_ctlinput(self, errno: int, quote: Quote, kind: int, code: int) -> bool:
        """An ICMP error quotes a datagram of ours: tell the socket that an answer to it would have reached."""
        sport, dport = quote.word >> 16, quote.word & 0xFFFF
        queue = self.ip.demux.lookup(quote.src, quote.dst, PROTO_UDP, dport << 16 | sport)
        socket = None if queue is None else self._owners.get(queue)
        if socket is None:
            return False
        return bool(socket.queue.post(CtlInput(errno, (self.family.text(quote.dst), dport), kind, code)))

    # -- out ------------------------------------------------------------------------------------------------

    def udp_output(
        self,
        socket: Pcb,
        payload: bytes,
        to: tuple[int, int],
        src: int,
        output_ifl: int = 0,
        journey: Journey | None = None,
    ) -> int:
        """Send one datagram; `src` 0: the best local address. Returns 0 or an errno.

        The checksum is only asked for, not made: the field stays 0, which is also how 'none' is said.
        """
        dst, dport = to
        length = HEADER_LEN + len(payload)
        if len(payload) > self.max_payload:
            return EMSGSIZE
        header = bytearray(self._room)
        HEADER.pack_into(header, self._at, socket.lport, dport, length, 0)
        packet = Packet([header, payload] if payload else [header], socket.out_flags, 0, journey, HEADROOM)
        packet.output_ifl = output_ifl
        if journey is not None:
            journey.step("udp_output")
        error = self.ip.ip_output(packet, dst, src, PROTO_UDP, socket.ttl, socket.tos)
        if not error:
            self.stats.udps_opackets.value += 1
        return error

    # -- bindings -------------------------------------------------------------------------------------------

    @changing
    def bind(self, socket: Pcb, local: int, lport: int) -> None:
        """Raises OSError: EADDRNOTAVAIL for an address that is not ours, EADDRINUSE for a binding that is taken."""
        if local and not self._receives(local):
            raise OSError(EADDRNOTAVAIL, f"{self.family.text(local)} is not an address of this host")
        lport = lport or self._ephemeral()
        self._rebind(socket, binding(local, lport))
        socket.local, socket.lport = local, lport
        socket.source = local if self.is_local(local) else 0  # nobody may send from a broadcast address

    @changing
    def connect(self, socket: Pcb, peer: int, fport: int) -> None:
        """Take only what `peer` sends, from our address that the route to it chooses. Raises OSError."""
        local = socket.source or self._source_for(peer, socket.output_ifl)
        if not local:
            raise OSError(EHOSTUNREACH, f"no route to {self.family.text(peer)}")
        lport = socket.lport or self._ephemeral()
        self._rebind(socket, binding(local, lport, peer, fport))
        socket.local = socket.source = local
        socket.lport, socket.peer = lport, (peer, fport)

    def _source_for(self, peer: int, output_ifl: int) -> int:
        nexthop = self.ip.route_by(peer, output_ifl).nexthop
        return nexthop.source(peer, output_ifl) if nexthop.local else 0

    @property
    def bound(self) -> int:
        """How many sockets are."""
        return len(self._owners)

    @changing
    def unbind(self, socket: Pcb) -> None:
        if socket.match is not None:
            self.ip.demux.remove(socket.match)
            self._release(socket.match)
            del self._owners[socket.queue]
            socket.match = None

    def _rebind(self, socket: Pcb, match: Match) -> None:
        if match in self.ip.demux:
            raise OSError(EADDRINUSE, f"another socket has {self.ip.demux.text(match)}")
        self.ip.demux.add(match, socket.queue)  # before the old one goes: nothing falls between
        self.unbind(socket)
        socket.match = match
        self._owners[socket.queue] = socket
        port = match.word & 0xFFFF
        self._ports[port] = self._ports.get(port, 0) + 1

    def _release(self, match: Match) -> None:
        port = match.word & 0xFFFF
        self._ports[port] -= 1
        if not self._ports[port]:
            del self._ports[port]

    def is_local(self, address: int) -> bool:
        """Whether the address is ours to send from."""
        return self.ip.is_local(address)

    def _receives(self, address: int) -> bool:
        return self.ip.table.forwarding(address).nexthop.type in (Rnh.LOCAL, Rnh.BRECV)

    def _ephemeral(self) -> int:
        """The next free port of the dynamic range, one after the other, so that a run can be repeated."""
        for _ in EPHEMERAL:
            port, self._next = self._next, EPHEMERAL.start + (self._next + 1 - EPHEMERAL.start) % len(EPHEMERAL)
            if port not in self._ports:
                return port
        raise OSError(EADDRNOTAVAIL, f"all {len(EPHEMERAL)} ephemeral ports are taken")
