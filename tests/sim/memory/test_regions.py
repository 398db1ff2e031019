"""Memory of others comes and goes under a running card: what is there answers, what went does not, on every engine."""

from __future__ import annotations

import gc
import mmap
import os
import random
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.memory.regions import DeviceMemory, Region, Response
from tests.sim.seam.test_axi_checker import AR, AW, INCR8, OFF, Step, W, on, play
from tests.sim.toy import pins_spec

PAGE = 4096


def region(iova: int, fill: bytes = b"\0", pages: int = 1) -> Region:
    """Of a file, for engines that are another process."""
    file = os.memfd_create("region")
    os.ftruncate(file, pages * PAGE)
    data = mmap.mmap(file, pages * PAGE)
    data[:] = fill * (pages * PAGE)
    made = Region(iova, data, file=file)
    weakref.finalize(made.data, os.close, file)
    return made


def write(address: int, value: int) -> list[Step]:
    return [
        {**on(AW, addr=address, **INCR8), **on(W, data=value, strb=0xFF, last=1)}, OFF, *[{}] * 8,
    ]  # fmt: skip


def read(address: int) -> list[Step]:
    return [on(AR, addr=address, **INCR8), OFF, *[{}] * 8]


def opened(kind: str, memory: HostMemory) -> AnyEngine:
    engine = open_engine(kind, pins_spec(), memory, read_latency=2, write_latency=2)
    for ready in ("p_m_axi_rready", "p_m_axi_bready"):
        engine.set_pin(ready, 1)
    return engine


def test_a_region_comes_goes_and_another_takes_its_place(engine_kind: str) -> None:
    memory = HostMemory()
    first, second = region(0x1000), region(0x1000)
    engine = opened(engine_kind, memory)
    assert [f.rule for f in play(engine, [*write(0x1008, 1), *read(0x1008)])] == ["dma.write", "dma.read"]
    memory.add_region(first)
    assert play(engine, [*write(0x1008, 2), *read(0x1008)]) == []
    memory.clocked_by(engine)
    removed = engine.now
    memory.remove_region(first)
    gone = play(engine, [*write(0x1008, 3), *read(0x1008)])
    assert [f.rule for f in gone] == ["dma.write", "dma.read"]
    for finding in gone:
        since = finding.clock - removed
        sentence = f"inside the region of 4096 bytes at 0x1000 that was removed {since} clocks before"
        assert finding.text.endswith(sentence), finding.text
    memory.add_region(second)
    assert play(engine, [*write(0x1008, 4), *read(0x1008)]) == []
    assert (first.data[8], second.data[8]) == (2, 4)
    engine.close()


def test_the_rest_of_a_burst_under_way_goes_nowhere(engine_kind: str) -> None:
    """Eight beats of which some were answered: those after the removal are DECERR, and nothing crashes."""
    memory, page = HostMemory(), region(0x1000)
    memory.add_region(page)
    engine = opened(engine_kind, memory)
    assert play(engine, [on(AR, addr=0x1000, len=7, **INCR8), OFF, {}, {}, {}]) == []
    memory.remove_region(page)
    del page
    gc.collect()
    found = play(engine, [{}] * 12)
    assert {f.rule for f in found} == {"dma.read"}
    assert "DECERR" in found[0].text
    engine.close()


def test_an_engine_lets_go_of_the_bytes_at_its_next_run(engine_kind: str) -> None:
    memory, page = HostMemory(), region(0x1000)
    data = page.data
    memory.add_region(page)
    engine = opened(engine_kind, memory)
    engine.run(engine.now + 1)
    memory.remove_region(page)
    del page
    engine.run(engine.now + 1)
    gc.collect()
    assert isinstance(data, mmap.mmap)
    data.close()  # BufferError while anybody points at it
    engine.close()


def test_many_regions_at_once(engine_kind: str) -> None:
    """More than the descriptors of one message; every other page goes, and each is its own."""
    memory = HostMemory()
    pages = [region(0x10_0000 + 2 * PAGE * k) for k in range(140)]
    random.Random(1).shuffle(pages)
    for page in pages:
        memory.add_region(page)
    engine = opened(engine_kind, memory)
    asked = random.Random(2).sample(pages, 12)
    for k, page in enumerate(asked):
        assert play(engine, [*write(page.iova + 16, k + 1), *write(page.iova + PAGE - 8, k + 1)]) == []
    assert [(page.data[16], page.data[PAGE - 8]) for page in asked] == [(k + 1, k + 1) for k in range(12)]
    assert {f.rule for f in play(engine, [*write(asked[0].iova + PAGE, 1), *write(asked[0].iova - 8, 1)])} == {
        "dma.write"
    }
    for page in asked[::2]:
        memory.remove_region(page)
    for k, page in enumerate(asked):
        assert [f.rule for f in play(engine, write(page.iova, 7))] == ([] if k % 2 else ["dma.write"])
    engine.close()


