"""RegisterFile against a dictionary, over the card's own table: what every bit keeps, resets to and ignores."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from ringbed.hw.bus.registers import RegisterFile
from ringbed.hw.formats import em
from ringbed.hw.formats.em.statistics import STATISTICS_REGISTERS
from ringbed.hw.formats.field import Access, Field, Register, RegisterMap
from tests.hw.stream_bench import pauses, refused, simulate

EXTERNAL = ("STATUS", "EERD", "MDIC", "ICR", "ICS", "IMS", "IMC", "RDH", "TDH", "RAL", "RAH", "MTA", "VFTA")
BANK = [register.name for register in STATISTICS_REGISTERS]
KEPT = ("RDBAL", "RDBAH")
ALL = 0xFFFFFFFF


def bits(register: Register, *kinds: Access) -> int:
    return sum(field.mask for field in register.fields if field.access in kinds)


class Model:
    """Stored registers as numbers; what the card drives is or-ed in."""

    def __init__(self, table: RegisterMap, external: set[str]) -> None:
        self.table, self.external = table, external
        self.stored: dict[str, int] = {}
        self.outside = dict.fromkeys((register.name for register in table), 0)
        self.clear(set())

    def clear(self, kept: set[str]) -> None:
        for register in self.table:
            if register.name not in self.external | kept:
                self.stored[register.name] = register.reset & bits(register, Access.RW)

    def write(self, register: Register, word: int, strobes: int) -> None:
        """A write of less than four bytes is no write."""
        if register.name in self.stored and strobes == 15:
            mask = bits(register, Access.RW)
            self.stored[register.name] = self.stored[register.name] & ~mask | word & mask

    def read(self, register: Register) -> int:
        if register.name in self.external:
            return self.outside[register.name]
        driven = bits(register, Access.RO, Access.SC)
        return self.stored[register.name] | self.outside[register.name] & driven


class Bus:
    """An AXI4-Lite master: addresses, data and responses each late by as many clocks as the pauses say."""

    def __init__(self, dut: RegisterFile, seed: int, share: float) -> None:
        self.dut, self.late, self.rng = dut, pauses(seed, share), random.Random(seed)
        self.strobed = Counter[str]()
        names = [register.name for register in dut.table if register.name not in BANK]
        self.strobes = [name + "_w" for name in names] + ["STATISTICS_r"]
        self.strobes += [name + "_r" for name in names if name in dut.external]

    async def tick(self, ctx: Any, *looked: Any) -> list[int]:
        """A clock; counts the strobes of it, and checks that a write's data is on show with its strobe."""
        ports = [getattr(self.dut, name) for name in self.strobes]
        _, _, wdata, data, *values = await ctx.tick().sample(self.dut.wdata, self.dut.bus.wdata, *ports, *looked)
        for name, value in zip(self.strobes, values, strict=False):
            self.strobed[name] += value
            assert not value or name.endswith("_r") or wdata == data
        return list(values[len(ports) :])

    async def write(self, ctx: Any, address: int, word: int, strobes: int = 15) -> None:
        """Address and data come in either order; the response may wait."""
        bus, sent = self.dut.bus, False
        ctx.set(bus.awaddr, address)
        for port, value in ((bus.wdata, word), (bus.wstrb, strobes)):
            ctx.set(port, value)
        order = self.rng.choice([(bus.awvalid, bus.wvalid), (bus.wvalid, bus.awvalid)])
        for port in order:
            while next(self.late):
                assert not any(await self.tick(ctx, bus.awready, bus.wready))
            ctx.set(port, 1)
        while not sent:
            address_goes, data_goes = await self.tick(ctx, bus.awready, bus.wready)
            assert address_goes == data_goes
            sent = bool(address_goes)
        ctx.set(bus.awvalid, 0)
        ctx.set(bus.wvalid, 0)
        await self.answer(ctx, bus.bready, bus.bvalid, bus.bresp)

    async def read(self, ctx: Any, address: int) -> int:
        bus, sent = self.dut.bus, False
        while next(self.late):
            await self.tick(ctx)
        ctx.set(bus.araddr, address)
        ctx.set(bus.arvalid, 1)
        while not sent:
            sent = bool((await self.tick(ctx, bus.arready))[0])
        ctx.set(bus.arvalid, 0)
        ctx.set(bus.araddr, self.rng.getrandbits(17))
        return (await self.answer(ctx, bus.rready, bus.rvalid, bus.rresp, bus.rdata))[0]

    async def answer(self, ctx: Any, ready: Any, valid: Any, *looked: Any) -> list[int]:
        """Waits for the response, OKAY, and lets it wait: it must not change meanwhile."""
        seen: list[list[int]] = []
        while True:
            takes = not next(self.late)
            ctx.set(ready, takes)
            there, *values = await self.tick(ctx, valid, *looked)
            if there:
                seen.append(values)
                assert values == seen[0]
                assert values[0] == 0
                if takes:
                    ctx.set(ready, 0)
                    return values[1:]


