"""A NIC under test that is a card behind its driver, on the testbed's host: any driver with the words of `world.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from ringbed.conformance.nic.places import PlacedMemory
from ringbed.conformance.nic.target import Arrival, Offer, Received, Setup
from ringbed.sim.seam.engine import Event
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.testbed.offer import Features, RingSizes, TxFrame, message, plain, summed
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire

__all__ = ["HostNic", "tx_frame"]

US = 1_000
STEP_NS, PATIENCE_NS = 200 * US, 200_000 * US  # of simulated time: a card that works for so long never rests
LINK_NS = 100_000 * US
BURST = 64  # frames offered at once
WIRE_BYTES = 24_000  # put on the wire at once: what a card's packet buffer holds before the host must have read
TRIES = 3  # offers of which none was taken, with all at rest


def tx_frame(offer: Offer) -> TxFrame:
    """What the driver is given."""
    if offer.cut is not None:
        return message(offer.pieces, offer.l3_at, offer.l4_at, header=offer.cut.header, mss=offer.cut.mss,
                       ipv6=offer.ipv6, vlan=offer.vlan, tcp=offer.l4 == "tcp")  # fmt: skip
    if offer.ipv4 or offer.l4:
        tcp = offer.l4 == "tcp" if offer.l4 else None
        return summed(offer.pieces, offer.l3_at, offer.l4_at, ipv4=offer.ipv4, tcp=tcp, vlan=offer.vlan)
    return plain(*offer.pieces, vlan=offer.vlan)


def apart(offers: Sequence[Offer]) -> int:
    """How many of them, from the first on, have places of which no two share a byte; at least one."""
    taken: list[tuple[int, int]] = []
    for number, offer in enumerate(offers):
        spans = [(place.address, place.address + len(piece) + len(place.behind))
                 for place, piece in zip(offer.places, offer.pieces, strict=bool(offer.places))]  # fmt: skip
        if number and any(a < end and begin < b for a, b in spans for begin, end in taken):
            return number
        taken += spans
    return len(offers)


class HostNic:
    """`host` is not up yet; its memory is a PlacedMemory where cases place pieces. Brings it up, and the link."""

    def __init__(self, host: Host[Collector], setup: Setup) -> None:
        self.host = host
        self._wrongs: list[str] = []
        self.set_features(setup.features)
        host.driver.set_promiscuous(setup.promiscuous)
        host.up()
        end = host.now + LINK_NS
        while not host.upper.link_up and host.now < end:
            host.advance(host.now + STEP_NS)
        if not host.upper.link_up:
            self._wrongs.append(f"the link did not come up within {LINK_NS // 1_000_000} ms")
        self.rest()
        host.upper.take()
        host.engine.wire_out()

    # ---- frames ----

    def send(self, offers: Sequence[Offer]) -> list[bytes]:
        at = refused = 0
        while at < len(offers) and refused < TRIES:
            part = offers[at : at + apart(offers[at : at + BURST])]
            self._place(part)
            taken = self.host.driver.transmit(0, [tx_frame(each) for each in part])
            at += taken
            refused = 0 if taken else refused + 1
            self.rest()
        if at < len(offers):
            self._wrongs.append(f"of {len(offers)} frames it took {at}, and no more with nothing to do")
        return self.left()

    def offer(self, offers: Sequence[Offer]) -> int:
        """Offer once, without waiting: how many were taken."""
        self._place(offers)
        return self.host.driver.transmit(0, [tx_frame(each) for each in offers])

    def _place(self, offers: Sequence[Offer]) -> None:
        memory = self.host.memory
        if isinstance(memory, PlacedMemory):
            memory.forget()
            for each in offers:
                memory.place(each.places or [None] * (len(each.pieces) if any(o.places for o in offers) else 0))

    def left(self) -> list[bytes]:
        """Take what left, without FCS."""
        frames = [frame for _, frame in self.host.engine.wire_out()]
        if bad := sum(not fcs_good(frame) for frame in frames):
            self._wrongs.append(f"{bad} of {len(frames)} frames left with a wrong FCS")
        return [from_wire(frame) for frame in frames]

    def receive(self, arrivals: Sequence[Arrival]) -> list[Received]:
        waiting = 0
        for each in arrivals:
            if waiting and waiting + len(each.data) > WIRE_BYTES:
                self.rest()
                waiting = 0
            self.arrive(each)
            waiting += max(60, len(each.data))
        self.rest()
        return self.came()

    def arrive(self, arrival: Arrival) -> None:
        """Put one on the wire, now."""
        frame = to_wire(arrival.data)
        if arrival.bad_fcs:
            frame = frame[:-1] + bytes([frame[-1] ^ 0x55])
        self.host.engine.wire_in(frame, self.host.engine.now)

    def came(self) -> list[Received]:
        """Take what came to the host."""
        return [Received(bytes(each.data), each.verdict, each.checksum, each.vlan) for each in self.host.upper.take()]

    def rest(self) -> None:
        """Let it work until nothing is left to do."""
        end = self.host.now + PATIENCE_NS
        while not self.host.at_rest:
            if self.host.now >= end:
                self._wrongs.append(f"it was still at work after {PATIENCE_NS // 1_000_000} ms")
                return
            self.host.advance(self.host.now + STEP_NS, Event.IDLE)

    def wait(self, nanoseconds: int) -> None:
        """Let time pass."""
        self.host.advance(self.host.now + nanoseconds)

    def wrongs(self) -> list[str]:
        taken, self._wrongs = [*self._wrongs, *map(str, self.host.findings())], []
        return taken

    # ---- settings, counters, time ----

    def statistics(self) -> Mapping[str, int]:
        return self.host.driver.ethtool.statistics()

    def set_features(self, names: frozenset[str]) -> None:
        self.host.driver.ethtool.set_features(Features(**{each.name: each.name in names for each in fields(Features)}))

    def set_rings(self, rx: int, tx: int) -> None:
        self.host.driver.ethtool.set_rings(RingSizes(rx, tx))

    def set_filter(
        self, *, promiscuous: bool = False, all_multicast: bool = False, groups: Sequence[bytes] = (),
        vlans: Sequence[int] = (),
    ) -> None:  # fmt: skip
        driver = self.host.driver
        driver.set_promiscuous(promiscuous)
        driver.set_all_multicast(all_multicast)
        driver.set_multicast(groups)
        driver.set_vlans(vlans)
        self.rest()

    def set_moderation(self, **usecs: int) -> None:
        ethtool = self.host.driver.ethtool
        zero = {each.name: type(getattr(ethtool.coalesce(), each.name))(0) for each in fields(ethtool.coalesce())}
        ethtool.set_coalesce(replace(ethtool.coalesce(), **{**zero, **usecs}))
        self.rest()

    def interrupts(self) -> int:
        return self.host.interrupts

    def now(self) -> int:
        return self.host.now

    def close(self) -> None:
        self.host.engine.close()
