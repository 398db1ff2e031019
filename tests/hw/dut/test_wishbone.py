"""WishboneBridge: every access arrives once, in standard and pipelined cycles, and its answer comes back."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.dut.wishbone import WishboneBridge
from tests.hw.dut.axil_bench import accesses, drive


@pytest.mark.parametrize("word_addressed", [False, True])
@pytest.mark.parametrize("pipelined", [False, True])
def test_accesses_arrive_once_and_in_order(pipelined: bool, word_addressed: bool) -> None:
    rng = random.Random(2 * pipelined + word_addressed)
    dut = WishboneBridge(10 if word_addressed else 12, pipelined=pipelined, word_addressed=word_addressed)
    wanted, seen = accesses(rng, 60), list[tuple[bool, int, int, int]]()
    answers: list[tuple[int, bool]] = []

    async def card(ctx: Any) -> None:
        """Stalls, takes the access, waits, answers for one clock."""
        stall = wait = 0
        owed = False
        while True:
            asked = ctx.get(dut.cyc) and ctx.get(dut.stb) and not owed
            stall = rng.choice((0, 0, 1, 3)) if pipelined and asked and not stall else max(0, stall - 1)
            ctx.set(dut.stall, stall > 0)
            if asked and not stall:
                write = bool(ctx.get(dut.we))
                seen.append((write, ctx.get(dut.adr), ctx.get(dut.dat_i) if write else 0, ctx.get(dut.sel)))
                answers.append((rng.getrandbits(32), rng.random() < 0.2))
                owed, wait = True, rng.choice((0, 1, 4)) + pipelined
            done = owed and wait == 0
            ctx.set(dut.dat_o, answers[-1][0] if answers else 0)
            ctx.set(dut.ack, done and not answers[-1][1])
            ctx.set(dut.err, done and answers[-1][1])
            if owed:
                assert ctx.get(dut.cyc), "CYC is held until the answer"
                owed, wait = not done, wait - 1
            await ctx.tick()
            if pipelined and owed:
                assert not ctx.get(dut.stb), "STB behind an access that was taken is one more access"

    got = drive(dut, dut.axil, wanted, rng, card)
    unit = 4 if word_addressed else 1
    assert seen == [(write, address // unit, data if write else 0, strobe if write else 15)
                    for write, address, data, strobe in wanted]  # fmt: skip
    assert got == [(0 if write else value, 2 if bad else 0)
                   for (write, *_), (value, bad) in zip(wanted, answers, strict=True)]  # fmt: skip
