"""Every byte of a frame has a name."""

from __future__ import annotations

from random import Random

import pytest

from ringbed.conformance.frames.made import made
from ringbed.conformance.nic.fields import differing, fields_of
from ringbed.conformance.nic.suites.stack import Stack


def test_fields_follow_each_other_without_a_gap() -> None:
    for frame in made(2):
        spans = fields_of(frame)
        assert [span[1] for span in spans] == [0, *(span[2] for span in spans[:-1])]
        assert spans[-1][2] == len(frame)


@pytest.mark.parametrize(
    ("stack", "at", "name"),
    [(Stack(), 5, "Ethernet destination"), (Stack(), 24, "IPv4 header checksum"), (Stack(), 41, "UDP checksum"),
     (Stack(tcp=True), 47, "TCP flags"), (Stack(tcp=True), 54, "payload"), (Stack(True), 20, "IPv6 next header"),
     (Stack(True, True, tcp_options=2), 75, "TCP options"), (Stack(options=2), 35, "IPv4 options"),
     (Stack(tagged=True), 13, "VLAN tag"), (Stack(True, chain="h"), 55, "IPv6 extension headers")],
)  # fmt: skip
def test_a_changed_byte_has_its_name(stack: Stack, at: int, name: str) -> None:
    frame = stack.build(Random(3), b"data of a frame").frame
    (found,) = differing(frame, frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :])
    assert found.name == name
    assert found.at <= at < found.at + 8


def test_missing_and_more_bytes_are_told() -> None:
    frame = Stack().build(Random(3), bytes(20)).frame
    assert differing(frame, frame + b"\x05")[0].name == "behind its end"
    assert differing(frame, frame[:-1])[0].name == "payload"
