"""Ring: what stops it, in which order of blame, and that nothing but a reset starts it again. Its parts have tests."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.hw.formats.em import StopCause
from ringbed.hw.ring.completion import Entry
from ringbed.hw.ring.whole import Ring
from tests.hw.stream_bench import pack, simulate, source

FAULTS = {"fetch": StopCause.FETCH, "data": StopCause.DATA, "status": StopCause.WRITEBACK, "tail": StopCause.RING}


def _fault(dut: Ring, name: str) -> Any:
    return {
        "fetch": dut.bus.fetched.valid, "data": dut.data_failed, "status": dut.bus.status_failed,
        "tail": dut.registers.tail,
    }[name]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "cause"),
    [
        *(((name,), cause) for name, cause in FAULTS.items()),
        (("data", "status"), StopCause.WRITEBACK),
        (("fetch", "data"), StopCause.DATA),
        (("tail", "fetch", "data", "status"), StopCause.WRITEBACK),
    ],
)
def test_first_fault_stops_for_good(names: tuple[str, ...], cause: int) -> None:
    dut = Ring(64, 8, 0xFF)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.registers.count, 8)
        ctx.set(dut.registers.base, 0x1000)
        ctx.set(dut.registers.tail, 4)
        ctx.set(dut.enable, 1)
        ctx.set(dut.bus.fetched.payload.error, 1)
        await ctx.tick()
        assert ctx.get(dut.registers.stop) == StopCause.NONE
        assert ctx.get(dut.bus.fetch.valid)
        for name in names:
            ctx.set(_fault(dut, name), 9 if name == "tail" else 1)
        await ctx.tick()
        for name in names:
            ctx.set(_fault(dut, name), 4 if name == "tail" else 0)
        for other in ("status", "data", "fetch"):  # later faults change nothing
            assert ctx.get(dut.registers.stop) == cause
            assert not ctx.get(dut.bus.fetch.valid)
            assert not ctx.get(dut.o.valid)
            ctx.set(_fault(dut, other), 1)
            await ctx.tick()
            ctx.set(_fault(dut, other), 0)
        assert ctx.get(dut.registers.stop) == cause

    simulate(dut, bench)


BASE, STROBE = 0x2_0000_0080, 0x10


class Software:
    """The memory behind a ring and who takes its descriptors: each is a frame of its own with one data burst."""

    def __init__(self, width: int, count: int) -> None:
        self.dut, self.lanes, self.count = Ring(width, 16, STROBE), width // 8, count
        self.memory = {BASE + at: 0x40 + at % 191 for at in range(16 * count)}
        self.taken, self.told = list[int](), dict.fromkeys(("done", "frames", "written", "now", "lates", "landed"), 0)
        self.emptied = 0

    def descriptor(self, index: int) -> int:
        at = BASE + 16 * index
        return int.from_bytes(bytes(self.memory[at + byte] for byte in range(16)), "little")

    async def tick(self, ctx: Any) -> None:
        """A clock, in which results are counted and looked at."""
        dut, names = self.dut, list(self.told)
        ports = [getattr(dut, name) for name in names]
        _, _, head, emptied, active, *values = await ctx.tick().sample(
            dut.registers.head, dut.emptied, dut.active, *ports
        )
        assert head == self.told["done"] % self.count
        for name, value in zip(names, values, strict=True):
            self.told[name] += value
        self.emptied += emptied
        self.active = active

    async def fetched(self, ctx: Any) -> None:
        """Serves one fetch."""
        dut = self.dut
        while not ctx.get(dut.bus.fetch.valid):
            await self.tick(ctx)
        request = ctx.get(dut.bus.fetch.payload)
        ctx.set(dut.bus.fetch.ready, 1)
        await self.tick(ctx)
        assert self.active
        ctx.set(dut.bus.fetch.ready, 0)
        for beat in range(request.len + 1):
            at = request.address + beat * self.lanes
            data = sum(self.memory.get(at + lane, 0) << 8 * lane for lane in range(self.lanes))
            ctx.set(dut.bus.fetched.payload.data, data)
            ctx.set(dut.bus.fetched.payload.last, beat == request.len)
            ctx.set(dut.bus.fetched.valid, 1)
            assert ctx.get(dut.bus.fetched.ready)
            await self.tick(ctx)
        ctx.set(dut.bus.fetched.valid, 0)

    async def use(self, ctx: Any, late: bool, sequence: int) -> None:
        """Takes a descriptor, and gives its entry."""
        dut = self.dut
        while not ctx.get(dut.o.valid):
            await self.tick(ctx)
        self.taken.append(ctx.get(dut.o.payload))
        entry = {"upper": 0xD << 32, "write": 1, "late": late, "eop": 1, "sequence": sequence}
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.payload.as_value(), pack(Entry(), entry))
        ctx.set(dut.i.valid, 1)
        assert ctx.get(dut.i.ready)
        await self.tick(ctx)
        ctx.set(dut.o.ready, 0)
        ctx.set(dut.i.valid, 0)

    async def status(self, ctx: Any) -> None:
        """Takes a write-back into memory, and answers it."""
        dut = self.dut
        while not ctx.get(dut.bus.status.valid):
            await self.tick(ctx)
        request = ctx.get(dut.bus.status.payload)
        ctx.set(dut.bus.status.ready, 1)
        await self.tick(ctx)
        ctx.set(dut.bus.status.ready, 0)
        ctx.set(dut.bus.status_beat.ready, 1)
        for beat in range(request.len + 1):
            while not ctx.get(dut.bus.status_beat.valid):
                await self.tick(ctx)
            written = ctx.get(dut.bus.status_beat.payload)
            for lane in range(self.lanes):
                if written.strb >> lane & 1:
                    self.memory[request.address + beat * self.lanes + lane] = written.data >> 8 * lane & 0xFF
            assert written.last == (beat == request.len)
            await self.tick(ctx)
        ctx.set(dut.bus.status_beat.ready, 0)
        await self.tick(ctx)
        assert self.active
        ctx.set(dut.bus.status_done, 1)
        await self.tick(ctx)
        ctx.set(dut.bus.status_done, 0)


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_from_the_doorbell_to_the_head(width: int) -> None:
    """Descriptors as they lie in memory; status where it belongs, when the data is there; each count once."""
    soft = Software(width, 24)
    dut, before = soft.dut, dict(soft.memory)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.registers.base, BASE)
        ctx.set(dut.registers.count, 24)
        ctx.set(dut.registers.threshold, 1)
        ctx.set(dut.registers.tail, 3)
        ctx.set(dut.enable, 1)
        await soft.fetched(ctx)
        for number in range(3):
            await soft.use(ctx, number == 1, number + 1)
        for _ in range(8):
            await soft.tick(ctx)
        assert not ctx.get(dut.bus.status.valid)  # its data is on the way
        assert not soft.active
        for number in range(3):
            ctx.set(dut.answered, 1)
            await soft.tick(ctx)
            ctx.set(dut.answered, 0)
            for _ in range(3):
                await soft.tick(ctx)
            assert soft.told["landed"] == number + 1
        bursts = 0
        while soft.told["done"] < 3:
            await soft.status(ctx)
            bursts += 1
            await soft.tick(ctx)
        for _ in range(4):
            await soft.tick(ctx)
        assert soft.told == {"done": 3, "frames": 3, "written": bursts, "now": 2, "lates": 1, "landed": 3}
        assert soft.emptied == 1
        assert not soft.active

    simulate(dut, bench, clocks=2000)
    fresh = Software(width, 24)
    assert soft.taken == [fresh.descriptor(index) for index in range(3)]
    assert {at - BASE: value for at, value in soft.memory.items() if before[at] != value} == {
        16 * index + 12: 0xD for index in range(3)
    }


def test_no_more_entries_than_fit() -> None:
    """Their data is not answered, so none goes and `depth` are in; then it is, and all go, in order."""
    depth, count = 16, 40
    dut, written = Ring(64, depth, STROBE), list[int]()
    entries = [{"upper": number, "write": 1, "eop": 1, "sequence": number + 1} for number in range(count)]

    async def memory(ctx: Any) -> None:
        ctx.set(dut.registers.count, 64)
        ctx.set(dut.registers.threshold, 1)
        came = 0
        for _ in range(3 * depth):
            _, _, taken = await ctx.tick().sample(dut.i.valid & dut.i.ready)
            came += taken
        assert came == depth
        ctx.set(dut.bus.status.ready, 1)
        ctx.set(dut.bus.status_beat.ready, 1)
        for clock in range(6 * count):
            ctx.set(dut.answered, clock < count)
            _, _, beat = await ctx.tick().sample(dut.bus.status_beat.payload)
            if beat.strb:
                written.append(beat.data)
            ctx.set(dut.bus.status_done, bool(beat.last))

    simulate(dut, source(dut.i, [pack(Entry(), entry) for entry in entries]), memory, clocks=1000)
    assert written == list(range(count))
