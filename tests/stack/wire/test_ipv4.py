import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.wire.ipv4 import Ipv4, Ipv4View
from tests.stack.naive import ones_complement_sum

U8 = st.integers(0, 255)
U16 = st.integers(0, 0xFFFF)
IP = st.integers(0, 2**32 - 1)


@given(IP, IP, U8, st.integers(0, 65515), U8, U8, U16, U16)
def test_what_is_emitted_is_parsed_and_sums_up(
    src: int, dst: int, proto: int, length: int, ttl: int, tos: int, ident: int, fragment: int
) -> None:
    value = Ipv4(src, dst, proto, length, ttl, tos, ident, fragment)
    assert Ipv4.parse(value.emit()) == value
    assert ones_complement_sum(value.emit()) == 0xFFFF


def test_a_header_seen_on_a_real_wire() -> None:
    header = bytes.fromhex("45000073000040004011b861c0a80001c0a800c7")
    assert Ipv4.parse(header) == Ipv4(0xC0A80001, 0xC0A800C7, 17, 95, fragment=0x4000)
    assert Ipv4.parse(header).emit() == header


@pytest.mark.parametrize("first", [0x44, 0x65, 0x40])
def test_another_version_or_length_is_refused(first: int) -> None:
    data = bytearray(Ipv4(1, 2, 3, 4).emit())
    data[0] = first
    with pytest.raises(ValueError, match="IPv4 header says"):
        Ipv4.parse(data)


def test_options_are_stepped_over() -> None:
    data = bytearray(Ipv4(1, 2, 3, 24).emit())
    data[0] = 0x46
    assert Ipv4View(data).header_len == 24
    assert Ipv4.parse(data).length == 20
