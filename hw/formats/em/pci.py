"""What the PCI function of `em` says of itself: ids, BARs, capabilities, and the window in its I/O BAR (M 4 and 6.3).

The card's RTL begins behind the PCI function, at the register bus; BARs, configuration space and the I/O window belong
to the function and are modelled in `sim/`, for every engine alike.
"""

from __future__ import annotations

__all__ = [
    "BARS", "BAR_SIZE", "IO_BAR", "PCI_CLASS", "PCI_DEVICE", "PCI_REVISION", "PCI_VENDOR", "POWER_MANAGEMENT",
    "POWER_MANAGEMENT_AT", "SUBSYSTEM", "SUBSYSTEM_VENDOR",
]  # fmt: skip

PCI_VENDOR, PCI_DEVICE, PCI_REVISION = 0x8086, 0x100E, 0x02
PCI_CLASS = 0x020000
SUBSYSTEM_VENDOR, SUBSYSTEM = 0x8086, 0x100E  # words 0C and 0B of the EEPROM say the same
BAR_SIZE = 128 * 1024  # BAR 0: the registers
IO_BAR = 2  # the I/O window: IOADDR at 0, IODATA at 4; only a PCI reset clears IOADDR
BARS = (BAR_SIZE, 0, 8)  # bytes; BAR 1 would be the flash's

# Version 2, device specific initialisation, D0 and D3 only, no PME (PCI Power Management 1.1, 3.2)
POWER_MANAGEMENT_AT = 0xDC
POWER_MANAGEMENT = 0x0022
