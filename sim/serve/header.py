"""What precedes every vfio-user message: 16 bytes, little-endian (QEMU, docs/interop/vfio-user.rst, "Header")."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["HEADER", "LONGEST", "MAX_DATA", "PAGE", "REPLY", "Command", "Header", "error", "parse_header", "reply"]

HEADER = struct.Struct("<HHIII")  # number, command, size with the header, flags, errno
MAX_DATA = 1 << 20  # bytes of one transfer, the specification's default
LONGEST = HEADER.size + 16 + MAX_DATA  # of a message; the longest are REGION_WRITEs
PAGE = 4096  # the only size of a page that is offered
TYPE, REPLY, NO_REPLY, ERROR = 0xF, 1, 1 << 4, 1 << 5


class Command(IntEnum):
    VERSION = 1
    DMA_MAP = 2
    DMA_UNMAP = 3
    DEVICE_GET_INFO = 4
    DEVICE_GET_REGION_INFO = 5
    DEVICE_GET_REGION_IO_FDS = 6
    DEVICE_GET_IRQ_INFO = 7
    DEVICE_SET_IRQS = 8
    REGION_READ = 9
    REGION_WRITE = 10
    DMA_READ = 11
    DMA_WRITE = 12
    DEVICE_RESET = 13
    REGION_WRITE_MULTI = 15
    DEVICE_FEATURE = 16
    MIG_DATA_READ = 17
    MIG_DATA_WRITE = 18


@dataclass(frozen=True, slots=True)
class Header:
    """`number` is the sender's and comes back in the answer; `size` is that of the whole message."""

    number: int
    command: int
    size: int
    flags: int = 0
    errno: int = 0

    @property
    def type(self) -> int:
        """0 for a command, 1 for a reply, anything else for nothing that there is."""
        return self.flags & TYPE

    @property
    def posted(self) -> bool:
        """Its sender wants no answer, not even an error."""
        return bool(self.flags & NO_REPLY)

    @property
    def failed(self) -> bool:
        """Of a reply: it is an errno."""
        return bool(self.flags & ERROR)

    @property
    def possible(self) -> bool:
        """Whether `size` can be that of a message. One that lies has lost the place where the next begins."""
        return HEADER.size <= self.size <= LONGEST

    def bytes(self) -> bytes:
        return HEADER.pack(self.number, self.command, self.size, self.flags, self.errno)


def parse_header(data: bytes) -> Header:
    """Of exactly 16 bytes."""
    return Header(*HEADER.unpack(data))


def reply(to: Header, payload: bytes = b"") -> bytes:
    return Header(to.number, to.command, HEADER.size + len(payload), REPLY).bytes() + payload


def error(to: Header, errno: int) -> bytes:
    """A header alone, as the specification wants it."""
    return Header(to.number, to.command, HEADER.size, REPLY | ERROR, errno).bytes()
