"""PacketBuffer against two arrays: both directions at once in every clock, banks on the right side of the border."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.stream.packet_buffer import BANKS, PacketBuffer
from tests.hw.stream_bench import simulate

BEATS, BANK = 8192, 1024  # at 64 bits


class Side:
    """One direction's port and what it should find in its banks. Half of the writes are read again soon."""

    def __init__(self, port: Any, first: int, end: int, seed: int) -> None:
        self.port, self.first, self.end, self.rng = port, first, end, random.Random(seed)
        self.words: dict[int, int] = {}
        self.wanted: int | None = None

    def address(self) -> int:
        """Often at the borders of its share and of its banks."""
        rng = self.rng
        at = rng.choice(
            (rng.randrange(self.first, self.end), rng.randrange(self.first, self.end, BANK) - rng.getrandbits(1))
        )
        return min(max(at, self.first), self.end - 1)

    def drive(self, ctx: Any) -> tuple[int, int] | None:
        """A read and a write in this clock; gives the write, which the memory has from the next clock on."""
        rng, port = self.rng, self.port
        reads = bool(self.words) and rng.random() < 0.9
        at = rng.choice(list(self.words)) if reads and len(self.words) < 500 else self.address()
        self.wanted = self.words.get(at) if reads else None
        write = (self.address(), rng.getrandbits(64)) if rng.random() < 0.9 else None
        if write is not None and write[0] == at:
            write = None  # the store never reads what it is just writing
        for name, value in (
            ("r_en", reads), ("r_addr", at), ("w_en", write is not None), ("w_addr", write[0] if write else at),
            ("w_data", write[1] if write else rng.getrandbits(64)),
        ):  # fmt: skip
            ctx.set(getattr(port, name), value)
        return write


@pytest.mark.parametrize("rx_banks", [1, 3, 6, 7])
def test_both_directions_at_once(rx_banks: int) -> None:
    dut = PacketBuffer(64)
    border = rx_banks * BANK
    sides = [Side(dut.rx, 0, border, 1), Side(dut.tx, border, BEATS, 2)]
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


def test_a_direction_cannot_write_into_the_other_ones_banks() -> None:
    dut = PacketBuffer(64)

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
            at = bank * BANK + 5
            await write(dut.rx, at, 0x1000 + bank)
            await write(dut.tx, at, 0x2000 + bank)
        for bank in range(BANKS):
            at = bank * BANK + 5
            assert await read(dut.rx if bank < 4 else dut.tx, at) == (0x1000 if bank < 4 else 0x2000) + bank

    simulate(dut, run)
