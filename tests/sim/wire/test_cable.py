from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.wire.cable import Cable, Loopback


class End:
    """A wire end of lists."""

    def __init__(self, left: list[tuple[int, bytes]] | None = None) -> None:
        self.left = left or []
        self.arrived: list[tuple[int, bytes, bool]] = []

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.arrived.append((at, frame, error))

    def wire_out(self) -> list[tuple[int, bytes]]:
        left, self.left = self.left, []
        return left


def test_both_ways_in_order_and_once() -> None:
    a, b = End([(1, b"one"), (5, b"two")]), End([(2, b"three")])
    cable = Cable(a, b, latency_ns=80)  # ten clocks of 125 MHz
    assert cable.move() == 3
    assert b.arrived == [(11, b"one", False), (15, b"two", False)]
    assert a.arrived == [(12, b"three", False)]
    assert cable.move() == 0
    assert cable.frames == [2, 1]


@given(st.integers(0, 10**12), st.integers(1, 10**6), st.sampled_from([125_000_000, 322265625, 156_250_000, 10**9]))
def test_a_frame_never_arrives_early_nor_a_clock_late(clock: int, latency: int, hertz: int) -> None:
    a, b = End([(clock, b"x")]), End()
    Cable(a, b, latency, Frequency(Fraction(hertz)), Frequency(Fraction(250_000_000))).move()
    sent_ns, arrived_ns = Fraction(clock * 10**9, hertz), b.arrived[0][0] * 4
    assert sent_ns + latency - 1 < arrived_ns < sent_ns + latency + 4


def test_each_end_keeps_its_own_clock() -> None:
    slow, fast = End([(1, b"to fast")]), End([(1000, b"to slow")])
    cable = Cable(slow, fast, 100, Frequency(Fraction(10_000_000)), Frequency(Fraction(1_000_000_000)))
    cable.move()
    assert fast.arrived == [(200, b"to fast", False)]  # 100 ns of the slow clock and 100 of the cable
    assert slow.arrived == [(11, b"to slow", False)]


def test_a_loopback_brings_everything_back_once() -> None:
    port = End([(1, b"one"), (5, b"two")])
    loop = Loopback(port, clocks=3)
    assert loop.move() == 2
    assert port.arrived == [(4, b"one", False), (8, b"two", False)]
    assert loop.move() == 0
    assert loop.frames == 2


def test_no_latency_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 ns, not 0"):
        Cable(End(), End(), latency_ns=0)
    with pytest.raises(ValueError, match="at least 1 clock, not 0"):
        Loopback(End(), clocks=0)
