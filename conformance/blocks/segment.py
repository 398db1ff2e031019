"""Ready test of `segment` blocks: messages with every MSS, identification, flag, option and rest that goes wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ringbed.conformance.blocks.case import Ask, Case
from ringbed.conformance.blocks.messages import MAKERS, Headers
from ringbed.conformance.frames.kinds import frames_of
from ringbed.conformance.references.checksum import SUM_AT
from ringbed.conformance.references.segmentation import Message, segments
from ringbed.hw.formats.block_setup import Setup

__all__ = ["KINDS", "cases"]

KINDS = tuple(MAKERS)


def cases(kind: str, seed: int, setup: Setup) -> Iterator[Case]:
    """The cases of one of KINDS, every fourth message followed by a plain frame, one in three of them a short one.

    Commands that do not fit are left out, and messages that are too long.
    """
    rng = random.Random(f"segment {kind} {seed}")
    plain = frames_of("jumbo" if kind == "jumbo" else "every protocol", seed)
    for message in MAKERS[kind](Headers(rng, ip_sum=setup.option("sums") != "full")):
        if isinstance(message, bytes):
            yield _left_alone(rng, message, setup)
        elif (case := _cut(message, setup)) is not None:
            yield case
            if rng.randrange(4) == 0:
                short = rng.randbytes(rng.randrange(14, 60))
                yield _left_alone(rng, rng.choice((short, rng.choice(plain), rng.choice(plain))), setup)


def _cut(message: Message, setup: Setup) -> Case | None:
    command = {"mss": message.mss, "header_length": len(message.header), "l3_offset": message.l3, "enable": 1,
               "l4_offset": message.l4, "is_ipv6": int(message.ipv6), "is_udp": int(message.udp),
               "payload_length": len(message.payload)}  # fmt: skip
    too_long = len(message.data) > setup.longest
    if too_long or not setup.fits(command) or (message.udp and "is_udp" not in setup.ports):
        return None
    right = segments(message, str(setup.option("sums")))
    about = f"{'udp' if message.udp else 'tcp'} over ipv{6 if message.ipv6 else 4}, MSS {message.mss}"
    return Case(about, Ask(message.data, command), tuple((each,) for each in right), places=_places(message))


def _places(message: Message) -> dict[str, tuple[int, int]]:
    l3, l4, sum_at = message.l3, message.l4, message.l4 + SUM_AT[message.protocol]
    six = {"the IPv6 payload length": (l3 + 4, l3 + 6)}
    four = {"the IPv4 total length": (l3 + 2, l3 + 4), "the identification": (l3 + 4, l3 + 6),
            "the IPv4 header's sum": (l3 + 10, l3 + 12)}  # fmt: skip
    udp = {"the UDP length": (l4 + 4, l4 + 6)}
    tcp = {"the sequence number": (l4 + 4, l4 + 8), "the byte of TCP flags": (l4 + 13, l4 + 14)}
    return {**(six if message.ipv6 else four), **(udp if message.udp else tcp),
            f"the {'UDP' if message.udp else 'TCP'} sum": (sum_at, sum_at + 2)}  # fmt: skip


def _left_alone(rng: random.Random, frame: bytes, setup: Setup) -> Case:
    limits = {"mss": 2000, "header_length": 200, "l3_offset": 60, "l4_offset": 100, "is_ipv6": 2, "is_udp": 2,
              "payload_length": 2000}  # fmt: skip
    command = {name: rng.randrange(min(limit, 1 << setup.ports.get(name, 16))) for name, limit in limits.items()}
    return Case("not to be cut", Ask(frame, {**command, "enable": 0}), ((frame,),))
