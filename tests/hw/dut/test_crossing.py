"""Crossing: every channel's beats arrive as they were sent, whatever the two clocks, the pauses and the resets."""

from __future__ import annotations

import random
from math import gcd
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Cat, ClockDomain, Module, ResetSignal, Signal
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.hw.dut.crossing import DEPTH, Crossing, channels
from ringbed.hw.formats.dut import Bus, BusKind, signals
from tests.hw.stream_bench import verilog_of
from tests.hw.yosys import yosys

AXI = signals(Bus(BusKind.AXI, 32, 32, 2))
LITE = signals(Bus(BusKind.AXI_LITE, 32, 12))
STREAM = signals(Bus(BusKind.STREAM, 8, into=True, error=True))
BOTH = (*STREAM, *(sig for sig in LITE if sig.name.startswith("b")))  # a channel each way
LIMIT = 1500  # clocks of the slower side in which everything must have come


class Bench:
    """A crossing between two clocks of whole periods, sources and sinks on every channel of it."""

    def __init__(self, sigs: Any, near: int, far: int) -> None:
        self.dut, self.periods, self.resets = Crossing(sigs, "far"), (near, far), (Signal(), Signal())
        self.m = Module()
        self.m.domains.far = far_domain = ClockDomain("far")
        self.m.domains.sync = ClockDomain("sync")
        self.m.submodules.dut = self.dut
        self.m.d.comb += [far_domain.rst.eq(self.resets[1]), ResetSignal("sync").eq(self.resets[0])]
        self.sent: dict[str, list[int]] = {channel.name: [] for channel in self.dut.channels}
        self.got: dict[str, list[int]] = {channel.name: [] for channel in self.dut.channels}
        self.wanted: dict[str, list[int]] = {}

    def ends(self, channel: Any) -> tuple[tuple[Any, str], tuple[Any, str]]:
        near, far = (self.dut.near, "sync"), (self.dut.far, "far")
        return (near, far) if channel.into else (far, near)

    def payload(self, end: Any, channel: Any) -> Any:
        return Cat(getattr(end, name) for name in channel.payload)

    def source(self, channel: Any, rng: random.Random, pause: float) -> Any:
        (end, domain), name = self.ends(channel)[0], channel.name

        async def put(ctx: Any) -> None:
            payload, valid, ready = self.payload(end, channel), *(getattr(end, name + w) for w in ("valid", "ready"))
            for value in self.wanted[name]:
                while rng.random() < pause:
                    await ctx.tick(domain)
                ctx.set(payload, value)
                ctx.set(valid, 1)
                while not (await ctx.tick(domain).sample(ready))[2]:
                    pass
                self.sent[name].append(value)
                ctx.set(valid, 0)

        return put

    def sink(self, channel: Any, rng: random.Random, pause: float) -> Any:
        (end, domain), name = self.ends(channel)[1], channel.name

        async def get(ctx: Any) -> None:
            payload, valid, ready = self.payload(end, channel), *(getattr(end, name + w) for w in ("valid", "ready"))
            for _ in range(LIMIT * -(-max(self.periods) // min(self.periods))):
                open_now = rng.random() >= pause
                ctx.set(ready, open_now)
                _, _, came, value = await ctx.tick(domain).sample(valid, payload)
                if came and open_now:
                    self.got[name].append(value)
                if len(self.got[name]) == len(self.wanted[name]):
                    return

        return get

    def run(self, seed: int, beats: int, pauses: tuple[float, float] = (0, 0), *more: Any) -> None:
        rng = random.Random(seed)
        simulator = Simulator(self.m)
        for period, domain in zip(self.periods, ("sync", "far"), strict=True):
            simulator.add_clock(period * 1e-9, domain=domain)
        for channel in self.dut.channels:
            width = len(self.payload(self.dut.near, channel))
            self.wanted[channel.name] = [rng.getrandbits(width) for _ in range(beats)]
            simulator.add_testbench(self.source(channel, random.Random(rng.random()), pauses[0]))
            simulator.add_testbench(self.sink(channel, random.Random(rng.random()), pauses[1]))
        for process in more:
            simulator.add_testbench(process)
        simulator.run()


def coprime(pair: tuple[int, int]) -> bool:
    return gcd(*pair) == 1


@pytest.mark.parametrize("sigs", [AXI, LITE, STREAM], ids=["axi4", "axi4-lite", "stream"])
def test_every_signal_is_in_one_channel(sigs: Any) -> None:
    named = [name for c in channels(sigs) for name in (*c.payload, c.name + "valid", c.name + "ready")]
    assert sorted(named) == sorted(sig.name for sig in sigs)


@given(
    st.tuples(st.integers(1, 24), st.integers(1, 24)).filter(coprime), st.integers(0, 999),
    st.tuples(st.sampled_from((0, 0.3, 0.8)), st.sampled_from((0, 0.3, 0.8))),
)  # fmt: skip
@settings(max_examples=60)
def test_nothing_is_lost_and_nothing_overtakes(
    periods: tuple[int, int], seed: int, pauses: tuple[float, float]
) -> None:
    """A channel each way, against the lists that were sent."""
    bench = Bench(BOTH, *periods)
    bench.run(seed, 3 * DEPTH, pauses)
    assert bench.got == bench.wanted


@pytest.mark.parametrize("sigs", [AXI, LITE], ids=["axi4", "axi4-lite"])
def test_all_channels_at_once(sigs: Any) -> None:
    bench = Bench(sigs, 5, 4)
    bench.run(3, 2 * DEPTH, (0.3, 0.3))
    assert bench.got == bench.wanted


@pytest.mark.parametrize("first", ["near", "far"])
@pytest.mark.parametrize("periods", [(1, 1), (3, 7), (7, 3), (31, 2)])
def test_resets_end_in_any_order(first: str, periods: tuple[int, int]) -> None:
    """Both sides offer and take from the first clock on: what comes during either's reset waits for its end."""
    bench = Bench(BOTH, *periods)
    early, late = bench.resets if first == "near" else bench.resets[::-1]

    async def resets(ctx: Any) -> None:
        ctx.set(early, 1)
        ctx.set(late, 1)
        await ctx.delay(10.2e-9 * max(periods))
        ctx.set(early, 0)
        for sent in bench.sent.values():
            assert not sent
        await ctx.delay(10e-9 * max(periods))
        assert not any(bench.got.values())
        ctx.set(late, 0)

    bench.run(5, DEPTH + 3, (0, 0), resets)
    assert bench.got == bench.wanted


@pytest.mark.parametrize("periods", [(8, 8), (8, 7), (7, 8), (5, 4), (2, 7)])
def test_a_beat_in_every_clock_of_the_slower_side(periods: tuple[int, int]) -> None:
    """Full speed needs no more than the queue has places; 8 of the slower side's clocks are both synchronizers."""
    bench, beats = Bench(STREAM, *periods), 200
    clocks = 0

    async def count(ctx: Any) -> None:
        nonlocal clocks
        domain = "sync" if periods[0] >= periods[1] else "far"
        while len(bench.got["t"]) < beats:
            await ctx.tick(domain)
            clocks += 1

    bench.run(1, beats, (0, 0), count)
    assert bench.got == bench.wanted
    assert clocks <= beats + 8


@pytest.mark.parametrize("sigs", [AXI, LITE, STREAM], ids=["axi4", "axi4-lite", "stream"])
def test_synthesizes_without_a_warning(sigs: Any, tmp_path: Path) -> None:
    """Alone, with two clocks and two resets at the top."""
    (tmp_path / "block.v").write_text(verilog_of(Crossing(sigs, "far")))
    said = yosys(tmp_path, "read_verilog block.v; synth -noabc -top top; check -assert")
    assert "warning" not in said.lower(), said
