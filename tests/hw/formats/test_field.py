"""Field tables: what a word takes apart, it puts together again, and a wrong table is refused where it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.hw.formats.field import Access, Field, Layout, Register, RegisterMap


def naive_get(word: int, lsb: int, width: int) -> int:
    """A field's value by way of a string of bits."""
    bits = f"{word:0128b}"[::-1]
    return int(bits[lsb : lsb + width][::-1], 2)


@given(word=st.integers(0, 2**128 - 1), lsb=st.integers(0, 100), width=st.integers(1, 28))
def test_get_and_put_agree_with_a_string_of_bits(word: int, lsb: int, width: int) -> None:
    field = Field("F", lsb, width)
    assert field.get(word) == naive_get(word, lsb, width)
    assert field.put(field.get(word)) == word & field.mask


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), min_size=1, max_size=8), st.data())
def test_a_layout_decodes_what_it_encodes(shape: list[tuple[int, int]], data: st.DataObject) -> None:
    fields, lsb = [], 0
    for number, (width, gap) in enumerate(shape):
        fields.append(Field(f"F{number}", lsb + gap, width))
        lsb += gap + width
    layout = Layout("any", 16, tuple(fields))
    values = {field.name: data.draw(st.integers(0, 2**field.width - 1)) for field in fields}
    assert layout.decode(layout.encode(**values)) == values
    assert layout.pack(**values) == int.from_bytes(layout.encode(**values), "little")


def test_a_layout_counts_bits_from_byte_0() -> None:
    layout = Layout("pair", 4, (Field("low", 0, 8), Field("high", 24, 8)))
    assert layout.encode(low=0x11, high=0x22) == bytes((0x11, 0, 0, 0x22))


def test_a_layout_refuses_other_lengths() -> None:
    with pytest.raises(ValueError, match="a pair descriptor is 4 bytes, not 3"):
        Layout("pair", 4, (Field("low", 0, 8),)).decode(bytes(3))


@pytest.mark.parametrize("value", [-1, 16])
def test_a_value_that_does_not_fit_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match=r"does not fit field F, which has 4 bits"):
        Field("F", 8, 4).put(value)


@pytest.mark.parametrize(
    ("lsb", "width", "reset", "sentence"),
    [
        (-1, 1, 0, "field F cannot be 1 bits wide at bit -1"),
        (0, 0, 0, "field F cannot be 0 bits wide at bit 0"),
        (0, 2, 4, "field F has 2 bits, its reset value 0x4 needs more"),
    ],
)
def test_a_field_that_cannot_be_is_refused(lsb: int, width: int, reset: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Field("F", lsb, width, reset=reset)


@pytest.mark.parametrize("fields", [(Field("A", 0, 4), Field("B", 3)), (Field("B", 31, 2),)])
def test_overlapping_fields_are_refused(fields: tuple[Field, ...]) -> None:
    with pytest.raises(ValueError, match=r"R\.B overlaps another field or leaves its 32 bits"):
        Register("R", 0, Access.RW, fields)


def test_a_register_off_its_boundary_is_refused() -> None:
    with pytest.raises(ValueError, match="register R at 0x6 is not on a 32-bit boundary"):
        Register("R", 6, Access.RW)


def test_registers_at_one_address_are_refused() -> None:
    array = Register("A", 0x10, Access.RW, count=4, stride=8)
    with pytest.raises(ValueError, match="B and A are both at 0x20"):
        RegisterMap((array, Register("B", 0x20, Access.RW)))


def test_an_array_knows_its_offsets() -> None:
    array = Register("A", 0x10, Access.RW, count=4, stride=8)
    assert [array.at(index) for index in range(4)] == [0x10, 0x18, 0x20, 0x28]
    with pytest.raises(IndexError, match="A has 4 registers, there is no number 4"):
        array.at(4)


def test_names_that_do_not_exist_are_named() -> None:
    register = Register("R", 0, Access.RW, (Field("A", 0), Field("B", 1)))
    with pytest.raises(KeyError, match="R has no field C; it has A, B"):
        register["C"]
    with pytest.raises(KeyError, match="there is no register S"):
        RegisterMap((register,))["S"]


def test_reset_and_masks_come_from_the_fields() -> None:
    register = Register("R", 0, Access.RW, (Field("A", 0, 4, reset=5), Field("B", 8, reset=1), Field("C", 9)))
    assert register.reset == 0x105
    assert register.mask("A", "C") == 0x20F
    assert register.unpack(0x203) == {"A": 3, "B": 0, "C": 1}
