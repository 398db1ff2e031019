import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.wire.icmpv4 import Icmp, IcmpView
from ringbed.stack.wire.view import Truncated
from tests.stack.naive import ones_complement_sum


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=65))
def test_what_is_emitted_is_parsed_and_sums_up(kind: int, code: int, rest: int, payload: bytes) -> None:
    data = Icmp(kind, code, rest, payload).emit()
    assert Icmp.parse(data) == Icmp(kind, code, rest, payload)
    assert ones_complement_sum(data) == 0xFFFF


def test_the_fields_of_an_echo() -> None:
    view = IcmpView(Icmp(8, 0, 0x12345678, b"").emit())
    assert (view.type, view.code, view.ident, view.sequence) == (8, 0, 0x1234, 0x5678)


def test_short() -> None:
    with pytest.raises(Truncated):
        Icmp.parse(bytes(7))
