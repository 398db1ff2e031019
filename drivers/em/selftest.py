"""The `em` card's offline self test: registers, EEPROM, PHY, interrupts, and frames through both loopbacks.

It wants a card that nobody uses, and leaves one that was just reset. What it expects of a register is the table in
`hw/formats`; a card that lacks one fails with that register's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ringbed.drivers.em.hardware import EVERY_CAUSE, EmHardware, Mii
from ringbed.drivers.em.ring.rx import RxRing
from ringbed.drivers.em.ring.tx import TxRing
from ringbed.drivers.ethtool import Check
from ringbed.drivers.world import AttachError, Dma, TxFrame, TxSum
from ringbed.hw.formats import em
from ringbed.hw.formats.field import Access

__all__ = ["OfflineTest"]

PATTERNS = (0x5A5A_5A5A, 0xA5A5_A5A5, 0x0000_0000, 0xFFFF_FFFF)
# Registers of software's that a pattern would set something off in, or that a reset does not put back; heads and tails
# are the rings'. All others of the table are to hold what is written.
NOT_HOLDING = ("CTRL", "EECD", "EERD", "MDIC", "IMS", "PBA", "RDH", "RDT", "TDH", "TDT")
HOLDING = tuple(r for r in em.REGISTERS if r.access is Access.RW and r.name not in NOT_HOLDING)
STARTS = {"RCTL": em.REGISTERS["RCTL"].mask("EN"), "TCTL": em.REGISTERS["TCTL"].mask("EN")}  # bits kept 0
MOST_FAULTS = 4  # named in one sentence
RAISED_NS, SETTLED_NS = 1_000_000, 2_000
RING, BUFFER = 8, 2048
SIZES = (60, 61, 64, 128, 511, 1024, 1514)
ANSWER_NS, ANSWERS = 10_000, 100  # a frame comes round within 1 ms
DEAF_NS = 1_100_000_000  # a model of this card hears nothing for a second after RCTL was written
LINK_NS, LINKS = 10_000_000, 100  # a PHY takes its time


class OfflineTest:
    """One run; `run` gives every check, in order, and stops at none."""

    def __init__(self, hardware: EmHardware, dma: Dma) -> None:
        self._hardware = hardware
        self._dma = dma

    def run(self) -> list[Check]:
        checks = [self._check(name, test) for name, test in (
            ("registers", self._registers), ("eeprom", self._eeprom), ("phy", self._phy),
            ("interrupt", self._interrupt),
            ("mac loopback", self._mac_loopback), ("phy loopback", self._phy_loopback),
        )]  # fmt: skip
        self._hardware.reset()
        return checks

    def eeprom(self) -> Check:
        """The one that does not disturb anybody."""
        return self._check("eeprom", self._eeprom)

    def _check(self, name: str, test: Callable[[], str]) -> Check:
        """`test` returns what is wrong, '' when nothing is."""
        try:
            wrong = test()
        except AttachError as error:
            wrong = str(error)
        return Check(name, not wrong, wrong)

    # ---- registers ----

    def _registers(self) -> str:
        """Four patterns in every bit that is software's; what was there before is put back by the next reset."""
        self._hardware.reset()
        faults = list(self._register_faults())
        more = f", and {len(faults) - MOST_FAULTS} others" if len(faults) > MOST_FAULTS else ""
        return ", ".join(faults[:MOST_FAULTS]) + more

    def _register_faults(self) -> Iterator[str]:
        for register in HOLDING:
            name, held = register.name, register.writable & ~STARTS.get(register.name, 0)
            wrong = next((text for index in range(register.count) if (text := self._fault(name, index, held))), "")
            if wrong:
                yield wrong

    def _fault(self, name: str, index: int, held: int) -> str:
        found = ""
        for pattern in PATTERNS:
            self._hardware.write(name, pattern & held, index)
            value = self._hardware.read(name, index) & held
            if value != pattern & held:
                where = f"{name}[{index}]" if em.REGISTERS[name].count > 1 else name
                found = found or f"{where} holds {value:#x}, not {pattern & held:#x}"
        self._hardware.write(name, 0, index)
        return found

    # ---- EEPROM, PHY, interrupt ----

    def _eeprom(self) -> str:
        self._hardware.read_eeprom()
        return ""

    def _phy(self) -> str:
        self._hardware.check_phy()
        return ""

    def _interrupt(self) -> str:
        """Each cause, set by ICS: latched and silent when masked, on the line when not, off again when read."""
        self._hardware.reset()
        for register in ("ITR", "RADV", "TADV"):  # nothing holds the line back
            self._hardware.write(register, 0)
        return next((wrong for cause in em.CAUSES if (wrong := self._cause(cause.name, cause.mask))), "")

    def _cause(self, name: str, mask: int) -> str:
        hardware = self._hardware
        hardware.write("IMC", EVERY_CAUSE)
        hardware.read("ICR")
        hardware.write("ICS", mask)
        if hardware.interrupted(SETTLED_NS):
            return f"{name} is masked and raises the line"
        if not hardware.read("ICR") & mask:
            return f"{name} was set by ICS and is not in ICR"
        hardware.write("IMS", mask)
        hardware.write("ICS", mask)
        raised = hardware.interrupted(RAISED_NS)
        hardware.read("ICR")
        hardware.write("IMC", EVERY_CAUSE)
        if not raised:
            return f"{name} does not raise the line"
        return f"{name} was read and the line stays up" if hardware.interrupted(SETTLED_NS) else ""

    # ---- loopback ----

    def _mac_loopback(self) -> str:
        return self._loop(lbm=1)

    def _phy_loopback(self) -> str:
        """PHY register 0 bit 14, 1000 Mb/s full duplex without autonegotiation; put back after."""
        hardware = self._hardware
        before = hardware.read_phy(Mii.CONTROL)
        hardware.write_phy(Mii.CONTROL, Mii.CONTROL_LOOPBACK | Mii.CONTROL_1000_FULL)
        try:
            return self._loop(lbm=0)
        finally:
            hardware.write_phy(Mii.CONTROL, before | Mii.CONTROL_AN_RESTART)

    def _loop(self, lbm: int) -> str:
        """Frames of several sizes, one by one, on rings of its own."""
        rx = RxRing(self._dma, self._hardware, RING, BUFFER, verdicts=False, wants=lambda address: True)
        tx = TxRing(self._dma, self._hardware, RING, longest=max(SIZES), sums=TxSum.NONE)
        self._hardware.reset()
        rx.stage()
        tx.stage()
        try:
            self._program(rx, tx, lbm)
            if not self._link_comes():
                return "STATUS.LU stays 0: the card does not see a link in loopback"
            return next((wrong for size in SIZES if (wrong := self._round(rx, tx, size))), "")
        finally:
            self._hardware.reset()
            tx.abandon()
            rx.release()
            tx.release()

    def _program(self, rx: RxRing, tx: TxRing, lbm: int) -> None:
        hardware, ctrl = self._hardware, em.REGISTERS["CTRL"]
        rx.program()
        tx.program()
        cleared = ctrl.mask("VME", "RFCE", "TFCE", "FRCSPD", "FRCDPLX")
        hardware.write("CTRL", hardware.read("CTRL") & ~cleared | ctrl.mask("SLU"))
        hardware.write("TCTL", em.REGISTERS["TCTL"].pack(EN=1, PSP=1))
        hardware.write("RCTL", em.REGISTERS["RCTL"].pack(EN=1, UPE=1, MPE=1, BAM=1, SECRC=1, LBM=lbm))

    def _link_comes(self) -> bool:
        for _ in range(LINKS):
            if self._hardware.read("STATUS") & em.REGISTERS["STATUS"].mask("LU"):
                return True
            self._hardware.delay(LINK_NS)
        return False

    def _round(self, rx: RxRing, tx: TxRing, size: int) -> str:
        """One frame out and back; once more after a while, for a receiver that was not ready."""
        sent = bytes([0x02, *(index * size & 0xFF for index in range(size - 1))])
        for wait in (0, DEAF_NS):
            if wait:
                self._hardware.delay(wait)
            tx.clean()
            tx.send([TxFrame([sent])])
            for _ in range(ANSWERS):
                self._hardware.delay(ANSWER_NS)
                for frame in rx.clean():
                    return "" if frame.data == sent else f"a frame of {size} bytes came back changed"
        return f"a frame of {size} bytes did not come back"
