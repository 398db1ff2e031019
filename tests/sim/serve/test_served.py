"""Somebody's card by its port map, served: frames both ways by register writes through the socket, and its account."""

from __future__ import annotations

import importlib
import os
import random
import select
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.sim.dut.card import dut_card
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.frame import to_wire
from tests.sim.conftest import NIC, needs_native
from tests.sim.serve.bench import Bench
from tests.sim.serve.client import CONFIG, Client, SocketDevice, map_memory
from tests.sim.serve.irq.events import Events

pytestmark = needs_native
CTRL, STATUS, RX_BASE, RX_SIZE, RX_GIVEN, RX_DONE = 0x00, 0x04, 0x08, 0x14, 0x18, 0x1C
TX_BASE, TX_SIZE, TX_GIVEN, TX_DONE, DROPS = 0x20, 0x28, 0x2C, 0x30, 0x34
ON, RECEIVED, SENT = 0b111, 1, 2
TABLE_BAR, PBA, VECTOR_CONTROL = 2, 0x800, 12
MEMORY, RX_RING, TX_RING, RX_BUFFER, TX_BUFFER = 0x8000_0000, 0x0000, 0x1000, 0x2000, 0x3000
US, PEER = bytes.fromhex("020000000001"), bytes.fromhex("020000000099")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    spec, pci = dut_card(NIC / "mini_nic.toml")
    assert pci is not None
    bench = Bench(tmp_path, spec, pci=pci)
    yield bench
    bench.close()


def frame(to: bytes, sender: bytes, size: int) -> bytes:
    return to + sender + b"\x88\xb5" + random.Random(size).randbytes(size)


class Machine:
    """A client with a page of memory for each ring and each buffer, and nothing of a driver but register writes."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.client = bench, bench.client()
        self.file = os.memfd_create("memory")
        os.ftruncate(self.file, 0x4000)
        self.client.map(MEMORY, 0x4000, self.file)
        self.client.enable(6)

    def put(self, at: int, data: bytes) -> None:
        os.pwrite(self.file, data, at)

    def get(self, at: int, count: int) -> bytes:
        return os.pread(self.file, count, at)

    def begin(self) -> None:
        """One descriptor each way, and the card on."""
        for ring, base, buffer in ((RX_RING, RX_BASE, RX_BUFFER), (TX_RING, TX_BASE, TX_BUFFER)):
            self.put(ring, (MEMORY + buffer).to_bytes(8, "little") + bytes(8))
            self.client.write(0, base, MEMORY + ring)
            self.client.write(0, base + (8 if base == RX_BASE else 4), 0)
        self.client.write(0, RX_SIZE, 1)
        self.client.write(0, TX_SIZE, 1)
        self.client.write(0, RX_GIVEN, 1)
        self.client.write(0, CTRL, ON)

    def send(self, data: bytes) -> None:
        self.put(TX_BUFFER, data)
        self.put(TX_RING + 8, len(data).to_bytes(2, "little"))
        self.client.write(0, TX_GIVEN, 1)

    def until(self, done: Callable[[], object]) -> None:
        for _ in range(100):
            if done():
                return
            self.bench.turn()
        raise AssertionError("it does not come")

    def close(self) -> None:
        self.client.close()
        os.close(self.file)
        self.bench.turn()


def test_a_frame_each_way_and_a_message_for_each(bench: Bench) -> None:
    """mini_nic by its map, MSI-X on: register writes, descriptors in lent memory, eventfds, the account."""
    machine, inward, outward = Machine(bench), frame(US, PEER, 1001), frame(PEER, US, 77)
    client = machine.client
    assert (client.read(CONFIG, 0), client.read(CONFIG, 8), client.read(CONFIG, 0x34, 1)) == (
        0x1_1234,
        0x0200_0000,
        0x40,
    )
    with Events(1) as events:
        client.write(CONFIG, 0x42, 0x8000, 2)  # MSI-X on
        client.set_vectors(0x24, 2, 0, 1, events.files)
        machine.begin()
        machine.send(outward)
        machine.until(lambda: bench.wire.out)
        assert bench.wire.out == [to_wire(outward)]
        machine.until(lambda: client.read(0, TX_DONE))
        bench.turn()
        assert (events.told(), client.read(0, STATUS)) == ([1], SENT)
        client.write(0, STATUS, SENT)
        client.write(TABLE_BAR, VECTOR_CONTROL, 1)  # masked
        bench.wire.next = [inward]
        machine.until(lambda: client.read(0, RX_DONE))
        assert (events.told(), client.read(TABLE_BAR, PBA), client.read(0, STATUS)) == ([0], 1, RECEIVED)
        client.write(TABLE_BAR, VECTOR_CONTROL, 0)
        assert (events.told(), client.read(TABLE_BAR, PBA)) == ([1], 0)
        length = int.from_bytes(machine.get(RX_RING + 8, 2), "little")
        assert machine.get(RX_BUFFER, length) == inward
    machine.close()
    account = bench.served.account()
    names = "clients", "frames into the card", "frames out of the card", "interrupts", "table reads", "table writes"
    assert [account[name] for name in names] == [1, 1, 1, 2, 2, 2]
    assert bench.served.findings() == []


def test_a_line_that_stays_up_says_nothing_more(bench: Bench) -> None:
    """Decision 0022: a driver that leaves a cause is not called again by a message, and is by INTx."""
    machine = Machine(bench)
    with Events(1) as events:
        machine.client.set_vectors(0x24, 2, 0, 1, events.files)
        machine.begin()
        machine.send(frame(PEER, US, 60))
        machine.until(lambda: machine.client.read(0, STATUS) == SENT)
        bench.wire.next = [frame(US, PEER, 60)]
        machine.until(lambda: machine.client.read(0, STATUS) == SENT | RECEIVED)
        bench.turn()
        assert events.told() == [1]
        machine.client.write(0, STATUS, SENT)
        bench.turn()
        assert events.told() == [0]  # RECEIVED holds the line up
        machine.client.set_vectors(0x21, 2, 0, 0)
        machine.client.set_vectors(0x24, 0, 0, 1, events.files)
        bench.turn()
        assert events.told() == [1]
        machine.client.set_irqs(0x11)
        bench.turn()
        assert events.told() == [1]
    machine.close()


def test_a_client_that_is_killed_in_traffic_leaves_a_card_for_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a frame's way: the card's reset ends what is on its buses, without a finding."""
    monkeypatch.setattr("ringbed.sim.serve.pace.SLICE", 17)
    for _ in range(3):
        machine = Machine(bench)
        machine.begin()
        bench.wire.next = [frame(US, PEER, 1400)] * 4
        machine.send(frame(PEER, US, 1400))
        machine.until(lambda: bench.engine.in_flight(0, 1 << 64))
        machine.close()
        assert (bench.memory.windows, bench.engine.in_flight(0, 1 << 64)) == (0, 0)
        bench.wire.out.clear()
    machine = Machine(bench)
    assert [machine.client.read(0, at) for at in (CTRL, RX_BASE, TX_SIZE, RX_DONE)] == [0] * 4
    for _ in range(300):
        bench.turn()  # what waits at the wire meets a card that is off
    bench.wire.out.clear()
    machine.begin()
    machine.send(frame(PEER, US, 500))
    machine.until(lambda: bench.wire.out)
    assert bench.wire.out == [to_wire(frame(PEER, US, 500))]
    machine.close()
    assert bench.served.findings() == []


