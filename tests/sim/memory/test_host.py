"""Host memory: the driver's misuse raises, the device's is answered on the bus, and nothing leaks unseen."""

from __future__ import annotations

import inspect
import os
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.drivers.world import Direction
from ringbed.sim.memory.host import (
    ARENA_BASE,
    POISON,
    REMEMBERED,
    HostMemory,
    MappingError,
    Region,
    Response,
    memory_for,
)
from ringbed.sim.seam.portmap import Dma, PortMap, PortMapError, Reset

TO, FROM = Direction.TO_DEVICE, Direction.FROM_DEVICE
OKAY, SLVERR, DECERR = Response.OKAY, Response.SLVERR, Response.DECERR


HERE = r"[^ ]+/test_host\.py:\d+"


class NotOne:
    """Of no memory."""


def test_a_mapping_carries_bytes_to_the_device_and_back() -> None:
    memory = HostMemory()
    sent, got = memory.map(b"abcdefgh", TO), memory.map(bytes(16), FROM)
    assert sent.iova >= ARENA_BASE > 1 << 32
    assert memory.device_read(sent.iova, 8) == (b"abcdefgh", OKAY)
    assert memory.device_write(got.iova + 8, b"12345678", 0x0F) == OKAY
    assert got.read(16) == bytes(8) + b"1234" + bytes(4)


def test_a_direction_is_held() -> None:
    memory = HostMemory()
    sent, got = memory.map(b"abcdefgh", TO), memory.map(bytes(8), FROM)
    assert memory.device_write(sent.iova, b"xxxxxxxx", 0xFF) == DECERR
    assert sent.read(8) == b"abcdefgh"
    assert memory.device_read(got.iova, 8) == (bytes([POISON]) * 8, DECERR)


def test_a_read_beat_is_poisoned_outside_its_mapping() -> None:
    memory = HostMemory()
    sent = memory.map(b"abc", TO)
    assert memory.device_read(sent.iova, 8) == (b"abc" + bytes([POISON]) * 5, OKAY)
    assert memory.device_read(sent.iova + 8, 8)[1] == DECERR


def test_a_write_is_checked_under_its_strobes() -> None:
    memory = HostMemory()
    got = memory.map(bytes(3), FROM)
    assert memory.device_write(got.iova, b"abcdefgh", 0x07) == OKAY
    assert memory.device_write(got.iova, b"ABCDEFGH", 0x0F) == DECERR
    assert got.read(3) == b"abc"
    assert memory.device_write(0, bytes(8), 0) == OKAY
    assert memory.device_write(0, bytes(8), 1) == DECERR


def test_an_unmapped_buffer_is_out_of_reach() -> None:
    memory = HostMemory()
    mapping = memory.map(bytes(64), FROM)
    memory.unmap(mapping)
    assert memory.device_write(mapping.iova, bytes(8), 0xFF) == DECERR
    name = rf"the mapping of 64 bytes at 0x120001000 \({HERE}\)"
    with pytest.raises(MappingError, match=rf"^read of 1 bytes of {name}, which is unmapped at {HERE}$"):
        mapping.read(1)


def test_double_and_foreign_unmaps_are_refused() -> None:
    memory, other = HostMemory(), HostMemory()
    mapping = memory.map(b"x", TO)
    with pytest.raises(MappingError, match="which was not mapped here"):
        other.unmap(mapping)
    with pytest.raises(MappingError, match="^unmap of a NotOne, which was not mapped here$"):
        other.unmap(NotOne())  # type: ignore[arg-type]
    memory.unmap(mapping)
    name = rf"the mapping of 1 bytes at 0x120001000 \({HERE}\)"
    with pytest.raises(MappingError, match=rf"^second unmap of {name}, the first at {HERE}$"):
        memory.unmap(mapping)
    again = memory.map(b"y", TO)  # the slot is used anew; the old mapping is still dead
    with pytest.raises(MappingError, match="second unmap"):
        memory.unmap(mapping)
    assert memory.device_read(again.iova, 1) == (b"y", OKAY)


def test_coherent_memory_is_shared_zeroed_and_aligned() -> None:
    memory = HostMemory()
    ring = memory.coherent(4096, align=4096)
    assert ring.iova % 4096 == 0
    ring.view[0:4] = b"ring"
    assert memory.device_read(ring.iova, 4) == (b"ring", OKAY)
    assert memory.device_write(ring.iova, b"RING", 0xF) == OKAY
    assert bytes(ring.view[:4]) == b"RING"
    view = ring.view
    memory.free(ring)
    assert memory.device_read(ring.iova, 4)[1] == DECERR
    with pytest.raises(ValueError, match="released memoryview"):
        view[0]
    name = rf"the coherent memory of 4096 bytes at {ring.iova:#x} \({HERE}\)"
    with pytest.raises(MappingError, match=rf"^second free of {name}, the first at {HERE}$"):
        memory.free(ring)
    assert bytes(memory.coherent(4096, align=4096).view) == bytes(4096)


