"""The EEPROM read as drivers read it: by EERD and its DONE, and pin by pin."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

from ringbed.hw.formats import em
from ringbed.hw.station.eeprom import WORDS, Eeprom, EepromRead, Microwire
from tests.hw.stream_bench import simulate

EERD = em.REGISTERS["EERD"]
MACS = ("525400123456", "02a1b2c3d4e5", "000000000000", "ffffffffffff")


def words_of(mac: str) -> list[int]:
    """The station address in the first three words, low byte first; the last word makes the sum."""
    station = bytes.fromhex(mac)
    words = [0] * em.EEPROM_WORDS
    for index in range(3):
        words[index] = station[2 * index] | station[2 * index + 1] << 8
    for index, word in WORDS.items():
        words[index] = word
    words[-1] = (em.EEPROM_SUM - sum(words)) % 65536
    return words


class Joined(wiring.Component):
    """A way to read with the words behind it."""

    def __init__(self, reader: Any, mac: str) -> None:
        self.reader, self.mac = reader, mac
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.words = words = Eeprom()
        m.submodules.reader = reader = self.reader
        m.d.comb += [words.mac.eq(int(self.mac, 16)), words.address.eq(reader.address), reader.word.eq(words.data)]
        return m


@pytest.mark.parametrize("mac", MACS)
def test_words_and_their_sum(mac: str) -> None:
    dut, wanted = Eeprom(), words_of(mac)
    m = Module()
    m.submodules.dut = dut
    m.d.sync += Signal().eq(0)

    async def run(ctx: Any) -> None:
        ctx.set(dut.mac, int(mac, 16))
        found = []
        for index in range(em.EEPROM_WORDS):
            ctx.set(dut.address, index)
            found.append(ctx.get(dut.data))
        assert found == wanted
        assert sum(found) % 65536 == 0xBABA

    simulate(m, run)


# ---- EERD ----


class Eerd:
    """A driver's side of the register, with the time base in its hands."""

    def __init__(self, clocks: int, start: int = 0) -> None:
        self.dut, self.now = EepromRead(clocks), start

    async def tick(self, ctx: Any, jump: int = 1) -> None:
        self.now = (self.now + jump) % 2**32
        await ctx.tick()
        ctx.set(self.dut.timebase, self.now)

    async def write(self, ctx: Any, word: int) -> None:
        ctx.set(self.dut.timebase, self.now)
        ctx.set(self.dut.wdata, word)
        ctx.set(self.dut.write, 1)
        await self.tick(ctx)
        ctx.set(self.dut.write, 0)

    def done(self, ctx: Any) -> bool:
        return bool(EERD["DONE"].get(ctx.get(self.dut.value)))


@pytest.mark.parametrize("start", [0, 2**32 - 20])
def test_eerd_gives_every_word_after_its_time(start: int) -> None:
    clocks, wanted = 9, words_of(MACS[1])
    it = Eerd(clocks, start)

    async def run(ctx: Any) -> None:
        assert ctx.get(it.dut.wait) == 0xFFFFFFFF
        for index in [*range(64), 64, 0x81, 0xFF]:
            await it.write(ctx, EERD.pack(START=1, ADDR=index))
            waited = 1
            while not it.done(ctx):
                assert ctx.get(it.dut.wait) == clocks - waited
                await it.tick(ctx)
                waited += 1
                assert waited < 100
            assert waited == clocks + 1
            value = EERD.unpack(ctx.get(it.dut.value))
            assert value == {"START": 0, "DONE": 1, "ADDR": index, "DATA": wanted[index] if index < 64 else 0}
            assert ctx.get(it.dut.wait) == 0xFFFFFFFF

    simulate(Joined(it.dut, MACS[1]), run, clocks=2000)


def test_eerd_with_time_that_jumps_and_accesses_cut_short() -> None:
    it, wanted = Eerd(50), words_of(MACS[0])

    async def run(ctx: Any) -> None:
        await it.write(ctx, EERD.pack(START=0, ADDR=5))
        for _ in range(60):
            await it.tick(ctx)
        assert not it.done(ctx)  # without START nothing begins
        await it.write(ctx, EERD.pack(START=1, ADDR=3))
        await it.tick(ctx, jump=30)
        await it.write(ctx, EERD.pack(START=1, ADDR=12))  # begins anew
        await it.tick(ctx, jump=40)
        await it.tick(ctx)
        assert not it.done(ctx)
        await it.tick(ctx, jump=10**6)  # skipped over its end
        assert ctx.get(it.dut.wait) == 0
        await it.tick(ctx)
        assert it.done(ctx)
        assert EERD["DATA"].get(ctx.get(it.dut.value)) == wanted[12]
        await it.write(ctx, EERD.pack(START=1, ADDR=1))
        assert not it.done(ctx)
        ctx.set(it.dut.clear, 1)
        await it.tick(ctx)
        ctx.set(it.dut.clear, 0)
        await it.tick(ctx, jump=1000)
        await it.tick(ctx)
        assert not it.done(ctx)

    simulate(Joined(it.dut, MACS[0]), run, clocks=500)


