"""A served card's queue that stands still: in the account and among the findings, whoever's driver it was."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.hw.formats.em.registers import REGISTERS
from ringbed.sim.seam.bus_faults import Access, BusFaults, BusKind, BusRule
from tests.sim.conftest import needs_native
from tests.sim.serve.bench import Bench, Machine
from tests.sim.serve.test_far import asking
from tests.sim.serve.test_server import PEER, US, exchange, frames

pytestmark = needs_native
CTRL = REGISTERS["CTRL"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def stopped(bench: Bench) -> Machine:
    """Its transmit queue, by a client that refuses the card what it asks for, and then no more."""
    machine = asking(bench)
    machine.client.reply = lambda command, address, payload: errno.EFAULT
    machine.client.serve()
    bench.turn()
    machine.client.reply = machine.client.access
    bench.far.append(machine.client)
    bench.rest()
    return machine


def held(bench: Bench) -> dict[str, int]:
    return {name: count for name, count in bench.served.account().items() if "behind" in name}


def told(bench: Bench) -> list[str]:
    return [each.text for each in bench.served.findings() if each.rule == "queue.stopped"]


def test_it_is_in_the_account_and_told_once(bench: Bench) -> None:
    machine = stopped(bench)
    ((name, count),) = held(bench).items()
    assert name in ("frames behind RB_TXSTOP fetch", "frames behind RB_TXSTOP data")
    assert 0 <= count <= 8
    (text,) = told(bench)
    assert text.startswith("the transmit queue stands still until a reset: ")
    assert "TDH 0x" in text
    machine.client.write(0, 0x2820, 1)
    assert (told(bench), len(held(bench))) == ([], 1)
    machine.close()
    bench.rest()
    assert held(bench) == {}


def test_it_is_told_though_the_driver_resets_the_card(bench: Bench) -> None:
    """By the register, before anybody has asked for findings."""
    machine = stopped(bench)
    bench.wait(2_000_000)
    machine.client.write(0, CTRL.offset, CTRL["RST"].mask)
    bench.rest()
    assert held(bench) == {}
    assert len(told(bench)) == 1
    machine.close()


def test_it_is_told_though_the_client_leaves(bench: Bench) -> None:
    machine = stopped(bench)
    machine.close()
    bench.rest()
    assert len(told(bench)) == 1
    again = Machine(bench)
    again.up()
    exchange(again, 4)
    again.close()
    assert told(bench) == []


def test_what_faults_of_the_bus_have_stopped_is_no_finding(bench: Bench) -> None:
    machine = Machine(bench)
    machine.up()
    bench.engine.set_bus_faults(BusFaults((BusRule(BusKind.SLVERR, 5, (1 << 32) - 1, (Access.READ,)),)))
    machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(2, PEER, US)])
    bench.rest()
    assert [name[:23] for name in held(bench)] == ["frames behind RB_TXSTOP"]
    bench.engine.set_bus_faults(BusFaults())
    assert told(bench) == []
    machine.close()
