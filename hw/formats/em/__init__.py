"""The `em` NIC, after the Intel 82540EM (8254x): its registers, descriptors and verdicts.

Source: Intel PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual, 317453-006 rev 4.0; section
numbers (M ...) are its. Bit positions not printed there follow the public Linux header of the same family.
The register window RB_* is ringbed's own.
"""

from ringbed.hw.formats.em.absent import ABSENT
from ringbed.hw.formats.em.causes import CAUSES, StopCause
from ringbed.hw.formats.em.descriptors import RX_LEGACY, RX_TABLE, TX_CONTEXT, TX_DATA, TX_LEGACY, RxRow, verdict
from ringbed.hw.formats.em.limits import (
    BUFFER_SIZES,
    EEPROM_SUM,
    EEPROM_WORDS,
    MAX_FRAME,
    MAX_FRAME_LONG,
    MAX_TX_FRAME,
    MIN_FRAME,
    OFFLOADS,
    PACKET_BUFFER_KB,
    RING_ALIGN,
)  # fmt: skip
from ringbed.hw.formats.em.pci import BAR_SIZE, PCI_CLASS, PCI_DEVICE, PCI_REVISION, PCI_VENDOR
from ringbed.hw.formats.em.registers import REGISTERS, WINDOW

__all__ = [
    "ABSENT", "BAR_SIZE", "BUFFER_SIZES", "CAUSES", "EEPROM_SUM", "EEPROM_WORDS", "MAX_FRAME", "MAX_FRAME_LONG",
    "MAX_TX_FRAME", "MIN_FRAME", "OFFLOADS", "PACKET_BUFFER_KB", "PCI_CLASS", "PCI_DEVICE", "PCI_REVISION",
    "PCI_VENDOR", "REGISTERS", "RING_ALIGN", "RX_LEGACY", "RX_TABLE", "RxRow", "StopCause", "TX_CONTEXT", "TX_DATA",
    "TX_LEGACY", "WINDOW", "verdict",
]  # fmt: skip
