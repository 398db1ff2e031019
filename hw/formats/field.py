"""Registers and descriptors as plain field tables: the one seam between a card and its driver.

A table is data. The RTL takes positions from it, the driver takes masks from it, the documentation is printed
from it; nothing else in ringbed knows a bit number. No Amaranth here, so that a driver never imports a card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

__all__ = ["Access", "Field", "Layout", "PhyRegister", "Register", "RegisterMap"]


class Access(StrEnum):
    """How software may touch a register, in the words of datasheets."""

    RW = "RW"
    RO = "RO"  # writes are ignored
    WO = "WO"  # reads as zero
    RC = "RC"  # cleared by the read that returns it
    SC = "SC"  # written as one, cleared by the hardware when it is done


@dataclass(frozen=True, slots=True)
class Field:
    """`width` bits from bit `lsb` up. `reset` is the field's value after CTRL.RST."""

    name: str
    lsb: int
    width: int = 1
    access: Access = Access.RW
    reset: int = 0
    doc: str = ""

    def __post_init__(self) -> None:
        if self.lsb < 0 or self.width < 1:
            raise ValueError(f"field {self.name} cannot be {self.width} bits wide at bit {self.lsb}")
        if self.reset >> self.width:
            raise ValueError(f"field {self.name} has {self.width} bits, its reset value {self.reset:#x} needs more")

    @property
    def mask(self) -> int:
        """The field's ones, in place."""
        return ((1 << self.width) - 1) << self.lsb

    def get(self, word: int) -> int:
        """The field's value in `word`."""
        return (word & self.mask) >> self.lsb

    def put(self, value: int) -> int:
        """`value` moved to the field's place; raises ValueError when it does not fit."""
        if not 0 <= value < 1 << self.width:
            raise ValueError(f"{value:#x} does not fit field {self.name}, which has {self.width} bits")
        return value << self.lsb


class _Fields:
    """What registers and descriptor layouts share: fields that do not overlap, found by name."""

    name: str
    fields: tuple[Field, ...]
    bits: int

    def _check(self) -> None:
        taken = 0
        for field in self.fields:
            if field.mask & taken or field.mask >> self.bits:
                raise ValueError(f"{self.name}.{field.name} overlaps another field or leaves its {self.bits} bits")
            taken |= field.mask

    @cached_property
    def _by_name(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.fields}

    def __getitem__(self, name: str) -> Field:
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"{self.name} has no field {name}; it has {', '.join(self._by_name)}") from None

    @property
    def reset(self) -> int:
        """The word after reset, put together from the fields."""
        return self.pack(**{field.name: field.reset for field in self.fields})

    @property
    def writable(self) -> int:
        """The ones of the fields that hold what software writes."""
        return self.mask(*(field.name for field in self.fields if field.access is Access.RW))

    def mask(self, *names: str) -> int:
        """The ones of all named fields."""
        word = 0
        for name in names:
            word |= self[name].mask
        return word

    def pack(self, **values: int) -> int:
        """A word with the given fields set and every other bit zero."""
        word = 0
        for name, value in values.items():
            word |= self[name].put(value)
        return word

    def unpack(self, word: int) -> dict[str, int]:
        """Every field's value in `word`."""
        return {field.name: field.get(word) for field in self.fields}


@dataclass(frozen=True)
class Register(_Fields):
    """A 32-bit register at byte `offset` of the register BAR; `count` of them, `stride` bytes apart."""

    name: str
    offset: int
    access: Access
    fields: tuple[Field, ...] = ()
    doc: str = ""
    count: int = 1
    stride: int = 4
    bits: int = 32

    def __post_init__(self) -> None:
        if self.offset % 4:
            raise ValueError(f"register {self.name} at {self.offset:#x} is not on a 32-bit boundary")
        self._check()

    def at(self, index: int) -> int:
        """Byte offset of register `index` of the array."""
        if not 0 <= index < self.count:
            raise IndexError(f"{self.name} has {self.count} registers, there is no number {index}")
        return self.offset + index * self.stride


@dataclass(frozen=True)
class PhyRegister(_Fields):
    """Register `number` of a PHY: 16 bits behind the management interface (IEEE 802.3, 22.2.4)."""

    name: str
    number: int
    access: Access
    fields: tuple[Field, ...] = ()
    doc: str = ""
    bits: int = 16

    def __post_init__(self) -> None:
        if not 0 <= self.number < 32:
            raise ValueError(f"PHY register {self.name} has the number {self.number}, which is not 0 to 31")
        self._check()


@dataclass(frozen=True)
class Layout(_Fields):
    """A descriptor of `size` bytes, read as one little-endian number; field positions count from bit 0 of byte 0."""

    name: str
    size: int
    fields: tuple[Field, ...]
    doc: str = ""

    def __post_init__(self) -> None:
        self._check()

    @property
    def bits(self) -> int:  # type: ignore[override]
        """Width of the whole descriptor in bits."""
        return 8 * self.size

    def encode(self, **values: int) -> bytes:
        """The descriptor's bytes, fields not named being zero."""
        return self.pack(**values).to_bytes(self.size, "little")

    def decode(self, data: bytes | bytearray | memoryview) -> dict[str, int]:
        """Every field's value; raises ValueError when `data` is not exactly one descriptor long."""
        if len(data) != self.size:
            raise ValueError(f"a {self.name} descriptor is {self.size} bytes, not {len(data)}")
        return self.unpack(int.from_bytes(data, "little"))


@dataclass(frozen=True)
class RegisterMap:
    """All registers of a card, found by name; overlapping addresses are refused."""

    registers: tuple[Register, ...]

    def __post_init__(self) -> None:
        owner: dict[int, str] = {}
        for register in self.registers:
            for index in range(register.count):
                offset = register.at(index)
                if offset in owner:
                    raise ValueError(f"{register.name} and {owner[offset]} are both at {offset:#x}")
                owner[offset] = register.name

    def __iter__(self) -> Iterator[Register]:
        return iter(self.registers)

    @cached_property
    def _by_name(self) -> Mapping[str, Register]:
        return {register.name: register for register in self.registers}

    def __getitem__(self, name: str) -> Register:
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"there is no register {name}") from None
