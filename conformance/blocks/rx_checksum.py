"""Ready tests of `rx-checksum` blocks: the plain sum, and the verdict, of frames of every kind.

A verdict is compared with the oracle's. Several answers are right for some frames, and a wrong one never is: a block
need not look behind tags, LLC/SNAP or extension headers, nor at TCP whose data offset lies, nor at UDP that is shorter
than IP says, nor behind a routing header with segments left, but then it must say 'not checked'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ringbed.conformance.blocks.case import Ask, Case
from ringbed.conformance.frames.carried import without_tags
from ringbed.conformance.frames.kinds import KINDS as FRAMES
from ringbed.conformance.frames.kinds import LONGEST_HEADERS, frames_of
from ringbed.conformance.frames.lenient import at_its_destination
from ringbed.conformance.references.anatomy import Anatomy, data_offset_lies, dissect, short_udp
from ringbed.conformance.references.checksum import raw_sum
from ringbed.conformance.references.oracle import Oracle, l4_right
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.verdict import Verdict

__all__ = ["KINDS", "read_sum", "read_verdict", "sum_cases", "verdict_cases"]

KINDS = tuple(FRAMES)
LINK_HEADER, IPV6_HEADER = 14, 40
OTHER = "other EtherType"


def sum_cases(kind: str, seed: int, setup: Setup) -> Iterator[Case]:
    """Every frame of the kind, and the sum from the block's `start` on."""
    start, little = int(setup.option("start")), setup.option("byte_order") == "little"
    for frame in frames_of(kind, seed, setup.lanes):
        value, parts = _swapped(raw_sum(frame, start), little), dissect(frame)
        hints = {
            f"0x{_swapped(value, True):04x}": "its bytes are exchanged: see the option byte_order",
            f"0x{value ^ 0xFFFF:04x}": "it is the complement",
            f"0x{_swapped(raw_sum(frame[: parts.end], start), little):04x}": "the pad is not in it",
        }
        hints.pop(f"0x{value:04x}", None)
        yield Case(parts.name, Ask(frame), ((frame,),), ({"the sum": f"0x{value:04x}"},), hints=hints)


def read_sum(result: Mapping[str, int]) -> dict[str, str]:
    return {"the sum": f"0x{result['sum']:04x}"}


def _swapped(value: int, little: bool) -> int:
    return int.from_bytes(value.to_bytes(2, "big"), "little") if little else value


def verdict_cases(kind: str, seed: int, setup: Setup) -> Iterator[Case]:
    """Every frame of the kind with at least a link header, and the verdicts that are right for it."""
    oracle = Oracle(longest=LONGEST_HEADERS)
    for frame in frames_of(kind, seed, setup.lanes):
        if len(frame) >= LINK_HEADER:
            parts, verdict = dissect(frame, LONGEST_HEADERS), oracle(frame).verdict
            allowed = list(_allowed(frame, parts, verdict))
            if (bare := without_tags(frame)) != frame and parts.kind == OTHER:  # more than one, or a provider's
                allowed += _allowed(bare, dissect(bare, LONGEST_HEADERS), oracle(bare).verdict)
            results = tuple(_words(each) for each in dict.fromkeys(allowed))
            yield Case(parts.name, Ask(frame), ((frame,),), results)


def _allowed(frame: bytes, parts: Anatomy, verdict: Verdict) -> Iterator[Verdict]:
    yield verdict
    l3 = verdict & (Verdict.L3_GOOD | Verdict.L3_BAD)
    if parts.version == 6 and parts.ip[1] - parts.ip[0] > IPV6_HEADER:
        yield l3
    if data_offset_lies(frame, parts):  # the sum covers it all the same
        yield l3
    datagram = short_udp(frame, parts)
    if datagram is not None and any(frame[parts.l4[0] + 6 : parts.l4[0] + 8]):
        yield l3 | (Verdict.L4_GOOD if l4_right(frame, datagram) else Verdict.L4_BAD)
    if arrived := at_its_destination(frame, parts):  # the pseudo-header has the final destination (RFC 8200 8.1)
        yield Verdict.L4_GOOD if l4_right(*arrived) else Verdict.L4_BAD
    if l3 & Verdict.L3_BAD:  # whose header is broken needs no look at what follows
        yield l3
    if parts.kind == "ipv6 udp without a sum":  # which a receiver must throw away (RFC 8200 8.1), tunnels apart
        yield l3 | Verdict.L4_BAD
    if parts.tagged or parts.snap or "beyond the frame" in parts.kind:
        yield Verdict.NONE


def read_verdict(result: Mapping[str, int]) -> dict[str, str]:
    """Aspects `l3` and `l4`: good, bad or not checked."""
    verdict = Verdict.NONE
    if result["l3_checked"]:
        verdict |= Verdict.L3_GOOD if result["l3_ok"] else Verdict.L3_BAD
    if result["l4_checked"]:
        verdict |= Verdict.L4_GOOD if result["l4_ok"] else Verdict.L4_BAD
    return _words(verdict)


def _words(verdict: Verdict) -> dict[str, str]:
    return {"l3": verdict.l3, "l4": verdict.l4}
