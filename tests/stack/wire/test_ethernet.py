import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.wire.ethernet import Ethernet, EthernetView
from ringbed.stack.wire.view import Truncated

ADDRESS = st.binary(min_size=6, max_size=6)


@given(ADDRESS, ADDRESS, st.integers(0, 0xFFFF), st.binary(max_size=8))
def test_what_is_emitted_is_parsed(dst: bytes, src: bytes, ethertype: int, rest: bytes) -> None:
    value = Ethernet(dst, src, ethertype)
    assert Ethernet.parse(value.emit() + rest) == value


def test_layout() -> None:
    assert Ethernet(b"dddddd", b"ssssss", 0x0800).emit() == b"ddddddssssss\x08\x00"


def test_short() -> None:
    with pytest.raises(Truncated):
        EthernetView(bytes(13))
