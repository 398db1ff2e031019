"""A client's memory without a file, by messages: our driver on `em` through it, with both kinds of memory, on record;
and what becomes of the card when the client refuses, is late, waits itself or dies.
"""

from __future__ import annotations

import errno
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.sim.cards import em
from ringbed.sim.record.records import Kind
from ringbed.sim.serve.asked import LATE
from ringbed.sim.serve.header import Command
from tests.sim.conftest import needs_native
from tests.sim.serve.bench import Bench, Machine
from tests.sim.serve.test_recorded import ever, kept, recorded, replayed
from tests.sim.serve.test_server import PEER, US, exchange, frames, strays

pytestmark = needs_native
READ, WRITE = Command.DMA_READ, Command.DMA_WRITE


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def every(page: int) -> bool:
    return True


def third(page: int) -> bool:
    """So that rings and buffers lie in both kinds, and a frame in two of them."""
    return page % 3 != 0


def asking(bench: Bench, count: int = 8) -> Machine:
    """A machine whose card waits for bytes: the client has been asked, and has not looked."""
    machine = Machine(bench, far=every)
    machine.up()
    exchange(machine, 2)
    bench.far.clear()
    machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(count, PEER, US)])
    until_asked(bench)
    return machine


def until_asked(bench: Bench) -> None:
    for _ in range(1000):
        bench.turn()
        if bench.engine.asked(False):
            bench.turn()
            return
    raise AssertionError("the card asks for nothing")


@pytest.mark.parametrize(("far", "most"), [(every, None), (every, 48), (third, None)], ids=["far", "short", "both"])
def test_frames_are_the_same_as_through_a_mapped_region(
    bench: Bench, far: Callable[[int], bool], most: int | None
) -> None:
    """`exchange` compares every byte both ways; the memory it was done in is the same at the end."""
    seen = []
    for kind in (None, far):
        machine = Machine(bench, far=kind, most=None if kind is None else most)
        machine.up()
        for seed in range(2):
            exchange(machine, 8, seed)
        (arena,) = machine.memory.regions
        seen.append(bytes(arena.data))
        asked = machine.client.asked
        machine.down()
        machine.close()
    assert seen[0] == seen[1]
    commands = Counter(command for command, _, _ in asked)
    assert set(commands) == {READ, WRITE}
    assert all(count <= (most or 4096) for _, _, count in asked)
    assert all(far((address - arena.iova) >> 12) for _, address, _ in asked)
    account = bench.served.account()
    assert account["DMA reads by message"] == commands[READ]
    assert account["DMA writes by message"] == commands[WRITE]
    assert (bench.served.findings(), bench.memory.far) == ([], [])


def test_while_the_client_has_not_answered_time_stands_still(bench: Bench) -> None:
    machine = asking(bench)
    now = bench.engine.now
    for _ in range(10):
        bench.turn()
    assert bench.engine.now == now
    bench.far.append(machine.client)
    bench.rest()
    assert len(bench.wire.out) == 8
    assert bench.served.findings() == []
    machine.close()


def test_a_client_that_waits_itself_is_answered_first(bench: Bench) -> None:
    """Register reads and writes, and questions, while it owes the card an answer: time passes for them, as it must."""
    machine = asking(bench)
    client, now = machine.client, bench.engine.now
    assert client.read(0, 8) & 2  # STATUS: the link is up
    assert bench.engine.now > now
    client.write(0, 0x2820, 5)
    assert client.read(0, 0x2820) == 5
    assert client.read(7, 0) == 0x100E_8086
    assert bench.engine.asked(False)
    bench.far.append(client)
    bench.rest()
    assert (len(bench.wire.out), bench.served.findings()) == (8, [])
    machine.close()


def elsewhere(command: int, address: int, payload: bytes) -> bytes:
    """Of other bytes than were asked for."""
    (count,) = struct.unpack_from("<Q", payload, 8)
    return struct.pack("<QQ", address + 8, count) + bytes(count)


Reply = Callable[[int, int, bytes], bytes | int]
ANSWERS: dict[str, tuple[Reply, str, str]] = {
    "refused": (lambda command, address, payload: errno.EFAULT, "refused by the client", "it refuses by EFAULT"),
    "short": (lambda command, address, payload: payload[:16], "answered wrongly", "has 16 bytes, not"),
    "elsewhere": (elsewhere, "answered wrongly", "names other bytes"),
}  # fmt: skip


@pytest.mark.parametrize("how", ANSWERS)
def test_a_bad_answer_is_a_bus_error_with_a_cause(bench: Bench, how: str) -> None:
    reply, cause, words = ANSWERS[how]
    machine = asking(bench)
    machine.client.reply = reply
    machine.client.serve()
    bench.turn()
    machine.client.reply = machine.client.access
    bench.far.append(machine.client)
    bench.rest()
    (arena,) = machine.memory.regions
    assert bench.served.account()[f"DMA bursts {cause}"] == 1
    finding, stopped = bench.served.findings()
    assert (finding.rule, stopped.rule) == ("dma.read", "queue.stopped")
    assert f"in the {arena.length} bytes at {arena.iova:#x} that the client mapped without a file: " in finding.text
    assert "answered SLVERR" in finding.text
    assert words in finding.text
    machine.close()


