"""ApbBridge: every access arrives once, as APB says, and its answer comes back, however slow the card is."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.dut.apb import ApbBridge
from tests.hw.dut.axil_bench import accesses, drive
from tests.hw.stream_bench import simulate


@pytest.mark.parametrize("seed", range(3))
def test_accesses_arrive_once_and_in_order(seed: int) -> None:
    dut, rng = ApbBridge(12), random.Random(seed)
    wanted, seen = accesses(rng, 60), list[tuple[bool, int, int, int]]()
    answers: list[tuple[int, bool]] = []

    async def card(ctx: Any) -> None:
        wait = -1
        while True:
            if ctx.get(dut.psel) and wait < 0:
                assert not ctx.get(dut.penable), "the first clock of an access is set-up"
                wait = rng.choice((0, 0, 1, 5))
                answers.append((rng.getrandbits(32), rng.random() < 0.2))
            elif wait >= 0:
                assert (ctx.get(dut.psel), ctx.get(dut.penable)) == (1, 1), "held until PREADY"
                if wait == 0:
                    pwrite, strobe = bool(ctx.get(dut.pwrite)), ctx.get(dut.pstrb)
                    seen.append((pwrite, ctx.get(dut.paddr), ctx.get(dut.pwdata) if pwrite else 0, strobe))
                    ctx.set(dut.prdata, answers[-1][0])
                    ctx.set(dut.pslverr, answers[-1][1])
                ctx.set(dut.pready, wait == 0)
                wait -= 1
            await ctx.tick()

    got = drive(dut, dut.axil, wanted, rng, card)
    assert seen == [(write, address, data if write else 0, strobe if write else 0)
                    for write, address, data, strobe in wanted]  # fmt: skip
    assert got == [(0 if write else value, 2 if bad else 0)
                   for (write, *_), (value, bad) in zip(wanted, answers, strict=True)]  # fmt: skip


def test_a_card_without_ready_is_two_clocks() -> None:
    """PREADY that is always 1, as a missing port reads."""
    dut, clocks = ApbBridge(8), list[tuple[int, int]]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.pready, 1)
        ctx.set(dut.prdata, 7)
        ctx.set(dut.axil.arvalid, 1)
        ctx.set(dut.axil.rready, 1)
        for _ in range(6):
            clocks.append((ctx.get(dut.psel), ctx.get(dut.penable)))
            if ctx.get(dut.axil.rvalid):
                assert ctx.get(dut.axil.rdata) == 7
                ctx.set(dut.axil.arvalid, 0)
            await ctx.tick()

    simulate(dut, run)
    assert clocks[:4] == [(0, 0), (1, 0), (1, 1), (0, 0)]
