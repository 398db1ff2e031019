"""What a client maps: files once, permissions, no file at all, no bus master; and what it takes back."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator

import pytest

from ringbed.sim.memory.regions import POISON, READ, WRITE, Response
from ringbed.sim.serve import memory as module
from ringbed.sim.serve.header import PAGE
from ringbed.sim.serve.memory import ClientMemory
from ringbed.sim.serve.messages import DmaMap, Refusal

NAME = "ringbed-client"
EIGHT = (1 << 8) - 1


@pytest.fixture
def file() -> Iterator[int]:
    """Sixteen pages, each full of its own number."""
    made = os.memfd_create(NAME)
    os.write(made, b"".join(bytes([page]) * PAGE for page in range(16)))
    yield made
    os.close(made)


@pytest.fixture
def memory() -> ClientMemory:
    made = ClientMemory()
    made.master = True
    return made


def wanted(address: int, pages: int = 1, offset: int = 0, readable: bool = True, writable: bool = True) -> DmaMap:
    return DmaMap(address, pages * PAGE, offset * PAGE, readable, writable)


def mappings() -> int:
    """Of the file, in this process."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return sum(NAME in line for line in maps)


def code(refusal: Refusal | None) -> int:
    assert refusal is not None
    return refusal.errno


def test_what_is_mapped_is_the_file_itself(memory: ClientMemory, file: int) -> None:
    assert memory.map(wanted(0x10000, 2, offset=3), file) is None
    assert memory.device_read(0x11000, 8) == (b"\4" * 8, Response.OKAY)
    assert memory.device_write(0x10008, b"abcdefgh", EIGHT) is Response.OKAY
    assert os.pread(file, 8, 3 * PAGE + 8) == b"abcdefgh"
    assert memory.device_read(0x12000, 8) == (bytes([POISON]) * 8, Response.DECERR)


