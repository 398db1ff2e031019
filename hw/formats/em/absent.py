"""Registers of the 82540EM that `em` has not: each reads 0 and takes nothing, as a reserved one does.

Together with those of `registers.py` these are all of the part's (M Tables 13-2 and 13-3, and the family's public
header), so that a driver's author finds an answer for each.
"""

from __future__ import annotations

from ringbed.hw.formats.field import Access, Register, RegisterMap

__all__ = ["ABSENT"]


def _absent(name: str, offset: int, doc: str, count: int = 1, stride: int = 4) -> Register:
    return Register(name, offset, Access.RO, (), doc, count, stride)


_WAKE = "wake-up: the card does not wake anybody"
_TX_FIFO = "diagnosis: transmit packet buffer"
_RX_FIFO = "diagnosis: receive packet buffer"

ABSENT = RegisterMap((
    _absent("CTRL_DUP", 0x0004, "CTRL once more"),
    _absent("CTRL_EXT", 0x0018, "SDP pins, PHY interrupt, reload of the EEPROM: there are none, and nothing is loaded"),
    _absent("FLA", 0x001C, "flash access: there is no flash"),
    _absent("SCTL", 0x0024, "SerDes control, of other parts"),
    _absent("RXCW", 0x0180, "received configuration word, SerDes only"),
    _absent("TBT", 0x0448, "transmit burst timer, of other parts"),
    _absent("AIT", 0x0458, "adaptive gap between frames: the gap is the wire's"),
    _absent("LEDCTL", 0x0E00, "LED control: there are no LEDs"),
    *(_absent(name, 0x2410 + 8 * i, _RX_FIFO) for i, name in enumerate(("RDFH", "RDFT", "RDFHS", "RDFTS", "RDFPC"))),
    _absent("TXDMAC", 0x3000, "transmit DMA control, of other parts"),
    *(_absent(name, 0x3410 + 8 * i, _TX_FIFO) for i, name in enumerate(("TDFH", "TDFT", "TDFHS", "TDFTS", "TDFPC"))),
    _absent("TSPMT", 0x3830, "segmentation: pad and least fetch; whole messages are read as the ring comes"),
    _absent("WUC", 0x5800, _WAKE), _absent("WUFC", 0x5808, _WAKE), _absent("WUS", 0x5810, _WAKE),
    _absent("MANC", 0x5820, "management: there is no management controller; ARP_EN reads 0"),
    _absent("IPAV", 0x5838, _WAKE), _absent("IP4AT", 0x5840, _WAKE, 4, 8), _absent("IP6AT", 0x5880, _WAKE, 4),
    _absent("WUPL", 0x5900, _WAKE), _absent("WUPM", 0x5A00, _WAKE, 32), _absent("FFLT", 0x5F00, _WAKE, 4, 8),
    _absent("FFMT", 0x9000, _WAKE, 128, 8), _absent("FFVT", 0x9800, _WAKE, 128, 8),
    _absent("PBM", 0x10000, "diagnosis: the packet buffer's memory", 16384),
))  # fmt: skip
