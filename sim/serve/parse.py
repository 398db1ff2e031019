"""Bytes of a vfio-user client in, a typed message or a refusal out; nothing is touched here.

The layouts are those of QEMU's docs/interop/vfio-user.rst, all little-endian. What a message means for a card, and
whether the card has what it names, is said in `session.py`; what can be seen from the bytes alone is refused here.
"""

from __future__ import annotations

import errno
import json
import struct
from collections.abc import Callable

from ringbed.sim.serve.header import MAX_DATA, PAGE, Command, Header
from ringbed.sim.serve.messages import (
    Action,
    Data,
    DmaMap,
    DmaUnmap,
    GetInfo,
    GetIrqInfo,
    GetRegionInfo,
    Message,
    Refusal,
    RegionRead,
    RegionWrite,
    Reset,
    SetIrqs,
    Version,
    WriteMulti,
)

__all__ = ["parse"]

VERSION, MAP, UNMAP = struct.Struct("<HH"), struct.Struct("<IIQQQ"), struct.Struct("<IIQQ")
INFO, REGION_INFO, SET_IRQS = struct.Struct("<4I"), struct.Struct("<4IQQ"), struct.Struct("<5I")
ACCESS, COUNT, ONE_WRITE = struct.Struct("<QII"), struct.Struct("<Q"), struct.Struct("<QII8s")
READABLE, WRITABLE, EVERY = 1, 2, 2  # flags of a map; of an unmap
LAST = (1 << 64) - 1
SHOWN = 40  # characters of a value that is none
NUMBERS = ("max_msg_fds", "max_data_xfer_size", "max_dma_maps", "pgsizes")  # capabilities that are numbers


class Bad(Exception):
    """A refusal on its way out of this file."""


def parse(header: Header, payload: bytes, files: int = 0) -> Message | Refusal:
    """The command with `payload` behind its header and so many file descriptors beside it."""
    if header.command not in PARSERS:
        known = any(header.command == command for command in Command)
        return Refusal(errno.ENOTSUP if known else errno.EINVAL, f"command {header.command} is not served here")
    most, read = PARSERS[header.command]
    name = Command(header.command).name
    if most is not None and files > most:
        return Refusal(errno.EINVAL, f"{name} with {files} file descriptors")
    try:
        return read(payload, files)
    except Bad as bad:
        return Refusal(errno.EINVAL, f"{name}: {bad}")


def _need(holds: object, why: str) -> None:
    if not holds:
        raise Bad(why)


def _exactly(layout: struct.Struct, payload: bytes, extra: int = 0) -> None:
    wanted = layout.size + extra
    _need(len(payload) == wanted, f"a payload of {len(payload)} bytes, not {wanted}")


def _version(payload: bytes, files: int) -> Version:
    _need(len(payload) >= VERSION.size, f"a payload of {len(payload)} bytes")
    text = payload[VERSION.size :]
    major, minor = VERSION.unpack_from(payload)
    return Version(major, minor, _capabilities(text) if text else {})


def _capabilities(text: bytes) -> dict[str, object]:
    _need(text.endswith(b"\0"), "its JSON does not end in 0")
    try:
        found = json.loads(text[:-1].decode())
    except (ValueError, RecursionError):
        raise Bad("what it says is no JSON") from None
    _need(isinstance(found, dict), "its JSON is no object")
    offered = found.get("capabilities", {})
    _need(isinstance(offered, dict), "its capabilities are no object")
    for name in NUMBERS:
        number = offered.get(name, 1)
        _need(type(number) is int and 0 < number <= LAST, f"{name} is {repr(number)[:SHOWN]}")
    _need(type(offered.get("write_multiple", True)) is bool, "write_multiple is no boolean")
    return dict(offered)


def _map(payload: bytes, files: int) -> DmaMap:
    _exactly(MAP, payload)
    _, flags, offset, address, size = MAP.unpack(payload)
    _need(flags and not flags & ~(READABLE | WRITABLE), f"flags {flags:#x}")
    _need(size and not (address | size | offset) % PAGE, f"{size:#x} bytes at {address:#x} are not made of pages")
    _need(address + size - 1 <= LAST and offset + size - 1 <= LAST >> 1, f"{size:#x} bytes at {address:#x}")
    return DmaMap(address, size, offset, bool(flags & READABLE), bool(flags & WRITABLE))