def test_its_own_driver_over_the_socket(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniNic, which knows nothing of sockets, by INTx."""
    monkeypatch.setattr("ringbed.sim.serve.pace.SLICE", 200)
    monkeypatch.syspath_prepend(str(NIC))
    mini: Any = importlib.import_module("mini_driver").MiniNic
    client, memory, sink = bench.client(), HostMemory(4 << 20), Collector()
    map_memory(client, memory)
    device = SocketDevice(client, bench.served.function.pci, bench.wait)
    driver = mini(device, memory, sink, lladdr=US)
    driver.up()
    inward, outward = ([frame(a, b, 46 + 97 * n) for n in range(12)] for a, b in ((US, PEER), (PEER, US)))
    bench.wire.next = list(inward)
    assert driver.transmit(0, [TxFrame([each]) for each in outward]) == 12
    for _ in range(200):
        bench.turn()
        while device.taken():
            driver.interrupt(0)
            device.unmask()
            bench.turn()
    assert bench.wire.out == [to_wire(each) for each in outward]
    assert [each.data for each in sink.take()] == inward
    driver.down()
    assert memory.leaks() == []
    assert device.interrupts == bench.served.interrupts.signals > 1
    client.close()
    device.close()
    bench.turn()
    assert bench.served.findings() == []
    sys.modules.pop("mini_driver")


def test_what_is_dropped_before_the_card_is_in_its_account(bench: Bench) -> None:
    machine = Machine(bench)
    machine.begin()
    whole = to_wire(frame(US, PEER, 60))
    bench.served.engine.wire_in(whole[:-1] + bytes([whole[-1] ^ 1]))
    bench.served.engine.wire_in(whole)
    machine.until(lambda: machine.client.read(0, RX_DONE))
    account = bench.served.account()
    assert (account["frames into the card"], account["dropped before the card by bad fcs"]) == (1, 1)
    machine.close()


def test_a_card_without_vectors_has_no_table_in_its_account(tmp_path: Path) -> None:
    spec, pci = dut_card(NIC / "mini_nic.toml")
    assert pci is not None
    bench = Bench(tmp_path, spec, pci=replace(pci, interrupt="intx", vectors=1, msix=None))
    client: Client = bench.client()
    assert "table reads" not in bench.served.account()
    client.enable(6)
    assert client.read(2, 0) == client.read(0, 0)  # BAR 2 is the registers' then
    assert not select.select([client.socket], [], [], 0)[0]
    client.close()
    bench.close()
