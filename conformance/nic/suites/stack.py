"""Header stacks that cases are made of: IPv4 or IPv6 with options, TCP or UDP, tagged or not, built by scapy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ringbed.conformance.frames.made import IPV4, IPV6, Build, ip_options
from ringbed.conformance.frames.stacks import link
from ringbed.conformance.nic.agree import agreed, must_be_right, with_sum
from ringbed.conformance.nic.target import Offer, Place
from ringbed.conformance.references.anatomy import TCP, UDP, dissect
from ringbed.conformance.references.checksum import Place as SumPlace
from ringbed.conformance.references.checksum import pseudo_sum, sum_place, with_seed
from ringbed.conformance.references.rfc import filled

__all__ = ["PLAIN", "Built", "Stack"]


@dataclass(frozen=True, slots=True)
class Built:
    """A frame of a Stack with every sum right; `l4` is where TCP or UDP begins."""

    frame: bytes
    l3: int
    l4: int
    stack: Stack

    @property
    def place(self) -> SumPlace:
        found = sum_place(self.frame, dissect(self.frame, 2048))
        assert found is not None, self.stack
        return found

    def given(self, seed: int | None = None) -> bytes:
        """As a host gives it to a card that makes the sums: 0 in the header's, `seed`, or the pseudo-header's sum, in
        that of TCP or UDP."""
        frame, place = self.frame, self.place
        if not self.stack.ipv6:
            frame = frame[: self.l3 + 10] + b"\0\0" + frame[self.l3 + 12 :]
        parts = dissect(self.frame, 2048)
        return with_seed(frame, place, pseudo_sum(self.frame, parts) if seed is None else seed)

    def offered(
        self, seed: int | None = None, *, ipv4: bool = True, l4: bool = True, cuts: Sequence[int] = (),
        places: Sequence[Place] = (), vlan: int | None = None,
    ) -> Offer:  # fmt: skip
        """Asks for the sum of an IPv4 header, and of TCP or UDP; the field of what is not asked for is right."""
        frame = self.given(seed) if l4 else self.frame
        if not self.stack.ipv6:
            was = self.frame[self.l3 + 10 : self.l3 + 12]
            frame = frame[: self.l3 + 10] + (b"\0\0" if ipv4 else was) + frame[self.l3 + 12 :]
        edges = [0, *cuts, len(frame)]
        pieces = tuple(frame[a:b] for a, b in zip(edges, edges[1:], strict=False) if a < b)
        return Offer(pieces, self.l3, self.l4, ipv4 and not self.stack.ipv6, self.stack.protocol if l4 else "",
                     self.stack.ipv6, vlan, places=tuple(places))  # fmt: skip

    def must_leave(self, what: str, seed: int | None = None) -> bytes:
        """What leaves where both sums were asked for. Raises BrokenSuite."""
        asked = self.given(seed)
        if not self.stack.ipv6:
            asked = filled(asked, self.l3, self.l3 + 10, udp=False, end=self.l4)
            agreed(f"{what}, the header", self.frame[self.l3 : self.l4], asked[self.l3 : self.l4])
        right = with_sum(what, asked, self.place)
        return agreed(what, self.frame, right) if seed is None else right


@dataclass(frozen=True, slots=True)
class Stack:
    """`options`: words behind an IPv4 header, or 8-byte units of a destination options header behind IPv6's."""

    ipv6: bool = False
    tcp: bool = False
    options: int = 0
    tagged: bool = False
    tcp_options: int = 0
    chain: str = ""  # of extension headers, by their first letters; see `_below`

    @property
    def protocol(self) -> str:
        return "tcp" if self.tcp else "udp"

    @property
    def base(self) -> str:
        return self.protocol + ("6" if self.ipv6 else "4")

    @property
    def name(self) -> str:
        """As it stands in ids."""
        more = [f"opt-{self.options}"] * bool(self.options) + [f"chain-{self.chain}"] * bool(self.chain)
        more += [f"tcpopt-{self.tcp_options}"] * bool(self.tcp_options) + ["vlan"] * self.tagged
        return ".".join([self.base, *more])

    @property
    def needs(self) -> tuple[str, ...]:
        return ("tx.l4.ipv6",) if self.ipv6 else ("tx.ipv4", "tx.l4.ipv4")

    @property
    def headers(self) -> int:
        """Bytes before the payload, of a stack without a chain."""
        return 14 + 4 * self.tagged + (40 + 8 * self.options if self.ipv6 else 20 + 4 * self.options) + self.l4_size

    @property
    def l4_size(self) -> int:
        return 20 + 4 * self.tcp_options if self.tcp else 8

    def build(self, rng: Random, data: bytes, **fields: Any) -> Built:
        """With `data` for its payload; `fields` are those of scapy's IP or IPv6."""
        build = Build(rng)
        l4 = build.l4(TCP if self.tcp else UDP, 0, data)
        if self.tcp_options:
            l4.options = build.tcp_options(self.tcp_options)
        return self._linked(rng, bytes(self._below(build, fields) / l4), len(data))

    def zero(self, rng: Random) -> Built:
        """One whose sum of TCP or UDP comes out as 0."""
        build = Build(rng)
        return self._linked(rng, build.zero_sum(self._below(build, {}), TCP if self.tcp else UDP), 42)

    def _linked(self, rng: Random, packet: bytes, size: int) -> Built:
        tag = rng.randrange(1, 1 << 16) if self.tagged else None
        frame = link(IPV6 if self.ipv6 else IPV4, packet, tag)
        must_be_right(self.name, frame)
        return Built(frame, 18 if self.tagged else 14, len(frame) - size - self.l4_size, self)

    def _below(self, build: Build, fields: dict[str, Any]) -> Any:
        if not self.ipv6:
            return build.ip4(**({"options": ip_options(build, self.options)} if self.options else {}), **fields)
        below = build.ip6(**fields)
        if self.options:
            below = below / build.inet6.IPv6ExtHdrDestOpt(options=build.options6(8 * self.options - 2))
        for letter in self.chain:
            below = below / _extension(build, letter)
        return below


def _extension(build: Build, letter: str) -> Any:
    """Hop-by-hop, destination options, or a routing header with nothing left, of 8 to 24 bytes."""
    if letter == "r":
        return build.inet6.IPv6ExtHdrRouting(addresses=[build.address6()], segleft=0)
    kind = build.inet6.IPv6ExtHdrHopByHop if letter == "h" else build.inet6.IPv6ExtHdrDestOpt
    return kind(options=build.options6(8 * build.rng.randrange(1, 4) - 2))


PLAIN = tuple(Stack(ipv6, tcp) for tcp in (False, True) for ipv6 in (False, True))
