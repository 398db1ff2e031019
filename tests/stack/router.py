"""A router to test: a stack with two interfaces, whose neighbours it knows, and frames of either family to give it.

NEAR[family] -- em0, MTU 1500 -- router -- ix0, MTU `mtu` -- FAR[family] -- BEYOND[family], by a route
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.stats import IpStats
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.stack import Stack
from ringbed.stack.wire import arp, icmpv4
from ringbed.stack.wire.address import ipv4, ipv6
from ringbed.stack.wire.checksum import checksum, octets_sum, pseudo_sum
from ringbed.stack.wire.ethernet import Ethernet
from ringbed.stack.wire.icmpv6 import NEIGHBOUR_SOLICITATION, Icmpv6
from ringbed.stack.wire.ipv4 import Ipv4
from ringbed.stack.wire.ipv6 import Ipv6
from ringbed.stack.wire.nd import Neighbour
from tests.stack.host import SECOND, FakeInterface
from tests.stack.naive import checksum as naive_checksum

FAMILIES = ["inet", "inet6"]
MACS = {"em": b"\x02\0\0\0\0\x02", "ix": b"\x02\0\0\0\0\x03"}
NEAR_MAC, FAR_MAC = b"\x02\0\0\0\0\x11", b"\x02\0\0\0\0\x12"
NEAR = {"inet": "10.0.0.1", "inet6": "2001:db8::1"}
OURS_NEAR = {"inet": "10.0.0.2", "inet6": "2001:db8::2"}
OURS_FAR = {"inet": "10.1.0.2", "inet6": "2001:db8:1::2"}
FAR = {"inet": "10.1.0.1", "inet6": "2001:db8:1::1"}
BEYOND = {"inet": "192.0.2.1", "inet6": "2001:db8:7::1"}
NOWHERE = {"inet": "198.51.100.1", "inet6": "2001:db8:8::1"}
LENGTH = {"inet": 24, "inet6": 64}
ETHERTYPE = {"inet": 0x0800, "inet6": 0x86DD}
HEADER = {"inet": 20, "inet6": 40}
HOPS_AT = {"inet": 14 + 8, "inet6": 14 + 7}
NUMBER = {"inet": ipv4, "inet6": ipv6}


def network(address: str) -> str:
    """The /24 or /64 that the address is the first of."""
    return f"{address[:-1]}/64" if ":" in address else f"{address[:-1]}0/24"


class Router:
    """See the module's text. `mtu` and `capabilities` are those of ix0, `families` what its interfaces have."""

    def __init__(
        self, mtu: int = 1500, capabilities: Capabilities | None = None, forwarding: bool = True,
        families: Sequence[str] = FAMILIES,
    ) -> None:  # fmt: skip
        self.stack = Stack("router")
        self.stats = self.stack.stats
        self.below = {name: FakeInterface(mac, capabilities or Capabilities()) for name, mac in MACS.items()}
        self.ifds = {name: self.stack.add_driver(name).add_ifd(below) for name, below in self.below.items()}
        for name, ours in (("em", OURS_NEAR), ("ix", OURS_FAR)):
            ifl = self.ifds[name].add_ifl()
            for family in families:
                iff = ifl.add_iff(family, mtu if name == "ix" else None)
                if isinstance(iff, Inet6):
                    iff.attempts = 0
                    iff.add_ifa(iff.link_local())
                iff.add_ifa(f"{ours[family]}/{LENGTH[family]}")
        for family in families:
            self.stack.set_forwarding(forwarding, family)
            self.meet("em", family, NEAR[family], NEAR_MAC, OURS_NEAR[family])
            self.meet("ix", family, FAR[family], FAR_MAC, OURS_FAR[family])
            self.stack.add_route(network(BEYOND[family]), FAR[family])
        self.taken()

    @classmethod
    def ipv4(cls, mtu: int) -> Router:
        """With an MTU that is too small for IPv6."""
        return cls(mtu, families=["inet"])

    def meet(self, name: str, family: str, who: str, mac: bytes, ours: str) -> None:
        """A neighbour asks for us, and is known by that; over IPv6 we have told him something, too."""
        if family == "inet":
            ask = arp.Arp(arp.REQUEST, mac, ipv4(who), bytes(6), ipv4(ours)).emit()
            self.give(name, Ethernet(b"\xff" * 6, mac, 0x0806).emit() + ask)
        else:
            ask = Neighbour(NEIGHBOUR_SOLICITATION, ipv6(ours), mac).emit(ipv6(who), ipv6(ours))
            header = Ipv6(ipv6(who), ipv6(ours), 58, len(ask), 255).emit()
            self.give(name, Ethernet(MACS[name], mac, 0x86DD).emit() + header + ask)

    def give(self, name: str, *frames: bytes, flags: int = 0) -> None:
        self.ifds[name].ifiqs[0].input([Packet([frame], flags) for frame in frames])
        self.stack.run()

    def taken(self) -> dict[str, list[bytes]]:
        """What was sent since the last time, by interface."""
        sent = {name: below.sent for name, below in self.below.items()}
        for below in self.below.values():
            below.sent = []
        return sent

    def later(self, seconds: float) -> None:
        self.stack.tick(self.stack.now + int(seconds * SECOND))

    def group(self, family: str) -> IpStats:
        """IP's counters of a family."""
        return self.stats.ip if family == "inet" else self.stats.ip6


