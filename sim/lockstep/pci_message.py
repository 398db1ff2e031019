"""What a User Mode Linux says to a PCI card and hears of it: virt-pci's messages, parsed and made; nothing is touched.

Source: Linux, include/uapi/linux/virtio_pcidev.h. All little-endian on the machines that this runs on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["CONFIG", "BadMessage", "PciOp", "PciRead", "PciWrite", "interrupt", "parse_pci"]

HEADER = struct.Struct("<BBHIQ")  # operation, BAR, reserved, size, address
CONFIG = 7  # what PciFunction calls configuration space
BARS, LONGEST = 6, 8  # of a card; bytes of one access, but for copies
COPY = 1 << 16  # bytes of a copy at most


class BadMessage(Exception):
    """Bytes that mean nothing: one sentence."""


class PciOp(IntEnum):
    CFG_READ = 1
    CFG_WRITE = 2
    MMIO_READ = 3
    MMIO_WRITE = 4
    MMIO_MEMSET = 5
    INT = 6
    MSI = 7
    PME = 8


READS = (PciOp.CFG_READ, PciOp.MMIO_READ)
CONFIGS = (PciOp.CFG_READ, PciOp.CFG_WRITE)


@dataclass(frozen=True, slots=True)
class PciRead:
    """`region` is a BAR, or CONFIG."""

    region: int
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class PciWrite:
    region: int
    offset: int
    data: bytes


def parse_pci(data: bytes) -> PciRead | PciWrite:
    """What a kernel sends: a header, and of a write what is written. Raises BadMessage."""
    if len(data) < HEADER.size:
        raise BadMessage(f"{len(data)} bytes are no message of virt-pci, which has {HEADER.size} at least")
    op, bar, _, size, address = HEADER.unpack_from(data)
    if op not in (*READS, PciOp.CFG_WRITE, PciOp.MMIO_WRITE, PciOp.MMIO_MEMSET):
        raise BadMessage(f"operation {op} is nothing that a card is told")
    if op not in CONFIGS and bar >= BARS:
        raise BadMessage(f"{PciOp(op).name} of BAR {bar}: a card has {BARS}")
    most = LONGEST if op in CONFIGS else COPY
    if not 0 < size <= most or address >= 1 << 32:
        raise BadMessage(f"{PciOp(op).name} of {size} bytes at {address:#x}")
    region = CONFIG if op in CONFIGS else bar
    return PciRead(region, address, size) if op in READS else PciWrite(region, address, _written(op, size, data))


def _written(op: int, size: int, data: bytes) -> bytes:
    """The kernel pads what is shorter than its buffer."""
    body = data[HEADER.size :]
    wanted = 1 if op == PciOp.MMIO_MEMSET else size
    if len(body) < wanted:
        raise BadMessage(f"{PciOp(op).name} of {size} bytes brings {len(body)}")
    return body[:1] * size if op == PciOp.MMIO_MEMSET else body[:size]


def interrupt(pin: int = 1) -> bytes:
    """INTA# (1) to INTD# (4) is up."""
    return HEADER.pack(PciOp.INT, 0, 0, 0, pin)
