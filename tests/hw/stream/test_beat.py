"""The masks and shifts of the frame path against Python's own, every amount, several widths."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Module, Signal

from ringbed.hw.stream.beat import be16, bytes_below, move_up
from ringbed.hw.stream.ones_sum import add_pieces, bytes_from, fold_to_16
from tests.hw.stream_bench import simulate


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_masks_and_moves(width: int) -> None:
    m, lanes = Module(), width // 8
    value, count, mask, field = Signal(width), Signal(range(lanes + 1)), Signal(width), Signal(16)
    moved = move_up(m, value, count, name="moved")
    m.d.comb += [mask.eq(bytes_below(count, width)), field.eq(be16(value, 4))]
    number = int.from_bytes(bytes(range(1, lanes + 1)), "little")

    async def bench(ctx: Any) -> None:
        ctx.set(value, number)
        assert ctx.get(field) == 0x0506
        for amount in range(lanes + 1):
            ctx.set(count, amount)
            assert ctx.get(mask) == (1 << 8 * amount) - 1
            if amount < lanes:
                assert ctx.get(moved) == number << 8 * amount & (1 << width) - 1

    simulate(m, bench)


def test_bytes_from() -> None:
    m, position, start, mask = Module(), Signal(16), Signal(8), Signal(64)
    m.d.comb += mask.eq(bytes_from(position, start, 64))

    async def bench(ctx: Any) -> None:
        for at in (0, 8, 248, 256, 4096):
            for begin in (0, 1, 7, 8, 9, 15, 247, 248, 255):
                ctx.set(position, at)
                ctx.set(start, begin)
                assert ctx.get(mask) == sum(0xFF << 8 * lane for lane in range(8) if at + lane >= begin)

    simulate(m, bench)


def test_folds_keep_the_value_modulo_65535_and_zero_apart() -> None:
    """Among these are carries out of the second fold: 0xFFFF1 and its like."""
    m, total, value = Module(), Signal(48), Signal(20)
    first = Signal(18)
    m.d.comb += first.eq(add_pieces(total))
    folded = fold_to_16(m, value, name="folded")

    async def bench(ctx: Any) -> None:
        for number in (0, 1, 0xFFFF, 0x10000, 0x1FFFE, 0x1FFFF, 0x2FFFD, 0x2FFFE, 0xFFFF1, 0xFFFFF, 0xF0000):
            ctx.set(value, number)
            assert ctx.get(folded) == ((number - 1) % 0xFFFF + 1 if number else 0)
        for number in (0, 0xFFFF_FFFF_FFFF, 0x1234_5678_9ABC, 0xFFFF_0000_0001, 0x2_FFFF_FFFF, 0x1_FFFF_FFFF):
            ctx.set(total, number)
            assert ctx.get(first) == (number >> 32) + (number >> 16 & 0xFFFF) + (number & 0xFFFF)

    simulate(m, bench)
