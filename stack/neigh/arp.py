"""ARP (RFC 826, RFC 1122 2.3.2): a codec of resolver.py.

Neighbours are learned from requests for our address, from answers to our own requests, and are created by packets and
routes that need them.
"""

from __future__ import annotations

from ringbed.stack.ip.core import Core
from ringbed.stack.kern.packet import HEADROOM, Packet
from ringbed.stack.neigh.machine import Event, Neighbour
from ringbed.stack.neigh.resolver import SECOND, Resolver, Site, Timing
from ringbed.stack.wire import arp, ethernet
from ringbed.stack.wire.view import Truncated

KEEP = 20 * 60 * SECOND  # how long an answer is good for
REFRESH = 60 * SECOND  # before the end of it, a neighbour in use is asked again
TIMING = Timing(tries=5, probes=5, retry=SECOND, reachable=KEEP - REFRESH, delay=0, keep=0, down=20 * SECOND)
_ANYBODY = bytes(6)


class Arp(Resolver):
    """For one iff of IPv4."""

    title = "arp"

    def __init__(self, site: Site, core: Core) -> None:
        self.stats = core.stats.arp
        super().__init__(site, core, self.stats, TIMING)

    def _receive(self, packet: Packet) -> None:
        try:
            message = arp.Arp.parse(packet.segments[0], packet.l3)
        except (Truncated, ValueError):
            return packet.drop(self.stats.malformed)
        if message.operation == arp.REQUEST:
            self.stats.requests_in.value += 1
        elif message.operation == arp.REPLY:
            self.stats.replies_in.value += 1
        else:
            return packet.drop(self.stats.malformed)
        if message.sender_hw == self.lladdr or message.sender_hw[0] & 1:
            return packet.drop(self.stats.badsender)
        if self.is_local(message.sender):
            return packet.drop(self.stats.duplicate)
        return self._learn_and_answer(packet, message)

    def _learn_and_answer(self, packet: Packet, message: arp.Arp) -> None:
        """RFC 826's reception: merge first, then, if the target is us, learn and answer.

        What nobody asked for is not believed: only a request makes a neighbour.
        """
        probe = message.sender == 0  # RFC 5227: somebody asks before using an address
        if not probe and not self.local_for(message.sender):
            return packet.drop(self.stats.badsender)
        known = self.neighbours.get(message.sender)
        to_us = self.is_local(message.target)
        if known is None and not to_us:
            return packet.drop(self.stats.nottarget)
        if known is None and message.operation == arp.REPLY:
            return packet.drop(self.stats.unasked)
        if not probe and (neighbour := self.learn(message.sender)) is not None:
            self.event(neighbour, Event.ANSWER, message.sender_hw)
        if to_us and message.operation == arp.REQUEST:
            self.stats.replies_out.value += 1
            self._send(arp.Arp(arp.REPLY, self.lladdr, message.target, message.sender_hw, message.sender))
        else:
            self.stats.updates.value += 1
        return None

    def _request(self, neighbour: Neighbour, lladdr: bytes | None) -> None:
        self.stats.requests_out.value += 1
        request = arp.Arp(arp.REQUEST, self.lladdr, neighbour.local, lladdr or _ANYBODY, neighbour.address)
        self._send(request, lladdr or ethernet.BROADCAST)

    def _send(self, message: arp.Arp, to: bytes | None = None) -> None:
        header = self.link.carrier.header(to or message.target_hw, ethernet.ETHERTYPE_ARP)
        packet = Packet([bytearray(HEADROOM) + message.emit()], start=HEADROOM)
        self.link.ether_output(packet, header)
