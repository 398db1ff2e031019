"""VlanInsert against a tag put into bytes: every length, tagged and not, at every width; one beat a clock."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import pytest
from amaranth.sim import Simulator

from ringbed.hw.tx.vlan_insert import TagBeat, VlanInsert
from tests.hw.stream_bench import beats, frames_of, get, pack, pauses, source

VET = 0x9100
Frame = tuple[bytes, int | None]  # bytes, the tag's TCI if it is to have one


def reference(frame: bytes, tci: int | None) -> bytes:
    if tci is None or len(frame) < 12:
        return frame
    return frame[:12] + VET.to_bytes(2, "big") + tci.to_bytes(2, "big") + frame[12:]


def marks(number: int) -> dict[str, int]:
    """What is only passed on."""
    return {"fcs": number & 1, "pad": number >> 1 & 1, "pause": number % 3}


def rtl(frames: Sequence[Frame], width: int, share: float) -> tuple[list[bytes], int]:
    """Frames out, and the clocks they took."""
    dut, lanes, out = VlanInsert(width), width // 8, list[Any]()
    packed, clocks = list[int](), 0
    for number, (frame, tci) in enumerate(frames):
        for beat in beats([frame], lanes, seed=number):
            tag = {"tag": tci is not None, "tci": tci or 0} if beat["first"] else {"tag": 1, "tci": 0xEEEE}
            packed.append(pack(TagBeat(width), {"tx": marks(number) | {"beat": beat}} | tag))
    gaps: list[Iterable[bool]] = [pauses(n, share) if share else repeat(False) for n in (1, 2)]

    async def sink(ctx: Any) -> None:
        ctx.set(dut.vet, VET)
        out.extend(await get(ctx, dut.o, len(frames), gaps[1], last=lambda payload: int(payload.beat.last)))

    async def count(ctx: Any) -> None:
        nonlocal clocks
        while True:
            await ctx.tick()
            clocks += 1

    simulate_with(dut, [source(dut.i, packed, gaps[0]), sink], count)
    joined, made = b"", list[bytes]()
    for payload in out:
        beat, number = payload.beat, len(made)
        assert beat.first == (joined == b"")
        assert beat.last or beat.count == lanes
        assert not beat.error
        if beat.first:
            assert {name: payload[name] for name in marks(number)} == marks(number)
        joined += beat.data.to_bytes(lanes, "little")[: beat.count]
        if beat.last:
            made.append(joined)
            joined = b""
    return made, clocks


def simulate_with(dut: Any, benches: Sequence[Any], background: Any) -> None:
    """Until `benches` have ended."""
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    simulator.add_testbench(background, background=True)
    simulator.run()


@pytest.mark.parametrize("width", [64, 128, 256, 512])
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_every_length(width: int, share: float) -> None:
    rng = random.Random(width)
    sizes = [*range(1, 150), *(rng.randint(60, 400) for _ in range(10))]
    frames = [(data, rng.choice((None, rng.getrandbits(16)))) for data in frames_of(sizes, 5)]
    frames += [(data, rng.getrandbits(16)) for data in frames_of(sizes, 6)]
    assert rtl(frames, width, share)[0] == [reference(*frame) for frame in frames]


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_one_beat_a_clock(width: int) -> None:
    """As many clocks as there are beats on the other side, the tag's included."""
    lanes = width // 8
    frames = [(data, 7) for data in frames_of([60, 64, 61, 124, 128, 1514] * 3, 2)]
    wanted = sum(-(-(len(data) + 4) // lanes) for data, _ in frames)
    assert rtl(frames, width, 0.0)[1] <= wanted + 1
