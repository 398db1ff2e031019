"""Mdic and Phy against a table of registers: what a driver reads and writes through MDIC, and when."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Fragment, Module
from amaranth.lib import wiring

from ringbed.hw.formats import em
from ringbed.hw.formats.em.phy import PHY
from ringbed.hw.station.phy import Mdic, Phy
from tests.hw.edges import counters
from tests.hw.stream_bench import simulate

MDIC = em.REGISTERS["MDIC"]
CLOCKS = 7
WRITE, READ = 1, 2
# Written down apart from the table: what the part in use reads, register by register.
RESET = dict.fromkeys(range(32), 0) | {
    0: 0x1140, 1: 0x7949, 2: 0x0141, 3: 0x0C20, 4: 0x0DE1, 7: 0x2001, 9: 0x0E00, 15: 0x3000, 16: 0x0360, 17: 0x8000,
    20: 0x0D60,
}  # fmt: skip
LINKED = {1: 0x7949 | 0x20, 5: 0x41E1, 10: 0x3C00, 17: 0xAC00, 19: 0x0C00}
# Bits a write keeps; RESTART and the reserved ones of 0 do not stay.
KEPT = {0: 0xFDC0, 4: 0xFFFF, 7: 0xB7FF, 9: 0xFFFF, 16: 0xFFFF, 18: 0xFFFF, 20: 0xFFFF, 29: 0x001F}
HELD_OVER_RESET = (16, 18, 20, 29)  # by register 0's bit; CTRL.PHY_RST resets them


class Station(wiring.Component):
    """MDIC with its PHY, and a driver's accesses."""

    def __init__(self) -> None:
        self.mdic, self.phy, self.now, self.events = Mdic(CLOCKS), Phy(), 0, 0
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.mdic = mdic = self.mdic
        m.submodules.phy = phy = self.phy
        m.d.comb += [
            phy.register.eq(mdic.phy_register), phy.read.eq(mdic.phy_read), phy.write.eq(mdic.phy_write),
            phy.wdata.eq(mdic.phy_wdata), mdic.phy_value.eq(phy.value),
        ]  # fmt: skip
        return m

    async def tick(self, ctx: Any, jump: int = 1) -> None:
        _, _, done = await ctx.tick().sample(self.mdic.done)
        self.events += done
        self.now += jump
        ctx.set(self.mdic.timebase, self.now)

    async def start(self, ctx: Any, **fields: int) -> None:
        ctx.set(self.mdic.wdata, MDIC.pack(**fields))
        ctx.set(self.mdic.write, 1)
        await self.tick(ctx)
        ctx.set(self.mdic.write, 0)

    def value(self, ctx: Any) -> dict[str, int]:
        return MDIC.unpack(ctx.get(self.mdic.value))

    async def access(self, ctx: Any, op: int, register: int, data: int = 0, phy: int = 1, i: int = 0) -> dict[str, int]:
        await self.start(ctx, OP=op, REGADD=register, PHYADD=phy, DATA=data, I=i, R=1)
        waited = 1
        while not self.value(ctx)["R"]:
            assert ctx.get(self.mdic.wait) == CLOCKS - waited
            assert not self.value(ctx)["E"]  # of the access before
            await self.tick(ctx)
            waited += 1
            assert waited < 100
        assert waited == CLOCKS + 1
        assert ctx.get(self.mdic.wait) == 0xFFFFFFFF
        return self.value(ctx)

    async def read(self, ctx: Any, register: int) -> int:
        value = await self.access(ctx, READ, register)
        assert not value["E"]
        return value["DATA"]

    async def write(self, ctx: Any, register: int, data: int) -> None:
        assert not (await self.access(ctx, WRITE, register, data))["E"]


def bench(run: Any) -> None:
    it = Station()

    async def main(ctx: Any) -> None:
        await run(it, ctx)

    simulate(it, main, clocks=5000)


def test_registers_without_a_cable_and_with() -> None:
    async def run(it: Station, ctx: Any) -> None:
        for register, value in RESET.items():
            assert await it.read(ctx, register) == value, register
        ctx.set(it.phy.cable, 1)
        await it.read(ctx, 1)  # the latched bit still says it was down
        for register, value in (RESET | LINKED).items():
            assert await it.read(ctx, register) == (value | 4 if register == 1 else value), register
        assert await it.read(ctx, 19) == 0

    bench(run)


def test_the_table_has_all_32_in_order_and_says_what_they_read() -> None:
    assert [register.number for register in PHY] == list(range(32))
    assert {register.number: register.reset for register in PHY} == RESET