@pytest.mark.parametrize(("iova", "length"), [(0xFF8, 9), (0x1000, 16), (0x100F, 1), (0x800, 0x1000), (0x1004, 4)])
def test_regions_do_not_overlap_from_either_side(iova: int, length: int) -> None:
    memory = HostMemory()
    for at in (0x1000, 0x2000):
        memory.add_region(Region(at, memoryview(bytearray(16))))
    version = memory.version
    with pytest.raises(ValueError, match=f"a region at {iova:#x} overlaps the one at 0x1000"):
        memory.add_region(Region(iova, memoryview(bytearray(length))))
    assert memory.version == version
    memory.add_region(Region(0x1010, memoryview(bytearray(0xFF0))))  # what only touches its neighbours is none


def test_what_was_not_added_cannot_go() -> None:
    memory = HostMemory()
    mine = region(0x1000)
    memory.add_region(mine)
    for other in (memory.regions[-1], region(0x1000), region(0x5000)):
        with pytest.raises(ValueError, match=f"at {other.iova:#x} was not added here"):
            memory.remove_region(other)
    memory.remove_region(mine)
    with pytest.raises(ValueError, match="at 0x1000 was not added here"):
        memory.remove_region(mine)


@pytest.mark.parametrize("change", ["added", "removed"])
def test_a_region_that_comes_or_goes_is_looked_for_by_halves(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,024 pages some ten are looked at, wherever it is."""
    memory, pages = HostMemory(), [Region(PAGE * (k + 1), memoryview(bytearray(16))) for k in range(1024)]
    for page in pages:
        memory.add_region(page)
    looks: list[int] = []

    def looked(each: Region) -> int:
        looks.append(each.iova)
        return each.iova

    class Sighted(list[Region]):
        def __iter__(self) -> Any:
            pytest.fail("all regions are walked")

    memory.regions = Sighted(memory.regions)
    monkeypatch.setattr("ringbed.sim.memory.regions.iova_of", looked)
    for page in (pages[0], pages[511], pages[-1]):
        if change == "removed":
            memory.remove_region(page)
        else:
            with pytest.raises(ValueError, match="overlaps"):
                memory.add_region(page)
        assert 0 < len(looks) <= 12
        looks.clear()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 15)), max_size=60))
def test_regions_against_a_plain_set(steps: list[tuple[bool, int]]) -> None:
    memory, pages = HostMemory(), [Region(64 * k, memoryview(bytearray(64))) for k in range(16)]
    there: set[int] = set()
    arena = memory.regions[0]
    for add, k in steps:
        if add is (k in there):
            with pytest.raises(ValueError, match="overlaps" if add else "was not added here"):
                (memory.add_region if add else memory.remove_region)(pages[k])
            continue
        (memory.add_region if add else memory.remove_region)(pages[k])
        there ^= {k}
        assert memory.regions == [*(pages[at] for at in sorted(there)), arena]


def test_lookup_against_a_scan() -> None:
    """Edges of regions that touch and of some that do not, below, between and above."""
    rng, memory = random.Random(3), HostMemory()
    for at in rng.sample(range(64), 24):
        memory.add_region(Region(at * 64, memoryview(bytearray(rng.choice((16, 63, 64))))))
    assert [r.iova for r in memory.regions] == sorted(r.iova for r in memory.regions)

    def scan(iova: int, length: int) -> Region | None:
        inside = (r for r in memory.regions if r.iova <= iova and iova + length <= r.iova + r.length)
        return next(inside, None)

    for iova in range(0, 64 * 64 + 8):
        for length in (1, 8, 64):
            assert memory.region(iova, length) is scan(iova, length), (iova, length)


def test_no_region_at_all() -> None:
    memory = DeviceMemory([])
    assert memory.device_read(0x1000, 8)[1] is Response.DECERR
    assert memory.device_write(0x1000, bytes(8), 0xFF) is Response.DECERR