@pytest.mark.parametrize("trace", [True, False])
def test_a_cast_that_writes_after_the_free_is_found(trace: bool) -> None:
    """Python cannot take a cast back; the bytes under it are looked at before they are given out again."""
    memory = HostMemory(trace_origins=trace)
    ring, other = memory.coherent(256), memory.coherent(256)
    words = ring.view.cast("Q")
    memory.free(ring)
    memory.free(other)
    assert memory.leaks() == []
    assert words[0] == int.from_bytes(bytes([POISON]) * 8)
    words[3] = 0x11 | POISON << 56
    [late] = memory.leaks()
    lines = rf" \({HERE}, freed at {HERE}\)" if trace else ""
    name = f"the coherent memory written after its free of 7 bytes at {ring.iova + 24:#x}"
    assert re.fullmatch(name + lines, str(late)), str(late)
    assert memory.coherent(256).iova == other.iova  # the last freed is the first used
    made, freed = (rf" \({HERE}\)", rf" at {HERE}") if trace else ("", "")
    ring_name = f"the coherent memory of 256 bytes at {ring.iova:#x}"
    sentence = rf"^{ring_name}{made} was written \(byte 24 to 30\) after it was freed{freed}$"
    with pytest.raises(MappingError, match=sentence):
        memory.coherent(256)
    assert memory.coherent(256).iova not in (ring.iova, other.iova)  # those bytes stay with whoever writes them
    assert late in memory.leaks()


def test_what_is_given_out_again_is_written_as_it_likes() -> None:
    memory = HostMemory()
    ring = memory.coherent(256)
    memory.free(ring)
    again = memory.coherent(256)
    assert again.iova == ring.iova
    again.view[:] = bytes(256)
    assert [str(leak).partition(" (")[0] for leak in memory.leaks()] == [
        f"the coherent memory of 256 bytes at {again.iova:#x}"
    ]


@given(st.lists(st.integers(0, 63), max_size=4), st.integers(0, 255))
def test_what_was_written_late_against_a_scan(at: list[int], value: int) -> None:
    memory = HostMemory(size=1 << 16)
    ring = memory.coherent(64)
    with ring.view[:] as alias:
        memory.free(ring)
        for each in at:
            alias[each] = value
        changed = [each for each in range(64) if alias[each] != POISON]
    late = memory.leaks()
    wanted = [(ring.iova + changed[0], changed[-1] + 1 - changed[0])] if changed else []
    assert [(leak.iova, leak.length) for leak in late] == wanted


def test_leaks_are_listed_with_their_origin() -> None:
    memory = HostMemory(trace_origins=True)
    kept = memory.map(bytes(100), FROM)
    ring = memory.coherent(256)
    memory.unmap(memory.map(b"given back", TO))
    leaks = memory.leaks()
    assert [(leak.kind, leak.iova, leak.length) for leak in leaks] == [
        ("mapping", kept.iova, 100),
        ("coherent memory", ring.iova, 256),
    ]
    assert all("test_host.py:" in leak.origin for leak in leaks)
    assert str(leaks[0]) == f"the mapping of 100 bytes at {kept.iova:#x} ({leaks[0].origin})"
    memory.unmap(kept)
    memory.free(ring)
    assert memory.leaks() == []


def test_bad_sizes_are_refused() -> None:
    memory = HostMemory(size=1 << 16)
    with pytest.raises(MappingError, match="a mapping of 0 bytes"):
        memory.map(b"", TO)
    with pytest.raises(MappingError, match="coherent memory of 0 bytes aligned to 128"):
        memory.coherent(0)
    with pytest.raises(MappingError, match="coherent memory of 8 bytes aligned to 3"):
        memory.coherent(8, align=3)
    with pytest.raises(MappingError, match="offset 4096 is not within a page"):
        memory.map(b"x", TO, offset=4096)
    with pytest.raises(MappingError, match="the arena of 65536 bytes is full: 0 mappings are live"):
        memory.map(bytes(70_000), TO)
    with pytest.raises(ValueError, match="not made of whole pages"):
        HostMemory(base=100)
    assert memory.leaks() == []


@pytest.mark.parametrize("offset", [0, 1, 63, 4090, 4095])
def test_a_buffer_can_be_placed_in_its_page(offset: int) -> None:
    memory = HostMemory()
    mapping = memory.map(bytes(range(200)), TO, offset=offset)
    assert mapping.iova % 4096 == offset
    assert memory.device_read(mapping.iova + 100, 8) == (bytes(range(100, 108)), OKAY)
    memory.unmap(mapping)
    assert memory.map(bytes(10), TO, offset=offset).iova == mapping.iova


