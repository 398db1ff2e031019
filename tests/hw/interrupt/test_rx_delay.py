"""RxDelay against a plain model of the manual's two timers, and that no frame stays without an interrupt."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.hw.interrupt.rx_delay import NEVER, RxDelay
from tests.hw.stream_bench import refused, simulate

UNIT = 3


@dataclass
class Model:
    """Frames landed and written as plain counts; each timer an end in absolute clocks, None when it rests."""

    landed: int = 0
    written: int = 0
    packet: int | None = None
    absolute: int | None = None
    due_for: int | None = None  # frames that must be written before the cause rises
    small: bool = False
    again: bool = False
    again_small: bool = False
    out: dict[str, int] = field(default_factory=dict)

    def clock(self, now: int, *, landed: bool, small: bool, delivered: int, rdtr: int, radv: int, fpd: bool) -> None:
        packet_over = self.packet is not None and (now >= self.packet or rdtr == 0)
        over = packet_over or (self.absolute is not None and now >= self.absolute)
        reached = self.due_for is not None and self.written >= self.due_for
        ends = [end for end in (self.packet, self.absolute) if end is not None]
        self.out = {
            "flush": int(self.due_for is not None), "srpd": int(reached and self.small),
            "rxt0": int(reached or (rdtr == 0 and delivered > 0)), "moderated": int(rdtr != 0),
            "wait": 0 if over else min((end - now for end in ends), default=NEVER),
        }  # fmt: skip
        small = small and landed
        self.landed, self.written = self.landed + landed, self.written + delivered
        due = over or fpd or small
        if self.due_for is not None and not reached:
            self.again, self.again_small = self.again or due, self.again_small or small
        else:
            self.due_for = self.landed if due or self.again else None
            self.small, self.again, self.again_small = small or self.again_small, False, False
        if due:
            self.packet = self.absolute = None
        elif landed and rdtr:
            self.packet = now + rdtr * UNIT
            if self.absolute is None and radv:
                self.absolute = now + radv * UNIT


Step = dict[str, int]


def run_clocks(steps: list[Step], start: int = 0) -> list[dict[str, int]]:
    """Each step: `passed` clocks of time before it, and inputs. What the block says in each: what the model says."""
    dut, model, seen = RxDelay(UNIT), Model(), list[dict[str, int]]()

    async def run(ctx: Any) -> None:
        now = start
        for number, step in enumerate(steps):
            values = {"landed": 0, "small": 0, "delivered": 0, "rdtr": 0, "radv": 0, "fpd": 0} | step
            now += values.pop("passed", 1)
            ctx.set(dut.timebase, now & 0xFFFFFFFF)
            for name, value in values.items():
                ctx.set(getattr(dut, name), value)
            model.clock(now, landed=bool(values["landed"]), small=bool(values["small"]), delivered=values["delivered"],
                        rdtr=values["rdtr"], radv=values["radv"], fpd=bool(values["fpd"]))  # fmt: skip
            got = {name: ctx.get(getattr(dut, name)) for name in model.out}
            assert got == model.out, f"step {number}, clock {now}"
            seen.append(got)
            await ctx.tick()

    simulate(dut, run)
    return seen


def some_steps(rng: random.Random, clocks: int) -> list[Step]:
    """Frames land, are written back when the card must or likes to; timers change now and then."""
    steps, waiting, settings_ = list[Step](), 0, {"rdtr": 4, "radv": 9}
    for _ in range(clocks):
        if rng.random() < 0.02:
            settings_ = {"rdtr": rng.choice((0, 1, 4, 9)), "radv": rng.choice((0, 3, 20))}
        step: Step = dict(settings_)
        step["delivered"] = rng.randint(1, min(waiting, 8)) if waiting and rng.random() < 0.15 else 0
        waiting -= step["delivered"]
        step["landed"] = int(rng.random() < 0.2 and waiting < 200)
        step["small"] = int(rng.random() < 0.1)
        waiting += step["landed"]
        step["fpd"] = int(rng.random() < 0.02)
        step["passed"] = rng.choice((1, 1, 1, 1, rng.randint(1, 30)))
        steps.append(step)
    return steps


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1 << 30), start=st.sampled_from((0, 0xFFFFFF00, 0x7FFFFFC0)))
def test_any_traffic(seed: int, start: int) -> None:
    run_clocks(some_steps(random.Random(seed), 400), start)


@pytest.mark.parametrize(("radv", "rises"), [(0, [10 + 3 * 10]), (5, [1 + 3 * 5])])
def test_packet_timer_restarts_and_absolute_timer_does_not(radv: int, rises: list[int]) -> None:
    """A frame every three clocks to clock 10; the writes come at once."""
    steps = [{"rdtr": 10, "radv": radv, "landed": int(clock in (1, 4, 7, 10))} for clock in range(60)]
    for clock, step in enumerate(steps):
        step["delivered"] = steps[clock - 2]["landed"] if clock > 2 else 0
    seen = run_clocks(steps, start=-1 & 0xFFFFFFFF)
    assert [clock for clock, out in enumerate(seen) if out["rxt0"]] == [rise + 1 for rise in rises]


def test_no_delay_is_an_interrupt_per_write_back() -> None:
    steps = [{"landed": int(clock % 3 == 0), "delivered": 2 * int(clock % 6 == 5)} for clock in range(30)]
    assert [out["rxt0"] for out in run_clocks(steps)] == [int(clock % 6 == 5) for clock in range(30)]


def test_the_cause_waits_for_the_write_back() -> None:
    """The timer ends at clock 31; what had landed by then is written at 40."""
    steps: list[Step] = [{"rdtr": 10, "landed": int(clock in (0, 1))} for clock in range(60)]
    steps[40]["delivered"] = 2
    seen = run_clocks(steps)
    assert [clock for clock, out in enumerate(seen) if out["flush"]] == list(range(32, 42))
    assert [clock for clock, out in enumerate(seen) if out["rxt0"]] == [41]


def test_flush_by_hand_without_a_frame() -> None:
    seen = run_clocks([{"rdtr": 7, "fpd": int(clock == 3)} for clock in range(10)])
    assert [out["rxt0"] for out in seen] == [int(clock == 4) for clock in range(10)]


def test_small_frames_without_end_do_not_put_the_interrupt_off() -> None:
    steps = [{"landed": 1, "small": 1, "delivered": 1 if clock > 5 else 0, "rdtr": 1000} for clock in range(100)]
    seen = run_clocks(steps)
    assert sum(out["srpd"] for out in seen) > 5


def test_a_delay_set_to_0_ends_the_timer() -> None:
    steps = [{"rdtr": 100 if clock < 5 else 0, "landed": int(clock == 1), "delivered": int(clock == 3)}
             for clock in range(12)]  # fmt: skip
    assert [clock for clock, out in enumerate(run_clocks(steps)) if out["rxt0"]] == [6]


def test_unit_refused() -> None:
    refused(lambda: RxDelay(0), "a timer's unit of 0 clocks")


def test_the_numbers_of_frames_go_round() -> None:
    """500 frames, the last of them small, three times: more than the 10 bits that they are numbered in."""
    many: list[Step] = [{"rdtr": 9, "landed": 1}] * 499 + [{"rdtr": 9, "landed": 1, "small": 1}, {"rdtr": 9}]
    written = [step for some in (125, 125, 125, 124, 1) for step in ({"rdtr": 9, "delivered": some}, {"rdtr": 9})]
    seen = run_clocks([*many, *written] * 3)
    assert [number for number, step in enumerate(seen) if step["srpd"]] == [510, 510 + 511, 510 + 2 * 511]
