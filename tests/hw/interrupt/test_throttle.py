"""Throttle against a plain model of time: no two rises closer than the interval, and none lost."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.hw.interrupt.throttle import Throttle
from tests.hw.stream_bench import refused, simulate

UNIT = 4
NEVER = 0xFFFFFFFF


@dataclass
class Model:
    """A line and the time of its last rise."""

    up: bool = False
    held_until: int | None = None

    def clock(self, now: int, request: bool, interval: int) -> tuple[bool, int]:
        """The line in this clock, and how long the interval still runs."""
        if self.held_until is not None and (now >= self.held_until or not interval):
            wait, holds = 0, False
        elif self.held_until is not None:
            wait, holds = self.held_until - now, True
        else:
            wait, holds = NEVER, False
        line = request and (self.up or not holds)
        if line and not self.up:
            self.held_until = now + interval * UNIT if interval else None
        elif not holds:
            self.held_until = None
        self.up = line
        return line, wait


def run_clocks(steps: list[tuple[int, bool, int]], start: int = 0) -> list[bool]:
    """Each step: clocks that pass before it (a skip when more than one), request, interval. The line in each."""
    dut, model, seen = Throttle(UNIT), Model(), list[bool]()

    async def run(ctx: Any) -> None:
        now = start
        for number, (passed, request, interval) in enumerate(steps):
            now += passed
            ctx.set(dut.timebase, now & 0xFFFFFFFF)
            ctx.set(dut.request, request)
            ctx.set(dut.interval, interval)
            line, wait = model.clock(now, request, interval)
            got = bool(ctx.get(dut.irq)), ctx.get(dut.wait)
            assert got == (line, wait), f"step {number}, clock {now}"
            seen.append(line)
            await ctx.tick()

    simulate(dut, run)
    return seen


STEP = st.tuples(st.sampled_from((1, 1, 1, 2, 7)), st.booleans(), st.sampled_from((0, 1, 2, 2, 2, 5)))


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=80), st.sampled_from((0, (1 << 32) - 40)))
def test_against_the_model(steps: list[tuple[int, bool, int]], start: int) -> None:
    run_clocks(steps, start)


def test_rises_are_an_interval_apart() -> None:
    rng = random.Random(3)
    line = run_clocks([(1, rng.random() < 0.6, 5) for _ in range(900)])
    rises = [clock for clock, (was, now) in enumerate(pairwise([False, *line])) if now and not was]
    gaps = [later - earlier for earlier, later in pairwise(rises)]
    assert len(gaps) > 20
    assert min(gaps) == 5 * UNIT


def test_without_an_interval_the_line_is_the_request() -> None:
    rng = random.Random(4)
    requests = [rng.random() < 0.5 for _ in range(200)]
    assert run_clocks([(1, request, 0) for request in requests]) == requests


def test_a_request_that_waits_is_let_through_when_time_is_skipped_to_its_end() -> None:
    steps = [(1, True, 9), (1, False, 9), (1, True, 9), (9 * UNIT - 2, True, 9)]
    assert run_clocks(steps) == [True, False, False, True]


def test_clear_forgets_the_interval() -> None:
    dut, seen = Throttle(UNIT), list[bool]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.interval, 100)
        for clock, (request, clear) in enumerate(((1, 0), (0, 1), (1, 0))):
            ctx.set(dut.timebase, clock)
            ctx.set(dut.request, request)
            ctx.set(dut.clear, clear)
            seen.append(bool(ctx.get(dut.irq)))
            await ctx.tick()

    simulate(dut, run)
    assert seen == [True, False, True]


def test_a_unit_that_cannot_be() -> None:
    refused(lambda: Throttle(0), "unit of 0 clocks")
