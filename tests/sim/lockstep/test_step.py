"""A kernel of the tests' own and an `em`, in one time: what the driver moves, when interrupts come, what is refused."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.sim.lockstep.calendar import OutOfStep
from ringbed.sim.lockstep.card import Access
from ringbed.sim.lockstep.pci_message import CONFIG
from ringbed.sim.wire.frame import from_wire, to_wire
from tests.sim.conftest import needs_native
from tests.sim.lockstep.kernel import GET, GET_TOD, REQUEST, UPDATE, WAIT, Bench, Gone, Kernel, Machine, whole
from tests.sim.serve.bench import TestWire

pytestmark = needs_native
FRAME = bytes.fromhex("020000000001 020000009901 88b5") + bytes(range(100))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Callable[[str], tuple[Bench, Machine]]]:
    with ExitStack() as stack:

        def made(name: str) -> tuple[Bench, Machine]:
            (tmp_path / name).mkdir()
            bench = Bench(tmp_path / name)
            stack.callback(bench.close)
            machine = Machine(bench)
            stack.callback(machine.close)
            return bench, machine

        yield made


def exchange(bench: Bench, machine: Machine) -> list[int]:
    """The driver comes up, a frame goes out and comes back; when the interrupts of that came, ns."""
    machine.up()
    assert machine.driver.transmit(0, [TxFrame([FRAME])]) == 1
    (wire,) = bench.wires
    came = machine.work(50_000)
    assert [from_wire(frame) for frame in wire.out] == [FRAME]
    wire.next = [FRAME]
    came += machine.work(50_000)
    assert [frame.data for frame in machine.sink.frames] == [FRAME]
    return came


def test_a_driver_moves_frames_and_its_clock_is_the_card_s(scene: Callable[[str], tuple[Bench, Machine]]) -> None:
    bench, machine = scene("a")
    came = exchange(bench, machine)
    assert came, "no interrupt"
    engine, kernel = bench.stepped.engine, machine.kernel
    before = kernel.now
    kernel.sleep(1_000_000)
    assert kernel.now == before + 1_000_000
    assert engine.frequency.ns(engine.now) in range(kernel.now - 8, kernel.now + 1), "they are one clock"
    machine.driver.down()
    assert machine.memory.leaks() == []
    assert bench.stepped.findings() == []
    account = bench.stepped.account()
    assert (account["frames into the card"], account["frames out of the card"]) == (1, 1)
    assert account["interrupts"] == len(machine.kernel.calls) - machine.kernel.calls.count(0)
    assert account["refused"] == 0
    registers = [each for each in bench.accesses if each.region != CONFIG]
    assert account["register reads"] + account["register writes"] == len(registers) == bench.stepped.card.accesses


def test_the_same_again_is_the_same_to_the_clock(scene: Callable[[str], tuple[Bench, Machine]]) -> None:
    first, second, third = (scene(name) for name in "abc")
    assert exchange(*first) == exchange(*second)
    assert first[0].accesses == second[0].accesses
    assert first[0].stepped.card.digest == second[0].stepped.card.digest
    third[1].kernel.sleep(8)  # one clock later
    exchange(*third)
    assert third[0].accesses != first[0].accesses
    assert third[0].stepped.card.digest != first[0].stepped.card.digest


def test_an_interrupt_comes_when_the_line_rises_and_again_only_when_it_was_handled(
    scene: Callable[[str], tuple[Bench, Machine]],
) -> None:
    bench, machine = scene("a")
    machine.up()
    kernel, device, engine = machine.kernel, machine.device, bench.stepped.engine
    before = kernel.now
    device.write(0, 0xC8, 1 << 4)  # ICS: a cause by hand (8254x manual, 13.4.18)
    told = len(kernel.calls)
    kernel.sleep(1_000_000)
    assert len(kernel.calls) == told + 1
    assert before <= kernel.now < before + 1000, "long before the kernel wanted to go on"
    assert engine.frequency.ns(engine.now) == kernel.now
    kernel.sleep(1_000_000)
    assert len(kernel.calls) == told + 1, "it is up still, and nobody has handled it"
    assert len(kernel.interrupts()) == 1
    kernel.offer()
    kernel.sleep(1_000_000)
    assert len(kernel.calls) == told + 2, "it is up still when the handler has run"
    assert device.read(0, 0xC0) & 1 << 4
    assert len(kernel.interrupts()) == 1
    kernel.offer()
    kernel.sleep(1_000_000)
    assert len(kernel.calls) == told + 2


class EchoWire(TestWire):
    """The far end sends what it hears back at once, with the addresses changed round."""

    heard = 0

    def move(self, now: int) -> int:
        left = [from_wire(frame) for _, frame in self.end.wire_out()]
        for frame in left:
            self.heard = now
            self.end.wire_in(to_wire(frame[6:12] + frame[:6] + frame[12:]), self.frequency.clocks(now))
        return len(left)


def test_the_far_end_hears_a_frame_when_it_has_left_not_when_the_kernel_wakes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, EchoWire)
    machine = Machine(bench)
    machine.up()
    machine.device.write(0, 0xD8, 0xFFFF_FFFF)  # IMC (8254x manual, 13.4.21): no interrupt comes in between
    begin = machine.kernel.now
    machine.driver.transmit(0, [TxFrame([FRAME[6:12] + FRAME[:6] + FRAME[12:]])])
    machine.kernel.sleep(10**9)
    assert machine.kernel.now == begin + 10**9
    assert begin < bench.wires[0].heard < begin + 5_000
    machine.close()
    bench.close()


def test_reads_take_the_card_time_and_the_kernel_none(kernel: Kernel, bench: Bench) -> None:
    kernel.command(struct.pack("<BBHIQ", 2, 0, 0, 2, 4) + b"\x07\x00")
    engine = bench.stepped.engine
    for _ in range(100):
        kernel.command(struct.pack("<BBHIQ", 3, 0, 0, 4, 8), 4)
    ahead = engine.frequency.ns(engine.now)
    assert kernel.now == 0 < ahead
    kernel.sleep(1)
    assert (kernel.now, engine.frequency.ns(engine.now)) == (1, ahead), "it waits"
    kernel.sleep(ahead)
    assert engine.frequency.ns(engine.now) in range(kernel.now - 8, kernel.now + 1)


def test_what_is_posted_is_taken_back_in_time(kernel: Kernel) -> None:
    """The kernel takes posted writes back on its way to a read's answer; without one it has to be told."""
    kernel.command(struct.pack("<BBHIQ", 2, 0, 0, 2, 4) + b"\x07\x00")
    for _ in range(300):
        kernel.command(struct.pack("<BBHIQ", 4, 0, 0, 4, 0x5200) + bytes(4))
    assert kernel.calls == [0, 0]
    kernel.command(struct.pack("<BBHIQ", 3, 0, 0, 4, 8), 4)
    for _ in range(100):
        kernel.command(struct.pack("<BBHIQ", 4, 0, 0, 4, 0x5200) + bytes(4))
    assert kernel.calls == [0, 0]


