"""What is a counter and what a fold, and that one made wrong at its edge is right everywhere else."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Fragment, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.hw.edge_mutants import carryless, edged
from tests.hw.edges import counters, folds
from tests.hw.stream_bench import simulate


class Small(wiring.Component):
    """A total that goes on by `add`, through logic of its own; a fold; and registers that count nothing."""

    def __init__(self) -> None:
        super().__init__({"add": In(3), "value": In(20), "count": Out(4), "sum": Out(16)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        total, last, chosen, unused = Signal(4), Signal(4), Signal(4), Signal()
        after, once, apart = Signal(4), Signal(17), Signal(17)
        m.d.comb += [
            after.eq(Mux(self.add == 7, total, total + self.add)), self.count.eq(total),
            once.eq(self.value[:16] + self.value[16:]), self.sum.eq(once[:16] + once[16]),
            apart.eq(self.value[:8] + self.value[12:]), unused.eq(apart[0]),
        ]  # fmt: skip
        m.d.sync += [
            total.eq(after), last.eq(total + 1), chosen.eq(Mux(chosen + 1 == total, last, chosen)),
        ]  # fmt: skip
        return m


def counts(kind: Any, adds: list[int]) -> list[int]:
    """What `count` is after each of `adds`."""
    dut, seen = kind(), list[int]()

    async def run(ctx: Any) -> None:
        for add in adds:
            ctx.set(dut.add, add)
            await ctx.tick()
            seen.append(ctx.get(dut.count))

    simulate(dut, run)
    return seen


def test_what_is_a_counter_and_what_is_a_fold() -> None:
    """A register that is a part of its own next value; neither one made of another, nor one that only decides."""
    fragment = Fragment.get(Small(), None)
    assert {name: len(signal) for name, signal in counters(fragment).items()} == {"total": 4}
    assert {name: len(signal) for name, signal in folds(fragment).items()} == {"value": 20, "once": 17}


@pytest.mark.parametrize(
    ("way", "seen"),
    [("", [5, 10, 11, 0, 1]), ("to", [5, 10, 10, 15, 0]), ("from", [5, 10, 11, 1, 2])],
)
def test_a_counter_is_wrong_at_its_edge_alone(way: str, seen: list[int]) -> None:
    kind = edged(Small, "total", 11, way) if way else Small
    assert counts(kind, [5, 5, 1, 5, 1]) == seen


def test_a_fold_loses_one_carry() -> None:
    def folded(kind: Any, value: int) -> int:
        dut, seen = kind(), list[int]()

        async def run(ctx: Any) -> None:
            ctx.set(dut.value, value)
            seen.append(ctx.get(dut.sum))

        simulate(dut, run)
        return seen[0]

    assert [folded(Small, value) for value in (0x1FFFF, 0x2FFFE, 0x2FFFD)] == [1, 1, 0xFFFF]
    spoilt = carryless(Small, "once", 16)
    assert [folded(spoilt, value) for value in (0x1FFFF, 0x2FFFE, 0x2FFFD)] == [0, 0, 0xFFFF]


def test_a_signal_that_is_driven_in_parts_is_refused() -> None:
    class Parts(wiring.Component):
        def __init__(self) -> None:
            super().__init__({"count": Out(4)})

        def elaborate(self, platform: Any) -> Module:
            m = Module()
            m.d.sync += self.count[:2].eq(self.count + 1)
            return m

    with pytest.raises(ValueError, match="count is driven in parts"):
        simulate(edged(Parts, "count", 3, "to")())
