from hypothesis import example, given
from hypothesis import strategies as st

from ringbed.stack.wire.checksum import checksum, fold, intact, octets_sum, pseudo_sum, segments_sum
from tests.stack import naive


@given(st.binary(max_size=200))
@example(b"")
@example(bytes(40))
@example(b"\xff" * 40)
@example(b"\xff\xfe\x00\x01")
def test_checksum_is_that_of_the_loop(data: bytes) -> None:
    assert checksum(octets_sum(data)) == naive.checksum(data)
    assert fold(octets_sum(data)) == naive.ones_complement_sum(data)


@given(st.lists(st.binary(max_size=9), max_size=9))
@example([b"\x01", b"\x02\x03", b"\x04"])
def test_pieces_of_any_length_sum_like_the_whole(pieces: list[bytes]) -> None:
    assert fold(segments_sum(pieces)) == naive.ones_complement_sum(b"".join(pieces))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(1, 255), st.integers(0, 65535))
def test_pseudo_sum_is_that_of_the_pseudo_header(src: int, dst: int, proto: int, length: int) -> None:
    assert fold(pseudo_sum(src, dst, proto, length)) == naive.ones_complement_sum(
        naive.pseudo_header(src, dst, proto, length)
    )


@given(st.binary(min_size=1, max_size=64))
def test_data_with_its_checksum_is_intact(data: bytes) -> None:
    even = data + bytes(len(data) & 1)
    assert intact(octets_sum(even + checksum(octets_sum(even)).to_bytes(2, "big")))


def test_zeros_have_the_checksum_ffff_and_are_not_intact_without_it() -> None:
    assert checksum(octets_sum(bytes(20))) == 0xFFFF
    assert not intact(octets_sum(bytes(20)))


def test_a_sum_of_ffff_has_the_checksum_0() -> None:
    assert checksum(octets_sum(b"\xff\xff")) == 0
    assert checksum(octets_sum(b"\xff\xfe\x00\x01")) == 0


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1), st.integers(1, 255), st.integers(0, 2**32 - 1))
def test_pseudo_sum_is_that_of_ipv6_too(src: int, dst: int, proto: int, length: int) -> None:
    want = naive.ones_complement_sum(naive.pseudo_header6(src, dst, proto, length))
    assert fold(pseudo_sum(src, dst, proto, length)) == want
