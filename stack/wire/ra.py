"""Router solicitations and advertisements (RFC 4861, 4.1 and 4.2), and what follows: prefixes, link addresses."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ringbed.stack.wire.icmpv6 import ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION, Icmpv6
from ringbed.stack.wire.nd import SOURCE_LLADDR, lladdr_of, options
from ringbed.stack.wire.view import Buffer, Truncated

SOLICITATION_LEN, ADVERTISEMENT_LEN = 8, 16
PREFIX = 3
FOREVER = 0xFFFFFFFF  # of a lifetime, in seconds
_ON_LINK, _AUTONOMOUS = 0x80, 0x40
_HEAD = Struct("!BBHII")  # hop limit, flags, router lifetime, reachable time, retransmission: behind type, code and sum
_PREFIX = Struct("!BBBBIII16s")  # type, length, bits, flags, valid, preferred, reserved, prefix


@dataclass(frozen=True, slots=True)
class Prefix:
    """Lifetimes in seconds. `on_link`: its addresses are neighbours; `autonomous`: a host makes itself an address."""

    prefix: int
    bits: int
    valid: int
    preferred: int
    on_link: bool = True
    autonomous: bool = True

    def emit(self) -> bytes:
        flags = _ON_LINK * self.on_link | _AUTONOMOUS * self.autonomous
        octets = self.prefix.to_bytes(16, "big")
        return _PREFIX.pack(PREFIX, 4, self.bits, flags, self.valid, self.preferred, 0, octets)


@dataclass(frozen=True, slots=True)
class RouterAdvertisement:
    """`lifetime` in seconds that it is a default router, 0: it is none. `lladdr` None: it does not say."""

    lifetime: int
    prefixes: tuple[Prefix, ...] = ()
    lladdr: bytes | None = None
    hop_limit: int = 64

    @classmethod
    def parse(cls, data: Buffer) -> RouterAdvertisement:
        """A whole ICMP message. Raises `Truncated`, or ValueError for another one, or options that do not fit."""
        if len(data) < ADVERTISEMENT_LEN:
            raise Truncated(f"a router advertisement needs {ADVERTISEMENT_LEN} bytes, {len(data)} are left")
        if data[0] != ROUTER_ADVERTISEMENT or data[1]:
            raise ValueError(f"ICMPv6 type {data[0]} code {data[1]} is no router advertisement")
        hop_limit, _, lifetime, _, _ = _HEAD.unpack_from(data, 4)
        found = options(data, ADVERTISEMENT_LEN)
        prefixes = tuple(_prefix(option) for kind, option in found if kind == PREFIX and len(option) == 32)
        return cls(lifetime, prefixes, lladdr_of(data, ADVERTISEMENT_LEN, SOURCE_LLADDR), hop_limit)

    def emit(self, src: int, dst: int) -> bytes:
        head = _HEAD.pack(self.hop_limit, 0, self.lifetime, 0, 0)
        body = head[4:] + (b"" if self.lladdr is None else bytes([SOURCE_LLADDR, 1]) + self.lladdr)
        body += b"".join(prefix.emit() for prefix in self.prefixes)
        return Icmpv6(ROUTER_ADVERTISEMENT, 0, int.from_bytes(head[:4], "big"), body).emit(src, dst)


def _prefix(option: Buffer) -> Prefix:
    _, _, bits, flags, valid, preferred, _, octets = _PREFIX.unpack(option)
    prefix = int.from_bytes(octets, "big")
    return Prefix(prefix, bits, valid, preferred, bool(flags & _ON_LINK), bool(flags & _AUTONOMOUS))


def solicitation(lladdr: bytes, src: int, dst: int) -> bytes:
    """`Are there routers?`, from a host that has an address."""
    return Icmpv6(ROUTER_SOLICITATION, 0, 0, bytes([SOURCE_LLADDR, 1]) + lladdr).emit(src, dst)


def check_solicitation(data: Buffer, from_somebody: bool) -> None:
    """Raises ValueError where it is none that may be answered (RFC 4861, 6.1.1)."""
    if len(data) < SOLICITATION_LEN or data[0] != ROUTER_SOLICITATION or data[1]:
        raise ValueError("it is no router solicitation")
    if lladdr_of(data, SOLICITATION_LEN, SOURCE_LLADDR) is not None and not from_somebody:
        raise ValueError("nobody has no link address")
