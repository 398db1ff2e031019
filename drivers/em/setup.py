"""What the `em` card is told: every register the driver sets, after a reset and when a setting changes.

Rules of this file: nothing relies on a reset value, since there are models whose reset clears nothing; RCTL is written
only when it changes, since there is one that hears nothing for a second after; enables come last.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from ringbed.drivers.em.coalesce import Moderation
from ringbed.drivers.em.filter import RxFilter
from ringbed.drivers.em.flow import FlowControl
from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.ring.offload import MAX_MESSAGE
from ringbed.drivers.em.ring.rx import RxRing
from ringbed.drivers.em.ring.tx import WORKAROUNDS, TxRing
from ringbed.drivers.ethtool import Features
from ringbed.drivers.world import Capabilities, ChecksumOffload
from ringbed.hw.formats import em
from ringbed.hw.formats.em import OFFLOADS

__all__ = [
    "BUFFER_CODES", "ENABLED_CAUSES", "HEADER", "LINK_CHANGE", "LONGEST_RX", "MAX_MTU", "EmSetup", "check_options",
    "mtu_for",
]  # fmt: skip

HEADER = 14 + 4  # Ethernet's, and room for one tag: what fills MAX_FRAME at an MTU of 1500
FCS = 4
MIN_MTU, MAX_MTU = 68, em.MAX_TX_FRAME - HEADER  # RFC 791's least
LONGEST_RX = em.MAX_FRAME_LONG - FCS  # bytes of a frame without FCS; more than is sent with any MTU
TIPG = em.REGISTERS["TIPG"].pack(IPGT=10, IPGR1=8, IPGR2=6)  # M Table 13-77
COLLISIONS, COLLISION_DISTANCE = 0x0F, 0x40  # recommended for full duplex: M Table 13-76
TAG_TYPE = 0x8100  # IEEE 802.1Q

_ICR, _CTRL, _RCTL = em.REGISTERS["ICR"], em.REGISTERS["CTRL"], em.REGISTERS["RCTL"]
LINK_CHANGE = _ICR.mask("LSC")
ENABLED_CAUSES = LINK_CHANGE | _ICR.mask("RXT0", "RXDMT0", "RXO", "TXDW")  # TXQE comes with a TXDW of ours
BUFFER_CODES = {size: code for code, size in em.BUFFER_SIZES.items()}


def check_options(buffer_size: int, mtu: int, offloads: Collection[str], workarounds: Collection[str]) -> None:
    """Raise ValueError with the bad value."""
    if buffer_size not in BUFFER_CODES:
        raise ValueError(f"RX buffers have one of {sorted(BUFFER_CODES)} bytes, not {buffer_size}")
    if not MIN_MTU <= mtu <= MAX_MTU:
        raise ValueError(f"the MTU is {MIN_MTU} to {MAX_MTU}, not {mtu}")
    for what, given, known in (("offloads", offloads, OFFLOADS), ("workarounds", workarounds, WORKAROUNDS)):
        if not set(given) <= set(known):
            raise ValueError(f"{what} are named {', '.join(known)}; {given!r} has others")


def mtu_for(longest: int) -> int:
    """The MTU, 1500 or more, with which frames of `longest` bytes without FCS are received; see LONGEST_RX."""
    if longest > LONGEST_RX:
        raise ValueError(f"the card receives frames of up to {LONGEST_RX} bytes, not {longest}")
    return min(max(1500, longest - HEADER), MAX_MTU)


class EmSetup:
    """One card's settings. `live` says whether the card is programmed, so that a change is written at once."""

    def __init__(self, hardware: EmHardware, name: str, mtu: int, available: Features) -> None:
        self.filter = RxFilter(hardware)
        self.moderation = Moderation(hardware)
        self.flow = FlowControl(hardware)
        self.available = available
        self.features = Features()
        self._hardware = hardware
        self._name = name
        self._mtu = mtu
        self._rctl: int | None = None  # as written; None: the card does not receive
        self._buffer_size = 0

    @property
    def live(self) -> bool:
        return self._rctl is not None

    def stop(self) -> None:
        """The card is being reset: settings are kept for the next `program`."""
        self._rctl = None
        self.filter.live = False

    def program(self, rx: RxRing, tx: TxRing) -> None:
        """All registers of a card just reset, receive and transmit enabled last, then the interrupts."""
        write = self._hardware.write
        self.filter.program()
        write("VET", TAG_TYPE)
        write("TIPG", TIPG)
        write("RXDCTL", em.REGISTERS["RXDCTL"].reset)
        write("TXDCTL", em.REGISTERS["TXDCTL"].reset)
        write("RXCSUM", self._rxcsum())
        self.moderation.program()
        self.flow.program(self._mtu + HEADER + FCS)
        rx.program()
        tx.program()
        self.write_ctrl()
        write("TCTL", em.REGISTERS["TCTL"].pack(EN=1, PSP=1, CT=COLLISIONS, COLD=COLLISION_DISTANCE))
        self._buffer_size = rx.buffer_size
        self._rctl = 0
        self.write_rctl()
        write("IMS", ENABLED_CAUSES)

    def write_ctrl(self) -> None:
        """Link, flow control and VLAN mode; speed and duplex are the PHY's to say."""
        ours = _CTRL.mask("FRCSPD", "FRCDPLX", "ILOS", "ASDE", "PHY_RST", "RST", "RFCE", "TFCE", "VME")
        mine = _CTRL.pack(SLU=1, VME=int(self.features.vlan_strip)) | self.flow.ctrl()
        self._hardware.write("CTRL", self._hardware.read("CTRL") & ~ours | mine)

    def write_rctl(self) -> None:
        """FCS stripped, RXDMT0 when half of the ring is left (RDMTS 0), the rest as the filter has it."""
        if not self.live:
            return
        bsex, bsize = BUFFER_CODES[self._buffer_size]
        long = int(self._mtu + HEADER + FCS > em.MAX_FRAME)
        rctl = _RCTL.pack(EN=1, SECRC=1, BSEX=bsex, BSIZE=bsize, LPE=long, **self.filter.rctl())
        if rctl != self._rctl:
            self._hardware.write("RCTL", rctl)
        self._rctl = rctl

    def _rxcsum(self) -> int:
        """Every check the card has; the packet checksum begins behind the Ethernet header."""
        if not self.features.rx_checksum:
            return 0
        return em.REGISTERS["RXCSUM"].pack(PCSS=14, IPOFL=1, TUOFL=1, IPV6OFL=1)

    # ---- features ----

    def set_features(self, wanted: Features) -> None:
        """Switch what the card does. Raises ValueError for what it has not, or has only together."""
        for each in fields(Features):
            if getattr(wanted, each.name) and not getattr(self.available, each.name):
                raise ValueError(f"{self._name}: the card has no {each.name} to switch on")
        if wanted.vlan_strip != wanted.vlan_insert:
            raise ValueError(f"{self._name}: vlan_strip and vlan_insert are one bit of the card; switch them together")
        if wanted.tso and not wanted.tx_checksum:
            raise ValueError(f"{self._name}: tso needs tx_checksum: every piece gets new sums")
        self.features = wanted
        self.filter.vlan_filter = wanted.vlan_filter
        if self.live:
            self.filter.set_vids(self.filter.vids)  # the table is written when the filter is on
            self._hardware.write("RXCSUM", self._rxcsum())
            self.write_ctrl()
            self.write_rctl()

    def capabilities(self) -> Capabilities:
        """What may be asked of the card with the features that are on."""
        on = self.features
        return Capabilities(
            tx_ipv4=on.tx_checksum,
            tx_l4=ChecksumOffload.PSEUDO if on.tx_checksum else ChecksumOffload.NONE,
            rx_checksum=on.rx_checksum,
            mtu=MAX_MTU,
            tso=MAX_MESSAGE if on.tso else 0,
            tso_ipv6=on.tso,
            udp_segmentation=on.tso,
            vlan_insert=on.vlan_insert,
            vlan_strip=on.vlan_strip,
            vlan_filter=on.vlan_filter,
        )

    # ---- flow control ----

    def settle_flow(self) -> None:
        """The link is up: what the partner agreed to, into CTRL when that is a change. Raises AttachError."""
        before = self.flow.ctrl()
        try:
            self.flow.settle()
        finally:
            if self.flow.ctrl() != before:
                self.write_ctrl()

    def renegotiate(self) -> None:
        """Flow control wants something else: offer it to the partner, or take it as it is."""
        if self.live and self.flow.advertise():
            self._hardware.restart_autonegotiation()