def test_configuration_space_and_a_bar_that_is_off(kernel: Kernel, bench: Bench) -> None:
    def read(op: int, bar: int, size: int, at: int) -> bytes:
        return kernel.command(struct.pack("<BBHIQ", op, bar, 0, size, at), size)

    assert read(1, 0, 4, 0) == struct.pack("<HH", 0x8086, bench.stepped.card.function.pci.device)
    kernel.command(struct.pack("<BBHIQ", 2, 0, 0, 4, 0x10) + b"\xff" * 4)
    assert int.from_bytes(read(1, 0, 4, 0x10), "little") == -bench.stepped.card.function.pci.bars[0] & 0xFFFFFFFF
    assert read(3, 0, 4, 8) == b"\xff" * 4, "its BAR is off: nobody answers"
    assert bench.accesses[-1] == Access(bench.stepped.engine.now, "read", 0, 8, b"\xff" * 4)
    kernel.command(struct.pack("<BBHIQ", 4, 0, 0, 4, 0) + bytes(4))
    assert bench.stepped.account()["refused"] == 2
    assert bench.stepped.account()["register reads"] == 0
    kernel.command(struct.pack("<BBHIQ", 2, 0, 0, 2, 4) + b"\x02\x00")
    assert read(3, 0, 4, 8) != b"\xff" * 4
    assert read(3, 3, 4, 0) == b"\xff" * 4, "there is no BAR 3"


