"""Interrupt against sets of causes: no event is lost, whatever software does in its clock."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from ringbed.hw.formats import em
from ringbed.hw.interrupt.causes import Interrupt
from tests.hw.stream_bench import simulate

VALID = sum(field.mask for field in em.CAUSES)
STROBES = ("icr_r", "icr_w", "ics_w", "ims_w", "imc_w")


@dataclass
class Model:
    """M 13.4.17-21, a clock at a time."""

    causes: int = 0
    mask: int = 0
    irq: bool = False

    def clock(self, event: int, wdata: int, strobe: str | None, clear: bool) -> None:
        if strobe == "icr_r":
            self.causes = 0
        if strobe == "icr_w":
            self.causes &= ~wdata
        self.irq = bool(self.causes & self.mask)  # low, for a clock, also when the next cause came with the clearing
        if strobe == "ics_w":
            self.causes |= wdata & VALID
        if strobe == "ims_w":
            self.mask |= wdata & VALID
        if strobe == "imc_w":
            self.mask &= ~wdata
        self.causes |= event & VALID  # last: an event is kept
        if clear:
            self.causes, self.mask, self.irq = 0, 0, False


def run_clocks(clocks: list[tuple[int, int, str | None, bool]]) -> list[tuple[int, int, bool]]:
    """Causes, mask and line behind each clock, compared with the model's on the way."""
    dut, model, seen = Interrupt(VALID), Model(), list[tuple[int, int, bool]]()

    async def run(ctx: Any) -> None:
        for number, (event, wdata, strobe, clear) in enumerate(clocks):
            for port, value in ((dut.event, event), (dut.wdata, wdata), (dut.clear, clear)):
                ctx.set(port, value)
            for name in STROBES:
                ctx.set(getattr(dut, name), name == strobe)
            await ctx.tick()
            model.clock(event, wdata, strobe, clear)
            seen.append((ctx.get(dut.causes), ctx.get(dut.mask), bool(ctx.get(dut.irq))))
            assert seen[-1] == (model.causes, model.mask, model.irq), f"clock {number}"

    simulate(dut, run)
    return seen


@pytest.mark.parametrize("seed", range(3))
def test_random_events_and_accesses(seed: int) -> None:
    rng = random.Random(seed)
    clocks = []
    for _ in range(700):
        event = rng.getrandbits(32) & rng.getrandbits(32) & rng.getrandbits(32) if rng.random() < 0.4 else 0
        strobe = rng.choice(STROBES) if rng.random() < 0.5 else None
        clocks.append((event, rng.getrandbits(32), strobe, rng.random() < 0.02))
    seen = run_clocks(clocks)
    assert {line for *_, line in seen} == {False, True}


@pytest.mark.parametrize("field", em.CAUSES, ids=lambda field: str(field.name))
def test_each_cause(field: Any) -> None:
    """Latched while masked, raised by the mask, kept when it comes in the clock of the read that clears it."""
    bit = field.mask
    seen = run_clocks([
        (bit, 0, None, False), (0, 0, None, False), (0, bit, "ims_w", False), (0, 0, None, False),
        (bit, 0, "icr_r", False), (0, 0, None, False), (0, 0, "icr_r", False), (0, 0, None, False),
        (0, bit, "ics_w", False), (0, 0, None, False), (0, bit, "icr_w", False), (0, bit, "imc_w", False),
    ])  # fmt: skip
    assert [causes for causes, *_ in seen] == [bit] * 6 + [0] * 2 + [bit, bit, 0, 0]
    assert [line for *_, line in seen] == [False] * 3 + [True, False, True] + [False] * 3 + [True, False, False]


def test_a_written_one_clears_only_its_cause() -> None:
    seen = run_clocks([(VALID, 0, None, False), (0, 0x80, "icr_w", False), (0x80, 0xFFFFFFFF, "icr_w", False)])
    assert [causes for causes, *_ in seen] == [VALID, VALID & ~0x80, 0x80]


def test_bits_that_are_no_causes_stay_zero() -> None:
    seen = run_clocks([(0xFFFFFFFF, 0, None, False), (0, 0xFFFFFFFF, "ims_w", False), (0, 0xFFFFFFFF, "ics_w", False)])
    assert seen[-1][:2] == (VALID, VALID)