def test_an_answer_that_comes_too_late_is_a_bus_error_and_then_nothing(bench: Bench) -> None:
    machine = asking(bench)
    bench.wall += LATE - 1_000_000
    bench.turn()
    assert bench.engine.asked(False)
    bench.wall += 1_000_000
    bench.turn()
    assert bench.served.account()["DMA bursts answered too late"] == 1
    bench.far.append(machine.client)  # which answers now
    bench.rest()
    (finding,) = strays(bench)
    assert "there was no answer for 5 s" in finding.text
    assert bench.served.account().get("refused", 0) == 0
    machine.close()


def test_what_the_client_lets_nobody_write_is_not_asked_for(bench: Bench) -> None:
    machine = Machine(bench, far=every)
    (arena,) = machine.memory.regions
    machine.client.unmap(arena.iova, arena.length)
    machine.client.map(arena.iova, arena.length, flags=1)
    machine.driver.up()
    bench.wire.next += frames(1, US, PEER)
    bench.wait(1_000_000)
    assert {command for command, _, _ in machine.client.asked} == {READ}
    assert bench.served.account()["DMA bursts not allowed by their map"] > 0
    assert all("they may not be written" in finding.text for finding in strays(bench))
    machine.close()


@pytest.mark.parametrize("how", ["dies", "resets", "unmaps", "takes the bus"])
def test_what_cannot_be_answered_is_given_up_and_the_card_goes_on(bench: Bench, how: str) -> None:
    """It is nobody's fault: no finding of a burst that was out."""
    machine = asking(bench)
    (arena,) = machine.memory.regions
    if how == "resets":
        machine.client.reset()
    elif how == "unmaps":
        machine.client.unmap(arena.iova, arena.length)
    elif how == "takes the bus":
        machine.client.enable(3)
    assert not (bench.engine.asked(False) and how != "dies")
    machine.close()
    bench.rest()
    assert bench.served.account()["DMA bursts given up"] == 1
    found = strays(bench)
    assert how in ("unmaps", "takes the bus") or not found
    assert not any("without a file" in finding.text for finding in found)
    bench.wire.out.clear()
    again = Machine(bench, far=third)
    again.up()
    exchange(again, 4)
    again.close()
    assert bench.served.findings() == []


def test_an_answer_from_before_is_nobodys(bench: Bench) -> None:
    """The client answers what the reset has given up: it is taken, and changes nothing."""
    machine = asking(bench)
    machine.client.reset()
    bench.far.append(machine.client)
    bench.rest()
    bench.hear()
    bench.turn()
    assert bench.served.account()["refused"] == 0
    assert machine.client.read(7, 0) == 0x100E_8086
    machine.close()


def test_an_answer_to_nothing_is_refused(bench: Bench) -> None:
    client = bench.client()
    client.send_bytes(struct.pack("<HHIIIQQ", 9, READ, 32, 1, 0, 0, 0))
    assert client.read(7, 0) == 0x100E_8086
    assert bench.said[-1] == "message 9 is refused by EINVAL: it is of type 1, and nothing was asked"
    client.close()


@pytest.mark.parametrize("far", [every, third], ids=["far", "both"])
def test_on_record_it_comes_again_without_anybody(tmp_path: Path, far: Callable[[int], bool]) -> None:
    """With reads of registers in the middle of a burst that waits, a reset then, and a client that dies so."""
    recording, bench = recorded(tmp_path)
    with recording:
        machine = Machine(bench, far=far)
        machine.up()
        exchange(machine, 4)
        for end in (None, machine.client.reset):
            machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(8, PEER, US)])
            until_asked(bench)
            for _ in range(5):
                machine.client.read(0, 8)
            machine.client.write(0, 0x2820, 7)
            machine.client.read(0, 0x2820)
            if end is not None:
                end()
            bench.rest()
        machine.close()
        machine = Machine(bench, far=far)
        machine.up()
        machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(8, PEER, US)])
        until_asked(bench)
        machine.client.read(0, 8)
        machine.close()
        bench.rest()
        sent = ever(bench)
        bench.close()
    records = kept(tmp_path / "record")
    waits = [each for each in records if each.kind is Kind.WAIT]
    assert {each.value for each in waits} == {0, 1}
    outcome, out = replayed(tmp_path / "record", em())
    assert outcome.difference is None
    assert outcome.same == Counter(each.kind for each in records)
    assert out == sent
    assert len(sent) >= 4 + 8
