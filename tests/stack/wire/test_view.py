import pytest

from ringbed.stack.wire.view import U8, U16, U32, Octets, Truncated, View


class Sample(View):
    __slots__ = ()
    MIN = 9
    a = U8(0)
    b = U16(1)
    c = U32(3)
    d = Octets(7, 2)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("offset", [0, 3])
def test_fields_are_read_at_their_offsets(kind: type, offset: int) -> None:
    view = Sample(kind(bytes(offset) + bytes(range(1, 10))), offset)
    assert (view.a, view.b, view.c, view.d) == (1, 0x0203, 0x04050607, b"\x08\x09")


@pytest.mark.parametrize(("length", "offset", "left"), [(8, 0, 8), (9, 1, 8), (2, 5, 0)])
def test_too_few_bytes_are_refused_at_once(length: int, offset: int, left: int) -> None:
    with pytest.raises(Truncated, match=f"Sample needs 9 bytes, {left} are left"):
        Sample(bytes(length), offset)