def card() -> tuple[RegisterFile, Model]:
    external = {register.name for register in em.REGISTERS if register.name.startswith("RB_")} | set(EXTERNAL)
    banks = {"STATISTICS": BANK}
    return RegisterFile(em.REGISTERS, external, KEPT, 17, banks), Model(em.REGISTERS, external | set(BANK))


def drive_outside(ctx: Any, dut: RegisterFile, model: Model, rng: random.Random) -> None:
    """New values of all the card's own bits, and noise where it drives none."""
    word = rng.getrandbits(32)
    ctx.set(dut.STATISTICS, word)
    model.outside |= dict.fromkeys(BANK, word)
    for register in model.table:
        if register.name in BANK:
            continue
        name = register.name if register.name in model.external else register.name + "_ro"
        if register.name in model.external or bits(register, Access.RO, Access.SC):
            model.outside[register.name] = rng.getrandbits(32)
            ctx.set(getattr(dut, name), model.outside[register.name])


async def peek_all(ctx: Any, dut: RegisterFile, model: Model) -> None:
    for register in model.table:
        ctx.set(dut.peek_addr, register.offset)
        assert ctx.get(dut.peek_data) == model.read(register), register.name


def test_every_register_resets_to_and_keeps_what_the_table_says() -> None:
    dut, model = card()
    bus = Bus(dut, 1, 0.0)

    async def run(ctx: Any) -> None:
        rng = random.Random(1)
        await peek_all(ctx, dut, model)
        for word in (ALL, 0, 0x5A5A5A5A):
            drive_outside(ctx, dut, model, rng)
            for register in em.REGISTERS:
                bus.strobed.clear()
                await bus.write(ctx, register.offset, word)
                expected = {} if register.name in BANK else {register.name + "_w": 1}
                assert +bus.strobed == expected, register.name
                model.write(register, word, 15)
                assert await bus.read(ctx, register.offset) == model.read(register), register.name
            await peek_all(ctx, dut, model)
        for register in em.REGISTERS:
            if register.name in model.stored:
                assert ctx.get(getattr(dut, register.name)) == model.stored[register.name]

    simulate(dut, run, clocks=5000)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_random_accesses_with_stalls(share: float) -> None:
    """Reads, writes of whole words and of parts, places where there is no register."""
    dut, model = card()
    bus = Bus(dut, 2, share)
    expected = Counter[str]()
    registers = {register.at(k): register for register in em.REGISTERS for k in range(register.count)}

    async def run(ctx: Any) -> None:
        for offset, write, word, strobes in accesses():
            drive_outside(ctx, dut, model, random.Random(word))
            register = registers.get(offset)
            if write:
                await bus.write(ctx, offset, word, strobes)
                if register is not None:
                    model.write(register, word, strobes)
                    expected[register.name + "_w"] += strobes == 15 and register.name not in BANK
            else:
                assert await bus.read(ctx, offset) == (model.read(register) if register is not None else 0)
                if register is not None and register.name in model.external:
                    expected["STATISTICS_r" if register.name in BANK else register.name + "_r"] += 1
        await peek_all(ctx, dut, model)

    def accesses() -> Iterator[tuple[int, bool, int, int]]:
        rng = random.Random(3)
        for _ in range(150):
            offset = rng.choice([*registers, rng.randrange(0, 1 << 17, 4)])
            yield offset, rng.random() < 0.6, rng.getrandbits(32), rng.choice((15, 15, 15, rng.randrange(16)))

    simulate(dut, run, clocks=10000)
    assert +bus.strobed == +expected


