from __future__ import annotations

import random

import pytest

from ringbed.conformance.frames.kinds import LONGEST_HEADERS, frames_of
from ringbed.conformance.frames.lenient import at_its_destination, flows
from ringbed.conformance.frames.made import IPV6, Build
from ringbed.conformance.frames.stacks import link
from ringbed.conformance.references.anatomy import TCP, UDP, dissect
from ringbed.conformance.references.oracle import l4_right
from ringbed.conformance.references.toeplitz import flow_of


def routed(protocol: int, left: int = 2) -> bytes:
    """TCP or UDP behind a routing header of three addresses."""
    build = Build(random.Random(1))
    header = build.inet6.IPv6ExtHdrRouting(addresses=[build.address6() for _ in range(3)], segleft=left)
    return link(IPV6, bytes(build.ip6() / header / build.l4(protocol, 33)))


@pytest.mark.parametrize("protocol", [TCP, UDP])
def test_a_packet_with_segments_left_adds_up_with_its_final_destination(protocol: int) -> None:
    frame = routed(protocol)
    arrived = at_its_destination(frame, dissect(frame, LONGEST_HEADERS))
    assert arrived is not None
    assert arrived[0][38:54] == frame[94:110]
    assert l4_right(*arrived)
    spoilt = frame[:-1] + bytes([frame[-1] ^ 1])
    arrived = at_its_destination(spoilt, dissect(spoilt, LONGEST_HEADERS))
    assert arrived is not None
    assert not l4_right(*arrived)


def test_others_are_where_they_say() -> None:
    for frame in (routed(TCP, left=0), *frames_of("tiny payloads", 1)):
        assert at_its_destination(frame, dissect(frame, LONGEST_HEADERS)) is None
    udp = routed(UDP)
    for begin, end in ((114, 116), (116, 118)):  # another length than IP's, and no sum
        lying = udp[:begin] + bytes(2) + udp[end:]
        assert at_its_destination(lying, dissect(lying, LONGEST_HEADERS)) is None


def test_with_segments_left_there_are_flows_to_both_destinations() -> None:
    frame = routed(TCP)
    assert {flow.dst for flow in flows(frame)} == {frame[38:54], frame[94:110]}


def test_what_is_whole_has_its_own_flow_among_others() -> None:
    for frame in frames_of("tiny payloads", 1):
        found = list(flows(frame))
        assert flow_of(frame, dissect(frame, LONGEST_HEADERS)) in found
        assert len(found) <= 4


def test_all_of_a_flow_is_in_the_frame() -> None:
    for frame in frames_of("packets cut short", 1):
        for flow in flows(frame):
            assert flow.src + flow.dst in frame
            assert not flow.sport or flow.sport.to_bytes(2, "big") + flow.dport.to_bytes(2, "big") in frame
        address = 34 if frame[12:14] == b"\x08\0" else 54
        assert bool(list(flows(frame))) == (len(frame) >= address)
        assert any(flow.kind != flow.kind.without_ports for flow in flows(frame)) == (len(frame) >= address + 4)


def test_a_frame_of_anything_else_has_none() -> None:
    assert [list(flows(frame)) for frame in (bytes(14), b"\x01" * 60, bytes(12) + b"\x08\0")] == [[], [], []]
