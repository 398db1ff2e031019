"""Our driver on our card through the protocol: frames both ways, interrupts, resets, clients that come and go."""

from __future__ import annotations

import os
import random
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.sim.cards import em, em_lab
from ringbed.sim.errata import switch_errata
from ringbed.sim.seam.engine import Event, Finding
from ringbed.sim.serve.header import Command
from ringbed.sim.serve.memory import ClientMemory
from ringbed.sim.wire.capture import CaptureWriter
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire
from ringbed.sim.wire.replay import read_capture
from tests.sim.conftest import needs_native
from tests.sim.serve.bench import Bench, Machine
from tests.sim.serve.client import Refused

pytestmark = needs_native
US, PEER, KIND = bytes.fromhex("020000000001"), bytes.fromhex("020000000099"), b"\x88\xb5"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """So short that messages come in the middle of frames."""
    monkeypatch.setattr("ringbed.sim.serve.pace.SLICE", 50)


def frames(count: int, to: bytes, sender: bytes, seed: int = 1) -> list[bytes]:
    rng = random.Random(seed)
    return [to + sender + KIND + rng.randbytes(rng.randint(46, 1500)) for _ in range(count)]


def exchange(machine: Machine, count: int, seed: int = 1) -> None:
    """So many frames each way at once, every byte of them."""
    wire, inward, outward = machine.bench.wire, frames(count, US, PEER, seed), frames(count, PEER, US, seed + 1)
    wire.next += inward
    assert machine.driver.transmit(0, [TxFrame([frame]) for frame in outward]) == count
    for _ in range(20):
        machine.work()
        if len(wire.out) >= count and len(machine.sink.frames) >= count:
            break
    assert [from_wire(frame) for frame in wire.out] == outward
    assert wire.out == [to_wire(frame) for frame in outward]
    assert [frame.data for frame in machine.sink.take()] == inward
    wire.out.clear()


def strays(bench: Bench) -> list[Finding]:
    """Those about memory; a queue that they have stopped is another."""
    return [each for each in bench.served.findings() if each.rule != "queue.stopped"]


def test_our_driver_on_our_card(bench: Bench) -> None:
    machine = Machine(bench)
    assert machine.driver.lladdr == US
    machine.up()
    for seed in range(3):
        exchange(machine, 16, seed)
    assert machine.device.interrupts == bench.served.interrupts.line.signals > 3
    machine.down()
    machine.close()
    account = bench.served.account()
    assert (account["clients"], account["frames into the card"], account["frames out of the card"]) == (1, 48, 48)
    assert bench.served.findings() == []
    assert (bench.memory.windows, bench.memory.regions) == (0, [])


def test_two_clients_one_after_the_other(bench: Bench) -> None:
    for number in (1, 2):
        machine = Machine(bench)
        machine.up()
        exchange(machine, 4, number)
        machine.down()
        machine.close()
        assert bench.said[-2:] == [f"client {number} is here", f"client {number} is gone: it has closed the socket"]
    assert bench.served.account()["clients"] == 2
    assert bench.served.findings() == []


@pytest.mark.usefixtures("slices")
def test_a_client_that_is_killed_in_traffic_leaves_the_record_and_a_card_for_the_next(tmp_path: Path) -> None:
    capture = tmp_path / "wire.pcapng"
    with CaptureWriter(capture) as writer:
        bench = Bench(tmp_path, capture=writer)
        machine, before = Machine(bench), len(os.listdir("/proc/self/fd"))
        machine.up()
        machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(64, PEER, US)])
        bench.wire.next += frames(64, US, PEER)
        for _ in range(20):
            bench.turn()
        machine.close()  # rings on, frames in flight
        assert (bench.memory.windows, bench.served.interrupts.line.armed) == (0, False)
        bench.wait(1_000_000)
        assert len(os.listdir("/proc/self/fd")) == before - 5  # both ends, the arena, the eventfd and its copy
        assert bench.served.findings() == []
        sent = len(bench.wire.out)
        assert 0 < sent < 64
        bench.wire.out.clear()
        again = Machine(bench)
        again.up()
        exchange(again, 8)
        again.close()
        assert bench.served.account()["frames out of the card"] == sent + 8
        bench.close()
    assert len(read_capture(capture).frames) == sent + 8 + 64 + 8


@pytest.mark.usefixtures("slices")
def test_a_reset_under_traffic(bench: Bench) -> None:
    machine = Machine(bench)
    machine.up()
    machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(64, PEER, US)])
    bench.wire.next += frames(16, US, PEER)
    for _ in range(10):
        bench.turn()
    assert bench.served.server.busy
    machine.client.reset()
    assert machine.client.read(7, 4, 2) == 0
    bench.rest()
    assert len(bench.wire.out) < 64
    assert all(fcs_good(frame) for frame in bench.wire.out)
    assert bench.served.findings() == []
    machine.close()