# ---- EECD ----


class Pins:
    """The driver's loops over EECD: every change of a pin is a register write, some clocks apart."""

    def __init__(self, seed: int) -> None:
        self.dut, self.rng = Microwire(), random.Random(seed)

    async def pins(self, ctx: Any, **levels: int) -> None:
        for name, level in levels.items():
            ctx.set(getattr(self.dut, name), level)
        await ctx.tick().repeat(self.rng.randint(1, 3))

    async def standby(self, ctx: Any) -> None:
        """CS low for a clock of SK, as between two words."""
        await self.pins(ctx, cs=0, sk=0)
        await self.pins(ctx, sk=1)
        await self.pins(ctx, cs=1)
        await self.pins(ctx, sk=0)

    async def shift_out(self, ctx: Any, word: int, bits: int) -> None:
        for bit in reversed(range(bits)):
            await self.pins(ctx, di=word >> bit & 1)
            await self.pins(ctx, sk=1)
            await self.pins(ctx, sk=0)
        await self.pins(ctx, di=0)

    async def shift_in(self, ctx: Any, bits: int) -> int:
        word = 0
        for _ in range(bits):
            await self.pins(ctx, sk=1)
            word = word << 1 | ctx.get(self.dut.do)
            await self.pins(ctx, sk=0)
        return word

    async def read(self, ctx: Any, index: int) -> int:
        await self.shift_out(ctx, 0b110, 3)
        await self.shift_out(ctx, index, 6)
        assert ctx.get(self.dut.do) == words_of(MACS[1])[index] >> 15
        return await self.shift_in(ctx, 16)


def test_every_word_pin_by_pin() -> None:
    it, found = Pins(1), list[int]()

    async def run(ctx: Any) -> None:
        await it.pins(ctx, cs=1, sk=0, di=0)
        for index in range(64):
            found.append(await it.read(ctx, index))
            await it.standby(ctx)

    simulate(Joined(it.dut, MACS[1]), run, clocks=60000)
    assert found == words_of(MACS[1])


def test_dummy_zero_comes_before_the_data() -> None:
    """From the rise that takes the last address bit DO is low until the next fall: how drivers size the part."""
    it, seen = Pins(2), list[int]()

    async def run(ctx: Any) -> None:
        await it.pins(ctx, cs=1)
        for bit in (1, 1, 0, 0, 0, 0, 0, 0, 0):
            await it.pins(ctx, di=bit)
            await it.pins(ctx, sk=1)
            seen.append(ctx.get(it.dut.do))
            await it.pins(ctx, sk=0)

    simulate(Joined(it.dut, MACS[3]), run, clocks=200)  # word 0 is all ones
    assert seen == [1] * 8 + [0]


def test_chip_select_low_aborts_at_any_bit() -> None:
    it = Pins(3)

    async def run(ctx: Any) -> None:
        await it.pins(ctx, cs=1)
        for bits in (*range(1, 12), 20, 25):
            await it.shift_out(ctx, 0b110 << 22, bits)
            await it.standby(ctx)
            assert ctx.get(it.dut.do)
            assert await it.read(ctx, 13) == em.PCI_DEVICE
            await it.standby(ctx)

    simulate(Joined(it.dut, MACS[1]), run, clocks=8000)


def test_one_clock_of_chip_select_low_ends_a_command() -> None:
    it = Pins(5)

    async def run(ctx: Any) -> None:
        for index in (13, 14, 13):
            ctx.set(it.dut.cs, 0)
            await ctx.tick()
            await it.pins(ctx, cs=1)
            assert await it.read(ctx, index) == words_of(MACS[1])[index]

    simulate(Joined(it.dut, MACS[1]), run, clocks=2000)


def test_leading_zeros_and_other_commands() -> None:
    """Zeros before the start bit are passed over; a command that is no READ gives ones."""
    it = Pins(4)

    async def run(ctx: Any) -> None:
        await it.pins(ctx, cs=1)
        await it.shift_out(ctx, 0, 5)
        assert await it.read(ctx, 14) == em.PCI_VENDOR
        for opcode in (0b100, 0b101, 0b111):
            await it.standby(ctx)
            await it.shift_out(ctx, opcode << 6 | 14, 9)
            assert await it.shift_in(ctx, 16) == 0xFFFF

    simulate(Joined(it.dut, MACS[1]), run, clocks=2000)
