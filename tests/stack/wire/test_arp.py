import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.wire.arp import LEN, Arp
from ringbed.stack.wire.view import Truncated

MAC = st.binary(min_size=6, max_size=6)
IP = st.integers(0, 2**32 - 1)


@given(st.sampled_from([1, 2]), MAC, IP, MAC, IP, st.integers(0, 3))
def test_what_is_emitted_is_parsed(op: int, shw: bytes, sip: int, thw: bytes, tip: int, offset: int) -> None:
    value = Arp(op, shw, sip, thw, tip)
    assert Arp.parse(bytes(offset) + value.emit(), offset) == value


def test_layout_is_that_of_rfc_826() -> None:
    request = Arp(1, b"\x02\0\0\0\0\x01", 0x0A000001, bytes(6), 0x0A000002)
    assert request.emit().hex() == "00010800060400010200000000010a0000010000000000000a000002"


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 5])
def test_other_hardware_or_protocol_is_refused(at: int) -> None:
    data = bytearray(Arp(1, bytes(6), 0, bytes(6), 0).emit())
    data[at] ^= 1
    with pytest.raises(ValueError, match="ARP for hardware"):
        Arp.parse(data)


def test_short() -> None:
    with pytest.raises(Truncated):
        Arp.parse(bytes(LEN - 1))
