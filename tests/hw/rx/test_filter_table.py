"""FilterTable against a list of bits."""

from __future__ import annotations

import random
from typing import Any

from ringbed.hw.rx.filter_table import FilterTable
from tests.hw.stream_bench import simulate


def test_writes_show_to_software_and_to_the_lookup() -> None:
    dut, words = FilterTable(), [0] * 128

    async def run(ctx: Any) -> None:
        rng = random.Random(1)
        for _ in range(600):
            where, word, write = rng.randrange(128), rng.getrandbits(32), rng.random() < 0.5
            for port, value in ((dut.w_at, where), (dut.wdata, word), (dut.w_en, write)):
                ctx.set(port, value)
            # before the clock the old word shows, also to who looks at the very word that is being written
            at, index = rng.choice((where, rng.randrange(128))), rng.choice((where << 5, rng.randrange(4096)))
            index |= rng.randrange(32)
            ctx.set(dut.at, at)
            ctx.set(dut.index, index)
            assert ctx.get(dut.value) == words[at]
            assert ctx.get(dut.hit) == words[index >> 5] >> (index & 31) & 1
            await ctx.tick()
            if write:
                words[where] = word

    simulate(dut, run, clocks=1000)
