import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.wire.udp import Udp
from ringbed.stack.wire.view import Truncated
from tests.stack.naive import ones_complement_sum, pseudo_header

U16 = st.integers(0, 0xFFFF)
IP = st.integers(0, 2**32 - 1)


@given(U16, U16, st.binary(max_size=64), IP, IP)
def test_what_is_emitted_is_parsed_and_sums_up(sport: int, dport: int, payload: bytes, src: int, dst: int) -> None:
    data = Udp(sport, dport, payload).emit(src, dst)
    assert Udp.parse(data + b"pad") == Udp(sport, dport, payload)
    assert ones_complement_sum(pseudo_header(src, dst, 17, len(data)) + data) == 0xFFFF


def test_a_computed_zero_is_sent_as_ffff() -> None:
    bare = Udp(0, 0, b"\0\0").emit(0, 0)
    payload = int.from_bytes(bare[6:8], "big").to_bytes(2, "big")  # what brings the sum to 0xFFFF
    assert Udp(0, 0, payload).emit(0, 0)[6:8] == b"\xff\xff"


@pytest.mark.parametrize("length", [0, 7, 13])
def test_a_length_that_does_not_fit_is_refused(length: int) -> None:
    data = bytearray(Udp(1, 2, b"four").emit(0, 0))
    data[4:6] = length.to_bytes(2, "big")
    with pytest.raises(ValueError, match=f"UDP length {length}"):
        Udp.parse(data)


def test_short() -> None:
    with pytest.raises(Truncated):
        Udp.parse(bytes(7))