@pytest.mark.usefixtures("slices")
def test_memory_goes_when_no_burst_to_it_is_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unmapped in the middle of a long frame's read: that burst is answered, those that follow find nothing."""
    machine = Machine(bench)
    machine.up()
    (arena,) = machine.memory.regions
    machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(64, PEER, US)])
    machine.client.read(7, 0)
    for _ in range(10_000):
        if bench.engine.in_flight(arena.iova, arena.length):
            break
        bench.engine.run(bench.engine.now + 1, Event.NONE)
    unmap, out = bench.memory.unmap, list[int]()

    def asked(window: Any) -> None:
        out.append(bench.engine.in_flight(arena.iova, arena.length))
        unmap(window)

    assert bench.engine.in_flight(arena.iova, arena.length) > 0
    monkeypatch.setattr(bench.memory, "unmap", asked)
    machine.client.unmap(arena.iova, arena.length)
    assert out == [0]
    bench.rest()
    found = strays(bench)
    assert {finding.rule for finding in found} <= {"dma.read", "dma.write"}
    words = "the client takes back", "was removed"
    assert all(any(each in finding.text for each in words) for finding in found)
    assert words[0] in found[0].text
    machine.close()


def test_memory_that_nobody_uses_goes_without_a_finding(bench: Bench) -> None:
    machine = Machine(bench)
    other = os.memfd_create("other")
    os.ftruncate(other, 1 << 16)
    machine.client.map(0, 1 << 16, other)
    machine.up()
    machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(16, PEER, US)])
    machine.client.unmap(0, 1 << 16)
    machine.work()
    assert (len(bench.wire.out), bench.served.findings()) == (16, [])
    os.close(other)
    machine.close()


@pytest.mark.usefixtures("slices")
def test_without_bus_mastering_the_card_reaches_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is out is answered, what it asks for then is not."""
    real: Any = ClientMemory.master
    out = list[tuple[bool, int]]()

    def switched(memory: ClientMemory, on: bool) -> None:
        out.append((on, bench.engine.in_flight(0, 1 << 64)))
        real.__set__(memory, on)

    monkeypatch.setattr(ClientMemory, "master", property(real.__get__, switched))
    machine = Machine(bench)
    machine.up()
    machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(4, PEER, US)])
    machine.client.read(7, 0)
    while not bench.engine.in_flight(0, 1 << 64):
        bench.engine.run(bench.engine.now + 1, Event.NONE)
    machine.client.enable(3)
    assert out[-1] == (False, 0)
    bench.rest()
    found = strays(bench)
    assert found
    assert all("bus master bit" in finding.text for finding in found)
    machine.close()


def test_a_client_that_talks_nonsense_is_sent_away_and_the_next_is_served(bench: Bench) -> None:
    client = bench.client()
    client.send_bytes(struct.pack("<HHIII", 77, 4, 15, 0, 0))
    with pytest.raises(Refused, match="EINVAL"):
        client.answer(77, 4)
    with pytest.raises(EOFError):
        client.ask(Command.DEVICE_RESET, b"")
    client.close()
    assert bench.said[1:] == [
        "message 77 says that it has 15 bytes, which 16 to 1048608 may have", "client 1 is gone: it was sent away",
    ]  # fmt: skip
    next_one = bench.client()
    assert next_one.read(7, 0) == 0x100E_8086
    next_one.close()


def test_who_only_looks_is_no_client(bench: Bench) -> None:
    bench.client(greet=False).close()
    for _ in range(3):
        bench.turn()
    assert (bench.said, bench.served.account()["resets"]) == ([], 0)


def test_a_second_client_waits_for_the_first(bench: Bench) -> None:
    first = bench.client()
    second = bench.client(greet=False)
    second.send(Command.VERSION, bytes(4))
    for _ in range(3):
        bench.turn()
    assert first.read(7, 0) == 0x100E_8086
    first.close()
    assert second.answer(1, Command.VERSION)[:4] == bytes(4)
    second.close()


def test_it_stops_when_it_is_told_to(bench: Bench) -> None:
    server = bench.served.server
    thread = threading.Thread(target=server.run)
    thread.start()
    server.stop()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.full
@pytest.mark.parametrize("width", [128, 256, 512])
def test_any_width(tmp_path: Path, width: int) -> None:
    bench = Bench(tmp_path, em(width=width))
    machine = Machine(bench)
    machine.up()
    exchange(machine, 8)
    machine.close()
    bench.close()


def test_a_lab_build_with_its_erratum_on(tmp_path: Path) -> None:
    """What the erratum does is the lab's to test; here a card with three more pins is served like any other."""
    bench = Bench(tmp_path, em_lab())
    switch_errata(bench.engine, {"tx-ospf-corrupted-by-csum-engine": {}})
    machine = Machine(bench)
    machine.up()
    exchange(machine, 8)
    machine.close()
    assert bench.served.findings() == []
    bench.close()
