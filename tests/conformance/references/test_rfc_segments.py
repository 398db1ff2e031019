"""The RFCs' judge of segments: content with those that are right, and naming what is wrong with others."""

from __future__ import annotations

from random import Random

import pytest

from ringbed.conformance.blocks.messages import Headers
from ringbed.conformance.references.rfc_segments import wrong_with
from ringbed.conformance.references.segmentation import Message, segments


def message(*, ipv6: bool = False, udp: bool = False) -> Message:
    return Headers(Random(1)).message(350, 100, ipv6, udp, flags="FPAC")


def judged(of: Message, frames: list[bytes]) -> str:
    return wrong_with(of.header, of.payload, of.mss, of.l3, of.l4, frames, ipv6=of.ipv6, udp=of.udp)


@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize("udp", [False, True])
def test_right_segments_are_right_and_a_changed_byte_is_not(ipv6: bool, udp: bool) -> None:
    of = message(ipv6=ipv6, udp=udp)
    frames = segments(of, "full")
    assert judged(of, frames) == ""
    for at in range(len(frames[1])):
        changed = frames[1][:at] + bytes([frames[1][at] ^ 0x10]) + frames[1][at + 1 :]
        assert judged(of, [frames[0], changed, *frames[2:]]), at


def test_what_is_wrong_has_a_name() -> None:
    of = message()
    frames = segments(of, "full")
    assert judged(of, frames[:-1]) == "the data of all frames, put together, are not the message's"
    whole = [of.header + of.payload]
    assert judged(of, whole) == "a frame has not MSS bytes of data"
    assert "the header's sum" in judged(of, segments(of, "kept"))
