"""Registers and delays over an engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringbed.drivers.world import BarKind, MsixPlace, PciIdentity
from ringbed.hw.formats import em
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.device import DeviceOverEngine
from ringbed.sim.testbed.assembly import EM_PCI
from tests.sim.fake_engine import FakeEngine

IO = 2  # the BAR of the window


def device(hz: int = 125_000_000, pci: PciIdentity = EM_PCI) -> tuple[DeviceOverEngine, FakeEngine]:
    engine = FakeEngine(HostMemory())
    return DeviceOverEngine(engine, pci, Frequency(hz)), engine  # type: ignore[arg-type]


def test_reads_cost_time_writes_and_peeks_do_not() -> None:
    card, engine = device()
    rctl = em.REGISTERS["RCTL"].offset
    card.write(0, rctl, 2)
    assert card.peek(0, rctl) == 2
    assert engine.now == 0
    assert card.read(0, rctl) == 2
    assert engine.now > 0


def test_delay_is_at_least_so_long_at_any_clock() -> None:
    for hz, clocks in ((125_000_000, 125), (322_265_625, 323), (1, 1)):
        card, engine = device(hz)
        card.delay(1000)
        assert engine.now == clocks


def test_delay_does_not_end_at_an_interrupt() -> None:
    card, engine = device()
    engine.card["IMS"] = engine.card["ICR"] = 1
    card.delay(1000)
    assert engine.now == 125


@pytest.mark.parametrize(("bar", "offset", "size"), [
    (1, 0, 4), (0, 2, 4), (0, 0, 2), (0, 1 << 17, 4), (0, -4, 4), (2, 8, 4), (2, 4, 2), (2, 1, 4), (3, 0, 4),
])  # fmt: skip
def test_other_accesses_are_refused(bar: int, offset: int, size: int) -> None:
    card, _ = device()
    with pytest.raises(ValueError, match=f"not {size} bytes at {offset:#x} of BAR {bar}"):
        card.read(bar, offset, size)
    with pytest.raises(ValueError, match="32-bit registers"):
        card.write(bar, offset, 0, size)


def test_a_lag_passes_behind_the_next_read_and_once() -> None:
    """A driver that is itself interrupted between the cause it read and what it does about it."""
    card, engine = device()
    card.lag = 1000
    card.write(0, em.REGISTERS["RCTL"].offset, 0)
    assert engine.now == 0
    card.read(0, em.REGISTERS["ICR"].offset)
    assert engine.now == 135
    card.read(0, em.REGISTERS["ICR"].offset)
    assert engine.now == 145


def test_the_io_window_reaches_any_register_and_keeps_its_address() -> None:
    card, engine = device()
    rctl, tctl = em.REGISTERS["RCTL"].offset, em.REGISTERS["TCTL"].offset
    card.write(0, rctl, 0x8002)
    card.write(IO, 0, rctl)
    assert engine.now == 0
    assert card.peek(IO, 4) == 0x8002
    assert card.read(IO, 4) == 0x8002
    assert engine.now > 0, "it is the same read of the same register"
    card.write(IO, 4, 0x2)
    card.write(IO, 0, tctl)
    assert (card.read(0, rctl), card.read(IO, 0), card.peek(IO, 0)) == (2, tctl, tctl)


@pytest.mark.parametrize("address", [em.BAR_SIZE, 0x7_FFFC, 0xFFFF_FFFC, em.REGISTERS["RCTL"].offset + 2])
def test_the_io_window_shows_nothing_where_no_register_is(address: int) -> None:
    """Flash, nothing at all, and half a word: M 4 leaves them undefined; they reach no register."""
    card, engine = device()
    rctl = em.REGISTERS["RCTL"].offset
    card.write(0, rctl, 2)
    card.write(IO, 0, address)
    card.write(IO, 4, 0xFFFF_FFFF)
    assert (card.read(IO, 4), card.peek(IO, 4), card.read(IO, 0)) == (0, 0, address)
    assert (engine.now, card.peek(0, rctl)) == (0, 2)


def test_a_card_without_the_window_has_no_such_bar() -> None:
    card, _ = device(pci=replace(EM_PCI, io_bar=None))
    with pytest.raises(ValueError, match=r"32-bit registers in BAR 0, not 4 bytes at 0x0 of BAR 2"):
        card.read(IO, 0)


def test_registers_are_in_each_bar_whose_kind_is_said_but_for_msixs() -> None:
    kinds = BarKind.MEMORY, BarKind.IO, BarKind.MEMORY, BarKind.MEMORY
    bars = (em.BAR_SIZE, 256, 0, 4096)
    pci = replace(EM_PCI, io_bar=None, bars=bars, kinds=kinds, interrupt="msix", msix=MsixPlace(3, 0, 0x800))
    card, _ = device(pci=pci)
    ims = em.REGISTERS["IMS"].offset
    card.write(1, ims, 5)
    assert [card.peek(bar, ims) for bar in (0, 1)] == [5, 5]
    for bar in (2, 3, 4):
        with pytest.raises(ValueError, match=rf"32-bit registers in BAR 0, 1, not 4 bytes at 0x0 of BAR {bar}"):
            card.read(bar, 0)
    with pytest.raises(ValueError, match="BAR 1"):
        card.read(1, 256)


def test_configuration_space_is_the_cards() -> None:
    card, _ = device()
    assert card.config.read(0) == em.PCI_DEVICE << 16 | em.PCI_VENDOR
    assert card.config is card.config
