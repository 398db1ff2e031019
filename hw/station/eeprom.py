"""The 64-word Microwire EEPROM (93C46 class) and the two ways to read it: EERD, and EECD pin by pin.

Word map and bit-bang protocol: Intel 317453-006 5.3 and 5.6; opcodes of the 93C46 data sheet. The station address comes
from a pin, so that cards of one model differ without being built anew; word 3F makes the sum 0xBABA.
The part answers READ only: writing is what a production line does, not a driver.
"""

from __future__ import annotations

from typing import Any

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.formats import em
from ringbed.hw.formats.em.pci import SUBSYSTEM, SUBSYSTEM_VENDOR

__all__ = ["Eeprom", "EepromRead", "Microwire"]

# words 03..3E of our board; 0A carries the signature (15:14 = 01) and FD (bit 10), 0F the usual flow control defaults
WORDS = {
    0x03: 0x0420, 0x05: 0x0100, 0x08: 0x5242, 0x09: 0x0001,
    0x0A: 0x6403, 0x0B: SUBSYSTEM, 0x0C: SUBSYSTEM_VENDOR, 0x0D: em.PCI_DEVICE, 0x0E: em.PCI_VENDOR, 0x0F: 0x3040,
}  # fmt: skip


class Eeprom(wiring.Component):
    """The words. `data` follows `address` in the same clock.

    Members
    -------
    mac : In(48): station address, first byte on the wire in the high bits
    address : In(6)
    data : Out(16)
    """

    def __init__(self) -> None:
        super().__init__({
            "mac": In(48), "address": In(6), "data": Out(16),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        swapped = Cat(*(self.mac[40 - 8 * index : 48 - 8 * index] for index in range(6)))
        station = [swapped[0:16], swapped[16:32], swapped[32:48]]
        total = Signal(16)
        m.d.comb += total.eq(em.EEPROM_SUM - sum(WORDS.values()) - station[0] - station[1] - station[2])
        with m.Switch(self.address):
            for index, word in enumerate(station):
                with m.Case(index):
                    m.d.comb += self.data.eq(word)
            for index, value in WORDS.items():
                with m.Case(index):
                    m.d.comb += self.data.eq(value)
            with m.Case(0x3F):
                m.d.comb += self.data.eq(total)
        return m


class EepromRead(wiring.Component):
    """EERD: START with an address, DONE with the word `clocks` later, as long as a real part's serial clock takes.

    While software has the pins (EECD.REQ) the part cannot be asked: DONE then comes when they are given back.

    Members
    -------
    write, wdata : the register's write strobe and data
    timebase : In(32): clocks, may be advanced by the harness
    held : In(1): the EEPROM is somebody else's
    address, word : to and from the EEPROM
    value : Out(32): EERD as it reads
    wait : Out(32): clocks until DONE, all ones when idle
    """

    def __init__(self, clocks: int) -> None:
        self.clocks = clocks
        super().__init__({
            "write": In(1), "wdata": In(32), "timebase": In(32), "held": In(1), "clear": In(1),
            "address": Out(6), "word": In(16), "value": Out(32), "wait": Out(32, init=0xFFFFFFFF),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        field = em.REGISTERS["EERD"]
        addr, data, done, running = Signal(8), Signal(16), Signal(), Signal()
        until, left = Signal(32), Signal(32)
        m.d.comb += [
            self.address.eq(addr),
            self.value.eq((done << field["DONE"].lsb) | (addr << field["ADDR"].lsb) | (data << field["DATA"].lsb)),
            left.eq(until - self.timebase),
            self.wait.eq(Mux(running & ~self.held, Mux(left[31], 0, left), 0xFFFFFFFF)),
        ]
        with m.If(self.write & self.wdata[field["START"].lsb]):
            m.d.sync += [
                running.eq(1),
                done.eq(0),
                addr.eq(self.wdata >> field["ADDR"].lsb),
                until.eq(self.timebase + self.clocks),
            ]
        with m.Elif(running & ~self.held & (left[31] | (left == 0))):
            # words beyond the part end with DONE and no data, as QEMU's model of it does
            m.d.sync += [running.eq(0), done.eq(1), data.eq(Mux(addr[6:].any(), 0, self.word))]
        with m.If(self.clear):
            m.d.sync += [running.eq(0), done.eq(0)]
        return m


class Microwire(wiring.Component):
    """The EEPROM's own side of SK, CS, DI and DO: start bit, READ (10), six address bits, then sixteen data bits.

    DI is taken on the rise of SK. The rise that takes the last address bit drives DO to zero (the dummy bit); each
    fall then shows the next bit, so a driver that raises SK, reads DO and lowers SK sees bit 15 with the tenth high.
    CS low ends any command.

    Members
    -------
    sk, cs, di : In(1)
    do : Out(1): high while nothing drives it
    address, word : to and from the EEPROM
    """

    def __init__(self) -> None:
        super().__init__(
            {"sk": In(1), "cs": In(1), "di": In(1), "do": Out(1, init=1), "address": Out(6), "word": In(16)}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        before, taken, command, shift, loaded = Signal(), Signal(4), Signal(9), Signal(16), Signal()
        rise, fall = self.sk & ~before, ~self.sk & before
        read = command[6:] == C(0b110, 3)
        m.d.comb += self.address.eq(command[:6])
        m.d.sync += before.eq(self.sk)
        with m.If(~self.cs):
            m.d.sync += [taken.eq(0), loaded.eq(0), self.do.eq(1)]
        with m.Elif(rise & (taken != 9)):
            with m.If((taken != 0) | self.di):  # leading zeros before the start bit do not count
                m.d.sync += [taken.eq(taken + 1), command.eq(Cat(self.di, command[:8])), self.do.eq(taken != 8)]
        with m.Elif(fall & (taken == 9)):
            word = Mux(loaded, shift, Mux(read, self.word, 0xFFFF))
            m.d.sync += [loaded.eq(1), self.do.eq(word[15]), shift.eq(Cat(C(1, 1), word[:15]))]
        return m