@dataclass(frozen=True)
class Frame:
    """One packet on em0 by default from NEAR to BEYOND; `emit` gives its frame."""

    family: str
    payload: bytes = b"payload"
    src: str = ""
    dst: str = ""
    hops: int = 64
    proto: int = 200
    field: int = 0  # of IPv4: flags and offset
    mac: bytes = MACS["em"]
    source_mac: bytes = NEAR_MAC
    options: bytes = b""  # of IPv4, a multiple of 4

    def emit(self) -> bytes:
        src, dst = (
            NUMBER[self.family](self.src or NEAR[self.family]),
            NUMBER[self.family](self.dst or BEYOND[self.family]),
        )
        link = Ethernet(self.mac, self.source_mac, ETHERTYPE[self.family]).emit()
        if self.family == "inet6":
            return link + Ipv6(src, dst, self.proto, len(self.payload), self.hops, 3, 5).emit() + self.payload
        length = len(self.options) + len(self.payload)
        plain = Ipv4(src, dst, self.proto, length, self.hops, 3, 77, self.field).emit()
        header = bytearray(plain + self.options)
        header[0] += len(self.options) // 4
        header[10:12] = b"\0\0"
        header[10:12] = naive_checksum(bytes(header)).to_bytes(2, "big")
        return link + bytes(header) + self.payload


def forwarded(frame: bytes, family: str, dst: bytes = FAR_MAC, src: bytes = MACS["ix"]) -> bytes:
    """What a router must send for `frame`: the naive reference. Options are as they were."""
    made = bytearray(dst + src + frame[12:])
    made[HOPS_AT[family]] -= 1
    if family == "inet":
        end = 14 + 4 * (made[14] & 15)
        made[24:26] = b"\0\0"
        made[24:26] = naive_checksum(bytes(made[14:end])).to_bytes(2, "big")
        return bytes(made[: 14 + int.from_bytes(made[16:18], "big")])
    return bytes(made[: 54 + int.from_bytes(made[18:20], "big")])


@dataclass(frozen=True)
class Error:
    """An ICMP error of either family, as it was sent to NEAR or FAR, with good sums."""

    type: int
    code: int
    rest: int
    quote: bytes
    src: int
    dst: int
    hops: int

    @classmethod
    def parse(cls, frame: bytes) -> Error:
        if frame[12:14] == b"\x08\0":
            header, body = Ipv4.parse(frame, 14), frame[34:]
            assert naive_checksum(frame[14:34]) == 0
            assert naive_checksum(body) == 0
            message = icmpv4.Icmp.parse(body)
            return cls(message.type, message.code, message.rest, message.payload, header.src, header.dst, header.ttl)
        six, body = Ipv6.parse(frame, 14), frame[54:]
        assert checksum(octets_sum(body) + pseudo_sum(six.src, six.dst, 58, len(body))) == 0
        told = Icmpv6.parse(body)
        return cls(told.type, told.code, told.rest, told.payload, six.src, six.dst, six.hop_limit)
