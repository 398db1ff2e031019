"""Suite `checksum`, sending: a frame that asks for nothing leaves as it was given, also behind one that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

from ringbed.conformance.frames.made import IPV4, IPV6, PEER, STATION, Build
from ringbed.conformance.frames.stacks import link
from ringbed.conformance.nic.case import Case, Plan
from ringbed.conformance.nic.suites.checksum_tx import whole
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.suites.stack import PLAIN, Stack
from ringbed.conformance.nic.target import Offer
from ringbed.sim.wire.payload import payload

__all__ = ["KINDS", "RULES", "cases", "plain"]

Make = Callable[[Random, int], bytes]
OSPF = "erratum tx-ospf-corrupted-by-csum-engine"
TOUCHES = "erratum tx-engine-touches-nonoffloaded-frames"


def _ip4(protocol: int, rng: Random, size: int) -> bytes:
    build = Build(rng)
    return link(IPV4, bytes(build.ip4(proto=protocol) / build.raw(payload(1, size))))


def _ip6(protocol: int, rng: Random, size: int) -> bytes:
    build = Build(rng)
    return link(IPV6, bytes(build.ip6(nh=protocol) / build.raw(payload(1, size))))


def _ether(ether: int, rng: Random, size: int) -> bytes:
    return link(ether, payload(2, size))


def _summed(stack: Stack, rng: Random, size: int) -> bytes:
    return stack.build(rng, payload(0, size)).frame


def _bad(stack: Stack, layer: int, rng: Random, size: int) -> bytes:
    """A sum that is wrong on purpose: 3 the header's, 4 that of TCP or UDP."""
    built = stack.build(rng, payload(1, size))
    at = built.l3 + 10 if layer == 3 else built.place.offset
    return built.frame[:at] + bytes([built.frame[at] ^ rng.randrange(1, 256)]) + built.frame[at + 1 :]


def _field(stack: Stack, value: int, rng: Random, size: int) -> bytes:
    """0x0000 or 0xFFFF in the field."""
    built = stack.build(rng, payload(1, size))
    at = built.place.offset
    return built.frame[:at] + value.to_bytes(2, "big") + built.frame[at + 2 :]


def _fragment(tcp: bool, offset: int, rng: Random, size: int) -> bytes:
    build = Build(rng)
    head = build.ip4(flags="MF", frag=offset, proto=6 if tcp else 17)
    return link(IPV4, bytes(head / build.raw(payload(2, size))))


def _trailer(rng: Random, size: int) -> bytes:
    """Bytes behind the IP packet that are not zero."""
    return Stack(tcp=True).build(rng, payload(0, size)).frame + bytes(rng.randrange(1, 256) for _ in range(9))


def _bare(rng: Random, size: int) -> bytes:
    """So short that it is hardly a frame: 14 bytes and up."""
    return (PEER + STATION + b"\x88\xb5" + payload(1, size))[: 14 + size]