def test_every_register_answers_and_no_other_phy_does() -> None:
    """A driver in use writes 16, 20, 29, 30 and reads 18, 19, 21; `MDIC.E` there is 'Hardware Error' to it."""

    async def run(it: Station, ctx: Any) -> None:
        for register in range(32):
            value = await it.access(ctx, READ, register)
            assert (value["E"], value["DATA"]) == (0, RESET[register])
            assert (value["REGADD"], value["PHYADD"], value["OP"]) == (register, 1, READ)
            assert not (await it.access(ctx, WRITE, register, 0x1140))["E"]
        for phy in (0, 2, 31):
            value = await it.access(ctx, READ, 2, phy=phy)
            assert (value["E"], value["DATA"]) == (1, 0xFFFF)
            assert (await it.access(ctx, WRITE, 4, 0x1234, phy=phy))["E"]
        assert await it.read(ctx, 2) == 0x0141  # the error does not stay
        assert await it.read(ctx, 4) == 0x1140

    bench(run)


def test_what_a_write_keeps() -> None:
    async def run(it: Station, ctx: Any) -> None:
        rng = random.Random(1)
        for _ in range(4):
            for register, value in RESET.items():
                word = rng.getrandbits(16) & 0x37FF  # neither reset, loopback nor power-down
                await it.write(ctx, register, word)
                assert await it.read(ctx, register) == (word & KEPT[register] if register in KEPT else value)

    bench(run)


def test_loopback_has_link_without_a_cable_while_there_is_power() -> None:
    async def run(it: Station, ctx: Any) -> None:
        seen = []
        for control in (0x1140, 0x5140, 0x5940, 0x4140, 0x0140):
            await it.write(ctx, 0, control)
            seen.append((ctx.get(it.phy.loopback), ctx.get(it.phy.link)))
        assert seen == [(0, 0), (1, 1), (0, 0), (1, 1), (0, 0)]
        await it.write(ctx, 0, 0x4140)
        ctx.set(it.phy.held, 1)
        assert (ctx.get(it.phy.loopback), ctx.get(it.phy.link)) == (0, 0)

    bench(run)


def test_the_link_bit_latches_low() -> None:
    async def run(it: Station, ctx: Any) -> None:
        async def linked() -> bool:
            return bool(await it.read(ctx, 1) & 4)

        ctx.set(it.phy.cable, 1)
        assert [await linked(), await linked(), await linked()] == [False, True, True]
        ctx.set(it.phy.cable, 0)
        await it.tick(ctx)
        ctx.set(it.phy.cable, 1)
        await it.read(ctx, 5)  # reading another register does not re-arm it
        assert ctx.get(it.phy.link)
        assert [await linked(), await linked()] == [False, True]
        ctx.set(it.phy.cable, 0)
        assert [await linked(), await linked()] == [False, False]

    bench(run)


@pytest.mark.parametrize("how", ["cable", "held", "power-down"])
def test_what_takes_the_link_away(how: str) -> None:
    async def run(it: Station, ctx: Any) -> None:
        ctx.set(it.phy.cable, 1)
        assert ctx.get(it.phy.link)
        if how == "power-down":
            await it.write(ctx, 0, 0x1140 | 0x0800)
        else:
            ctx.set(getattr(it.phy, how), how == "held")
        assert not ctx.get(it.phy.link)
        assert await it.read(ctx, 17) & 0x0400 == 0
        assert await it.read(ctx, 1) & 0x24 == 0

    bench(run)


@pytest.mark.parametrize("how", ["bit", "held"])
def test_reset_brings_all_back_and_clears_itself(how: str) -> None:
    """Register 0's bit leaves the part's own registers alone: drivers set them and reset for that to count."""

    async def run(it: Station, ctx: Any) -> None:
        ctx.set(it.phy.cable, 1)
        for register in KEPT:
            await it.write(ctx, register, 0x0155)
        if how == "bit":
            await it.write(ctx, 0, 0x8000 | 0x0800)
            await it.tick(ctx)
        else:
            ctx.set(it.phy.held, 1)
            await it.tick(ctx)
            await it.write(ctx, 4, 0x7777)  # held: a write is lost
            ctx.set(it.phy.held, 0)
        assert ctx.get(it.phy.link)
        for register in KEPT:
            stays = how == "bit" and register in HELD_OVER_RESET
            assert await it.read(ctx, register) == (0x0155 & KEPT[register] if stays else RESET[register])
        assert not await it.read(ctx, 1) & 4  # the link went down for it

    bench(run)


def test_changes_of_the_link_are_told_once() -> None:
    """Register 19: link changed, and with it up, negotiated; a change in the clock of the read is not lost."""

    async def run(it: Station, ctx: Any) -> None:
        seen = []
        for cable in (1, 0, 1):
            ctx.set(it.phy.cable, cable)
            seen += [await it.read(ctx, 19), await it.read(ctx, 19)]
        assert seen == [0x0C00, 0, 0x0400, 0, 0x0C00, 0]
        for change_at in range(CLOCKS + 2):
            ctx.set(it.phy.cable, 0)
            await it.read(ctx, 19)
            await it.read(ctx, 19)
            await it.start(ctx, OP=READ, REGADD=19, PHYADD=1)
            for clock in range(CLOCKS + 2):
                ctx.set(it.phy.cable, int(clock >= change_at))
                await it.tick(ctx)
            first = it.value(ctx)["DATA"]
            assert first | await it.read(ctx, 19) == 0x0C00, change_at
            assert await it.read(ctx, 19) == 0

    bench(run)


