"""The packets that drivers are asked with, against scapy's sums and against the reference of segmentation."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from scapy.layers.l2 import Ether

from ringbed.conformance.drivers.packets import Packet, cut, numbered, packet, spoilt, tagged
from ringbed.conformance.references.segmentation import Message, segments

KINDS = [dict(tcp=tcp, **more) for tcp in (False, True) for more in ({}, {"options": 3}, {"ipv6": True}, {"tag": 5})]


def remade(frame: bytes) -> bytes:
    """With every length and sum made by scapy."""
    made: Any = Ether(frame)
    layer = made
    while layer:
        for name in ("chksum", "len", "plen"):
            if name in layer.fields and layer.name != "Ethernet":
                layer.delfieldval(name)
        layer = layer.payload
    made.clear_cache()  # it keeps the bytes it was read from
    return bytes(made)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("inward", [False, True])
def test_every_sum_is_right(kind: dict[str, int], inward: bool) -> None:
    rng = Random(1)
    for length in (0, 1, 2, 99, 1400):
        made = packet(rng, length, inward=inward, **kind)  # type: ignore[arg-type]
        assert remade(made.data) == made.data
        assert made.data.startswith(bytes.fromhex("020000000001" if inward else "0200000000fe"))


def test_a_udp_sum_of_zero_is_ffff() -> None:
    """RFC 768: 0 says that there is none."""
    made = packet(Random(1), 2, inward=False)
    for word in range(1 << 16):
        data = made.data[: made.payload_at] + word.to_bytes(2, "big")
        if (found := Packet(data, made.l3, made.l4, False, False).sealed()).data[made.sum_at :][:2] == b"\xff\xff":
            assert remade(found.data) == found.data
            return
    raise AssertionError("no payload makes a sum of 0")


@pytest.mark.parametrize("l4", ["none", "pseudo-header", "full"])
def test_what_is_given_to_a_card(l4: str) -> None:
    """Only the sums differ; a card that adds to the pseudo-header's gets it."""
    made = packet(Random(2), 60, inward=False, tcp=True)
    given = made.as_given(ipv4=True, l4=l4)
    at, differ = made.sum_at, [at for at, (one, other) in enumerate(zip(given, made.data, strict=True)) if one != other]
    assert set(differ) <= {made.l3 + 10, made.l3 + 11, at, at + 1}
    assert given[made.l3 + 10 : made.l3 + 12] == b"\0\0"
    pseudo = made.data[made.l3 + 12 : made.l3 + 20] + bytes([0, 6]) + (len(made.data) - made.l4).to_bytes(2, "big")
    total = sum(int.from_bytes(pseudo[at : at + 2], "big") for at in range(0, 12, 2))
    wanted = {"none": made.data[at : at + 2], "full": b"\0\0", "pseudo-header": (total % 0xFFFF).to_bytes(2, "big")}
    assert given[at : at + 2] == wanted[l4]


@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize(("length", "mss"), [(1, 64), (64, 64), (65, 64), (1000, 333)])
def test_segments_are_the_references(ipv6: bool, length: int, mss: int) -> None:
    made = packet(Random(3), length, inward=False, tcp=True, ipv6=ipv6)
    at = made.payload_at
    message = Message(made.data[:at], made.data[at:], mss, made.l3, made.l4, ipv6)
    assert cut(made, mss) == segments(message, "full")


def test_what_is_spoilt_is_wrong() -> None:
    made = packet(Random(4), 60, inward=True)
    for marks in ({"l3": True}, {"l4": True}, {"l3": True, "l4": True}):
        assert remade(spoilt(made, **marks)) == made.data != spoilt(made, **marks)


def test_plain_frames() -> None:
    assert [len(numbered(1, length, inward=True)) for length in (14, 15, 18, 60, 1514)] == [14, 15, 18, 60, 1514]
    assert numbered(1, 60, inward=True) != numbered(2, 60, inward=True)
    assert tagged(numbered(1, 60, inward=True), 0xA123)[12:16] == bytes.fromhex("8100a123")