def _unmap(payload: bytes, files: int) -> DmaUnmap:
    _need(len(payload) >= UNMAP.size, f"a payload of {len(payload)} bytes")
    _, flags, address, size = UNMAP.unpack_from(payload)
    _need(not flags & ~EVERY, f"flags {flags:#x}")
    _need(bool(flags & EVERY) != bool(size), f"size {size:#x} with flags {flags:#x}")
    _need(address + size <= LAST + 1, f"{size:#x} bytes at {address:#x}")
    return DmaUnmap(address, size, bool(flags & EVERY), payload[: UNMAP.size])


def _room(layout: struct.Struct, payload: bytes) -> None:
    """A question has the form of its answer, and `argsz` says how much of it there is room for."""
    _need(len(payload) >= layout.size, f"a payload of {len(payload)} bytes, not {layout.size}")
    room = int.from_bytes(payload[:4], "little")
    _need(room >= layout.size, f"argsz {room} is too small for an answer of {layout.size} bytes")


def _info(payload: bytes, files: int) -> GetInfo:
    _room(INFO, payload)
    return GetInfo()


def _region_info(payload: bytes, files: int) -> GetRegionInfo:
    _room(REGION_INFO, payload)
    return GetRegionInfo(REGION_INFO.unpack_from(payload)[2])


def _irq_info(payload: bytes, files: int) -> GetIrqInfo:
    _room(INFO, payload)
    return GetIrqInfo(INFO.unpack_from(payload)[2])


def _set_irqs(payload: bytes, files: int) -> SetIrqs:
    _need(len(payload) >= SET_IRQS.size, f"a payload of {len(payload)} bytes")
    _, flags, index, start, count = SET_IRQS.unpack_from(payload)
    try:
        data, action = Data(flags & 7), Action(flags & ~7)
    except ValueError:
        raise Bad(f"flags {flags:#x} do not name one action and one kind of data") from None
    _need(start + count < 1 << 16, f"{count} interrupts from {start} on")
    _need(count or (data is Data.NONE and action is Action.TRIGGER and not start), "no interrupt is named")
    _need(files in (0, count) if data is Data.EVENTFD else not files, f"{files} file descriptors")
    bools = payload[SET_IRQS.size :] if data is Data.BOOL else b""
    _need(data is not Data.BOOL or len(bools) == count, f"{len(bools)} booleans for {count} interrupts")
    return SetIrqs(data, action, index, start, count, bools)


def _read(payload: bytes, files: int) -> RegionRead:
    _exactly(ACCESS, payload)
    offset, region, count = ACCESS.unpack(payload)
    _need(0 < count <= MAX_DATA, f"{count} bytes at once")
    return RegionRead(region, offset, count)


def _write(payload: bytes, files: int) -> RegionWrite:
    _need(len(payload) >= ACCESS.size, f"a payload of {len(payload)} bytes")
    offset, region, count = ACCESS.unpack_from(payload)
    _need(0 < count <= MAX_DATA, f"{count} bytes at once")
    _exactly(ACCESS, payload, count)
    return RegionWrite(region, offset, payload[ACCESS.size :])


def _write_multi(payload: bytes, files: int) -> WriteMulti:
    _need(len(payload) >= COUNT.size, f"a payload of {len(payload)} bytes")
    (count,) = COUNT.unpack_from(payload)
    _exactly(COUNT, payload, count * ONE_WRITE.size)
    writes = list(ONE_WRITE.iter_unpack(payload[COUNT.size :]))
    _need(all(0 < size <= 8 for _, _, size, _ in writes), "a write that is not of 1 to 8 bytes")
    return WriteMulti(tuple(RegionWrite(region, offset, data[:size]) for offset, region, size, data in writes))


def _reset(payload: bytes, files: int) -> Reset:
    _need(not payload, f"a payload of {len(payload)} bytes")
    return Reset()


# by command: how many file descriptors may come along (None: its reader looks), and what reads it
PARSERS: dict[int, tuple[int | None, Callable[[bytes, int], Message]]] = {
    Command.VERSION: (0, _version),
    Command.DMA_MAP: (1, _map),
    Command.DMA_UNMAP: (0, _unmap),
    Command.DEVICE_GET_INFO: (0, _info),
    Command.DEVICE_GET_REGION_INFO: (0, _region_info),
    Command.DEVICE_GET_IRQ_INFO: (0, _irq_info),
    Command.DEVICE_SET_IRQS: (None, _set_irqs),
    Command.REGION_READ: (0, _read),
    Command.REGION_WRITE: (0, _write),
    Command.DEVICE_RESET: (0, _reset),
    Command.REGION_WRITE_MULTI: (0, _write_multi),
}