def test_addresses_are_told_by_their_neighbours() -> None:
    memory = HostMemory(trace_origins=False)
    assert memory.locate(5).text == "nothing is mapped"
    mapping = memory.map(bytes(64), FROM)
    name = f"the mapping of 64 bytes at {mapping.iova:#x}"
    assert memory.locate(mapping.iova - 3).text == f"before, by 3 bytes, {name}"
    assert memory.locate(mapping.iova + 63).text == f"inside {name}"
    assert memory.locate(mapping.iova + 64).text == f"beyond, by 1 byte, {name}"
    assert memory.locate(mapping.iova + 66).text == f"beyond, by 3 bytes, {name}"
    over = memory.locate(mapping.iova + 60, mapping.iova + 72)  # what an access reaches to counts, not where it begins
    assert (over.text, over.reach) == (f"beyond, by 8 bytes, {name}", 8)
    assert over.about == memory.locate(mapping.iova + 200).about != memory.locate(mapping.iova - 1).about


class Clock:
    now = 100


def test_what_was_unmapped_is_told_while_it_is_nearer() -> None:
    memory, clock = HostMemory(), Clock()
    memory.clocked_by(clock)
    kept, gone = memory.map(bytes(64), FROM), memory.map(bytes(60), TO)
    memory.unmap(gone)
    name = f"the mapping of 60 bytes at {gone.iova:#x} that was unmapped"

    def told(iova: int, at: int | None = None, end: int | None = None) -> str:
        return re.sub(rf" \({HERE}\)| at {HERE}", "", memory.locate(iova, end, at).text)

    assert told(gone.iova + 59, 112) == f"inside {name} 12 clocks before"
    assert told(gone.iova + 59, 112, gone.iova + 64) == f"inside {name} 12 clocks before"  # a read's whole beat
    assert told(gone.iova + 62, 112) == f"beyond, by 3 bytes, {name} 12 clocks before"
    assert told(gone.iova + 8) == f"inside {name}"
    assert told(gone.iova, 90) == f"inside the mapping of 60 bytes at {gone.iova:#x}"  # it lived then
    assert told(kept.iova + 70, 112) == f"beyond, by 7 bytes, the mapping of 64 bytes at {kept.iova:#x}"
    again = memory.map(bytes(8), TO)
    assert again.iova == gone.iova
    assert told(gone.iova + 20, 112) == f"beyond, by 13 bytes, the mapping of 8 bytes at {again.iova:#x}"


class Watched:
    """A clock that counts who looks."""

    def __init__(self) -> None:
        self.looks = 0

    @property
    def now(self) -> int:
        self.looks += 1
        return 100


@pytest.mark.parametrize("trace", [True, False])
def test_the_clock_of_an_unmap_is_part_of_what_tracing_costs(trace: bool) -> None:
    memory, clock = HostMemory(trace_origins=trace), Watched()
    memory.clocked_by(clock)
    for _ in range(3):
        mapping = memory.map(bytes(64), TO)
        memory.unmap(mapping)
    memory.free(memory.coherent(64))
    assert clock.looks == 4 * trace
    assert (" clocks before" in memory.locate(mapping.iova, clock=112).text) is trace


def test_both_lines_of_the_driver_are_told() -> None:
    memory = HostMemory()
    mapping, mapped = memory.map(bytes(64), TO), here()
    memory.unmap(mapping)
    unmapped = here(-1)
    text = memory.locate(mapping.iova).text
    assert text == f"inside the mapping of 64 bytes at {mapping.iova:#x} ({mapped}) that was unmapped at {unmapped}"


def here(lines: int = 0) -> str:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return f"{frame.f_back.f_code.co_filename}:{frame.f_back.f_lineno + lines}"


def test_what_was_freed_is_told_too_and_only_the_last_of_it() -> None:
    memory = HostMemory(trace_origins=False)
    ring = memory.coherent(256)
    memory.free(ring)
    assert memory.locate(ring.iova).text == f"inside the coherent memory of 256 bytes at {ring.iova:#x} that was freed"
    many = [memory.map(bytes(64), TO) for _ in range(REMEMBERED)]
    for mapping in many:
        memory.unmap(mapping)
    assert "coherent" not in memory.locate(ring.iova).text
    assert memory.locate(many[0].iova).text.startswith("inside the mapping of 64 bytes")


def dma_of(bits: int) -> PortMap:
    return PortMap("card", "clk", Reset("rst"), dma=Dma("m_", bits, 64, 1))