def test_a_master_that_never_waits_gets_every_answer() -> None:
    """Valid held high from one access to the next, answers taken late: as many answers as accesses, in order."""
    dut, model = card()
    bus, rng, stored = dut.bus, random.Random(7), [em.REGISTERS[name] for name in ("RDBAH", "TDBAH", "RAL", "TIPG")]
    asked: list[int] = []
    writes = answers = reads = 0

    async def run(ctx: Any) -> None:
        nonlocal writes, answers, reads
        drive_outside(ctx, dut, model, rng)
        for port in (bus.awvalid, bus.wvalid, bus.arvalid):
            ctx.set(port, 1)
        ctx.set(bus.awaddr, em.REGISTERS["TCTL"].offset)
        ctx.set(bus.wstrb, 15)
        register = stored[0]
        for number in range(300):
            ctx.set(bus.araddr, register.offset)
            ctx.set(bus.wdata, number)
            ctx.set(bus.bready, rng.random() < 0.4)
            ctx.set(bus.rready, rng.random() < 0.4)
            sampled = await ctx.tick().sample(
                bus.awready, bus.wready, bus.bvalid & bus.bready, bus.arready, bus.rvalid & bus.rready, bus.rdata
            )
            awready, wready, answered, arready, read, rdata = sampled[2:]
            assert awready == wready
            if read:
                assert rdata == asked.pop(0)
                reads += 1
            if arready:
                asked.append(model.read(register))
                register = rng.choice(stored)
            answers += answered
            assert 0 <= writes - answers <= 1
            writes += awready
            assert len(asked) <= 1

    simulate(dut, run)
    assert min(writes, reads) > 40


def test_a_write_and_a_read_at_once() -> None:
    """Each goes its way; the read shows the register before or after, never a mixture."""
    dut, _ = card()
    tipg = em.REGISTERS["TIPG"]

    async def run(ctx: Any) -> None:
        bus = dut.bus
        for port, value in (
            (bus.awaddr, tipg.offset), (bus.araddr, tipg.offset), (bus.wdata, 0x3FFFFFFF), (bus.wstrb, 15),
            (bus.awvalid, 1), (bus.wvalid, 1), (bus.arvalid, 1), (bus.bready, 1), (bus.rready, 1),
        ):  # fmt: skip
            ctx.set(port, value)
        _, _, *readies = await ctx.tick().sample(bus.awready, bus.wready, bus.arready)
        assert readies == [0, 0, 1]
        ctx.set(bus.arvalid, 0)
        _, _, *readies, valid = await ctx.tick().sample(bus.awready, bus.wready, bus.rvalid)
        assert (readies, valid) == ([1, 1], 0), "the register changes as the read looks at it"
        for port in (bus.awvalid, bus.wvalid):
            ctx.set(port, 0)
        assert (ctx.get(bus.rvalid), ctx.get(bus.bvalid)) == (1, 1)
        assert ctx.get(dut.TIPG) == 0x3FFFFFFF
        assert ctx.get(bus.rdata) in (0, 0x3FFFFFFF)

    simulate(dut, run, clocks=20)


def test_peek_has_no_side_effect_and_does_not_disturb_a_read() -> None:
    dut, model = card()
    bus = Bus(dut, 4, 0.3)

    async def run(ctx: Any) -> None:
        drive_outside(ctx, dut, model, random.Random(4))
        for register in em.REGISTERS:
            ctx.set(dut.peek_addr, register.offset)
            await bus.tick(ctx)
            assert ctx.get(dut.peek_data) == model.read(register)
        ctx.set(dut.peek_addr, 0x1FFFC)
        assert ctx.get(dut.peek_data) == 0
        assert not +bus.strobed
        ctx.set(dut.peek_addr, em.REGISTERS["ICR"].offset)
        assert await bus.read(ctx, em.REGISTERS["TXDCTL"].offset) == model.read(em.REGISTERS["TXDCTL"])
        assert not +bus.strobed
        assert await bus.read(ctx, em.REGISTERS["ICR"].offset) == model.read(em.REGISTERS["ICR"])
        assert +bus.strobed == {"ICR_r": 1}

    simulate(dut, run, clocks=500)


def test_clear_resets_all_but_the_kept_ones() -> None:
    dut, model = card()
    bus = Bus(dut, 5, 0.0)

    async def run(ctx: Any) -> None:
        for register in em.REGISTERS:
            await bus.write(ctx, register.offset, ALL)
            model.write(register, ALL, 15)
        await peek_all(ctx, dut, model)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        model.clear(set(KEPT))
        assert model.stored["RDBAL"] != 0
        await peek_all(ctx, dut, model)

    simulate(dut, run, clocks=1000)


def test_busy_covers_every_access() -> None:
    dut, _ = card()
    bus, busy = Bus(dut, 6, 0.0), list[int]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.bus.arvalid, 1)
        await ctx.tick()
        ctx.set(dut.bus.arvalid, 0)
        for _ in range(4):
            busy.append(ctx.get(dut.busy))
            await ctx.tick()
        ctx.set(dut.bus.rready, 1)
        await ctx.tick()
        busy.append(ctx.get(dut.busy))
        ctx.set(dut.bus.rready, 0)
        await bus.write(ctx, 0, 0)
        busy.append(ctx.get(dut.busy))

    simulate(dut, run, clocks=100)
    assert busy == [1, 1, 1, 1, 0, 0]


