"""MDIC and the PHY behind it: the management interface and the registers of an M88E1011.

The registers are those of `hw/formats/em/phy.py`. Autonegotiation ends at once when the cable (pin `link_up`) is
plugged and the PHY is up.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.formats import em
from ringbed.hw.formats.em.phy import PHY, PHY_ADDRESS

__all__ = ["Mdic", "Phy"]

REGISTERS = {register.name: register for register in PHY}
KEPT = ("PSCON", "PINTE", "EPSCON1", "R30PS")  # over PCTRL.RESET, as Marvell's parts do; PHY_RST resets them too


class Phy(wiring.Component):
    """PHY address 1. All 32 registers answer, as on the bus of any PHY; those that are reserved read 0.

    Members
    -------
    cable : In(1): the other end is there
    held : In(1): CTRL.PHY_RST
    error : In(1): the end of a frame with an error on the wire
    register : In(5); value : Out(16), same clock
    read : In(1): a read ends in this clock: re-arms the latched link bit, clears what a read clears
    write : In(1) with wdata : In(16)
    link : Out(1): up now; loopback : Out(1): PCTRL.LOOPBACK: what is sent comes back, with a cable or without
    """

    def __init__(self) -> None:
        super().__init__({
            "cable": In(1), "held": In(1), "error": In(1), "register": In(5), "value": Out(16),
            "read": In(1), "write": In(1), "wdata": In(16), "link": Out(1), "loopback": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        stored = {name: Signal(16, name=name.lower(), init=r.reset) for name, r in REGISTERS.items() if r.writable}
        control, fields = stored["PCTRL"], REGISTERS["PCTRL"]
        resetting = control[fields["RESET"].lsb]
        powered = ~self.held & ~control[fields["POWER_DOWN"].lsb] & ~resetting
        m.d.comb += [
            self.loopback.eq(control[fields["LOOPBACK"].lsb] & powered),
            self.link.eq((self.cable | control[fields["LOOPBACK"].lsb]) & powered),
        ]
        with m.Switch(self.register):
            for name, value in (stored | self._status(m)).items():
                with m.Case(REGISTERS[name].number):
                    m.d.comb += self.value.eq(value)
        self._writes(m, stored, resetting)
        return m

    def _status(self, m: Module) -> dict[str, Any]:
        """What software reads and does not write: the value now."""
        linked = {"PLPA": 0x41E1, "GSTATUS": 0x3C00, "PSSTAT": 0x2C00}
        values: dict[str, Any] = {
            name: register.reset | Mux(self.link, linked.get(name, 0), 0)
            for name, register in REGISTERS.items() if not register.writable
        }  # fmt: skip
        return values | {"PSTATUS": self._link_status(m), "PINTS": self._changes(m), "PREC": self._errors(m)}

    def _taken(self, name: str) -> Any:
        return self.read & (self.register == REGISTERS[name].number)

    def _link_status(self, m: Module) -> Any:
        """PSTATUS, whose LINK stays 0 until it was read once the link had been down."""
        status, latched = REGISTERS["PSTATUS"], Signal()
        m.d.sync += latched.eq(self.link & (latched | self._taken("PSTATUS")))
        return status.reset | latched << status["LINK"].lsb | self.link << status["AN_COMPLETE"].lsb

    def _changes(self, m: Module) -> Any:
        """PINTS; what changes in the clock of a read is kept for the next."""
        bits, changed, came, was_up = REGISTERS["PINTS"], Signal(16), Signal(16), Signal()
        m.d.comb += came.eq(
            (self.link != was_up) << bits["LINK_CHANGED"].lsb | (self.link & ~was_up) << bits["AN_COMPLETED"].lsb
        )
        m.d.sync += [
            was_up.eq(self.link),
            changed.eq(Mux(self.held, 0, Mux(self._taken("PINTS"), 0, changed) | came)),
        ]
        return changed

    def _errors(self, m: Module) -> Any:
        """PREC; a frame in the clock of a read is the first of the next count."""
        errors, kept = Signal(16), Signal(16)
        m.d.comb += kept.eq(Mux(self._taken("PREC"), 0, errors))
        m.d.sync += errors.eq(Mux(self.held, 0, kept + (self.error & self.link & ~kept.all())))
        return errors

    def _writes(self, m: Module, stored: dict[str, Signal], resetting: Any) -> None:
        """A reset clears its own bit; while held a write is lost."""
        reset_bit = REGISTERS["PCTRL"]["RESET"].mask
        for name, signal in stored.items():
            mask = REGISTERS[name].writable | (reset_bit if name == "PCTRL" else 0)
            back = self.held if name in KEPT else self.held | resetting
            with m.If(back):
                m.d.sync += signal.eq(REGISTERS[name].reset)
            with m.Elif(self.write & (self.register == REGISTERS[name].number)):
                m.d.sync += signal.eq(self.wdata & mask)


class Mdic(wiring.Component):
    """The MDIC register: one access of 64 bit times at 2.5 MHz, then R, and MDAC when I was set.

    A device reset does not reach the PHY, so an access under way goes on and ends with R, but raises nothing then.

    Members
    -------
    write, wdata : the register's write strobe and data
    phy_register, phy_value, phy_read, phy_write, phy_wdata : to and from the PHY
    value : Out(32): MDIC as it reads
    done : Out(1): the MDAC event
    wait : Out(32): clocks until it is done, all ones when idle
    """

    def __init__(self, clocks: int) -> None:
        self.clocks = clocks
        super().__init__({
            "write": In(1), "wdata": In(32), "timebase": In(32), "clear": In(1),
            "phy_register": Out(5), "phy_value": In(16),
            "phy_read": Out(1), "phy_write": Out(1), "phy_wdata": Out(16),
            "value": Out(32), "done": Out(1), "wait": Out(32, init=0xFFFFFFFF),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        field = em.REGISTERS["MDIC"]
        data, register, phy, op = Signal(16), Signal(5), Signal(5), Signal(2)
        ready, interrupt, error, running = Signal(), Signal(), Signal(), Signal()
        until, left = Signal(32), Signal(32)
        ends, ours = Signal(), phy == PHY_ADDRESS
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
