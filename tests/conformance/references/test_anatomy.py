from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.conformance.frames.made import captured, made
from ringbed.conformance.references.anatomy import count_kinds, dissect
from ringbed.hw.formats.em import RX_TABLE
from ringbed.sim.wire.frame import pad

PREFIXES = {"one 802.1Q tag before any of these", "LLC/SNAP before any of these"}
ETHER = bytes.fromhex("02000000000b02000000000a")


def test_all_433_frames_of_the_capture_are_of_a_kind() -> None:
    assert count_kinds(pad(frame) for frame in captured()) == {
        "ipv4 udp": 121,
        "ipv6 udp": 94,
        "ipv6 fragment header": 52,
        "ipv4 tcp": 47,
        "ipv6 other protocol": 42,
        "ipv4 fragment": 40,
        "ipv4 other protocol": 17,
        "other EtherType": 16,
        "ipv6 tcp": 2,
        "ipv4 options tcp or udp": 1,
        "ipv4 udp without a sum": 1,
    }


def test_every_row_of_the_table_has_frames_bare_and_behind_tag_and_snap() -> None:
    found = [dissect(frame) for frame in made(1) + made(2)]
    rows = {row.kind for row in RX_TABLE} - PREFIXES
    assert {parts.kind for parts in found} == rows
    for tagged, snap in ((True, False), (False, True), (True, True)):
        assert len({parts.kind for parts in found if (parts.tagged, parts.snap) == (tagged, snap)}) > len(rows) * 2 // 3


def test_scapy_finds_the_same_layers_in_the_capture() -> None:
    """The names of scapy's layers against ours, and where TCP and UDP begin."""
    from scapy.layers.inet import TCP, UDP
    from scapy.layers.l2 import Ether

    for frame in captured():
        layers, parts = Ether(frame), dissect(pad(frame))
        ours = parts.kind if "fragment" not in parts.kind and "other" not in parts.kind else ""
        for layer, protocol in ((TCP, 6), (UDP, 17)):
            if ours and parts.protocol == protocol:
                found = layers.getlayer(layer)  # the outermost one
                assert found is not None
                assert len(frame) - len(found.original) == parts.l4[0]


@given(
    st.binary(min_size=60, max_size=140), st.sampled_from([b"\x08\x00", b"\x86\xdd", b"\x81\x00\0\0\x08\0", b"\0\x40"])
)
def test_any_bytes_are_of_one_kind_and_their_parts_lie_inside(noise: bytes, ether: bytes) -> None:
    frame = ETHER + ether + noise
    parts = dissect(frame)
    assert parts.kind in {row.kind for row in RX_TABLE}
    for begin, end in (parts.ip, parts.l4):
        assert 0 <= begin <= end <= len(frame)
    assert parts.end <= len(frame)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ("88a8 0001 0800" + "45" * 60, "other EtherType"),  # a service tag is not 802.1Q's
        ("8100 0001 8100 0002 0800" + "45" * 60, "802.1Q, other EtherType"),  # nor is a second tag skipped
        ("0040 aaaa03 0000f8 0800" + "45" * 60, "other EtherType"),  # a SNAP organisation other than 0
        ("0600 aaaa03 000000 0800" + "45" * 60, "other EtherType"),  # 0600 is a type, not a length
        ("05dd aaaa03 000000 0800" + "45" * 60, "other EtherType"),  # 1501 is neither
        ("0806" + "00" * 46, "other EtherType"),
        ("0800", "ipv4 header cut short, IHL below 5 or another version"),
        ("86dd 60", "ipv6 cut short, another version, or payload length beyond the frame"),
    ],
)
def test_what_is_no_prefix_and_no_packet(frame: str, kind: str) -> None:
    assert dissect(ETHER + bytes.fromhex(frame)).name == kind