@pytest.mark.parametrize("bits", [20, 24, 31, 32, 33, 40, 64])
def test_the_arena_is_where_the_card_reaches(bits: int) -> None:
    region = memory_for(dma_of(bits)).regions[0]
    assert region.iova + region.length <= 1 << bits
    assert region.iova == (ARENA_BASE if bits > 32 else 1 << bits - 1)


def test_a_card_that_reaches_too_little() -> None:
    with pytest.raises(PortMapError, match="dma.addr_width 19 reaches 524288 bytes, .* 20 bits is the least"):
        memory_for(dma_of(19))


def test_regions_of_others_lie_beside_the_arena() -> None:
    memory = HostMemory()
    version, theirs = memory.version, bytearray(b"somebody else's.")
    memory.add_region(Region(0x1000, memoryview(theirs)))
    assert memory.version != version
    assert memory.device_read(0x1008, 8) == (b" else's.", OKAY)
    assert memory.device_write(0x1000, b"ANYBODY.", 0x01) == OKAY
    assert theirs[:4] == b"Aome"
    with pytest.raises(ValueError, match="a region at 0x1008 overlaps the one at 0x1000"):
        memory.add_region(Region(0x1008, memoryview(bytearray(4))))


def test_faulty_bytes_answer_slverr() -> None:
    memory = HostMemory()
    mapping = memory.map(bytes(16), TO)
    memory.set_faulty(mapping.iova + 9, 1)
    assert memory.device_read(mapping.iova, 8)[1] == OKAY
    assert memory.device_read(mapping.iova + 8, 8) == (bytes([POISON]) * 8, SLVERR)
    memory.set_faulty(mapping.iova + 9, 1, faulty=False)
    assert memory.device_read(mapping.iova + 8, 8)[1] == OKAY
    with pytest.raises(ValueError, match="are not in the arena"):
        memory.set_faulty(0, 1)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5000), st.sampled_from([TO, FROM])), max_size=40))
def test_live_mappings_never_touch(steps: list[tuple[bool, int, Direction]]) -> None:
    """Against a naive set of bytes: no byte belongs to two, and the shadow agrees with it."""
    memory = HostMemory()
    live: list[tuple[Any, Direction]] = []
    for give_back, length, direction in steps:
        if give_back and live:
            memory.unmap(live.pop(length % len(live))[0])
        else:
            live.append((memory.map(bytes(length), direction), direction))
    owned = [at for mapping, _ in live for at in range(mapping.iova, mapping.iova + mapping.length)]
    assert len(owned) == len(set(owned))
    for mapping, direction in live:
        for at in (mapping.iova - 1, mapping.iova, mapping.iova + mapping.length - 1, mapping.iova + mapping.length):
            inside = mapping.iova <= at < mapping.iova + mapping.length
            assert (memory.device_read(at, 1)[1] == OKAY) == (inside and direction is TO)
            assert (memory.device_write(at, b"!", 1) == OKAY) == (inside and direction is FROM)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 300)), min_size=1, max_size=24))
def test_the_nearest_against_a_scan(steps: list[tuple[int, int]]) -> None:
    """What lives, what ended, and at the same distance what lives; asked between the steps too."""
    memory = HostMemory(trace_origins=False)
    live: list[Any] = []
    known: dict[int, tuple[Any, bool]] = {}  # by address, and whether it ended

    def nearest(iova: int) -> int:
        near = ((max(at - iova, iova - (at + thing.length - 1), 0), ended, at) for at, (thing, ended) in known.items())
        return min(near)[2]

    for what, length in steps:
        if what < 2 or not live:
            made = memory.coherent(length) if what == 1 else memory.map(bytes(length), FROM)
            live.append(made)
            known[made.iova] = made, False
        else:
            gone = live.pop(length % len(live))
            (memory.free if gone.kind == "coherent memory" else memory.unmap)(gone)
            known[gone.iova] = gone, True
        for near in list(known):
            for iova in (near - 40, near - 1, near, near + length, near + 97):
                at = nearest(iova)
                place = memory.locate(iova)
                assert f"at {at:#x}" in place.text
                assert ("that was" in place.text) is known[at][1]


def test_the_arena_is_a_file_that_another_process_can_share() -> None:
    memory = HostMemory()
    [region] = memory.regions
    assert region.file is not None
    buffer = memory.coherent(256)
    buffer.view[:4] = b"ring"
    at = buffer.iova - region.iova
    assert os.pread(region.file, 4, at) == b"ring"
    os.pwrite(region.file, b"BELL", at)
    assert bytes(buffer.view[:4]) == b"BELL"
    file = region.file
    del memory, region
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
