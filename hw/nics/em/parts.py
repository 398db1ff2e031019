"""The parts of `em` that its other parts are joined to, and which registers are whose."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as _field
from typing import Any

from amaranth import Signal

from ringbed.hw.bus.card_reset import CardReset
from ringbed.hw.bus.registers import RegisterFile
from ringbed.hw.formats import em
from ringbed.hw.formats.em.statistics import STATISTICS_REGISTERS
from ringbed.hw.nics.em.rx import EmRx
from ringbed.hw.nics.em.tx import EmTx

__all__ = ["CORE_HZ", "Parts", "register_file"]

CORE_HZ = 125_000_000
EXTERNAL = (
    "STATUS", "EERD", "MDIC", "ICR", "ICS", "IMS", "IMC", "RDH", "TDH", "RAL", "RAH", "MTA", "VFTA",
)  # fmt: skip
KEPT = ("PBA", "RDBAL", "RDBAH", "TDBAL", "TDBAH")  # over CTRL.RST; so are the filter tables and the RB counters


@dataclass
class Parts:
    """What everything in the card is joined to."""

    file: RegisterFile
    reset: CardReset
    receive: EmRx
    transmit: EmTx
    timebase: Any
    station: Signal = _field(default_factory=lambda: Signal(48, name="station"))  # receive address 0

    def field(self, register: str, name: str) -> Any:
        """A field of a stored register, as software wrote it."""
        found = em.REGISTERS[register][name]
        return getattr(self.file, register)[found.lsb : found.lsb + found.width]

    def written(self, register: str, name: str) -> Any:
        """One clock: software writes a one into the field."""
        return getattr(self.file, f"{register}_w") & self.file.wdata[em.REGISTERS[register][name].lsb]

    def timers(self) -> list[Any]:
        """Clocks to the next event of each half's own timers."""
        return [self.receive.timer_wait, self.transmit.timer_wait]


def register_file() -> RegisterFile:
    """All registers of the table. The `RB_` window, live values and arrays come from the blocks they belong to."""
    own = {register.name for register in em.REGISTERS if register.name.startswith("RB_")}
    statistics = [register.name for register in STATISTICS_REGISTERS]
    return RegisterFile(em.REGISTERS, own | set(EXTERNAL), KEPT, 17, {"STATISTICS": statistics})
