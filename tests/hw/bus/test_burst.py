"""BurstSplit and bursts_in against a loop over addresses."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Module, Signal

from ringbed.hw.bus.burst import LENGTH_WIDTH, BurstSplit, Chunk, bursts_in
from ringbed.hw.bus.dma import BURST_BYTES
from tests.hw.stream_bench import pack, pauses, simulate, source

Burst = tuple[int, int, int, int, bool, bool]  # address of the first beat, beats, lane, bytes, first, last


def reference(address: int, length: int, lanes: int) -> list[Burst]:
    made: list[Burst] = []
    at, end = address, address + length
    while at < end:
        stop = min(end, (at // BURST_BYTES + 1) * BURST_BYTES)
        beats = (stop - 1) // lanes - at // lanes + 1
        made.append((at - at % lanes, beats, at % lanes, stop - at, at == address, stop == end))
        at = stop
    return made


def chunks(seed: int, count: int) -> list[tuple[int, int]]:
    """All alignments; short ones, long ones, ones that end or begin just at a boundary."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        address = rng.getrandbits(36) // 512 * 512 + rng.choice((number % 512, 0, 511, 512 - number % 9))
        length = rng.choice((1, rng.randint(1, 20), rng.randint(1, 1200), 512 - address % 512, 513 - address % 512))
        made.append((address, length))
    return [*made, (0x7FF, 16384), (0, 512), (2**63 - 8, 8), (2**32 - 700, 1500), (2**64 - 512 - 3, 500)]


def rtl(wanted: list[tuple[int, int]], width: int, share: float) -> tuple[list[Burst], int]:
    """Bursts in order, and how many clocks they took."""
    dut, got = BurstSplit(width), list[Burst]()
    total = sum(len(reference(*chunk, width // 8)) for chunk in wanted)
    clocks = 0

    async def sink(ctx: Any) -> None:
        nonlocal clocks
        go, ask, plan = (pauses(seed, share) for seed in range(3))
        while len(got) < total:
            let = not next(go)
            ctx.set(dut.go, let)
            ctx.set(dut.request.ready, not next(ask))
            ctx.set(dut.plan.ready, not next(plan))
            _, _, asked, request, planned, burst, beats, busy = await ctx.tick().sample(
                dut.request.valid & dut.request.ready, dut.request.payload, dut.plan.valid & dut.plan.ready,
                dut.plan.payload, dut.beats, dut.busy,
            )  # fmt: skip
            assert asked == planned
            clocks += 1
            if asked:
                assert let
                assert busy
                assert beats == request.len + 1
                found = (request.address, beats, burst.lane, burst.length, bool(burst.first), bool(burst.last))
                got.append(found)
        assert not ctx.get(dut.busy)

    packed = [pack(Chunk(), {"address": address, "length": length}) for address, length in wanted]
    simulate(dut, source(dut.i, packed, pauses(4, share)), sink, clocks=20 * total + 100)
    return got, clocks


@pytest.mark.parametrize(("width", "share"), [(64, 0.0), (64, 0.4), (128, 0.3), (256, 0.3), (512, 0.3)])
def test_bursts_of_a_chunk(width: int, share: float) -> None:
    wanted = chunks(width, 90)
    got, clocks = rtl(wanted, width, share)
    assert got == [burst for chunk in wanted for burst in reference(*chunk, width // 8)]
    assert all(
        address // BURST_BYTES == (address + beats * width // 8 - 1) // BURST_BYTES for address, beats, *_ in got
    )
    if share == 0.0:
        assert clocks <= len(got) + 3  # one a clock, from one chunk to the next


def test_how_many_bursts_agrees() -> None:
    address, length, count = Signal(64), Signal(LENGTH_WIDTH), Signal(16)
    m = Module()
    m.d.comb += count.eq(bursts_in(address, length))
    m.d.sync += Signal().eq(0)
    wanted = chunks(7, 300)

    async def run(ctx: Any) -> None:
        for at, size in wanted:
            ctx.set(address, at)
            ctx.set(length, size)
            assert ctx.get(count) == len(reference(at, size, 8))

    simulate(m, run)