def test_a_phy_that_is_held_forgets_what_changed() -> None:
    async def run(it: Station, ctx: Any) -> None:
        for cable in (1, 0):
            ctx.set(it.phy.cable, cable)
            await it.tick(ctx)
        for held in (1, 0):
            ctx.set(it.phy.held, held)
            await it.tick(ctx)
        assert await it.read(ctx, 19) == 0

    bench(run)


def test_errors_on_the_wire_are_counted_until_read_and_stick() -> None:
    async def run(it: Station, ctx: Any) -> None:
        async def errors(count: int) -> None:
            ctx.set(it.phy.error, 1)
            for _ in range(count):
                await it.tick(ctx)
            ctx.set(it.phy.error, 0)

        await errors(3)
        assert await it.read(ctx, 21) == 0, "without a link the PHY hears nothing"
        ctx.set(it.phy.cable, 1)
        await errors(3)
        assert [await it.read(ctx, 21), await it.read(ctx, 21)] == [3, 0]
        ctx.set(it.phy.error, 1)  # one each clock, those of the read's own among them
        first, second = await it.read(ctx, 21), await it.read(ctx, 21)
        assert (first, second) == (CLOCKS, CLOCKS + 1)
        ctx.set(it.phy.error, 0)
        ctx.set(it.phy.held, 1)
        await it.tick(ctx)
        ctx.set(it.phy.held, 0)
        assert await it.read(ctx, 21) == 0

    bench(run)


def test_the_count_of_errors_stays_at_its_end() -> None:
    """From three below; a read ends it, and what follows is counted from 0."""
    it = Station()
    top = Fragment.get(it, None)
    errors = counters(next(inner for inner, name, _ in top.subfragments if name == "phy"))["errors"]

    async def main(ctx: Any) -> None:
        ctx.set(it.phy.cable, 1)
        await it.tick(ctx)
        ctx.set(errors, 0xFFFC)
        ctx.set(it.phy.error, 1)
        for _ in range(5):
            await it.tick(ctx)
        ctx.set(it.phy.error, 0)
        assert [await it.read(ctx, 21), await it.read(ctx, 21)] == [0xFFFF, 0]

    simulate(top, main, clocks=1000)


@pytest.mark.full
def test_the_count_of_errors_sticks() -> None:
    it = Station()

    async def main(ctx: Any) -> None:
        ctx.set(it.phy.cable, 1)
        ctx.set(it.phy.error, 1)
        for _ in range(0x1_0010):
            await it.tick(ctx)
        ctx.set(it.phy.error, 0)
        assert await it.read(ctx, 21) == 0xFFFF

    simulate(it, main, clocks=70_000)


def test_the_event_comes_once_and_only_when_asked_for() -> None:
    async def run(it: Station, ctx: Any) -> None:
        for op, register, asked in ((READ, 2, 1), (READ, 2, 0), (WRITE, 4, 1), (READ, 31, 1), (WRITE, 4, 0)):
            it.events = 0
            assert (await it.access(ctx, op, register, i=asked))["I"] == asked
            for _ in range(3):
                await it.tick(ctx)
            assert it.events == asked

    bench(run)


def test_an_operation_that_is_none_does_nothing() -> None:
    async def run(it: Station, ctx: Any) -> None:
        await it.start(ctx, OP=0, REGADD=4, PHYADD=1, DATA=0x5555, I=1)
        await it.tick(ctx, jump=1000)
        await it.tick(ctx)
        assert (it.value(ctx)["R"], it.events) == (0, 0)
        assert await it.read(ctx, 4) == RESET[4]

    bench(run)


def test_time_that_jumps_past_the_end_and_a_reset_in_the_middle() -> None:
    async def run(it: Station, ctx: Any) -> None:
        await it.start(ctx, OP=READ, REGADD=2, PHYADD=1)
        await it.tick(ctx, jump=10**6)
        assert ctx.get(it.mdic.wait) == 0
        await it.tick(ctx)
        assert (it.value(ctx)["R"], it.value(ctx)["DATA"]) == (1, 0x0141)
        await it.start(ctx, OP=WRITE, REGADD=4, PHYADD=1, DATA=0x5555, I=1)
        ctx.set(it.mdic.clear, 1)
        await it.tick(ctx)
        ctx.set(it.mdic.clear, 0)
        await it.tick(ctx, jump=1000)
        await it.tick(ctx)
        assert it.value(ctx)["R"], "who polls it is not left waiting"
        assert it.events == 0
        assert await it.read(ctx, 4) == 0x5555, "the PHY has had no reset"

    bench(run)
