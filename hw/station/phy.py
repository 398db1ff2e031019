"""MDIC and the PHY behind it: the management interface and the basic registers of an M88E1011.

Registers 0-6, 9, A and 11: IEEE 802.3 clause 22 and the Marvell part's own status; reset values as Intel's integrated
PHY reads. Autonegotiation ends at once when the cable (pin `link_up`) is plugged and the PHY is up.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.formats import em

__all__ = ["Mdic", "Phy"]

CONTROL, STATUS, ID1, ID2, ADVERTISE, PARTNER, EXPANSION, GIG_CONTROL, GIG_STATUS, SPECIFIC = (
    0, 1, 2, 3, 4, 5, 6, 9, 10, 17,
)  # fmt: skip


class Phy(wiring.Component):
    """PHY address 1.

    Members
    -------
    cable : In(1): the other end is there
    held : In(1): CTRL.PHY_RST
    register : In(5); value : Out(16), same clock; known : Out(1): the register exists
    read : In(1): a read ends in this clock: re-arms the latched link bit
    write : In(1) with wdata : In(16)
    link : Out(1): up now; loopback : Out(1): register 0 bit 14: what is sent comes back, with a cable or without
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "cable": In(1),
                "held": In(1),
                "register": In(5),
                "value": Out(16),
                "known": Out(1),
                "read": In(1),
                "write": In(1),
                "wdata": In(16),
                "link": Out(1),
                "loopback": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        control, advertise, gigabit = Signal(16, init=0x1140), Signal(16, init=0x0DE1), Signal(16, init=0x0E00)
        latched = Signal()  # link bit of register 1: low until read once it was low
        powered = ~self.held & ~control[11] & ~control[15]
        m.d.comb += [self.loopback.eq(control[14] & powered), self.link.eq((self.cable | control[14]) & powered)]
        m.d.sync += latched.eq(self.link & (latched | (self.read & (self.register == STATUS))))
        values = {
            CONTROL: control,
            STATUS: 0x7949 | (latched << 2) | (self.link << 5),
            ID1: 0x0141, ID2: 0x0C20, ADVERTISE: advertise,
            PARTNER: Mux(self.link, 0x41E1, 0), EXPANSION: 0, GIG_CONTROL: gigabit,
            GIG_STATUS: Mux(self.link, 0x3C00, 0),
            SPECIFIC: Mux(self.link, 0xAC00, 0x8000),
        }  # fmt: skip
        with m.Switch(self.register):
            for number, value in values.items():
                with m.Case(number):
                    m.d.comb += [self.value.eq(value), self.known.eq(1)]
        with m.If(control[15] | self.held):  # reset clears itself
            m.d.sync += [control.eq(0x1140), advertise.eq(0x0DE1), gigabit.eq(0x0E00)]
        with m.Elif(self.write):
            with m.Switch(self.register):
                with m.Case(CONTROL):
                    m.d.sync += control.eq(self.wdata & 0xFDC0)  # restart of autonegotiation (bit 9) is over at once
                with m.Case(ADVERTISE):
                    m.d.sync += advertise.eq(self.wdata)
                with m.Case(GIG_CONTROL):
                    m.d.sync += gigabit.eq(self.wdata)
        return m


class Mdic(wiring.Component):
    """The MDIC register: one access of 64 bit times at 2.5 MHz, then R, and MDAC when I was set.

    A device reset does not reach the PHY, so an access under way goes on and ends with R, but raises nothing then.

    Members
    -------
    write, wdata : the register's write strobe and data
    phy_register, phy_value, phy_known, phy_read, phy_write, phy_wdata : to and from the PHY
    value : Out(32): MDIC as it reads
    done : Out(1): the MDAC event
    wait : Out(32): clocks until it is done, all ones when idle
    """

    def __init__(self, clocks: int) -> None:
        self.clocks = clocks
        super().__init__({
            "write": In(1), "wdata": In(32), "timebase": In(32), "clear": In(1),
            "phy_register": Out(5), "phy_value": In(16), "phy_known": In(1),
            "phy_read": Out(1), "phy_write": Out(1), "phy_wdata": Out(16),
            "value": Out(32), "done": Out(1), "wait": Out(32, init=0xFFFFFFFF),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        field = em.REGISTERS["MDIC"]
        data, register, phy, op = Signal(16), Signal(5), Signal(5), Signal(2)
        ready, interrupt, error, running = Signal(), Signal(), Signal(), Signal()
        until, left = Signal(32), Signal(32)
        ends, ours = Signal(), (phy == 1) & self.phy_known
        m.d.comb += [
            self.value.eq(Cat(data, register, phy, op, ready, interrupt, error)),
            left.eq(until - self.timebase),
            self.wait.eq(Mux(running, Mux(left[31], 0, left), 0xFFFFFFFF)),
            ends.eq(running & (left[31] | (left == 0))),
            self.phy_register.eq(register),
            self.phy_wdata.eq(data),
            self.phy_read.eq(ends & ours & (op == 2)),
            self.phy_write.eq(ends & ours & (op == 1)),
            self.done.eq(ends & interrupt),
        ]
        with m.If(self.write):
            m.d.sync += [
                Cat(data, register, phy, op, ready, interrupt).eq(self.wdata & ~field["R"].mask),
                error.eq(0),
                running.eq(self.wdata[26:28].any()),
                until.eq(self.timebase + self.clocks),
            ]
        with m.Elif(ends):
            m.d.sync += [running.eq(0), ready.eq(1), error.eq(~ours)]
            with m.If(op == 2):
                m.d.sync += data.eq(Mux(ours, self.phy_value, 0xFFFF))
        with m.If(self.clear):
            m.d.sync += interrupt.eq(0)
        return m
