"""A PCI function as a client reads and writes it: what answers when, and what is refused without a trace."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from ringbed.hw.formats import em
from ringbed.sim.serve.function import CONFIG, PciFunction
from ringbed.sim.serve.messages import Refusal
from tests.sim.conftest import needs_native
from tests.sim.serve.bench import Bench

pytestmark = needs_native
IO, MEMORY, MASTER, NO_INTX = 1, 2, 4, 0x400
STATUS, RDTR = (em.REGISTERS[name].offset for name in ("STATUS", "RDTR"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("function"))
    yield bench
    bench.close()


@pytest.fixture
def function(bench: Bench) -> PciFunction:
    bench.served.function.reset()
    return bench.served.function


def word(function: PciFunction, region: int, offset: int, size: int = 4) -> int:
    data = function.read(region, offset, size)
    assert isinstance(data, bytes)
    return int.from_bytes(data, "little")


def put(function: PciFunction, region: int, offset: int, value: int, size: int = 4) -> None:
    assert function.write(region, offset, value.to_bytes(size, "little")) is None


def code(refusal: bytes | Refusal | None) -> int:
    assert isinstance(refusal, Refusal)
    return refusal.errno


def test_regions_are_those_of_the_card(function: PciFunction) -> None:
    assert [function.size(region) for region in range(9)] == [em.BAR_SIZE, 0, 8, 0, 0, 0, 0, 256, 0]


def test_configuration_space_of_any_size_at_once(function: PciFunction) -> None:
    whole = function.read(CONFIG, 0, 256)
    assert isinstance(whole, bytes)
    assert (whole[:4], whole[0x3D], len(whole)) == (bytes.fromhex("86800e10"), 1, 256)
    put(function, CONFIG, 0x0C, 0x1234, 2)
    assert (word(function, CONFIG, 0x0D, 1), word(function, CONFIG, 0x0B, 3)) == (0x12, 0x1234_02)
    put(function, CONFIG, 0x10, 0xFFFF_FFFF)
    assert word(function, CONFIG, 0x10) == 0xFFFE_0000


def test_a_bar_answers_while_the_command_register_lets_it(function: PciFunction, bench: Bench) -> None:
    for region in (0, 2):
        assert code(function.read(region, 0, 4)) == code(function.write(region, 0, bytes(4))) == errno.EIO
    put(function, CONFIG, 4, IO, 2)
    assert code(function.read(0, STATUS, 4)) == errno.EIO
    put(function, CONFIG, 4, MEMORY, 2)
    assert word(function, 0, STATUS) == bench.engine.peek(STATUS) != 0
    assert code(function.read(2, 0, 4)) == errno.EIO


def test_the_io_window_reaches_the_registers(function: PciFunction) -> None:
    put(function, CONFIG, 4, IO | MEMORY, 2)
    put(function, 0, RDTR, 0x77)
    put(function, 2, 0, RDTR)
    assert (word(function, 2, 0), word(function, 2, 4), word(function, 2, 0, 8)) == (RDTR, 0x77, 0x77 << 32 | RDTR)
    put(function, 2, 4, 0x55)
    assert word(function, 0, RDTR) == 0x55
    function.reset()
    put(function, CONFIG, 4, IO | MEMORY, 2)
    assert word(function, 2, 0) == 0


def test_what_is_no_place(function: PciFunction) -> None:
    put(function, CONFIG, 4, IO | MEMORY, 2)
    before = dict(function.counts)
    for region, offset, count in (
        (0, em.BAR_SIZE, 4), (0, em.BAR_SIZE - 4, 8), (1, 0, 4), (2, 4, 8), (2, 0, 2), (2, 2, 4), (6, 0, 4),
        (7, 256, 1), (7, 255, 2), (8, 0, 4), (9, 0, 4), (1 << 31, 0, 4), (0, (1 << 64) - 4, 4), (0, 0, 0),
    ):  # fmt: skip
        assert code(function.read(region, offset, count)) == errno.EINVAL
        assert code(function.write(region, offset, bytes(count))) == errno.EINVAL
    for offset, count in ((2, 4), (0, 2), (0, 6), (1, 3), (3, 1)):  # parts of registers
        assert code(function.write(0, offset, bytes(count))) == errno.EINVAL
    assert dict(function.counts) == before


def test_a_part_of_a_register_is_read_as_the_whole(function: PciFunction) -> None:
    put(function, CONFIG, 4, IO | MEMORY, 2)
    put(function, 0, 0x2820, 0x1234)
    before = function.counts["register reads"]
    assert [word(function, 0, 0x2820 + at, 1) for at in range(4)] == [0x34, 0x12, 0, 0]
    assert (word(function, 0, 0x2821, 2), word(function, 0, 0x281F, 2)) == (0x12, 0x3400)
    assert function.counts["register reads"] - before == 4 + 1 + 2


def test_bus_master_and_interrupts_follow_the_command_register(function: PciFunction, bench: Bench) -> None:
    assert not bench.memory.master
    put(function, CONFIG, 4, MASTER, 2)
    assert bench.memory.master
    put(function, CONFIG, 5, NO_INTX >> 8, 1)
    assert bench.memory.master
    function.interrupts.line.set_trigger(None)
    assert word(function, CONFIG, 4, 2) == MASTER | NO_INTX
    function.reset()
    assert not bench.memory.master


def test_reset_is_where_it_began(function: PciFunction) -> None:
    begun = function.read(CONFIG, 0, 256)
    put(function, CONFIG, 4, MEMORY, 2)
    for offset, value in ((0x10, 0xFEB0_0000), (0x3C, 11)):
        put(function, CONFIG, offset, value)
    put(function, 0, RDTR, 0x77)
    function.reset()
    assert function.read(CONFIG, 0, 256) == begun
    put(function, CONFIG, 4, MEMORY, 2)
    assert word(function, 0, RDTR) == 0