# what stands in ids; sentence, source, and the frames
KINDS: dict[str, tuple[str, str, Make]] = {
    "ospf": ("OSPF", OSPF, partial(_ip4, 89)),
    "ospf6": ("OSPF over IPv6", OSPF, partial(_ip6, 89)),
    "icmp": ("ICMP", TOUCHES, partial(_ip4, 1)),
    "icmp6": ("ICMPv6", TOUCHES, partial(_ip6, 58)),
    "igmp": ("IGMP", TOUCHES, partial(_ip4, 2)),
    "gre": ("GRE", TOUCHES, partial(_ip4, 47)),
    "esp": ("ESP", TOUCHES, partial(_ip4, 50)),
    "ah": ("AH", TOUCHES, partial(_ip4, 51)),
    "pim": ("PIM", TOUCHES, partial(_ip4, 103)),
    "vrrp": ("VRRP", TOUCHES, partial(_ip4, 112)),
    "sctp": ("SCTP", TOUCHES, partial(_ip4, 132)),
    "udp-lite": ("UDP-Lite", TOUCHES, partial(_ip4, 136)),
    "ip-in-ip": ("IPv4 in IPv4", TOUCHES, partial(_ip4, 4)),
    "arp": ("ARP", TOUCHES, partial(_ether, 0x0806)),
    "lldp": ("LLDP", TOUCHES, partial(_ether, 0x88CC)),
    "llc": ("LLC", "erratum llc-without-snap", partial(_ether, 0x0026)),
    "mpls": ("MPLS", TOUCHES, partial(_ether, 0x8847)),
    "pppoe": ("PPPoE", TOUCHES, partial(_ether, 0x8864)),
    "summed-tcp4": ("TCP that is summed already", TOUCHES, partial(_summed, Stack(tcp=True))),
    "summed-tcp6": ("TCP over IPv6 that is summed already", TOUCHES, partial(_summed, Stack(True, True))),
    "summed-udp4": ("UDP that is summed already", TOUCHES, partial(_summed, Stack())),
    "summed-udp6": ("UDP over IPv6 that is summed already", TOUCHES, partial(_summed, Stack(True))),
    "summed-options": ("TCP behind IPv4 options that is summed already", "erratum tx-ihl-must-be-5-without-csum",
                       partial(_summed, Stack(tcp=True, options=3))),
    "summed-vlan": ("A tagged frame that is summed already", TOUCHES, partial(_summed, Stack(tcp=True, tagged=True))),
    "bad-ip4": ("A header's sum that is wrong on purpose", TOUCHES, partial(_bad, Stack(tcp=True), 3)),
    "bad-tcp4": ("TCP's sum that is wrong on purpose", TOUCHES, partial(_bad, Stack(tcp=True), 4)),
    "bad-tcp6": ("TCP's sum over IPv6 that is wrong on purpose", TOUCHES, partial(_bad, Stack(True, True), 4)),
    "bad-udp4": ("UDP's sum that is wrong on purpose", TOUCHES, partial(_bad, Stack(), 4)),
    "udp4-no-sum": ("UDP's field of 0, which says 'no sum'", "RFC 768", partial(_field, Stack(), 0)),
    "udp6-no-sum": ("UDP's field of 0 over IPv6", "RFC 6935 5", partial(_field, Stack(True), 0)),
    "udp4-ffff": ("UDP's field of 0xFFFF", "RFC 768", partial(_field, Stack(), 0xFFFF)),
    "tcp4-0000": ("TCP's field of 0x0000", TOUCHES, partial(_field, Stack(tcp=True), 0)),
    "fragment-first": ("A first fragment", "erratum tx-autopad-garbles-payload", partial(_fragment, True, 0)),
    "fragment-later": ("A later fragment", "erratum tx-autopad-garbles-payload", partial(_fragment, False, 185)),
    "trailer": ("A trailer behind the packet", "erratum tx-nonzero-trailer-breaks-tunnel-csum", _trailer),
    "bare": ("A frame of 14 bytes and more", "erratum tx-stall-32-bytes", _bare),
}  # fmt: skip
RULES = rules(
    *((f"csum.plain.{slug}", f"{what}, with no sum asked for, leaves as it was given", source)
      for slug, (what, source, _) in KINDS.items()),
    ("csum.plain.behind", "A frame that asks for nothing, behind one that does, leaves as it was given",
     "erratum tx-ospf-corrupted-by-csum-engine"),
)  # fmt: skip
SIZES = (0, 1, 2, 3, 20, 21, 45, 46, 47, 64, 100, 1001)


def cases() -> Iterator[Case]:
    for slug, (_, _, make) in KINDS.items():
        for size in SIZES:
            yield Case(f"csum.plain.{slug}.data-{size}", RULES[f"csum.plain.{slug}"], partial(_alone, make, size))
        for stack in PLAIN:
            yield Case(f"csum.plain.{slug}.behind.{stack.name}", RULES["csum.plain.behind"],
                       partial(_behind, make, stack), needs=stack.needs)  # fmt: skip


def plain(frame: bytes) -> tuple[Offer, tuple[bytes, ...]]:
    """Offered, and what must leave of it."""
    return Offer((frame,)), (frame,)


def _alone(make: Make, size: int, rng: Random) -> Plan:
    offer, right = plain(make(rng, size))
    return Plan((offer,), (right,))


def _behind(make: Make, stack: Stack, rng: Random) -> Plan:
    before = whole(stack.build(rng, payload(2, 60)))
    offers: list[Any] = [*before.offers]
    rights = [*before.leaves]
    for size in (46, 101):
        offer, right = plain(make(rng, size))
        offers.append(offer)
        rights.append(right)
    return Plan(offers, rights)
