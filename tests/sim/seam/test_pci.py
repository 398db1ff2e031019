"""Configuration space as an operating system walks it: ids, sizes of BARs, capabilities, what may be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ringbed.drivers.world import BarKind, MsixPlace, PciCapability, PciIdentity
from ringbed.hw.formats import em
from ringbed.sim.cards import EM_PCI
from ringbed.sim.seam.pci import ConfigSpace

COMMAND, BAR0, POINTER = 0x04, 0x10, 0x34
EVERYTHING = 0xFFFF_FFFF


def bar_sizes(space: ConfigSpace) -> list[tuple[int, bool]]:
    """By the book: write ones, read, put back (PCI 2.2, 6.2.5.1)."""
    found = []
    for index in range(6):
        before = space.read(BAR0 + 4 * index)
        space.write(BAR0 + 4 * index, EVERYTHING)
        mask = space.read(BAR0 + 4 * index)
        space.write(BAR0 + 4 * index, before)
        io = bool(mask & 1)
        found.append(((~(mask & (~3 if io else ~15)) + 1) & EVERYTHING if mask else 0, io))
    return found


def capabilities(space: ConfigSpace) -> Iterator[tuple[int, int]]:
    at = space.read(POINTER, 1)
    while at:
        yield space.read(at, 1), at
        at = space.read(at + 1, 1)


def test_who_the_card_is() -> None:
    space = ConfigSpace(EM_PCI)
    assert [space.read(at, 2) for at in (0x00, 0x02, 0x2C, 0x2E)] == [0x8086, 0x100E, 0x8086, 0x100E]
    assert (space.read(0x08), space.read(0x0E, 1), space.read(0x3D, 1)) == (0x0200_0002, 0, 1)


def test_bars_tell_their_size_and_space() -> None:
    space = ConfigSpace(EM_PCI)
    assert bar_sizes(space) == [(em.BAR_SIZE, False), (0, False), (8, True), *[(0, False)] * 3]
    space.write(BAR0, 0xFEB4_1234)
    space.write(BAR0 + 8, 0xC03F)
    assert (space.bar(0), space.bar(1), space.bar(2)) == (0xFEB4_0000, 0, 0xC038)


def test_command_says_what_the_card_may_do() -> None:
    space = ConfigSpace(EM_PCI)
    assert (space.decodes, space.master) == ((False, False), False)
    space.write(COMMAND, 0xFFFF, 2)
    assert (space.decodes, space.master, space.read(COMMAND, 2)) == ((True, True), True, 0x0547)
    space = ConfigSpace(replace(EM_PCI, io_bar=None, bars=(em.BAR_SIZE,)))
    space.write(COMMAND, 0xFFFF, 2)
    assert space.decodes == (True, False)


def test_power_management_is_in_the_list_and_holds_the_states_that_there_are() -> None:
    space = ConfigSpace(EM_PCI)
    assert space.read(0x06, 2) & 1 << 4
    assert list(capabilities(space)) == [(1, 0xDC)]
    assert space.read(0xDE, 2) == 0x0022, "version 2, D3 besides D0, no PME"
    seen = []
    for state in (3, 1, 2, 0, 2):  # D1 and D2 are not there: the write changes nothing
        space.write(0xE0, 0xFFFC | state, 2)
        seen.append((space.power_state, space.read(0xE0, 2)))
    assert seen == [(3, 3), (3, 3), (3, 3), (0, 0), (0, 0)]


WIDE = replace(
    EM_PCI, io_bar=None, bars=(1 << 17, 0, 32, 0, 16), pin=2,
    kinds=(BarKind.WIDE | BarKind.PREFETCHABLE, BarKind.MEMORY, BarKind.IO, BarKind.MEMORY, BarKind.PREFETCHABLE),
)  # fmt: skip
MSI = replace(EM_PCI, interrupt="msi", vectors=8)
MSIX = replace(WIDE, interrupt="msix", vectors=5, bars=(1 << 17, 0, 32, 4096), msix=MsixPlace(3, 0x100, 0x800))


def test_bars_of_every_kind() -> None:
    space = ConfigSpace(WIDE)
    assert [space.read(BAR0 + 4 * index) for index in range(6)] == [0xC, 0, 1, 0, 8, 0]
    space.write(COMMAND, 3, 2)
    assert (space.decodes, space.read(0x3D, 1)) == ((True, True), 2)
    for index in range(6):
        space.write(BAR0 + 4 * index, EVERYTHING)
    found = [space.read(BAR0 + 4 * index) for index in range(6)]
    assert found == [0xFFFE_000C, EVERYTHING, 0xFFFF_FFE1, 0, 0xFFFF_FFF8, 0]
    space.write(BAR0, 0xFEB5_0000)
    space.write(BAR0 + 4, 0x12)
    assert [space.bar(index) for index in (0, 2, 4)] == [0x12_FEB4_0000, 0xFFFF_FFE0, 0xFFFF_FFF0]
    assert ConfigSpace(replace(WIDE, pin=0)).read(0x3D, 1) == 0


def test_msi_is_in_the_list_with_a_mask_a_vector() -> None:
    space = ConfigSpace(MSI)
    assert list(capabilities(space)) == [(1, 0xDC), (5, 0x40)]
    assert space.read(0x06, 2) & 1 << 4
    assert space.read(0x42, 2) == 0x0186, "eight messages, 64 bits of address, masks"
    assert (space.messages, space.masked) == (1, 0)
    for at in range(0x42, 0x58, 2):
        space.write(at, 0xFFFF, 2)
    words = [space.read(at) for at in range(0x40, 0x58, 4)]
    assert words == [0x01F7_0005, 0xFFFF_FFFC, EVERYTHING, 0xFFFF, 0xFF, 0]
    assert (space.messages, space.masked) == (8, 0xFF)
    space.write(0x42, 0x21, 2)
    assert space.messages == 4
    space.show(0x0F, 0x81, False)
    assert (space.read(0x50), space.read(0x54), space.masked) == (0x0F, 0x81, 0x0F)
    space.write(0x51, 0xFF, 1)
    assert space.masked == 0x0F


def test_msix_says_where_its_table_is() -> None:
    space = ConfigSpace(MSIX)
    assert list(capabilities(space)) == [(1, 0xDC), (0x11, 0x40)]
    assert [space.read(at) for at in (0x40, 0x44, 0x48)] == [0x0004_0011, 0x103, 0x803]
    for at in (0x42, 0x44, 0x46, 0x48, 0x4A):
        space.write(at, 0xFFFF, 2)
    assert [space.read(at) for at in (0x40, 0x44, 0x48)] == [0xC004_0011, 0x103, 0x803]
    assert (space.gated, space.masked, space.messages) == (True, 0, 0)
    space.write(0x43, 0x80, 1)
    space.show(0xFF, 0xFF, False)  # not here
    assert (space.gated, space.read(0x40), space.read(0x50)) == (False, 0x8004_0011, 0)


def test_msi_and_msix_one_behind_the_other() -> None:
    """Each with bits of its own."""
    space = ConfigSpace(replace(MSIX, msi=8))
    assert list(capabilities(space)) == [(1, 0xDC), (5, 0x40), (0x11, 0x58)]
    assert [space.read(at) for at in (0x58, 0x5C, 0x60)] == [0x0004_0011, 0x103, 0x803]
    space.write(0x58 + 2, 0x4000, 2)
    space.write(0x42, 0x20, 2)
    assert (space.gated, space.masked, space.messages) == (True, 0, 4)
    space.show(0b101, 0b11, False)
    space.write(0x58 + 2, 0, 2)
    assert (space.gated, space.masked, space.read(0x54)) == (False, 0b101, 0b11)


def test_a_card_of_intx_alone_has_no_messages() -> None:
    space = ConfigSpace(replace(EM_PCI, capabilities=()))
    assert (list(capabilities(space)), space.read(0x06, 2) & 1 << 4, space.masked, space.messages) == ([], 0, 0, 0)
    assert ConfigSpace(replace(MSI, capabilities=())).read(0x06, 2) & 1 << 4


def test_status_says_that_intx_waits() -> None:
    space = ConfigSpace(EM_PCI)
    before = space.read(0x06, 2)
    space.show(0, 0, True)
    assert space.read(0x06, 2) == before | 1 << 3
    space.write(0x06, 0xFFFF, 2)
    space.show(0, 0, False)
    assert space.read(0x06, 2) == before


@pytest.mark.parametrize(
    ("pci", "sentence"),
    [
        (replace(MSI, vectors=3), "MSI has a power of two of messages, 1 to 32, not 3"),
        (replace(MSI, vectors=64), "MSI has a power of two of messages, 1 to 32, not 64"),
        (replace(MSIX, vectors=2049), "MSI-X has 1 to 2048 vectors, not 2049, and a table in a BAR"),
        (replace(MSIX, msix=None), "MSI-X has 1 to 2048 vectors, not 5, and a table in a BAR"),
        (replace(WIDE, bars=(16, 16)), "BAR 0 has 64 bits of address: BAR 1 is its upper half"),
        (
            replace(EM_PCI, bars=(0,) * 5 + (16,), io_bar=None, kinds=(BarKind.WIDE,) * 6),
            "BAR 5 has 64 bits of address",
        ),
    ],
)
def test_messages_and_bars_that_cannot_be(pci: PciIdentity, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ConfigSpace(pci)


def test_nothing_else_is_written() -> None:
    space = ConfigSpace(EM_PCI)
    before = {at: space.read(at) for at in range(0, 256, 4)}
    for at in before:
        space.write(at, EVERYTHING)
    changed = {at: space.read(at) ^ was for at, was in before.items() if space.read(at) != was}
    assert changed == {0x04: 0x547, 0x0C: 0xFFFF, 0x10: 0xFFFE_0000, 0x18: 0xFFFF_FFF8, 0x3C: 0xFF, 0xE0: 3}


def test_bytes_and_words_are_parts_of_the_same() -> None:
    space = ConfigSpace(EM_PCI)
    space.write(0x3C, 0x0B, 1)
    assert [space.read(0x3C, size) for size in (1, 2, 4)] == [0x0B, 0x010B, 0x010B]


def test_several_capabilities_are_chained() -> None:
    more = PciCapability(5, 0xF0, bytes(range(14)), bytes([1]))
    space = ConfigSpace(replace(EM_PCI, capabilities=(*EM_PCI.capabilities, more)))
    assert list(capabilities(space)) == [(1, 0xDC), (5, 0xF0)]
    assert space.read(0xF4, 2) == 0x0302
    none = ConfigSpace(replace(EM_PCI, capabilities=()))
    assert (list(capabilities(none)), none.read(0x06, 2) & 1 << 4, none.power_state) == ([], 0, 0)


@pytest.mark.parametrize(("offset", "size"), [(256, 4), (-4, 4), (2, 4), (1, 2), (0, 3), (0, 8)])
def test_other_accesses_are_refused(offset: int, size: int) -> None:
    space = ConfigSpace(EM_PCI)
    with pytest.raises(ValueError, match="configuration space has 256 bytes"):
        space.read(offset, size)
    with pytest.raises(ValueError, match="configuration space has 256 bytes"):
        space.write(offset, 0, size)
    with pytest.raises(ValueError, match="0x100 does not fit 1 bytes"):
        space.write(0x3C, 0x100, 1)


@pytest.mark.parametrize(
    ("bars", "io", "sentence"),
    [
        ((3000,), None, "BAR 0 cannot have 3000 bytes"),
        ((8,), None, "BAR 0 cannot have 8 bytes: a power of two of 16 or more"),
        ((1 << 32,), None, "BAR 0 cannot have 4294967296 bytes"),
        ((em.BAR_SIZE, 2), 1, "BAR 1 cannot have 2 bytes: a power of two of 4 or more"),
        ((em.BAR_SIZE,), 2, "the I/O window is to be BAR 2, and the card has none of that number"),
        ((em.BAR_SIZE, 0), 1, "the I/O window is to be BAR 1, and the card has none of that number"),
        ((em.BAR_SIZE,) * 7, None, "a card has 6 BARs at most, not 7"),
    ],
)
def test_a_bar_that_cannot_be(bars: tuple[int, ...], io: int | None, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ConfigSpace(replace(EM_PCI, bars=bars, io_bar=io))


@pytest.mark.parametrize(("offset", "length"), [(0x3C, 4), (0xDE, 4), (0xFC, 4), (0xDC, 6), (0xD8, 6), (0x100, 2)])
def test_a_capability_that_has_no_room(offset: int, length: int) -> None:
    """In the header, off its boundary, over the end, or where another is."""
    more = PciCapability(5, offset, b"\1" * length)
    with pytest.raises(ValueError, match=f"capability 5 of {length + 2} bytes has no room at {offset:#x}"):
        ConfigSpace(replace(EM_PCI, capabilities=(*EM_PCI.capabilities, more)))
