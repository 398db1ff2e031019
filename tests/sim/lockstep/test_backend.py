"""What a kernel asks of its slot and is refused, and that it can go on afterwards; by a kernel of the tests' own."""

from __future__ import annotations

import os
import random
import struct

from tests.sim.conftest import needs_native
from tests.sim.lockstep.kernel import RINGS_AT, ROOM, Bench, Kernel

pytestmark = needs_native


def works(kernel: Kernel) -> bool:
    return kernel.command(struct.pack("<BBHIQ", 1, 0, 0, 2, 0), 2) == b"\x86\x80"


def test_what_is_refused_has_a_status_and_changes_nothing(kernel: Kernel, bench: Bench) -> None:
    for request, payload in (
        (4, b""), (2, struct.pack("<Q", 1)), (16, struct.pack("<Q", 1 << 4)), (35, struct.pack("<II", 2, 0)),
        (8, struct.pack("<II", 0, 3)), (5, bytes(8)), (9, bytes(3)),
    ):  # fmt: skip
        assert kernel.status(request, payload) == 1
    assert bench.stepped.account()["refused"] == len(bench.said) == 7
    assert works(kernel)


def test_a_second_end_for_calls_is_refused_and_closed(kernel: Kernel) -> None:
    reads, writes = os.pipe()
    assert kernel.status(21, files=[writes]) == 1
    os.close(writes)
    assert os.read(reads, 1) == b"", "nobody holds the other end"
    os.close(reads)
    assert works(kernel)


def test_a_queue_is_enabled_when_it_has_a_place_and_kicked_when_it_is_enabled(bench: Bench) -> None:
    kernel = Kernel(bench.folder, greet=False)
    for file in kernel.start():
        os.close(file)
    enable, kick = struct.pack("<II", 0, 1), struct.pack("<II", 0, 0)
    assert (kernel.status(18, enable), kernel.status(35, kick)) == (1, 1)
    assert kernel.lend() == 0
    assert kernel.status(8, struct.pack("<II", 0, 16)) == 0
    assert kernel.status(18, enable) == 1
    assert kernel.status(9, kernel.address(0)) == 0
    assert (kernel.status(18, enable), kernel.status(35, kick)) == (0, 0)
    assert works(kernel)
    assert (kernel.status(18, kick), kernel.status(35, kick)) == (0, 1)
    kernel.close()


def test_memory_that_is_lent_anew_takes_the_queues_away(kernel: Kernel) -> None:
    assert kernel.lend() == 0
    assert kernel.status(35, struct.pack("<II", 0, 0)) == 1
    assert kernel.status(18, struct.pack("<II", 0, 1)) == 0


def test_the_slot_s_own_configuration_is_empty(kernel: Kernel) -> None:
    question = struct.pack("<III", 4, 4, 0)
    assert kernel.ask(24, question + b"\xff" * 4, flags=1) == question + bytes(4)


def test_a_message_that_means_nothing_gets_nothing(kernel: Kernel, bench: Bench) -> None:
    assert kernel.command(struct.pack("<BBHIQ", 7, 0, 0, 4, 0), 4) == b""
    assert kernel.got(ROOM + 16, 4) == b"\xee" * 4
    assert bench.said == ["refused: operation 7 is nothing that a card is told"]
    assert works(kernel)


def test_a_queue_that_is_broken_is_refused_at_its_kick(kernel: Kernel) -> None:
    kernel.descriptor(0, 0, RINGS_AT - 1, 16, 0)
    kernel.available(0, 0)
    assert kernel.kick(0) == 1


def test_ten_thousand_messages_of_any_bytes(bench: Bench, kernel: Kernel) -> None:
    """Each is answered once, and the slot works as before."""
    chance = random.Random(11)
    for _ in range(10_000):
        request = chance.choice([1, 3, 4, 2, 8, 10, 15, 16, 24, 99, 35, 5, 21])
        kernel.ask(request, chance.randbytes(chance.choice([0, 4, 8, 12, 16, 40])))
    assert bench.ended is None
    for request, payload in (
        (5, None), (8, struct.pack("<II", 0, 16)), (10, struct.pack("<II", 0, 0)), (9, kernel.address(0)),
        (18, struct.pack("<II", 0, 1)),
    ):  # fmt: skip
        assert (kernel.lend() if payload is None else kernel.status(request, payload)) == 0
    assert works(kernel)
