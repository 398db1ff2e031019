"""What a vfio-user client can ask for, as values (QEMU, docs/interop/vfio-user.rst). `parse.py` makes them of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

__all__ = [
    "Action", "Data", "DmaMap", "DmaUnmap", "GetInfo", "GetIrqInfo", "GetRegionInfo", "Message", "Refusal",
    "RegionRead", "RegionWrite", "Reset", "SetIrqs", "Version", "WriteMulti",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer by errno; `why` is for the person who watches."""

    errno: int
    why: str


class Data(IntEnum):
    """What a SetIrqs brings."""

    NONE = 1
    BOOL = 2
    EVENTFD = 4


class Action(Enum):
    MASK = 8
    UNMASK = 16
    TRIGGER = 32


@dataclass(frozen=True, slots=True)
class Version:
    major: int
    minor: int
    capabilities: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DmaMap:
    """`size` bytes at `address` of the device's, `offset` bytes into the file that came along, if one did."""

    address: int
    size: int
    offset: int
    readable: bool
    writable: bool


@dataclass(frozen=True, slots=True)
class DmaUnmap:
    """`echo` is what the answer repeats; `every`: all there is, whatever the address."""

    address: int
    size: int
    every: bool
    echo: bytes


@dataclass(frozen=True, slots=True)
class GetInfo:
    pass


@dataclass(frozen=True, slots=True)
class GetRegionInfo:
    index: int


@dataclass(frozen=True, slots=True)
class GetIrqInfo:
    index: int


@dataclass(frozen=True, slots=True)
class SetIrqs:
    """`bools` has a byte for each of `count` interrupts from `start` on when `data` is BOOL."""

    data: Data
    action: Action
    index: int
    start: int
    count: int
    bools: bytes = b""


@dataclass(frozen=True, slots=True)
class RegionRead:
    region: int
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class RegionWrite:
    region: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class WriteMulti:
    writes: tuple[RegionWrite, ...]


@dataclass(frozen=True, slots=True)
class Reset:
    pass


Message = (
    Version | DmaMap | DmaUnmap | GetInfo | GetRegionInfo | GetIrqInfo | SetIrqs | RegionRead | RegionWrite
    | WriteMulti | Reset
)  # fmt: skip
