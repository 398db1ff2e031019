"""A NIC of a few lines: right in all that the suites ask of frames, and wrong where a test plants something."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ringbed.conformance.drivers.packets import Packet, ones, padded
from ringbed.conformance.nic.claims import EM
from ringbed.conformance.nic.target import Arrival, Offer, Received, Setup
from ringbed.conformance.references.segmentation import CWR, Message, segments

SUM_AT = {"tcp": 16, "udp": 6}
Sent = Callable[[Offer, bytes], Sequence[bytes]]  # what leaves instead of a frame
Came = Callable[[Received], Sequence[Received]]


@dataclass
class FakeNic:
    """`on_wire` and `to_host` change what leaves and what is handed on. It filters, counts and moderates nothing."""

    setup: Setup = field(default_factory=Setup)
    on_wire: Sent = lambda offer, frame: (frame,)
    to_host: Came = lambda got: (got,)
    said: list[str] = field(default_factory=list)
    opened: list[Setup] = field(default_factory=list)
    waiting_left: list[bytes] = field(default_factory=list)
    waiting_come: list[Received] = field(default_factory=list)
    time: int = 0

    def __call__(self, setup: Setup) -> FakeNic:
        """A fresh one, as an opener gives it."""
        self.opened.append(setup)
        return FakeNic(setup, self.on_wire, self.to_host, list(self.said), self.opened)

    def send(self, offers: Sequence[Offer]) -> list[bytes]:
        return [padded(out) for offer in offers for frame in _made(offer) for out in self.on_wire(offer, frame)]

    def receive(self, arrivals: Sequence[Arrival]) -> list[Received]:
        return [out for each in arrivals for out in self.to_host(self._received(each))]

    def _received(self, arrival: Arrival) -> Received:
        data = padded(arrival.data)
        expected = EM.oracle(data)
        tag = None
        if "vlan_strip" in self.setup.features and data[12:14] == b"\x81\0":
            tag, data = int.from_bytes(data[14:16], "big"), data[:12] + data[16:]
        return Received(data, expected.verdict, EM.oracle(data).checksum, tag)

    def wrongs(self) -> list[str]:
        taken, self.said = self.said, []
        return taken

    def offer(self, offers: Sequence[Offer]) -> int:
        self.waiting_left += self.send(offers)
        return len(offers)

    def left(self) -> list[bytes]:
        taken, self.waiting_left = self.waiting_left, []
        return taken

    def arrive(self, arrival: Arrival) -> None:
        self.waiting_come += self.receive([arrival])

    def came(self) -> list[Received]:
        taken, self.waiting_come = self.waiting_come, []
        return taken

    def rest(self) -> None:
        pass

    def wait(self, nanoseconds: int) -> None:
        self.time += nanoseconds

    def statistics(self) -> Mapping[str, int]:
        return {}

    def set_features(self, names: frozenset[str]) -> None:
        self.setup = replace(self.setup, features=names)

    def set_rings(self, rx: int, tx: int) -> None:
        self.setup = replace(self.setup, rx_ring=rx, tx_ring=tx)

    def set_filter(
        self, *, promiscuous: bool = False, all_multicast: bool = False, groups: Sequence[bytes] = (),
        vlans: Sequence[int] = (),
    ) -> None:  # fmt: skip
        pass

    def set_moderation(self, **usecs: int) -> None:
        pass

    def interrupts(self) -> int:
        return 0

    def now(self) -> int:
        return self.time

    def close(self) -> None:
        pass


def _made(offer: Offer) -> list[bytes]:
    if offer.cut is not None:
        data, head = offer.data, offer.cut.header
        cut = Message(data[:head], data[head:], offer.cut.mss, offer.l3_at, offer.l4_at, offer.ipv6, offer.l4 == "udp")
        frames = [_with_cwr(offer, frame) for frame in segments(cut, "full")]
    else:
        frames = [_summed(offer)]
    return frames if offer.vlan is None else [each[:12] + b"\x81\0" + offer.vlan.to_bytes(2, "big") + each[12:]
                                              for each in frames]  # fmt: skip


def _with_cwr(offer: Offer, frame: bytes) -> bytes:
    """As `em` has it: where the message has CWR every segment has."""
    l3, l4 = offer.l3_at, offer.l4_at
    if offer.l4 != "tcp" or not offer.data[l4 + 13] & CWR:
        return frame
    made = bytearray(frame)
    made[l4 + 13] |= CWR
    return Packet(bytes(made), l3, l4, offer.ipv6, True).sealed().data


def _summed(offer: Offer) -> bytes:
    frame = bytearray(offer.data)
    if offer.ipv4:
        frame[offer.l3_at + 10 : offer.l3_at + 12] = b"\0\0"
        value = 0xFFFF ^ ones(bytes(frame[offer.l3_at : offer.l4_at]))
        frame[offer.l3_at + 10 : offer.l3_at + 12] = value.to_bytes(2, "big")
    if offer.l4:
        at = offer.l4_at + SUM_AT[offer.l4]
        value = 0xFFFF ^ ones(bytes(frame[offer.l4_at :]))
        frame[at : at + 2] = (value or (0xFFFF if offer.l4 == "udp" else 0)).to_bytes(2, "big")
    return bytes(frame)
