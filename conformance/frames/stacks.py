"""Every header stack of TCP and UDP in the ready tests: IPv4 and IPv6, with options or without, tagged or not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from ringbed.conformance.frames.made import IPV4, IPV6, PEER, STATION, Build, ip_options
from ringbed.conformance.references.anatomy import TCP, UDP

__all__ = ["LONGEST_HEADERS", "link", "stacks"]

LONGEST_HEADERS = 2048  # for `dissect`: follow any extension header that fits a frame


def link(ether: int, packet: bytes, tag: int | None = None) -> bytes:
    """A link header in front, 802.1Q in it when `tag` is not None; no pad."""
    vlan = b"" if tag is None else b"\x81\x00" + tag.to_bytes(2, "big")
    return STATION + PEER + vlan + ether.to_bytes(2, "big") + packet


def stacks(rng: random.Random) -> Iterator[tuple[Callable[[bytes], bytes], int]]:
    """Every header stack: a function from the payload to the frame, and the headers' length."""
    build = Build(rng)
    options = {"options": ip_options(build, 4)}
    chain = build.inet6.IPv6ExtHdrHopByHop(options=build.options6(14))
    below = ((IPV4, build.ip4(), 20), (IPV6, build.ip6(), 40), (IPV4, build.ip4(**options), 36),
             (IPV6, build.ip6() / chain, 56))  # fmt: skip
    for ether, ip, size in below:
        for protocol, header in ((TCP, 20), (UDP, 8)):
            for tag in (None, rng.randrange(1 << 16)):
                stack = _stack(ether, ip, build.l4(protocol, 0), tag, build.raw)
                yield stack, 14 + (4 if tag is not None else 0) + size + header


def _stack(ether: int, ip: Any, l4: Any, tag: int | None, raw: Any) -> Callable[[bytes], bytes]:
    return lambda data: link(ether, bytes(ip / l4.copy() / raw(data)), tag)
