"""Router discovery on one link (RFC 4861, 6): a host asks and listens, a router answers and speaks by itself.

It lies behind the queue of neighbour discovery, whose messages these are. What a host hears goes to `heard`; what a
router says is `advert`'s, anew each time. A host asks up to three times, until it hears one; a router speaks to all,
at most once in three seconds, however often it is asked.
"""

from __future__ import annotations

from collections.abc import Callable

from ringbed.stack.kern.owned import Owned
from ringbed.stack.kern.packet import Packet
from ringbed.stack.neigh.nd import Nd
from ringbed.stack.neigh.resolver import SECOND
from ringbed.stack.wire import icmpv6, ra
from ringbed.stack.wire.ipv6 import ALL_NODES, ALL_ROUTERS, LINK_LOCAL, group_lladdr, is_link_local

ASK, ASK_EVERY = 3, 4 * SECOND  # MAX_RTR_SOLICITATIONS, RTR_SOLICITATION_INTERVAL
SPEAK_EVERY = 200 * SECOND  # a third of MaxRtrAdvInterval, as MinRtrAdvInterval is
NOT_SOONER = 3 * SECOND  # MIN_DELAY_BETWEEN_RAS

Heard = Callable[[int, ra.RouterAdvertisement], None]  # whose, and what


class RouterDiscovery(Owned):
    """A host's where there is no `advert`, else a router's."""

    def __init__(self, nd: Nd, heard: Heard, advert: Callable[[], ra.RouterAdvertisement] | None = None) -> None:
        self._nd = nd
        self._heard = heard
        self._advert = advert
        self._left = 0
        self._spoke: int | None = None
        self._timer = nd.core.timers.timer(nd.queue, self._due)
        self.queue = nd.queue

    # -- from a process -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """There is an address of ours on the link, from now on."""
        with self.queue:
            self._nd.routers = self._receive
            self._left = ASK
            self._due()

    def stop(self) -> None:
        with self.queue:
            self._nd.routers = None
            self._timer.stop()

    # -- by the consumer ----------------------------------------------------------------------------------------

    def _receive(self, packet: Packet) -> None:
        """Its hop limit was looked at."""
        stats, message = self._nd.stats, packet.segments[0][packet.l4 : packet.end]
        if (message[0] == icmpv6.ROUTER_SOLICITATION) != (self._advert is not None):
            return packet.drop(stats.notourrole)
        try:
            if self._advert is not None:
                ra.check_solicitation(message, bool(packet.src))
                stats.routersolicits_in.value += 1
                return self._speak_soon()
            advert = ra.RouterAdvertisement.parse(message)
        except ValueError:
            return packet.drop(stats.malformed)
        if not is_link_local(packet.src) or not self._nd.local_for(packet.src):
            return packet.drop(stats.badsender)
        stats.routeradverts_in.value += 1
        return self._listen(packet.src, advert)

    def _listen(self, router: int, advert: ra.RouterAdvertisement) -> None:
        self._left = 0
        self._timer.stop()
        if advert.lladdr is not None:
            self._nd.told(router, advert.lladdr)
        self._heard(router, advert)

    def _due(self) -> None:
        """Ask, or speak, and say when again."""
        now = self._nd.core.scheduler.now
        source = self._nd.site.source_address(LINK_LOCAL)
        if not is_link_local(source):
            return
        if self._advert is not None:
            self._spoke = now
            self._nd.stats.routeradverts_out.value += 1
            self._nd.send(self._advert().emit(source, ALL_NODES), source, ALL_NODES, group_lladdr(ALL_NODES))
            self._timer.set(now + SPEAK_EVERY)
        elif self._left:
            self._left -= 1
            self._nd.stats.routersolicits_out.value += 1
            message = ra.solicitation(self._nd.lladdr, source, ALL_ROUTERS)
            self._nd.send(message, source, ALL_ROUTERS, group_lladdr(ALL_ROUTERS))
            self._timer.set(now + ASK_EVERY)

    def _speak_soon(self) -> None:
        now, at = self._nd.core.scheduler.now, self._timer.at
        soonest = now if self._spoke is None else max(now, self._spoke + NOT_SOONER)
        if soonest == now:
            self._due()
        elif at is None or soonest < at:
            self._timer.set(soonest)
