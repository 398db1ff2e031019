from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.conformance.frames.damage import damaged_copies
from ringbed.conformance.frames.made import captured, made
from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.oracle import Oracle
from ringbed.hw.formats.em import RX_TABLE
from ringbed.hw.formats.verdict import Verdict
from ringbed.sim.wire.frame import fcs, pad

CAPTURED = [pad(frame) for frame in captured()]
MADE = made(1)


def of_kind(kind: str) -> bytes:
    return next(frame for frame in CAPTURED + MADE if dissect(frame).name == kind)


def test_every_sum_of_the_hosts_is_right_or_not_checked() -> None:
    bad = Verdict.L3_BAD | Verdict.L4_BAD
    assert [frame.hex() for frame in CAPTURED if Oracle()(frame).verdict & bad] == []


def test_a_row_that_checks_nothing_has_no_verdict_and_one_that_checks_has() -> None:
    for frame in CAPTURED + MADE:
        parts, verdict = dissect(frame), Oracle()(frame).verdict
        row = next(row for row in RX_TABLE if row.kind == parts.kind)
        assert (verdict.l4 == "not checked") == (not row.l4)
        assert (verdict.l3 == "not checked") == (not row.l3 or parts.version == 6)


def rebuilt_sums(frame: bytes) -> tuple[int, int]:
    """scapy's other way: take the packet apart, delete its outer sums, let scapy fill them in: (IPv4, TCP or UDP)."""
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.l2 import Ether

    layers = Ether(frame)
    del layers[IP].chksum
    l4 = TCP if TCP in layers else UDP
    del layers[l4].chksum
    again = Ether(bytes(layers))
    return int(again[IP].chksum), int(again[l4].chksum)


def test_the_verdict_is_what_scapy_says_when_it_builds_the_packet_anew() -> None:
    """Right, one off at each sum: 'good' exactly where the field is what scapy puts in."""
    frames = [frame for frame in CAPTURED if dissect(frame).kind in ("ipv4 udp", "ipv4 tcp")]
    assert len(frames) == 168
    for index, frame in enumerate(frames):
        parts = dissect(frame)
        l3, l4 = parts.ip[0] + 10, parts.l4[0] + (6 if parts.protocol == 17 else 16)
        spoilt = bytearray(frame)
        spoilt[(l3, l4)[index % 2]] ^= 1 + index % 255
        for version in (frame, bytes(spoilt)):
            sums = rebuilt_sums(version)
            verdict = Oracle()(version).verdict
            assert (verdict.l3 == "good") == (int.from_bytes(version[l3 : l3 + 2], "big") == sums[0])
            if verdict.l3 == "good":
                assert (verdict.l4 == "good") == (int.from_bytes(version[l4 : l4 + 2], "big") == sums[1])


def test_damage_to_what_a_sum_covers_is_bad_and_to_the_pad_is_not() -> None:
    """Where the damage leaves the frame what it was: a flipped byte changes every one's complement sum over it."""
    seen = set()
    for copy in damaged_copies(CAPTURED + MADE, seed=5, each=4):
        before = Oracle()(_undo(copy.frame, copy.offset, copy.mask))
        after = Oracle()(copy.frame)
        if after.kind != copy.kind:
            continue
        ip = before.verdict.l3 == "good" and copy.place == "ip header"
        l4 = before.verdict.l4 == "good" and copy.place in ("l4 header", "payload")
        seen.add((ip, l4, copy.place))
        if ip:
            assert after.verdict.l3 == "bad"
        if l4:
            assert after.verdict.l4 == "bad"
            assert after.verdict.l3 == before.verdict.l3
        if copy.place == "pad":
            assert after.verdict == before.verdict
    assert {(True, False, "ip header"), (False, True, "l4 header"), (False, True, "payload")} <= seen
    assert (False, False, "pad") in seen


def _undo(frame: bytes, offset: int, mask: int) -> bytes:
    return frame[:offset] + bytes([frame[offset] ^ mask]) + frame[offset + 1 :]


@pytest.mark.parametrize(
    ("switches", "kind", "verdict"),
    [
        ({}, "ipv4 udp", Verdict.L3_GOOD | Verdict.L4_GOOD),
        ({"ipofl": False}, "ipv4 udp", Verdict.L4_GOOD),
        ({"tuofl": False}, "ipv4 udp", Verdict.L3_GOOD),
        ({"ipv6ofl": False}, "ipv4 udp", Verdict.L3_GOOD | Verdict.L4_GOOD),
        ({"ipv6ofl": False}, "ipv6 udp", Verdict.NONE),
        ({"tuofl": False}, "ipv6 udp", Verdict.NONE),
        ({"ipofl": False}, "ipv6 udp", Verdict.L4_GOOD),
    ],
)
def test_each_enable_of_rxcsum(switches: dict[str, bool], kind: str, verdict: Verdict) -> None:
    assert Oracle(**switches)(of_kind(kind)).verdict == verdict  # type: ignore[arg-type]


@given(st.binary(max_size=200), st.integers(0, 255), st.booleans())
def test_the_packet_checksum_is_the_plain_sum_from_pcss_on(noise: bytes, pcss: int, secrc: bool) -> None:
    summed = noise if secrc else noise + fcs(noise)
    words = summed[pcss:] + b"\0" * (len(summed[pcss:]) % 2)
    total = sum(int.from_bytes(words[index : index + 2], "big") for index in range(0, len(words), 2))
    plain = (total - 1) % 0xFFFF + 1 if total else 0
    assert Oracle(pcss=pcss, secrc=secrc)(noise).checksum == plain


def test_sums_that_come_out_as_zero_are_good() -> None:
    """UDP sends it as FFFF, TCP as 0: both are right, and neither is 'without a sum'."""
    found = [frame for frame in MADE if dissect(frame).kind in ("ipv4 udp", "ipv4 tcp", "ipv6 udp", "ipv6 tcp")]
    edges = {}
    for frame in found:
        parts = dissect(frame)
        at = parts.l4[0] + (6 if parts.protocol == 17 else 16)
        if frame[at : at + 2] in (b"\0\0", b"\xff\xff"):
            edges[parts.kind] = frame[at : at + 2].hex(), Oracle()(frame).verdict.l4
    assert edges == {
        "ipv4 udp": ("ffff", "good"),
        "ipv6 udp": ("ffff", "good"),
        "ipv4 tcp": ("0000", "good"),
        "ipv6 tcp": ("0000", "good"),
    }


def test_a_table_without_a_row_and_a_field_that_does_not_fit_are_refused() -> None:
    with pytest.raises(LookupError, match="has no row 'ipv4 udp'"):
        Oracle(table=())(of_kind("ipv4 udp"))
    with pytest.raises(ValueError, match="256 does not fit"):
        Oracle(pcss=256)
