"""Loopback: every frame comes out whole and once, on the side that was in force when it began."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from ringbed.hw.mac.loopback import Loopback
from tests.hw.stream_bench import frames_of, simulate, split, verilog_of


def damaged(frame: bytes) -> bool:
    """Whether the wire says so of a frame that ends with these bytes."""
    return frame[-1] % 2 == 1


class Bench:
    """Random frames from the transmitter and from the wire, gaps and a wire that holds back, `on` as told."""

    def __init__(self, seed: int, gaps: float, stalls: float, width: int = 64) -> None:
        self.dut, self.lanes = Loopback(width), width // 8
        self.rng = random.Random(seed)
        self.gaps, self.stalls = gaps, stalls
        self.clock = 0
        self.out: dict[str, list[bytes]] = {"tx": [], "to_mac": []}
        self.damaged: list[bool] = []  # of each frame of `to_mac`: TUSER with its last beat
        self.counts = {"looped": 0, "ignored": 0}
        self.loops: list[bool] = []  # `looping` in each clock

    def beats(self, frames: list[bytes]) -> list[tuple[bytes, bool]]:
        return [(piece, last) for frame in frames for piece, _, last in split(frame, self.lanes)]

    async def run(self, ctx: Any, frames: dict[str, list[bytes]], switch: float, clocks: int) -> None:
        """Drive both sides for `clocks`; then `on` stays as it is until everything is through."""
        d, rng = self.dut, self.rng
        todo = {name: self.beats(list(sent)) for name, sent in frames.items()}
        offered = False
        partial = {"tx": b"", "to_mac": b""}
        while any(todo.values()):
            if self.clock < clocks and rng.random() < switch:
                ctx.set(d.on, rng.randrange(2))
            offered = bool(todo["mac"]) and (offered or rng.random() >= self.gaps)
            self._drive(ctx, d.from_mac, todo["mac"], offered)
            heard = bool(todo["wire"]) and rng.random() >= self.gaps
            self._drive(ctx, d.rx, todo["wire"], heard)
            ctx.set(d.tx.tready, rng.random() >= self.stalls)
            taken = offered and ctx.get(d.from_mac.tready)
            self.loops.append(bool(ctx.get(d.looping)))
            for name, port, go in (("tx", d.tx, ctx.get(d.tx.tready)), ("to_mac", d.to_mac, 1)):
                if go and ctx.get(port.tvalid):
                    kept = ctx.get(port.tkeep).bit_count()
                    partial[name] += ctx.get(port.tdata).to_bytes(self.lanes, "little")[:kept]
                    if ctx.get(port.tlast):
                        if port is d.to_mac:
                            self.damaged.append(bool(ctx.get(port.tuser)))
                        self.out[name].append(partial[name])
                        partial[name] = b""
            for name in self.counts:
                self.counts[name] += ctx.get(getattr(d, name))
            if taken:
                todo["mac"].pop(0)
                offered = False
            if heard:
                todo["wire"].pop(0)
            await ctx.tick()
            self.clock += 1
        assert partial == {"tx": b"", "to_mac": b""}

    def _drive(self, ctx: Any, port: Any, beats: list[tuple[bytes, bool]], valid: bool) -> None:
        piece, last = beats[0] if beats and valid else (bytes(self.lanes), False)
        ctx.set(port.tvalid, valid)
        ctx.set(port.tdata, int.from_bytes(piece.ljust(self.lanes, b"\0"), "little"))
        ctx.set(port.tkeep, (1 << len(piece)) - 1)
        ctx.set(port.tlast, last)
        if port is self.dut.rx:
            ctx.set(port.tuser, last and damaged(piece))


def run(
    seed: int, gaps: float = 0.3, stalls: float = 0.3, switch: float = 0.05, width: int = 64
) -> tuple[Bench, dict[str, list[bytes]]]:
    rng, lanes = random.Random(seed), width // 8
    sizes = (lanes - 1, lanes, lanes + 1, 60, 64)
    frames = {
        "mac": frames_of([rng.choice(sizes) for _ in range(40)], seed),
        "wire": frames_of([rng.choice(sizes) for _ in range(40)], seed + 1000),
    }
    bench = Bench(seed, gaps, stalls, width)

    async def testbench(ctx: Any) -> None:
        await bench.run(ctx, frames, switch, 400)

    simulate(bench.dut, testbench, clocks=20_000)
    return bench, frames


@pytest.mark.parametrize(("seed", "width"), [*((seed, 64) for seed in range(8)), (1, 128), (2, 256), (3, 512)])
def test_frames_come_out_whole_and_once(seed: int, width: int) -> None:
    bench, frames = run(seed, width=width)
    mine, theirs = set(frames["mac"]), set(frames["wire"])
    assert len(set(bench.loops)) == 2, "it was switched on the way"
    assert set(bench.out["tx"]) <= mine
    assert set(bench.out["to_mac"]) <= mine | theirs
    looped = [frame for frame in bench.out["to_mac"] if frame in mine]
    heard = [frame for frame in bench.out["to_mac"] if frame in theirs]
    assert sorted(looped + bench.out["tx"]) == sorted(frames["mac"])
    assert len(looped) == bench.counts["looped"]
    assert len(heard) + bench.counts["ignored"] == len(frames["wire"])
    spoilt = [frame in theirs and damaged(frame) for frame in bench.out["to_mac"]]
    assert bench.damaged == spoilt, "what is looped was on no wire"
    order = {frame: place for place, frame in enumerate(frames["mac"])}
    for side in (looped, bench.out["tx"]):
        assert [order[frame] for frame in side] == sorted(order[frame] for frame in side)


@pytest.mark.parametrize("on", [0, 1])
def test_unswitched_it_is_a_wire_or_a_loop(on: int) -> None:
    bench = Bench(1, 0, 0)
    frames = {"mac": frames_of([60, 64, 9], 1), "wire": frames_of([61, 8], 2)}

    async def testbench(ctx: Any) -> None:
        ctx.set(bench.dut.on, on)
        await ctx.tick()
        await bench.run(ctx, frames, 0, 0)

    simulate(bench.dut, testbench, clocks=1000)
    assert bench.out["tx"] == ([] if on else frames["mac"])
    assert bench.out["to_mac"] == (frames["mac"] if on else frames["wire"])
    assert bench.counts == {"looped": 3 * on, "ignored": 2 * on}


def test_a_full_wire_does_not_hold_the_switch() -> None:
    """Both directions without a gap: the transmitter is held at a frame's end until the wire's frame ends."""
    for seed in range(4):
        bench, _ = run(seed, gaps=0, stalls=0, switch=0.02)
        assert len(set(bench.loops)) == 2


def test_an_offered_beat_stays() -> None:
    """AXI4-Stream: TVALID on the wire stays up, with the same beat, until TREADY."""
    bench = Bench(5, 0.3, 0.8)
    frames = {"mac": frames_of([64] * 30, 5), "wire": frames_of([64] * 30, 6)}
    kept: list[tuple[int, int] | None] = [None]

    async def watcher(ctx: Any) -> None:
        d = bench.dut
        while True:
            _, _, valid, ready, data, last = await ctx.tick().sample(
                d.tx.tvalid, d.tx.tready, d.tx.tdata, d.tx.tlast
            )  # fmt: skip
            if kept[0] is not None:
                assert valid
                assert (data, last) == kept[0]
            kept[0] = (data, last) if valid and not ready else None

    async def testbench(ctx: Any) -> None:
        await bench.run(ctx, frames, 0.2, 800)

    simulator = Simulator(bench.dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(watcher, background=True)
    simulator.run()


@pytest.mark.parametrize("width", [64, 512])
def test_yosys_takes_it(width: int) -> None:
    assert "module" in verilog_of(Loopback(width))
