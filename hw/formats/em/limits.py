"""Sizes and limits of `em`: frames, rings, buffers, the EEPROM."""

from __future__ import annotations

__all__ = [
    "BUFFER_SIZES", "EEPROM_SUM", "EEPROM_WORDS", "MAX_FRAME", "MAX_FRAME_LONG", "MAX_TX_FRAME", "MIN_FRAME",
    "OFFLOADS", "PACKET_BUFFER_KB", "RING_ALIGN",
]  # fmt: skip

EEPROM_WORDS = 64
EEPROM_SUM = 0xBABA  # all 64 words, modulo 2**16 (M 5.6.35)
MAX_FRAME = 1522  # wire bytes with FCS, RCTL.LPE = 0 (M 13.7.15)
MAX_FRAME_LONG = 16384  # with RCTL.LPE = 1
MIN_FRAME = 64  # wire bytes with FCS
MAX_TX_FRAME = 16288  # bytes given by software (M Table 3-8)
RING_ALIGN = 128  # RDLEN and TDLEN are multiples of it (M 3.2.6)
OFFLOADS = ("rx_checksum", "tx_checksum")  # checksum engines a card may be built with, or without
PACKET_BUFFER_KB = 64  # RX and TX together; PBA says how it is shared (M 13.4.19)

# RCTL.BSEX, RCTL.BSIZE -> bytes of every RX buffer; (1, 0) is reserved and behaves as 16384
BUFFER_SIZES = {
    (0, 0): 2048, (0, 1): 1024, (0, 2): 512, (0, 3): 256,
    (1, 0): 16384, (1, 1): 16384, (1, 2): 8192, (1, 3): 4096,
}  # fmt: skip
