"""Flow control of the `em` card: what the two PHYs agreed on, and the registers for it (M 8.7, IEEE 802.3 Annex 28B).

Receive: pause frames stop our transmitter (CTRL.RFCE). Transmit: when the receive packet buffer fills to FCRTH a pause
frame is sent, and when it has emptied to FCRTL one that ends it (CTRL.TFCE).
"""

from __future__ import annotations

from ringbed.drivers.em.hardware import EmHardware, Mii
from ringbed.drivers.ethtool import Pause
from ringbed.hw.formats import em

__all__ = ["FlowControl", "resolve", "thresholds"]

PAUSE_ADDRESS = bytes.fromhex("0180c2000001")  # IEEE 802.3 31B.1
PAUSE_TYPE = 0x8808
PAUSE_TIME = 0xFFFF  # the longest there is: it ends with an XON
_CTRL, _FCRTL = em.REGISTERS["CTRL"], em.REGISTERS["FCRTL"]
PAUSE_BITS = Mii.PAUSE | Mii.ASYMMETRIC


def advertisement(rx: bool, tx: bool) -> int:
    """PAUSE and ASM_DIR as they are advertised for what is wanted (IEEE 802.3 Table 28B-2)."""
    if rx:
        return Mii.PAUSE | (0 if tx else Mii.ASYMMETRIC)
    return Mii.ASYMMETRIC if tx else 0


def resolve(ours: int, partners: int) -> tuple[bool, bool]:
    """What both agree on, of their advertised bits: (obey pause frames, send them) (IEEE 802.3 Table 28B-3)."""
    if ours & partners & Mii.PAUSE:
        return True, True
    if not ours & partners & Mii.ASYMMETRIC:
        return False, False
    return bool(ours & Mii.PAUSE), bool(partners & Mii.PAUSE)


def thresholds(room: int, longest: int) -> tuple[int, int]:
    """High and low water of a receive buffer of `room` bytes: a frame of `longest` still fits above the high one."""
    high = min(room * 9 // 10, room - longest) & ~7
    return high, high - 8


class FlowControl:
    """One card's. `rx` and `tx` are what is in force, known when the link is up."""

    def __init__(self, hardware: EmHardware) -> None:
        self.wanted = Pause()
        self.rx = self.tx = False
        self._hardware = hardware

    def advertise(self) -> bool:
        """Tell the PHY what to offer; whether that is something new, for which it must negotiate anew."""
        mine = advertisement(self.wanted.rx, self.wanted.tx) if self.wanted.autoneg else 0
        held = self._hardware.read_phy(Mii.ADVERTISE)
        if held & PAUSE_BITS != mine:
            self._hardware.write_phy(Mii.ADVERTISE, held & ~PAUSE_BITS | mine)
        return held & PAUSE_BITS != mine

    def program(self, longest: int) -> None:
        """Addresses, times and thresholds, for frames of up to `longest` bytes with FCS."""
        write = self._hardware.write
        write("FCAL", int.from_bytes(PAUSE_ADDRESS[:4], "little"))
        write("FCAH", int.from_bytes(PAUSE_ADDRESS[4:], "little"))
        write("FCT", PAUSE_TYPE)
        write("FCTTV", PAUSE_TIME)
        room = 1024 * em.REGISTERS["PBA"]["RXA"].get(self._hardware.read("PBA"))
        high, low = thresholds(room, longest)
        write("FCRTH", max(0, high))
        write("FCRTL", max(0, low) | _FCRTL.mask("XONE"))

    def settle(self) -> None:
        """The link is up: find out what was agreed on; nothing, when the PHY raises AttachError."""
        rx, tx = self.wanted.rx, self.wanted.tx
        self.rx = self.tx = False  # as long as the PHY does not answer
        if self.wanted.autoneg and (rx or tx):
            rx, tx = resolve(*(self._hardware.read_phy(register) for register in (Mii.ADVERTISE, Mii.PARTNER)))
        self.rx, self.tx = rx, tx

    def ctrl(self) -> int:
        """Flow control's bits of CTRL."""
        return _CTRL.pack(RFCE=int(self.rx), TFCE=int(self.tx))
