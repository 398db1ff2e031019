"""A card's registers, built from its table: an AXI4-Lite slave, the plain registers, and strobes for the others.

Registers are stored here, writable bit for bit as the table says (its RW fields); bits the card itself drives (RO and
SC fields) are or-ed in from outside. A register named `external` is not stored: its value comes in from the block that
owns it, with a strobe for each write and each read. An array of registers is external, and says by index which of them
is meant; so does a bank, which is several registers that one block answers for.
`peek` shows any register with no side effect: the same multiplexer, lent out while no read is going on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.bus.axi import AXI_OKAY, AxiLite
from ringbed.hw.formats.field import Access, Register, RegisterMap

__all__ = ["RegisterFile"]


def _pattern(register: Register, bits: int) -> str:
    """The word addresses of a register or array, as `bits` characters of a Case: `-` where the index is.

    Raises ValueError for an array whose addresses no such pattern matches.
    """
    if register.count & (register.count - 1) or register.stride & (register.stride - 1):
        raise ValueError(f"{register.name}: {register.count} registers {register.stride} bytes apart: no powers of two")
    low = (register.stride >> 2).bit_length() - 1
    index = register.count.bit_length() - 1
    if (register.offset >> 2) & (((1 << index) - 1) << low):
        raise ValueError(f"{register.name} at {register.offset:#x} is not aligned to its {register.count} registers")
    digits = list(format(register.offset >> 2, f"0{bits}b"))
    digits[bits - low - index : bits - low] = "-" * index
    return "".join(digits)


def _index(register: Register, address: Any) -> Any:
    """Which register of the array the byte `address` is."""
    low = register.stride.bit_length() - 1
    return address[low : low + register.count.bit_length() - 1]


def _initial(register: Register) -> int:
    return register.reset & register.writable


def _driven(register: Register) -> int:
    mask = 0
    for field in register.fields:
        if field.access in (Access.RO, Access.SC):
            mask |= field.mask
    return mask


class RegisterFile(wiring.Component):
    """One write and one read at a time; a register that does not exist reads as 0.

    A read takes two clocks. A write takes three: its ready comes a clock after both valids, since AXI has no path
    from an input to an output of the same clock (IHI 0022, A3.2.1).

    Members
    -------
    bus : AXI4-Lite slave
    peek_addr, peek_data : a look without side effects, combinational, valid while no read is under way
    clear : In(1): every stored register back to its reset value, but for those named in `kept`
    NAME : Out(32) for a stored register, In(32) for an external one
    NAME_ro : In(32), stored registers with RO or SC fields: those fields as they read
    NAME_w : Out(1): written in this clock (with `wdata`); NAME_r : Out(1), external registers: read in this clock
    NAME_at, NAME_at_w : Out, arrays: which of them NAME is to show, which of them is written with NAME_w
    BANK : In(32), BANK_r : Out(1), BANK_at : Out: the same for the registers of `banks`; they are not written

    Raises ValueError for a name that is not in the table, and for an array that is not external or not aligned.
    """

    def __init__(
        self, table: RegisterMap, external: Collection[str], kept: Collection[str], addr_width: int,
        banks: Mapping[str, Collection[str]] | None = None,
    ) -> None:  # fmt: skip
        self.table, self.external, self.kept, self.banks = table, frozenset(external), frozenset(kept), banks or {}
        self._bank_of = {name: bank for bank, names in self.banks.items() for name in names}
        unknown = (self.external | self.kept | set(self._bank_of)) - {register.name for register in table}
        if unknown:
            raise ValueError(f"the register table has no {', '.join(sorted(unknown))}")
        self._places = {register.name: _pattern(register, addr_width - 2) for register in table}
        members: dict[str, Any] = {
            "bus": In(AxiLite(addr_width)), "peek_addr": In(addr_width), "peek_data": Out(32),
            "clear": In(1), "wdata": Out(32), "busy": Out(1),
        }  # fmt: skip
        for bank in self.banks:
            members |= {bank: In(32), bank + "_r": Out(1), bank + "_at": Out(addr_width - 2)}
        for register in table:
            if register.name not in self._bank_of:
                members |= self._members(register)
        super().__init__(members)

    def _members(self, register: Register) -> dict[str, Any]:
        """What the register, or array, of no bank is joined by."""
        name, members = register.name, {register.name + "_w": Out(1)}
        if name in self.external:
            members |= {name: In(32), name + "_r": Out(1)}
            if register.count > 1:
                at = Out(range(register.count))
                members |= {name + "_at": at, name + "_at_w": at}
            return members
        if register.count > 1:
            raise ValueError(f"{name}: an array of registers is stored by the block that owns it")
        members[name] = Out(32, init=_initial(register))
        if _driven(register):
            members[name + "_ro"] = In(32)
        return members

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus = self.bus
        write, read, ready = Signal(), Signal(), Signal()
        address = Signal.like(bus.araddr)  # of the read under way, else what `peek` asks for
        held = Signal.like(bus.araddr)
        m.d.comb += [
            write.eq(ready & bus.awvalid & bus.wvalid),
            bus.awready.eq(ready),
            bus.wready.eq(ready),
            bus.bresp.eq(AXI_OKAY),
            bus.rresp.eq(AXI_OKAY),
            bus.arready.eq(~read & ~bus.rvalid),
            address.eq(Mux(read, held, self.peek_addr)),
            self.wdata.eq(bus.wdata),
            self.busy.eq(read | bus.rvalid | bus.bvalid),
        ]
        m.d.sync += [
            ready.eq(bus.awvalid & bus.wvalid & ~ready & ~bus.bvalid),
            bus.bvalid.eq(write | (bus.bvalid & ~bus.bready)),
            read.eq(bus.arvalid & bus.arready),
            bus.rvalid.eq(read | (bus.rvalid & ~bus.rready)),
            held.eq(bus.araddr),
        ]
        with m.If(read):
            m.d.sync += bus.rdata.eq(self.peek_data)
        self._reads(m, address, read)
        self._writes(m, write)
        return m

    def _reads(self, m: Module, address: Signal, read: Signal) -> None:
        """The multiplexer over all values, and the read strobes of external registers."""
        for bank in self.banks:
            m.d.comb += getattr(self, bank + "_at").eq(address[2:])
        for register in self.table:
            if register.count > 1:
                m.d.comb += getattr(self, register.name + "_at").eq(_index(register, address))
        with m.Switch(address[2:]):
            for bank, names in self.banks.items():
                with m.Case(*(self.table[name].offset >> 2 for name in names)):
                    m.d.comb += [self.peek_data.eq(getattr(self, bank)), getattr(self, bank + "_r").eq(read)]
            for register in self.table:
                if register.name in self._bank_of:
                    continue
                with m.Case(self._places[register.name]):
                    value = getattr(self, register.name)
                    if hasattr(self, register.name + "_ro"):
                        value = value | (getattr(self, register.name + "_ro") & _driven(register))
                    m.d.comb += self.peek_data.eq(value)
                    if register.name in self.external:
                        m.d.comb += getattr(self, register.name + "_r").eq(read)

    def _writes(self, m: Module, write: Signal) -> None:
        """Stored registers take what is writable; external ones get a strobe. A clear in the same clock wins."""
        awaddr = self.bus.awaddr
        written = [register for register in self.table if register.name not in self._bank_of]
        for register in written:
            if register.count > 1:
                m.d.comb += getattr(self, register.name + "_at_w").eq(_index(register, awaddr))
        with m.If(write & self.bus.wstrb.all()), m.Switch(awaddr[2:]):
            for register in written:
                with m.Case(self._places[register.name]):
                    m.d.comb += getattr(self, register.name + "_w").eq(1)
                    if register.name in self.external:
                        continue
                    stored, mask = getattr(self, register.name), register.writable
                    if mask:
                        m.d.sync += stored.eq((stored & ~mask & 0xFFFFFFFF) | (self.wdata & mask))
        with m.If(self.clear):
            for register in written:
                if register.name not in self.external and register.name not in self.kept:
                    m.d.sync += getattr(self, register.name).eq(_initial(register))