def _table(offset: int = 0, count: int = 1, stride: int = 4) -> RegisterMap:
    return RegisterMap((Register("A", offset, Access.RW, (Field("F", 0, 32),), "", count, stride),))


def test_a_name_that_is_not_in_the_table_is_refused() -> None:
    refused(lambda: RegisterFile(_table(), ("B",), ("C",), 8), "the register table has no B, C")
    refused(lambda: RegisterFile(_table(), (), (), 8, {"S": ("A", "D")}), "the register table has no D")


def test_an_array_that_cannot_be_is_refused() -> None:
    refused(
        lambda: RegisterFile(_table(count=4), (), (), 8),
        "A: an array of registers is stored by the block that owns it",
    )
    for table, sentence in (
        (_table(count=3), "A: 3 registers 4 bytes apart: no powers of two"),
        (_table(0x18, 4), "A at 0x18 is not aligned to its 4 registers"),
        (_table(0x20, 8, 8), "A at 0x20 is not aligned to its 8 registers"),
    ):
        refused(partial(RegisterFile, table, ("A",), (), 8), sentence)


def test_an_array_says_which_of_its_registers() -> None:
    """Every address of every array: its index with its strobe, for reads, peeks and writes; and what lies between."""
    dut, _ = card()
    bus = Bus(dut, 8, 0.0)
    arrays = [register for register in em.REGISTERS if register.count > 1]

    async def run(ctx: Any) -> None:
        for register in arrays:
            for index in range(register.count):
                at, at_w = getattr(dut, register.name + "_at"), getattr(dut, register.name + "_at_w")
                ctx.set(dut.peek_addr, register.at(index))
                ctx.set(getattr(dut, register.name), 0xABC + index)
                assert (ctx.get(at), ctx.get(dut.peek_data)) == (index, 0xABC + index)
                bus.strobed.clear()
                assert await bus.read(ctx, register.at(index)) == 0xABC + index
                await bus.write(ctx, register.at(index), index)
                assert ctx.get(at_w) == index
                assert +bus.strobed == {register.name + "_r": 1, register.name + "_w": 1}

    simulate(dut, run, clocks=10000)
    assert [register.name for register in arrays] == ["MTA", "RAL", "RAH", "VFTA"]


def test_a_bank_says_which_of_its_registers() -> None:
    """By its word's address, with the strobe of a read and in a look; no other address has the strobe."""
    dut, _ = card()
    bus, seen = dut.bus, list[int]()

    async def run(ctx: Any) -> None:
        ctx.set(bus.rready, 1)
        for name in (*BANK, "STATUS"):
            offset = em.REGISTERS[name].offset
            ctx.set(dut.peek_addr, offset)
            assert ctx.get(dut.STATISTICS_at) == offset >> 2
            ctx.set(dut.peek_addr, 0)
            ctx.set(bus.araddr, offset)
            for valid in (1, 0, 0):
                ctx.set(bus.arvalid, valid)
                _, _, at, read = await ctx.tick().sample(dut.STATISTICS_at, dut.STATISTICS_r)
                seen.extend([at << 2] * read)

    simulate(dut, run, clocks=1000)
    assert seen == [em.REGISTERS[name].offset for name in BANK]


def test_a_writes_ready_comes_a_clock_after_its_valids() -> None:
    """No path from AWVALID or WVALID to AWREADY or WREADY in one clock (IHI 0022, A3.2.1); the ready lasts one."""
    dut, _ = card()
    bus, shown = dut.bus, list[tuple[int, int]]()

    async def run(ctx: Any) -> None:
        for address, word in ((1, 0), (0, 1), (1, 1)):
            ctx.set(bus.awvalid, address)
            ctx.set(bus.wvalid, word)
            assert (ctx.get(bus.awready), ctx.get(bus.wready)) == (0, 0)
        for _ in range(3):
            await ctx.tick()
            shown.append((ctx.get(bus.awready), ctx.get(bus.wready)))
            if shown[-1] == (1, 1):
                ctx.set(bus.awvalid, 0)
                assert (ctx.get(bus.awready), ctx.get(bus.wready)) == (1, 1)
                ctx.set(bus.awvalid, 1)

    simulate(dut, run, clocks=20)
    assert shown == [(1, 1), (0, 0), (0, 0)]
