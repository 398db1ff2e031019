"""Counters of ARP and of neighbour discovery: what both count has one name, since the same code counts it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ringbed.stack.kern.counters import Group


class NeighbourStats(Group, ABC):
    """What finding neighbours comes to, whatever the protocol it is done with; `what` is its name in these lines."""

    def __init__(self, title: str, what: str) -> None:
        super().__init__(title)
        self.received = self.counter(f"{what} packet{{s}} received")
        self._messages()
        self.learned = self.counter("neighbour{s} learned")
        self.notlearned = self.counter("neighbour{s} not learned: the table is full")
        self.evicted = self.counter(f"{what} entries that made room for another")
        self.expired = self.counter(f"{what} entries timed out")
        self.unanswered = self.counter("neighbour{s} that did not answer")
        self.malformed = self.drop(f"malformed {what} packet{{s}}")
        self.badsender = self.drop(f"{what} packet{{s}} with an impossible sender")
        self.nottarget = self.drop(f"{what} packet{{s}} for another host")
        self.tablefull = self.drop(f"packet{{s}} dropped: the {what} table is full")
        self.fullqueue = self.drop(f"packet{{s}} dropped due to full {what} queue")
        self.holdfull = self.drop("packet{s} dropped: too many held for one neighbour")
        self.unresolved = self.drop("packet{s} dropped: neighbour did not answer")
        self.down = self.drop("packet{s} dropped: neighbour is down")

    @abstractmethod
    def _messages(self) -> None:
        """Counters of the protocol's own messages."""


class ArpStats(NeighbourStats):
    def __init__(self) -> None:
        super().__init__("arp", "ARP")

    def _messages(self) -> None:
        self.requests_in = self.counter("ARP request{s} received")
        self.replies_in = self.counter("ARP replies received")
        self.requests_out = self.counter("ARP request{s} sent")
        self.replies_out = self.counter("ARP replies sent")
        self.updates = self.counter("ARP packet{s} that only told of a known neighbour")
        self.duplicate = self.drop("duplicate IP addresses seen")
        self.unasked = self.drop("ARP replies that nobody asked for")


class NdStats(NeighbourStats):
    def __init__(self) -> None:
        super().__init__("nd", "ND")

    def _messages(self) -> None:
        self.solicits_in = self.counter("neighbour solicitation{s} received")
        self.adverts_in = self.counter("neighbour advertisement{s} received")
        self.solicits_out = self.counter("neighbour solicitation{s} sent")
        self.adverts_out = self.counter("neighbour advertisement{s} sent")
        self.updates = self.counter("ND packet{s} that only told of a known neighbour")
        self.dadprobes = self.counter("address{s} tried before use")
        self.dadfailed = self.drop("duplicate IP addresses seen")
        self.hoplimit = self.drop("ND packet{s} that have come through a router")
        self.unasked = self.drop("neighbour advertisement{s} of nobody known")
        self.fragmented = self.drop("ND packet{s} that came in fragments")
        self.routersolicits_in = self.counter("router solicitation{s} received")
        self.routeradverts_in = self.counter("router advertisement{s} received")
        self.routersolicits_out = self.counter("router solicitation{s} sent")
        self.routeradverts_out = self.counter("router advertisement{s} sent")
        self.notourrole = self.drop("message{s} of router discovery for another role")
