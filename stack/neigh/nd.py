"""Neighbour discovery (RFC 4861, 7; RFC 4862, 5.4): a codec of resolver.py.

Solicitations and advertisements: who is there, and is an address free. Routers and their prefixes are in routers.py,
which such messages lead to where this host wants to hear of them, or is one. Every rule of 7.1 for a message that is to
be believed is a check with a counter, above all the hop limit: what has 255 comes from this link.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from zlib import crc32

from ringbed.stack.ip.core import Core
from ringbed.stack.kern.packet import HEADROOM, REASSEMBLED, Packet
from ringbed.stack.neigh.attempt import Attempt
from ringbed.stack.neigh.machine import KNOWN, Event, Neighbour
from ringbed.stack.neigh.resolver import SECOND, Resolver, Site, Timing
from ringbed.stack.wire import nd
from ringbed.stack.wire.family import INET6
from ringbed.stack.wire.icmpv6 import (
    NEIGHBOUR_ADVERTISEMENT,
    NEIGHBOUR_SOLICITATION,
    ROUTER_ADVERTISEMENT,
    ROUTER_SOLICITATION,
)
from ringbed.stack.wire.ipv6 import ALL_NODES, GROUPS, HEADER_LEN, PROTO_ICMPV6, Ipv6, group_lladdr, solicited_node

TIMING = Timing(  # RFC 4861, 10; what is stale is kept as long as ARP keeps what it knows
    tries=3, probes=3, retry=SECOND, reachable=30 * SECOND, delay=5 * SECOND, keep=20 * 60 * SECOND, down=3 * SECOND
)
OF_ROUTERS = frozenset({ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT})


def timing_of(lladdr: bytes) -> Timing:
    """Reachable for 0.5 to 1.5 times 30 s, so that hosts do not ask in step (6.3.2): each for its own time, by name."""
    spread = crc32(lladdr) % 1000
    return replace(TIMING, reachable=TIMING.reachable * (500 + spread) // 1000)


class Nd(Resolver):
    """For one iff of IPv6. `attempts` are addresses that are tried before they are used."""

    title = "nd"

    def __init__(self, site: Site, core: Core) -> None:
        self.stats = core.stats.nd
        self.attempts: dict[int, Attempt] = {}
        self.routers: Callable[[Packet], None] | None = None  # what takes messages of router discovery
        super().__init__(site, core, self.stats, timing_of(site.link.carrier.lladdr))

    # -- in ---------------------------------------------------------------------------------------------------

    def _receive(self, packet: Packet) -> None:
        """ICMPv6 has found the message whole and its sum right."""
        stats, frame = self.stats, packet.segments[0]
        if frame[packet.l3 + INET6.ttl_at] != nd.HOP_LIMIT:
            return packet.drop(stats.hoplimit)
        if packet.flags & REASSEMBLED:  # RFC 6980
            return packet.drop(stats.fragmented)
        if self.routers is not None and frame[packet.l4] in OF_ROUTERS:
            return self.routers(packet)
        try:
            message = nd.Neighbour.parse(frame[packet.l4 : packet.end])
        except ValueError:
            return packet.drop(stats.malformed)
        if message.target >= GROUPS:
            return packet.drop(stats.malformed)
        ours = frame[6:12] == self.lladdr or message.lladdr == self.lladdr
        if ours or (message.lladdr is not None and message.lladdr[0] & 1):
            return packet.drop(stats.badsender)
        if message.type == NEIGHBOUR_SOLICITATION:
            stats.solicits_in.value += 1
            return self._solicited(packet, message)
        stats.adverts_in.value += 1
        return self._advertised(packet, message)

    def _solicited(self, packet: Packet, message: nd.Neighbour) -> None:
        """RFC 4861, 7.2.3 and 7.2.4; from :: it is somebody who tries an address (RFC 4862, 5.4.3)."""
        probe = not packet.src
        if probe and (message.lladdr is not None or packet.dst != solicited_node(message.target)):
            return packet.drop(self.stats.malformed)
        if probe and message.target in self.attempts:
            return self._taken(packet, message.target)
        if not self.site.ip.local_on(message.target, self.site.ifl_index):
            return packet.drop(self.stats.nottarget)
        if not probe and not self.local_for(packet.src):
            return packet.drop(self.stats.badsender)
        if not probe and message.lladdr is not None:
            self.told(packet.src, message.lladdr)
        return self._answer(packet, message)

    def told(self, address: int, lladdr: bytes) -> None:
        """The sender of a solicitation says what its link address is; of what was known already it is no news."""
        neighbour = self.learn(address)
        if neighbour is not None and (neighbour.header is None or neighbour.header[:6] != lladdr):
            self.event(neighbour, Event.HEARD, lladdr)

    def _answer(self, packet: Packet, message: nd.Neighbour) -> None:
        self.stats.adverts_out.value += 1
        target, flags = message.target, nd.OVERRIDE | (nd.SOLICITED if packet.src else 0)
        flags |= nd.ROUTER if self.site.ip.forwarding else 0
        answer = nd.Neighbour(NEIGHBOUR_ADVERTISEMENT, target, self.lladdr, flags)
        if not packet.src:
            return self._send(answer, target, ALL_NODES, group_lladdr(ALL_NODES))
        neighbour = self.neighbours.get(packet.src)
        lladdr = message.lladdr or (neighbour.header[:6] if neighbour and neighbour.header else None)
        return self._send(answer, target, packet.src, lladdr)

    def _advertised(self, packet: Packet, message: nd.Neighbour) -> None:
        """RFC 4861, 7.2.5, which is the table of machine.py but for what a message may lack."""
        solicited, override = message.flags & nd.SOLICITED, message.flags & nd.OVERRIDE
        if solicited and packet.dst >= GROUPS:
            return packet.drop(self.stats.malformed)
        if message.target in self.attempts:
            return self._taken(packet, message.target)
        if self.is_local(message.target):
            return packet.drop(self.stats.dadfailed)
        neighbour = self.neighbours.get(message.target)
        if neighbour is None:
            return packet.drop(self.stats.unasked)
        known, lladdr = neighbour.header[:6] if neighbour.header else None, message.lladdr
        if known is None and lladdr is None:
            return packet.drop(self.stats.malformed)
        self.stats.updates.value += 1
        other = lladdr is not None and lladdr != known
        if other and neighbour.state in KNOWN and not override:
            return self.event(neighbour, Event.DOUBT)
        if solicited:
            return self.event(neighbour, Event.ANSWER, lladdr or known)
        if other:
            return self.event(neighbour, Event.HEARD, lladdr)
        return None

    # -- out --------------------------------------------------------------------------------------------------

    def _request(self, neighbour: Neighbour, lladdr: bytes | None) -> None:
        self.stats.solicits_out.value += 1
        target = neighbour.address
        message = nd.Neighbour(NEIGHBOUR_SOLICITATION, target, self.lladdr)
        to = target if lladdr else solicited_node(target)
        self._send(message, neighbour.local, to, lladdr or group_lladdr(to))

    def _send(self, message: nd.Neighbour, src: int, dst: int, lladdr: bytes | None) -> None:
        self.send(message.emit(src, dst), src, dst, lladdr)

    def send(self, body: bytes, src: int, dst: int, lladdr: bytes | None) -> None:
        """A finished one. `lladdr` None: to a neighbour who asks and does not say where he is; he is asked first."""
        header = Ipv6(src, dst, PROTO_ICMPV6, len(body), nd.HOP_LIMIT).emit()
        packet = Packet([bytearray(HEADROOM) + header, body], start=HEADROOM)
        packet.src, packet.dst, packet.proto = src, dst, PROTO_ICMPV6
        packet.l4 = HEADROOM + HEADER_LEN
        if lladdr is None:
            self._send_or_hold(packet, dst)
        else:
            self.link.ether_output(packet, self.link.carrier.header(lladdr, INET6.ethertype))

    # -- is an address free? (RFC 4862, 5.4) --------------------------------------------------------------------

    def attempt(self, address: int, times: int, done: Callable[[bool], None]) -> None:
        """Ask `times` for the address, a second each, and say whether it is ours to use. From a process."""
        with self.queue:
            tried = self.attempts[address] = Attempt(address, times, done, self.queue, self.core.timers)
            self._try(tried)

    def abandon(self, address: int) -> None:
        """It is not wanted any more. From a process."""
        with self.queue:
            if (tried := self.attempts.pop(address, None)) is not None:
                tried.timer.stop()

    def _try(self, tried: Attempt) -> None:
        """Ask once more, or be content."""
        if not tried.left:
            del self.attempts[tried.address]
            tried.done(True)
            return
        tried.left -= 1
        tried.timer.set(self.core.scheduler.now + self.timing.retry)
        self.stats.dadprobes.value += 1
        to = solicited_node(tried.address)
        self._send(nd.Neighbour(NEIGHBOUR_SOLICITATION, tried.address), 0, to, group_lladdr(to))

    def _taken(self, packet: Packet, address: int) -> None:
        """Somebody else has it, or tries it as well."""
        packet.drop(self.stats.dadfailed)
        tried = self.attempts.pop(address)
        tried.timer.stop()
        tried.done(False)

    def _due(self, subject: object) -> None:
        if isinstance(subject, Attempt):
            self._try(subject)
        elif callable(subject):
            subject()
        else:
            super()._due(subject)
