"""Time: rational, without drift, and paced as a link is."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.bus.link import LinkTime
from ringbed.sim.seam.clock import Frequency, Pacing

ODD = Frequency(Fraction(322_265_625))  # 10G Ethernet's: 3.10303... ns


@given(st.integers(0, 2**50))
def test_clocks_survive_the_way_through_nanoseconds(clocks: int) -> None:
    assert Frequency().clocks(Frequency().ns(clocks)) == clocks
    assert ODD.clocks(ODD.ns(clocks)) <= clocks <= ODD.clocks(ODD.ns(clocks) + 1)


@given(st.integers(0, 2**50))
def test_conversions_do_not_drift(ns: int) -> None:
    exact = ns * ODD.hz / 10**9
    assert exact <= ODD.clocks(ns) < exact + 1
    assert ODD.ns(ODD.clocks(ns)) >= ns - 1


def test_a_million_odd_clocks_are_exact() -> None:
    assert ODD.ns(322_265_625) == 10**9
    assert ODD.ns(1) == 3


def test_a_frame_holds_the_wire_with_preamble_and_gap() -> None:
    """64 bytes at 1 Gb/s are 672 ns (IEEE 802.3); at 125 MHz a clock is a byte."""
    assert Pacing.of(10**9, Frequency()).frame_clocks(64) == 84
    assert Pacing.of(10**11, ODD).frame_clocks(1518) == Fraction(1538 * 8 * 322_265_625, 10**11)


@pytest.mark.parametrize("bps", [0, 10**7 - 1, 10**11 + 1])
def test_speeds_outside_the_range_are_refused(bps: int) -> None:
    with pytest.raises(ValueError, match=f"a link runs at 10M to 100G bits per second, not {bps}"):
        Pacing.of(bps, Frequency())


def test_a_clock_must_tick() -> None:
    with pytest.raises(ValueError, match="a clock must have a positive frequency, not 0 Hz"):
        Frequency(Fraction(0))


@given(st.lists(st.integers(1, 2000), max_size=200), st.sampled_from([10**7, 10**9, 25 * 10**9, 10**11]))
def test_link_time_adds_up(lengths: list[int], bps: int) -> None:
    pace = Pacing.of(bps, ODD)
    at = LinkTime(pace)
    for length in lengths:
        at.add(length)
    assert at.clock + Fraction(at.frac, pace.den) == sum(lengths) * Fraction(pace.num, pace.den)
    assert at.ceil() - 1 < at.clock + Fraction(at.frac, pace.den) <= at.ceil()
