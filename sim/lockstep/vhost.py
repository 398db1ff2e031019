"""vhost-user as a User Mode Linux speaks it: bytes in, a typed message or a refusal out; nothing is touched here.

Sources: QEMU, docs/interop/vhost-user.rst; Linux, arch/um/drivers/vhost_user.h. All little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

__all__ = [
    "FEATURES", "HEADER", "LONGEST", "PROTOCOL", "QUEUES", "Bad", "GetConfig", "Header", "MemTable", "MemRegion",
    "Plain", "Request", "SetNumber", "VringAddress", "VringState", "call", "parse_header", "parse_payload", "reply",
]  # fmt: skip

HEADER, NUMBER, STATE = struct.Struct("<III"), struct.Struct("<Q"), struct.Struct("<II")
ADDRESS, CONFIG = struct.Struct("<IIQQQQ"), struct.Struct("<III")
TABLE, REGION = struct.Struct("<II"), struct.Struct("<QQQQ")
VERSION, REPLY, NEED_REPLY = 1, 4, 8  # flags
LONGEST, QUEUES, MOST_REGIONS, MOST_ENTRIES = 4096, 2, 8, 32768
PAGE = 4096
LAST = (1 << 64) - 1
VRING_CALL = 4  # of those that a back end sends
FEATURES = 1 << 30 | 1 << 32  # protocol features; virtio 1


class Protocol(IntFlag):
    """Protocol features."""

    REPLY_ACK = 1 << 3
    BACKEND_REQUESTS = 1 << 5
    CONFIG = 1 << 9
    IN_BAND = 1 << 14


PROTOCOL = Protocol.REPLY_ACK | Protocol.BACKEND_REQUESTS | Protocol.CONFIG | Protocol.IN_BAND


class Request(IntEnum):
    GET_FEATURES = 1
    SET_FEATURES = 2
    SET_OWNER = 3
    SET_MEM_TABLE = 5
    SET_VRING_NUM = 8
    SET_VRING_ADDR = 9
    SET_VRING_BASE = 10
    GET_PROTOCOL_FEATURES = 15
    SET_PROTOCOL_FEATURES = 16
    SET_VRING_ENABLE = 18
    SET_BACKEND_REQ_FD = 21
    GET_CONFIG = 24
    VRING_KICK = 35


class Bad(Exception):
    """A message that is refused: one sentence."""


@dataclass(frozen=True, slots=True)
class Header:
    """`size` is the payload's."""

    request: int
    flags: int
    size: int

    @property
    def wants_status(self) -> bool:
        return bool(self.flags & NEED_REPLY)

    @property
    def possible(self) -> bool:
        """Whether the payload's end can be told."""
        return self.flags & ~NEED_REPLY == VERSION and self.size <= LONGEST


@dataclass(frozen=True, slots=True)
class Plain:
    """A request without a payload, or whose payload is its file: SET_OWNER, the two questions, SET_BACKEND_REQ_FD."""

    request: Request


@dataclass(frozen=True, slots=True)
class SetNumber:
    """SET_FEATURES, SET_PROTOCOL_FEATURES."""

    request: Request
    value: int


@dataclass(frozen=True, slots=True)
class VringState:
    """SET_VRING_NUM, SET_VRING_BASE, SET_VRING_ENABLE, VRING_KICK of queue `index`."""

    request: Request
    index: int
    value: int


@dataclass(frozen=True, slots=True)
class VringAddress:
    """Where the three parts of queue `index` lie, in the kernel's own addresses."""

    index: int
    descriptors: int
    used: int
    available: int


@dataclass(frozen=True, slots=True)
class MemRegion:
    """`size` bytes of guest memory at `address`, which the kernel itself has at `own`, `offset` bytes into the file."""

    address: int
    size: int
    own: int
    offset: int


@dataclass(frozen=True, slots=True)
class MemTable:
    """A file came with each region, in this order."""

    regions: tuple[MemRegion, ...]


@dataclass(frozen=True, slots=True)
class GetConfig:
    """`size` bytes of the device's own configuration from `offset` on; `echo` is repeated before them."""

    offset: int
    size: int
    echo: bytes