def test_the_calendar_says_what_time_it_is(kernel: Kernel) -> None:
    kernel.sleep(1234)
    assert kernel.ask_time(GET) == 1234
    assert kernel.ask_time(GET_TOD) == 10**18 + 1234
    assert kernel.ask_time(UPDATE, 1234) == 0


def test_kernels_that_share_memory_with_a_calendar_are_given_a_version_that_there_is_not(bench: Bench) -> None:
    kernel = Kernel(bench.folder, greet=False)
    files = kernel.start()
    assert [os.pread(file, 4096, 0) for file in files] == [bytes(4096)] * 2
    for file in files:
        os.close(file)
    kernel.close()


def ends(bench: Bench, kernel: Kernel) -> str:
    """What the card's side gave up for; both connections are closed."""
    bench.join()
    with pytest.raises(Gone):
        whole(kernel.time, 1)
    assert isinstance(bench.ended, OutOfStep)
    return str(bench.ended)


@pytest.mark.parametrize(
    ("op", "time", "why"),
    [
        (9, 0, "time message 77: 9 is nothing"),
        (6, 0, "time message 77: 6 is nothing"),
        (1, 0, "START 77: START comes once"),
        (0, 0, "ACK 77 of nothing"),
        (2, 999, "REQUEST 77 is of 999 ns, and it is 1000 ns"),
        (2, 1 << 63, "REQUEST 77 is of 9223372036854775808 ns"),
        (5, 1001, "UPDATE 77 to 1001 ns from 1000"),
    ],
)
def test_a_kernel_out_of_step_is_given_up(op: int, time: int, why: str, kernel: Kernel, bench: Bench) -> None:
    kernel.sleep(1000)
    kernel.time.sendall(struct.pack("<IIQ", op, 77, time))
    assert why in ends(bench, kernel)


def test_a_kernel_that_would_sleep_for_ever_is_given_up(kernel: Kernel, bench: Bench) -> None:
    kernel.ask_time(REQUEST, (1 << 63) - 1)
    kernel.ask_time(WAIT)
    assert "nothing is there that would ever wake it" in ends(bench, kernel)


def test_a_message_whose_end_cannot_be_told_ends_it(kernel: Kernel, bench: Bench) -> None:
    kernel.slot.sendall(struct.pack("<III", 1, 1, 1 << 20))
    assert ends(bench, kernel) == "a vhost-user message of 1048576 bytes, flags 0x1"


def test_a_kernel_that_knows_no_queue_ends_it(scene: Callable[[str], tuple[Bench, Machine]]) -> None:
    bench, machine = scene("a")
    machine.up()
    kernel = machine.kernel
    machine.device.write(0, 0xC8, 1 << 4)
    kernel.ask_time(REQUEST, kernel.now + 10**6)
    kernel.ask_time(WAIT)
    whole(kernel.requests, 20)
    kernel.requests.sendall(struct.pack("<IIIQ", 4, 5, 8, 1))
    assert ends(bench, kernel) == "the kernel knows no queue 1"


def test_a_kernel_that_goes_ends_it_without_a_word(kernel: Kernel, bench: Bench) -> None:
    kernel.sleep(100)
    kernel.time.close()
    bench.join()
    assert bench.ended is None
    assert bench.stepped.server.gone


def test_it_can_be_stopped_while_the_kernel_works_and_while_it_waits(tmp_path: Path) -> None:
    for name, request in (("a", 0), ("b", 10**15)):
        (tmp_path / name).mkdir()
        bench = Bench(tmp_path / name)
        kernel = Kernel(bench.folder)
        if request:
            bench.stepped.engine.write(0, 0)  # something is in flight
            kernel.ask_time(REQUEST, request)
            kernel.ask_time(WAIT)
        bench.stepped.server.stop()
        bench.join()
        assert not bench.stepped.server.gone
        kernel.close()
        bench.close()
