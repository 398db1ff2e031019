"""Configuration space as an operating system walks it: ids, sizes of BARs, capabilities, what may be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ringbed.drivers.world import PciCapability
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
