"""A protocol family: all that routes, demultiplexing, neighbours, interfaces and sockets need to know of a protocol.

An address is a number of `bits` bits, and no code above this file knows how many. So the same tables and the same
protocols serve every family; where two do differ, in a header or in what a message means, there is a class for each
beside the shared one. Adding a family is adding a value here, and those classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringbed.stack.wire.address import ipv4, ipv4_text, ipv6, ipv6_text
from ringbed.stack.wire.ethernet import ETHERTYPE_IPV4, ETHERTYPE_IPV6


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """`title` is what counters and journeys are called by; `header_len` that of a header without options.

    `longest` is the longest packet, header and all; `min_mtu` the least that a link must carry; `icmp` the number of
    its control protocol; `ttl_at` where the header has the hops that are left. `parse` and `text` are of one address.
    """

    name: str
    title: str
    bits: int
    ethertype: int
    header_len: int
    longest: int
    min_mtu: int
    icmp: int
    ttl_at: int
    parse: Callable[[str], int]
    text: Callable[[int], str]

    @property
    def ones(self) -> int:
        """An address of ones only."""
        return (1 << self.bits) - 1

    def mask(self, length: int) -> int:
        """The mask of a prefix of `length` bits."""
        return self.ones >> length ^ self.ones

    def octets(self, address: int) -> bytes:
        """As a header has it."""
        return address.to_bytes(self.bits // 8, "big")

    def prefix(self, text: str) -> tuple[int, int]:
        """`10.0.0.0/8` as address and length; a bare address has all bits. Raises ValueError for anything else."""
        head, slash, tail = text.partition("/")
        if slash and not (tail.isascii() and tail.isdigit() and int(tail) <= self.bits):
            raise ValueError(f"{text!r} does not end in a prefix length of 0 to {self.bits}")
        return self.parse(head), int(tail) if slash else self.bits

    def __repr__(self) -> str:
        return self.name


INET = Family(
    "inet", "ip", 32, ETHERTYPE_IPV4, header_len=20, longest=0xFFFF, min_mtu=68, icmp=1, ttl_at=8,
    parse=ipv4, text=ipv4_text,
)  # fmt: skip
INET6 = Family(
    "inet6", "ip6", 128, ETHERTYPE_IPV6, header_len=40, longest=40 + 0xFFFF, min_mtu=1280, icmp=58, ttl_at=7,
    parse=ipv6, text=ipv6_text,
)  # fmt: skip
FAMILIES = {family.name: family for family in (INET, INET6)}


def family_of(text: str) -> Family:
    """Of an address or a prefix as people write it."""
    return INET6 if ":" in text else INET
