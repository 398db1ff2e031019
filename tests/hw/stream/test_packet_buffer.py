"""PacketBuffer against two arrays: both directions at once in every clock, banks on the right side of the border."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.stream.packet_buffer import BANK_BYTES, BANKS, PacketBuffer
from tests.hw.stream_bench import simulate


def beats_of_a_bank(width: int) -> int:
    return 8 * BANK_BYTES // width


class Side:
    """One direction's port and what it should find in its banks. Half of the writes are read again soon."""

    def __init__(self, port: Any, first: int, end: int, seed: int, width: int) -> None:
        self.port, self.first, self.end, self.rng, self.width = port, first, end, random.Random(seed), width
        self.words: dict[int, int] = {}
        self.wanted: int | None = None

    def address(self) -> int:
        """Often at the borders of its share and of its banks."""
        rng, border = self.rng, range(self.first, self.end, beats_of_a_bank(self.width))
        at = rng.choice((rng.randrange(self.first, self.end), rng.choice(border) - rng.getrandbits(1)))
        return min(max(at, self.first), self.end - 1)

    def drive(self, ctx: Any) -> tuple[int, int] | None:
        """A read and a write in this clock; gives the write, which the memory has from the next clock on."""
        rng, port = self.rng, self.port
        reads = bool(self.words) and rng.random() < 0.9
        at = rng.choice(list(self.words)) if reads and len(self.words) < 500 else self.address()
        self.wanted = self.words.get(at) if reads else None
        write = (self.address(), rng.getrandbits(self.width)) if rng.random() < 0.9 else None
        if write is not None and write[0] == at:
            write = None  # the store never reads what it is just writing
        for name, value in (
            ("r_en", reads), ("r_addr", at), ("w_en", write is not None), ("w_addr", write[0] if write else at),
            ("w_data", write[1] if write else rng.getrandbits(self.width)),
        ):  # fmt: skip
            ctx.set(getattr(port, name), value)
        return write


@pytest.mark.parametrize(
    ("rx_banks", "width"), [(1, 64), (3, 64), (6, 64), (7, 64), (3, 128), (6, 256), (1, 512), (7, 512)]
)
def test_both_directions_at_once(rx_banks: int, width: int) -> None:
    dut, bank = PacketBuffer(width), beats_of_a_bank(width)
    border = rx_banks * bank
    sides = [Side(dut.rx, 0, border, 1, width), Side(dut.tx, border, BANKS * bank, 2, width)]
    compared = 0

    async def run(ctx: Any) -> None:
        nonlocal compared
        ctx.set(dut.rx_banks, rx_banks)
        for _ in range(450):
            writes = [side.drive(ctx) for side in sides]
            await ctx.tick()
            for side, write in zip(sides, writes, strict=True):
                if side.wanted is not None:
                    assert ctx.get(side.port.r_data) == side.wanted
                    compared += 1
                if write is not None:
                    side.words[write[0]] = write[1]

    simulate(dut, run)
    assert compared > 400


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_a_direction_cannot_write_into_the_other_ones_banks(width: int) -> None:
    """And a beat is kept to its highest bit."""
    dut, bank_beats, top = PacketBuffer(width), beats_of_a_bank(width), 1 << width - 1

    async def run(ctx: Any) -> None:
        async def write(port: Any, at: int, value: int) -> None:
            for name, given in (("w_en", 1), ("w_addr", at), ("w_data", value)):
                ctx.set(getattr(port, name), given)
            await ctx.tick()
            ctx.set(port.w_en, 0)

        async def read(port: Any, at: int) -> int:
            ctx.set(port.r_en, 1)
            ctx.set(port.r_addr, at)
            await ctx.tick()
            ctx.set(port.r_en, 0)
            return int(ctx.get(port.r_data))

        ctx.set(dut.rx_banks, 4)
        for bank in range(BANKS):
            at, sides = bank * bank_beats + 5, [(dut.rx, 0x1000), (dut.tx, 0x2000)]
            owner, other = sides if bank < 4 else sides[::-1]
            for port, mark in (owner, other):  # the one that may not write comes last
                await write(port, at, top | mark + bank)
            assert await read(owner[0], at) == top | owner[1] + bank

    simulate(dut, run)
