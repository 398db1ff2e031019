"""A driver that is not changed, behind an IOMMU and a proxy that plants a fault: each is named by its rule."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringbed.drivers.world import TxFrame, TxSum
from ringbed.sim.checker.guest.causes import LONG
from tests.sim.checker.guest.faults import AT, FAULTS
from tests.sim.checker.guest.iommu import Guest
from tests.sim.checker.guest.proxy import Fault
from tests.sim.conftest import needs_native

pytestmark = needs_native
US, PEER, KIND = bytes.fromhex("020000000001"), bytes.fromhex("020000000099"), b"\x88\xb5"


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Callable[..., Guest]]:
    made: list[Guest] = []

    def make(fault: Fault | None = None, iommu: bool = True) -> Guest:
        made.append(Guest(tmp_path, fault, iommu))
        return made[-1]

    yield make
    for each in made:
        each.close()


def udp(size: int) -> bytes:
    """A datagram to be summed by the card, with options in its IP header, so that no two contexts are alike."""
    header = bytes.fromhex("4600") + (32 + size).to_bytes(2, "big") + bytes.fromhex("000000004011") + bytes(14)
    return PEER + US + b"\x08\0" + header + bytes.fromhex("00070007") + (8 + size).to_bytes(2, "big") + bytes(2 + size)


def lives(guest: Guest, rounds: int = 3) -> None:
    """Up, frames both ways in rounds, down, and its card is let go."""
    rng = random.Random(1)
    guest.up()
    for _ in range(rounds):
        guest.bench.wire.next += [US + PEER + KIND + rng.randbytes(100) for _ in range(20)]
        frames = [TxFrame([PEER + US + KIND + rng.randbytes(rng.randint(50, 1400))]) for _ in range(10)]
        frames.append(TxFrame([udp(200)], TxSum.UDP, l4_offset=38))
        guest.driver.transmit(0, frames)
        guest.work()
    for _ in range(LONG + 100 if guest.proxy.hits else 0):
        guest.device.read(0, AT["STATUS"])
    guest.driver.down()
    guest.client.write(7, 4, 2, 2)  # bus mastering is off


@pytest.mark.parametrize("iommu", [True, False], ids=["iommu", "plain"])
def test_a_driver_that_keeps_the_rules_has_no_finding(guest: Callable[..., Guest], iommu: bool) -> None:
    """Ten rounds of both rings, and each frame arrives: it was at work."""
    machine = guest(None, iommu)
    lives(machine, 30)
    assert machine.rules() == []
    assert len(machine.sink.frames) == 600
    assert len(machine.bench.wire.out) == 330


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named_first(guest: Callable[..., Guest], name: str) -> None:
    rule, fault = FAULTS[name]
    machine = guest(fault)
    lives(machine)
    assert machine.proxy.done or machine.proxy.hits
    assert machine.rules()[0] == rule


def test_a_finding_says_what_was_done_and_counts_it(guest: Callable[..., Guest]) -> None:
    machine = guest(FAULTS["unknown"][1])
    machine.up()
    machine.client.write(0, 0x2F04, 1, posted=True)
    machine.wait(100)
    (found,) = machine.checker.take()
    assert (found.rule, found.count) == ("register.unknown", 2)
    text = "0x1 was written at 0x2f00, where no register is; there is a register at the address (M Table 13-2)"
    assert str(found) == f"clock {found.clock}: register.unknown: {text} (2 times, the last at clock {found.last})"
    assert machine.checker.take() == []


def test_it_is_among_the_findings_of_who_serves(guest: Callable[..., Guest]) -> None:
    """Which `serve` and `guest` print and write; there once."""
    machine = guest(FAULTS["unknown"][1])
    machine.up()
    machine.wait(100)
    assert [each.rule for each in machine.bench.served.findings()] == ["register.unknown"]
    assert machine.bench.served.findings() == []


def test_causes_that_a_driver_leaves_for_a_while_are_its_own_affair(guest: Callable[..., Guest]) -> None:
    """One access less than is too many; and a read of them begins a new count."""
    machine = guest()
    machine.up()
    machine.bench.wire.next += [US + PEER + KIND + bytes(60)]
    for _ in range(3):
        machine.wait(10_000)  # the line is up, and nobody answers
    status = AT["STATUS"]
    for _ in range(2):
        for _ in range(LONG - 2):
            machine.device.read(0, status)
        machine.device.read(0, AT["ICR"])
        machine.client.write(0, AT["ICS"], 0x80, posted=True)
        machine.wait(1000)
    assert machine.rules() == []
    for _ in range(LONG):
        machine.device.read(0, status)
    assert machine.rules() == ["irq.unacknowledged"]
