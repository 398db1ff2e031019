"""PauseSend and PauseHold: what the partner is told as the receive buffer fills, and how long we stand still."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.mac.pause_tx import SLOT, XOFF, XON, PauseHold, PauseSend
from tests.hw.stream_bench import simulate

DA, SA = bytes.fromhex("0180c2000001"), bytes.fromhex("020000000001")


def frame_of(time: int) -> bytes:
    """IEEE 802.3 annex 31B, padding and FCS apart."""
    return DA + SA + b"\x88\x08\x00\x01" + time.to_bytes(2, "big")


class Sender:
    """The block, clocked by a script; `told` is what it sent, as (kind, frame)."""

    def __init__(self, width: int = 64) -> None:
        self.dut, self.lanes, self.told, self._frame = PauseSend(width), width // 8, list[tuple[int, bytes]](), b""

    async def setup(self, ctx: Any, **values: int) -> None:
        self.ctx = ctx
        for name, value in {
            "tfce": 1, "high": 8000, "low": 4000, "xone": 1, "time": 0xABCD, "kind": 0x8808, "go": 1,
            "da": int.from_bytes(DA, "little"), "sa": int.from_bytes(SA, "little"),
        }.items():  # fmt: skip
            ctx.set(getattr(self.dut, name), values.get(name, value))
        ctx.set(self.dut.o.ready, 1)

    async def clock(self, count: int = 1, **values: int) -> None:
        for name, value in values.items():
            self.ctx.set(getattr(self.dut, name), value)
        for _ in range(count):
            _, _, valid, tx, ready = await self.ctx.tick().sample(
                self.dut.o.valid, self.dut.o.payload, self.dut.o.ready
            )
            if valid and ready:
                assert tx.beat.first == (self._frame == b"")
                assert (tx.fcs, tx.pad, tx.beat.error) == (1, 1, 0)
                self._frame += tx.beat.data.to_bytes(self.lanes, "little")[: tx.beat.count]
                if tx.beat.last:
                    self.told.append((tx.pause, self._frame))
                    self._frame = b""

    def kinds(self) -> list[int]:
        told, self.told = [kind for kind, _ in self.told], []
        return told


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_the_frames(width: int) -> None:
    s = Sender(width)

    async def run(ctx: Any) -> None:
        await s.setup(ctx)
        await s.clock(8, fill=8000)
        await s.clock(8, fill=3999)
        assert s.told == [(XOFF, frame_of(0xABCD)), (XON, frame_of(0))]

    simulate(s.dut, run)


def test_thresholds() -> None:
    """XOFF at `high` once, XON below `low` once, nothing between; again with a missed frame; a threshold 0 is none."""
    s = Sender()

    async def run(ctx: Any) -> None:
        await s.setup(ctx)
        await s.clock(20, fill=7999)
        assert s.kinds() == []
        await s.clock(20, fill=8000)
        await s.clock(20, fill=65536)
        await s.clock(20, fill=4000)
        assert s.kinds() == [XOFF]
        await s.clock(1, fill=9000, missed=1)
        await s.clock(20, missed=0)
        assert s.kinds() == [XOFF]
        await s.clock(20, fill=3999)
        await s.clock(20, fill=0)
        assert s.kinds() == [XON]
        await s.clock(20, fill=8000, high=0)
        assert s.kinds() == []
        await s.clock(20, tfce=0, high=8000)
        await s.clock(1, missed=1)
        await s.clock(20, missed=0)
        assert s.kinds() == []

    simulate(s.dut, run)


def test_without_xon_each_crossing_is_an_xoff() -> None:
    s = Sender()

    async def run(ctx: Any) -> None:
        await s.setup(ctx, xone=0)
        for _ in range(3):
            await s.clock(20, fill=8000)
            await s.clock(20, fill=7999)
        assert s.kinds() == [XOFF] * 3

    simulate(s.dut, run)


def test_software_asks_whatever_else() -> None:
    """SWXOFF needs no TFCE; it waits while nothing may be sent, and many that wait are one."""
    s = Sender()

    async def run(ctx: Any) -> None:
        await s.setup(ctx, tfce=0, go=0)
        for _ in range(3):
            await s.clock(1, software=1)
            await s.clock(5, software=0)
        assert s.kinds() == []
        await s.clock(20, go=1)
        assert s.kinds() == [XOFF]

    simulate(s.dut, run)


def test_a_slow_wire_hears_xoff_before_xon() -> None:
    s = Sender()

    async def run(ctx: Any) -> None:
        await s.setup(ctx)
        ctx.set(s.dut.o.ready, 0)
        await s.clock(10, fill=8000)
        await s.clock(10, fill=0)
        ctx.set(s.dut.o.ready, 1)
        await s.clock(20)
        assert s.kinds() == [XOFF, XON]

    simulate(s.dut, run)


def test_hold_against_a_number() -> None:
    """Each pause replaces the one before, 0 ends it; so many slots of 64 clocks, on a timebase that may jump."""
    dut, rng = PauseHold(), random.Random(2)

    async def run(ctx: Any) -> None:
        now, end = 100, 0
        for _ in range(600):
            valid, time = rng.random() < 0.05, rng.choice((0, 1, 2, 0xFFFF))
            ctx.set(dut.timebase, now)
            ctx.set(dut.valid, valid)
            ctx.set(dut.time, time)
            assert ctx.get(dut.paused) == (now < end)
            assert ctx.get(dut.wait) == (end - now if now < end else ctx.get(dut.wait))
            if valid:
                end = now + time * SLOT if time else 0
            await ctx.tick()
            now += rng.choice((1, 1, 20)) if end - now > 20 else 1

    simulate(dut, run)
