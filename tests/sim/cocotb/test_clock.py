"""Several clocks on engines: what they do while time is skipped, and the period that suits them all."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from amaranth import ClockDomain, Module, Signal
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.cocotb.run import run_in_cocotb
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Event
from ringbed.sim.seam.portmap import Clock, Pin, PortMap, Reset
from ringbed.sim.seam.spec import NicSpec
from tests.sim.toy import TOY_MAP, Toy

TIMER = 20


class TwoClockToy(Toy):
    """The toy with a counter on another clock."""

    def ports(self) -> dict[str, Any]:
        return super().ports() | {"fast": self.fast, "beats": self.beats}

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.domains.fast = domain = ClockDomain("fast", reset_less=True, local=True)
        m.d.comb += domain.clk.eq(self.fast)
        m.d.fast += self.beats.eq(self.beats + 1)
        return m

    def __init__(self) -> None:
        super().__init__()
        self.fast, self.beats = Signal(name="fast"), Signal(32, name="beats")


def two_clock_toy() -> NicSpec:
    toy = PortMap.parse(TOY_MAP)
    portmap = replace(toy, clocks=(Clock("fast", 5, 4, 0.25),), pins=(*toy.pins, Pin("beats", 32, "out")))
    return NicSpec("toy", TwoClockToy, portmap, {"clocks": 2}, sources=(Path(__file__),))


@pytest.mark.parametrize("kind", ["native", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb)])
def test_another_clock_goes_on_while_time_is_skipped(kind: str) -> None:
    """At its ratio and in its phase, over skips to timers and to the end of a run."""
    engine = open_engine(kind, two_clock_toy(), HostMemory())
    engine.run(engine.now + 8)
    begin, before = engine.now, engine.get_pin("beats")
    for clocks in (400, 44, 1200, 96):
        engine.write(TIMER, engine.now + clocks // 2)
        engine.run(engine.now + clocks, Event.NONE)
        assert 4 * (engine.get_pin("beats") - before) == 5 * (engine.now - begin)
    assert engine.stats().skipped > 1000
    engine.close()


@pytest.mark.cocotb
def test_a_bench_has_both_clocks(tmp_path: Path) -> None:
    assert run_in_cocotb("tests.sim.two_clock_bench", two_clock_toy(), "icarus", tmp_path) == ["the_clocks_agree"]


ratios = st.fractions(Fraction(1, 64), 64, max_denominator=64).filter(lambda ratio: ratio.numerator <= 64)


@given(st.lists(ratios, max_size=2), st.integers(1_000_000, 500_000_000))
def test_half_periods_are_whole_picoseconds(clocks: list[Fraction], hz: int) -> None:
    """Of every clock, and the main one's is a hundredth off at most; or it is refused."""
    others = tuple(Clock(f"c{number}", *ratio.as_integer_ratio()) for number, ratio in enumerate(clocks))
    portmap, exact = PortMap("card", "clk", Reset("rst"), clocks=others), Fraction(10**12, hz)
    try:
        period = portmap.period_ps(Frequency(Fraction(hz)))
    except ValueError:
        assert clocks
        return
    assert abs(period - exact) <= (exact / 100 if clocks else Fraction(1, 2))
    for ratio in clocks:
        assert (Fraction(period, 2) / ratio).denominator == 1


@pytest.mark.parametrize(
    ("ratio", "period"), [((5, 4), 8000), ((2, 3), 8000), ((1, 10), 8000), ((3, 1), 7998), ((64, 1), 7936)]
)
def test_what_rounding_costs(ratio: tuple[int, int], period: int) -> None:
    """The figures of docs/cocotb.md."""
    portmap = PortMap("card", "clk", Reset("rst"), clocks=(Clock("c", *ratio),))
    assert portmap.period_ps(Frequency(Fraction(125_000_000))) == period
