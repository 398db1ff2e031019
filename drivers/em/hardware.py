"""The `em` card's registers by name, its EEPROM and its PHY: all that happens once or seldom.

Rules of this file: a register is named, never numbered; every loop that waits for the card is bounded in simulated
time and ends in one clear sentence. Microwire commands are the 93C46's; PHY registers are clause 22 of IEEE 802.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from ringbed.drivers.world import AttachError, Device
from ringbed.hw.formats import em
from ringbed.hw.formats.em.phy import PHY, PHY_ADDRESS, PHY_ID, PHY_ID_MASK

__all__ = ["EmHardware", "Mii"]

BAR = 0
MDIC_WRITE, MDIC_READ = 1, 2
POLLS, POLL_NS = 100, 10_000  # how long the card may take to answer: 1 ms
SERIAL_NS = (
    30_000  # and does take: an EEPROM word 27 us at 1 MHz, a PHY register 26 us at 2.5 MHz; no use in asking before
)
RESET_SETTLE_NS = 1_000  # registers must not be touched right after CTRL.RST
MICROWIRE_READ, MICROWIRE_READ_BITS = 0b110, 3  # start bit and opcode, first bit first
SK_HALF_NS = 500  # the part takes up to 1 MHz

EVERY_CAUSE = (1 << em.REGISTERS["IMC"].bits) - 1

_PHY = {register.name: register for register in PHY}
_CTRL, _EECD, _EERD, _MDIC = (em.REGISTERS[name] for name in ("CTRL", "EECD", "EERD", "MDIC"))


class Mii:
    """Standard PHY registers and bits (IEEE 802.3, 22.2.4)."""

    CONTROL, STATUS, ID1, ID2, ADVERTISE, PARTNER = (
        _PHY[name].number for name in ("PCTRL", "PSTATUS", "PID", "EPID", "ANA", "PLPA")
    )
    CONTROL_LOOPBACK, CONTROL_AN_ENABLE, CONTROL_AN_RESTART = (
        _PHY["PCTRL"][name].mask for name in ("LOOPBACK", "AN_ENABLE", "AN_RESTART")
    )
    CONTROL_1000_FULL = _PHY["PCTRL"].mask("DUPLEX", "SPEED_MSB")
    PAUSE, ASYMMETRIC = (_PHY["ANA"][name].mask for name in ("PAUSE", "ASM_DIR"))  # of PARTNER too
    STATUS_AN_COMPLETE, STATUS_LINK = (_PHY["PSTATUS"][name].mask for name in ("AN_COMPLETE", "LINK"))


class EmHardware:
    """One card's registers. Raises `AttachError` when the card does not answer as an `em` must.

    `eeprom` chooses how the EEPROM is read: `eerd` (one register), `microwire` (bits by hand, as drivers of parts
    without EERD do), or `auto`: EERD, and Microwire from the first word that EERD does not deliver.
    """

    def __init__(self, device: Device, name: str, eeprom: str = "auto") -> None:
        if eeprom not in ("auto", "eerd", "microwire"):
            raise ValueError(f"eeprom access is 'auto', 'eerd' or 'microwire', not {eeprom!r}")
        self._device = device
        self._name = name
        self._use_eerd = eeprom != "microwire"
        self._may_fall_back = eeprom == "auto"

    def read(self, register: str, index: int = 0) -> int:
        """The whole register, read over the bus."""
        return self._device.read(BAR, em.REGISTERS[register].at(index))

    def peek(self, register: str, index: int = 0) -> int:
        """The whole register, looked at: no side effect, no time."""
        return self._device.peek(BAR, em.REGISTERS[register].at(index))

    def delay(self, nanoseconds: int) -> None:
        """Let time pass."""
        self._device.delay(nanoseconds)

    def interrupted(self, nanoseconds: int) -> bool:
        """Whether the interrupt line comes up in so long."""
        return self._device.interrupted(nanoseconds)

    def write(self, register: str, value: int, index: int = 0) -> None:
        """The whole register, posted."""
        self._device.write(BAR, em.REGISTERS[register].at(index), value)

    def check_identity(self) -> None:
        """Refuse a card that is not ours, by what its PCI configuration space says."""
        pci = self._device.pci
        if (pci.vendor, pci.device) != (em.PCI_VENDOR, em.PCI_DEVICE):
            raise AttachError(
                f"{self._name}: the card is {pci.vendor:04x}:{pci.device:04x}, "
                f"this driver attaches to {em.PCI_VENDOR:04x}:{em.PCI_DEVICE:04x}"
            )
        if not pci.bars or pci.bars[BAR] < em.BAR_SIZE:
            raise AttachError(f"{self._name}: BAR {BAR} of the card is smaller than {em.BAR_SIZE} bytes: {pci.bars}")

    def stop(self) -> None:
        """Mask, stop both directions; a frame in progress is finished."""
        self.write("IMC", EVERY_CAUSE)
        self.write("RCTL", 0)
        self.write("TCTL", em.REGISTERS["TCTL"].pack(PSP=1))

    def reset(self) -> None:
        """Stop, reset, wait until the card says it is done (M 14; FreeBSD's order).

        When it returns no DMA is in flight, and no cause is latched. What the registers hold then is not relied on:
        there are models that keep everything.
        """
        self.stop()
        self.write("CTRL", self.read("CTRL") | _CTRL["RST"].mask)
        self._device.delay(RESET_SETTLE_NS)
        if not any(not self.read("CTRL") & _CTRL["RST"].mask for _ in self._patience()):
            raise AttachError(f"{self._name}: the card does not leave reset (CTRL.RST stays 1)")
        self.write("IMC", EVERY_CAUSE)
        self.read("ICR")

    def read_eeprom(self) -> tuple[int, ...]:
        """All words, their sum checked (M 5.6.35)."""
        words = tuple(self._eeprom_word(index) for index in range(em.EEPROM_WORDS))
        total = sum(words) & 0xFFFF
        if total != em.EEPROM_SUM:
            raise AttachError(f"{self._name}: the EEPROM's words add up to {total:#06x}, not {em.EEPROM_SUM:#06x}")
        return words

    def _eeprom_word(self, index: int) -> int:
        if self._use_eerd:
            self.write("EERD", _EERD.pack(START=1, ADDR=index))
            self.delay(SERIAL_NS)
            for _ in self._patience():
                value = self.read("EERD")
                if value & _EERD["DONE"].mask:
                    return _EERD["DATA"].get(value)
            if not self._may_fall_back:
                raise AttachError(f"{self._name}: EEPROM word {index}: EERD.DONE never came")
            self._use_eerd = False
        return self._microwire_word(index)

    def _microwire_word(self, index: int) -> int:
        """One word by hand: ask for the pins, select, command and address out, data in, deselect, give back."""
        pins = self.read("EECD") & ~_EECD.mask("SK", "CS", "DI") | _EECD["REQ"].mask
        self.write("EECD", pins)
        if not any(self.read("EECD") & _EECD["GNT"].mask for _ in self._patience()):
            raise AttachError(f"{self._name}: EEPROM word {index}: EECD.GNT never came")
        address_bits = 8 if self.read("EECD") & _EECD["SIZE"].mask else 6
        selected = pins | _EECD["CS"].mask
        self.write("EECD", selected)
        command = MICROWIRE_READ << address_bits | index
        for bit in reversed(range(MICROWIRE_READ_BITS + address_bits)):
            self._microwire_bit(selected | _EECD["DI"].put(command >> bit & 1))
        word = 0
        for _ in range(16):
            word = word << 1 | self._microwire_bit(selected)
        self.write("EECD", pins)
        self._device.delay(SK_HALF_NS)
        self.write("EECD", pins & ~_EECD["REQ"].mask)
        return word

    def _microwire_bit(self, pins: int) -> int:
        """One period of SK. DI is sampled on its rise; DO is read while it is high, which suits every part."""
        self.write("EECD", pins)
        self._device.delay(SK_HALF_NS)
        self.write("EECD", pins | _EECD["SK"].mask)
        self._device.delay(SK_HALF_NS)
        bit = _EECD["DO"].get(self.read("EECD"))
        self.write("EECD", pins)
        return bit

    def check_phy(self) -> None:
        """Refuse a card whose PHY is not the 82540EM's internal one."""
        phy = self.read_phy(Mii.ID1) << 16 | self.read_phy(Mii.ID2)
        if phy & PHY_ID_MASK != PHY_ID:
            raise AttachError(f"{self._name}: PHY id {phy:#010x} is not the 88E1011's {PHY_ID:#010x}")

    def restart_autonegotiation(self) -> None:
        """Ask the PHY to negotiate anew; the link comes up later, with ICR.LSC."""
        control = self.read_phy(Mii.CONTROL)
        self.write_phy(Mii.CONTROL, control | Mii.CONTROL_AN_ENABLE | Mii.CONTROL_AN_RESTART)

    def read_phy(self, register: int) -> int:
        """One PHY register (0..31) through MDIC."""
        return self._mdic(MDIC_READ, register)

    def write_phy(self, register: int, value: int) -> None:
        """One PHY register (0..31) through MDIC."""
        self._mdic(MDIC_WRITE, register, value)

    def _mdic(self, operation: int, register: int, value: int = 0) -> int:
        self.write("MDIC", _MDIC.pack(DATA=value, REGADD=register, PHYADD=PHY_ADDRESS, OP=operation))
        self.delay(SERIAL_NS)
        for _ in self._patience():
            answer = self.read("MDIC")
            if answer & _MDIC["E"].mask:
                raise AttachError(f"{self._name}: PHY register {register}: no answer (MDIC.E)")
            if answer & _MDIC["R"].mask:
                return _MDIC["DATA"].get(answer)
        raise AttachError(f"{self._name}: PHY register {register}: MDIC.R never came")

    def _patience(self) -> Iterator[None]:
        """Turns of a waiting loop: at once, then after every `POLL_NS`, `POLLS` times in all."""
        for _ in range(POLLS):
            yield
            self._device.delay(POLL_NS)