def test_a_file_is_mapped_once_however_often_it_comes(memory: ClientMemory, file: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for page in range(16):
        again = os.dup(file)
        assert memory.map(wanted((16 - page) * PAGE, offset=page), again) is None
        os.close(again)
    assert (mappings(), len(os.listdir("/proc/self/fd")) - before) == (1, 1)
    assert [memory.device_read(page * PAGE, 1)[0] for page in range(1, 17)] == [bytes([16 - p]) for p in range(1, 17)]
    memory.clear()
    assert (memory.windows, memory.regions, mappings(), len(os.listdir("/proc/self/fd"))) == (0, [], 0, before)


def test_a_file_that_has_grown_is_mapped_anew(memory: ClientMemory, file: int) -> None:
    assert memory.map(wanted(0), file) is None
    os.pwrite(file, b"grown", 16 * PAGE)
    os.ftruncate(file, 17 * PAGE)
    assert memory.map(wanted(PAGE, offset=16), file) is None
    assert memory.device_read(PAGE, 5)[0] == b"grown"
    assert memory.device_read(0, 1)[0] == b"\0"


def test_maps_do_not_overlap(memory: ClientMemory, file: int) -> None:
    assert memory.map(wanted(0x10000, 4), file) is None
    for address, pages in ((0x10000, 4), (0xF000, 2), (0x13000, 1), (0x11000, 1), (0, 64)):
        assert code(memory.map(wanted(address, pages), file)) == errno.EEXIST
        assert code(memory.map(wanted(address, pages), None)) == errno.EEXIST
    assert memory.map(wanted(0xF000), file) is None
    assert memory.map(wanted(0x14000), None) is None
    assert code(memory.map(wanted(0x14000), file)) == errno.EEXIST
    assert memory.windows == 3


def test_what_cannot_be_mapped(memory: ClientMemory, file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code(memory.map(wanted(0, 2, offset=15), file)) == errno.EINVAL
    reader, writer = os.pipe()
    assert code(memory.map(wanted(0), reader)) == errno.EINVAL
    os.close(reader)
    os.close(writer)
    closed = os.open(f"/proc/self/fd/{file}", os.O_RDONLY)
    assert code(memory.map(wanted(0), closed)) == errno.EACCES
    assert memory.map(wanted(0, writable=False), closed) is None
    os.close(closed)
    monkeypatch.setattr(module, "GUARDED", PAGE)
    assert code(memory.map(wanted(PAGE, 2, writable=False), file)) == errno.ENOMEM
    monkeypatch.setattr(module, "MOST_MAPS", 1)
    assert code(memory.map(wanted(PAGE), file)) == errno.ENOSPC
    assert memory.windows == 1


def test_permissions_are_the_clients(memory: ClientMemory, file: int) -> None:
    assert memory.map(wanted(0, offset=1, writable=False), file) is None
    assert memory.map(wanted(2 * PAGE, 2, offset=2, readable=False), file) is None
    assert memory.device_read(0, 8) == (b"\1" * 8, Response.OKAY)
    assert memory.device_write(0, bytes(8), EIGHT) is Response.DECERR
    assert memory.device_read(3 * PAGE, 8)[1] is Response.DECERR
    assert memory.device_write(3 * PAGE, b"12345678", EIGHT) is Response.OKAY
    os.pwrite(file, b"new", PAGE)
    assert memory.device_read(0, 3)[0] == b"new"
    assert os.pread(file, 8, 3 * PAGE) == b"12345678"


def test_an_unmap_is_of_whole_maps(memory: ClientMemory, file: int) -> None:
    memory.map(wanted(0x10000, 2), file)
    memory.map(wanted(0x20000, 2), None)
    first, second = 0x10000, 0x20000
    for address, size, inside in (
        (0x10000, 0x2000, [first]), (0x20000, 0x2000, [second]), (0, 1 << 64, [first, second]),
        (0x10000, 0x12000, [first, second]), (0xF000, 0x4000, [first]), (0x12000, 0xE000, []), (0, 0x10000, []),
        (0x22000, 1 << 40, []),
    ):  # fmt: skip
        found = memory.within(address, size)
        assert found is not None
        assert [window.address for window in found] == inside
    for address, size in ((0x10000, 0x1000), (0x11000, 0x1000), (0, 0x21000), (0x11000, 0x11000), (0x10001, 1)):
        assert memory.within(address, size) is None
    for window in memory.within(0, 1 << 64) or []:
        memory.unmap(window)
    assert (memory.windows, mappings()) == (0, 0)


def test_without_bus_mastering_there_is_no_memory(memory: ClientMemory, file: int) -> None:
    memory.map(wanted(0, offset=7), file)
    version = memory.version
    memory.master = False
    assert memory.version > version
    assert memory.device_read(0, 8)[1] is Response.DECERR
    assert "bus master bit" in memory.locate(0).text
    memory.map(wanted(PAGE, offset=8), file)
    memory.master = memory.master
    assert memory.regions == []
    memory.master = True
    assert memory.device_read(PAGE, 2)[0] == b"\x08\x08"


def test_findings_say_what_the_client_did(memory: ClientMemory, file: int) -> None:
    class Clock:
        now = 90

    clock = Clock()
    memory.clocked_by(clock)
    assert memory.locate(0).text == "nothing is mapped"
    memory.map(wanted(0x10000), None)
    assert memory.locate(0x10010).text == (
        "in the 4096 bytes at 0x10000 that the client mapped without a file: nobody has been asked for them"
    )
    memory.map(wanted(0x20000), file)
    assert memory.locate(0x11000).text == "the nearest region has 4096 bytes at 0x20000"
    for window in memory.within(0x20000, PAGE) or []:
        memory.unmap(window)
    removed = "inside the region of 4096 bytes at 0x20000 that was removed 10 clocks before"
    assert memory.locate(0x20010, clock=100).text == removed


def test_a_page_is_what_it_is_here() -> None:
    assert mmap.PAGESIZE == PAGE


def test_what_is_reached_without_a_gap(memory: ClientMemory, file: int) -> None:
    """Across maps that touch, each with what the card may do there; not beyond a gap, nor where there is no file."""
    memory.map(wanted(0x10000, offset=3), file)
    memory.map(wanted(0x11000, offset=7, writable=False), file)
    memory.map(wanted(0x13000, offset=1), file)
    memory.map(wanted(0x14000), None)
    assert [len(piece.view) for piece in memory.reach(0x10FF0, 0x20)] == [16, 16]
    assert [bytes(piece.view[:1]) for piece in memory.reach(0x10FF0, 0x20)] == [b"\3", b"\7"]
    assert [piece.allowed for piece in memory.reach(0x10FF0, 0x20)] == [READ | WRITE, READ]
    assert sum(len(piece.view) for piece in memory.reach(0x10000, 1 << 20)) == 2 * PAGE
    assert sum(len(piece.view) for piece in memory.reach(0x13800, 1 << 20)) == PAGE // 2
    for nowhere in (0x0, 0xFFFF, 0x12000, 0x14000, 0x15000):
        assert memory.reach(nowhere, 16) == []
