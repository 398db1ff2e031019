"""Ring: what stops it, in which order of blame, and that nothing but a reset starts it again. Its parts have tests."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.hw.formats.em import StopCause
from ringbed.hw.ring.whole import Ring
from tests.hw.stream_bench import simulate

FAULTS = {"fetch": StopCause.FETCH, "data": StopCause.DATA, "status": StopCause.WRITEBACK, "tail": StopCause.RING}


def _fault(dut: Ring, name: str) -> Any:
    return {
        "fetch": dut.bus.fetched.valid, "data": dut.data_failed, "status": dut.bus.status_failed,
        "tail": dut.registers.tail,
    }[name]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "cause"),
    [
        *(((name,), cause) for name, cause in FAULTS.items()),
        (("data", "status"), StopCause.WRITEBACK),
        (("fetch", "data"), StopCause.DATA),
        (("tail", "fetch", "data", "status"), StopCause.WRITEBACK),
    ],
)
def test_first_fault_stops_for_good(names: tuple[str, ...], cause: int) -> None:
    dut = Ring(64, 8, 0xFF)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.registers.count, 8)
        ctx.set(dut.registers.base, 0x1000)
        ctx.set(dut.registers.tail, 4)
        ctx.set(dut.enable, 1)
        ctx.set(dut.bus.fetched.payload.error, 1)
        await ctx.tick()
        assert ctx.get(dut.registers.stop) == StopCause.NONE
        assert ctx.get(dut.bus.fetch.valid)
        for name in names:
            ctx.set(_fault(dut, name), 9 if name == "tail" else 1)
        await ctx.tick()
        for name in names:
            ctx.set(_fault(dut, name), 4 if name == "tail" else 0)
        for other in ("status", "data", "fetch"):  # later faults change nothing
            assert ctx.get(dut.registers.stop) == cause
            assert not ctx.get(dut.bus.fetch.valid)
            assert not ctx.get(dut.o.valid)
            ctx.set(_fault(dut, other), 1)
            await ctx.tick()
            ctx.set(_fault(dut, other), 0)
        assert ctx.get(dut.registers.stop) == cause

    simulate(dut, bench)