Message = Plain | SetNumber | VringState | VringAddress | MemTable | GetConfig
PLAIN = (Request.GET_FEATURES, Request.SET_OWNER, Request.GET_PROTOCOL_FEATURES, Request.SET_BACKEND_REQ_FD)
NUMBERS = (Request.SET_FEATURES, Request.SET_PROTOCOL_FEATURES)


def parse_header(data: bytes) -> Header:
    """Of exactly 12 bytes."""
    return Header(*HEADER.unpack(data))


def parse_payload(header: Header, payload: bytes, files: int) -> Message:
    """`files`: how many file descriptors came along. Raises Bad."""
    try:
        request = Request(header.request)
    except ValueError:
        raise Bad(f"request {header.request} is not served here") from None
    message = _parsed(request, payload)
    wanted = 1 if request is Request.SET_BACKEND_REQ_FD else 0
    wanted = len(message.regions) if isinstance(message, MemTable) else wanted
    _need(files == wanted, f"{request.name} with {files} file descriptors, not {wanted}")
    return message


def _parsed(request: Request, payload: bytes) -> Message:
    if request in PLAIN:
        _need(not payload, f"{request.name} with a payload of {len(payload)} bytes")
        return Plain(request)
    if request is Request.SET_MEM_TABLE:
        return _table(payload)
    if request is Request.GET_CONFIG:
        return _config(payload)
    layout = NUMBER if request in NUMBERS else ADDRESS if request is Request.SET_VRING_ADDR else STATE
    _need(len(payload) == layout.size, f"{request.name} with a payload of {len(payload)} bytes, not {layout.size}")
    if layout is NUMBER:
        return SetNumber(request, *NUMBER.unpack(payload))
    index = int.from_bytes(payload[:4], "little")
    _need(index < QUEUES, f"{request.name} of queue {index}: there are {QUEUES}")
    return _address(payload) if layout is ADDRESS else _state(request, index, int.from_bytes(payload[4:], "little"))


def _state(request: Request, index: int, value: int) -> VringState:
    if request is Request.SET_VRING_NUM:
        _need(0 < value <= MOST_ENTRIES and not value & (value - 1), f"a queue of {value} entries, no power of two")
    return VringState(request, index, value)


def _address(payload: bytes) -> VringAddress:
    index, flags, descriptors, used, available, _ = ADDRESS.unpack(payload)
    _need(not flags, f"a queue with flags {flags:#x}")
    _need(not (descriptors % 16 or available % 2 or used % 4), "a queue whose parts are not aligned")
    return VringAddress(index, descriptors, used, available)


def _table(payload: bytes) -> MemTable:
    """The kernel sends room for more regions than there are."""
    _need(len(payload) >= TABLE.size, f"SET_MEM_TABLE with a payload of {len(payload)} bytes")
    count, _ = TABLE.unpack_from(payload)
    _need(0 < count <= MOST_REGIONS, f"a table of {count} regions")
    _need(len(payload) >= TABLE.size + count * REGION.size, f"{count} regions in {len(payload)} bytes")
    regions = [MemRegion(*REGION.unpack_from(payload, TABLE.size + at * REGION.size)) for at in range(count)]
    for each in regions:
        whole = each.size and not (each.address | each.size | each.offset) % PAGE
        _need(whole, f"{each.size:#x} bytes at {each.address:#x} are not made of pages")
        ends = max(each.address + each.size, each.own + each.size)
        _need(ends <= LAST and each.offset + each.size <= LAST >> 1, f"{each.size:#x} bytes at {each.address:#x}")
    return MemTable(tuple(regions))


def _config(payload: bytes) -> GetConfig:
    _need(len(payload) >= CONFIG.size, f"GET_CONFIG with a payload of {len(payload)} bytes")
    offset, size, _ = CONFIG.unpack_from(payload)
    _need(len(payload) == CONFIG.size + size and offset + size <= 256, f"GET_CONFIG of {size} bytes at {offset}")
    return GetConfig(offset, size, payload[: CONFIG.size])


def _need(holds: object, why: str) -> None:
    if not holds:
        raise Bad(why)


def reply(request: int, payload: bytes) -> bytes:
    return HEADER.pack(request, VERSION | REPLY, len(payload)) + payload


def call(index: int) -> bytes:
    """Queue `index` has something; the kernel says when it has heard."""
    return HEADER.pack(VRING_CALL, VERSION | NEED_REPLY, STATE.size) + STATE.pack(index, 0)
