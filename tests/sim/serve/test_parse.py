"""Bytes in, a typed message or a refusal out: each layout as the specification has it, and garbage of every kind."""

from __future__ import annotations

import errno
import json
import random
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.serve.header import HEADER, LONGEST, MAX_DATA, PAGE, Command, Header, error, parse_header, reply
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
from ringbed.sim.serve.parse import parse

u64s = st.integers(0, (1 << 64) - 1)
u32s = st.integers(0, (1 << 32) - 1)
ALL = (
    Version, DmaMap, DmaUnmap, GetInfo, GetRegionInfo, GetIrqInfo, SetIrqs, RegionRead, RegionWrite, WriteMulti, Reset,
)  # fmt: skip


def asked(command: int, payload: bytes, files: int = 0) -> Message | Refusal:
    return parse(Header(7, command, HEADER.size + len(payload)), payload, files)


def why(command: int, payload: bytes, files: int = 0, code: int = errno.EINVAL) -> str:
    answer = asked(command, payload, files)
    assert isinstance(answer, Refusal)
    assert answer.errno == code
    return answer.why


def version(capabilities: object, end: bytes = b"\0") -> bytes:
    return struct.pack("<HH", 0, 0) + json.dumps({"capabilities": capabilities}).encode() + end


OFFERED: dict[str, object] = {"max_msg_fds": 8, "write_multiple": True}
ONE, EVERY = struct.pack("<IIQQ", 24, 0, 0x1000, 0x3000), struct.pack("<IIQQ", 24, 2, 0, 0)
FLAGS = "do not name one action and one kind of data"
TOO_SMALL = "is too small for an answer of"
GOOD: list[tuple[int, bytes, int, Message]] = [
    (1, struct.pack("<HH", 0, 1), 0, Version(0, 1)),
    (1, version(OFFERED), 0, Version(0, 0, OFFERED)),
    (1, struct.pack("<HH", 0, 0) + b"{}\0", 0, Version(0, 0)),
    (2, struct.pack("<IIQQQ", 32, 3, 0x2000, 0x1000, 0x3000), 1, DmaMap(0x1000, 0x3000, 0x2000, True, True)),
    (2, struct.pack("<IIQQQ", 32, 1, 0, 0xC0000, 0x1000), 0, DmaMap(0xC0000, 0x1000, 0, True, False)),
    (2, struct.pack("<IIQQQ", 32, 2, 0, (1 << 64) - PAGE, PAGE), 0, DmaMap((1 << 64) - PAGE, PAGE, 0, False, True)),
    (3, ONE, 0, DmaUnmap(0x1000, 0x3000, False, ONE)),
    (3, EVERY, 0, DmaUnmap(0, 0, True, EVERY)),
    (4, struct.pack("<4I", 16, 0, 0, 0), 0, GetInfo()),
    (5, struct.pack("<4IQQ", 32, 0, 7, 0, 0, 0), 0, GetRegionInfo(7)),
    (5, struct.pack("<4IQQ", 64, 0, 7, 0, 0, 0) + bytes(32), 0, GetRegionInfo(7)),
    (7, struct.pack("<4I", 16, 0, 2, 0), 0, GetIrqInfo(2)),
    (8, struct.pack("<5I", 20, 0x24, 0, 0, 1), 1, SetIrqs(Data.EVENTFD, Action.TRIGGER, 0, 0, 1)),
    (8, struct.pack("<5I", 20, 0x24, 0, 0, 1), 0, SetIrqs(Data.EVENTFD, Action.TRIGGER, 0, 0, 1)),
    (8, struct.pack("<5I", 20, 0x21, 0, 0, 0), 0, SetIrqs(Data.NONE, Action.TRIGGER, 0, 0, 0)),
    (8, struct.pack("<5I", 22, 0x0A, 2, 1, 2) + b"\1\0", 0, SetIrqs(Data.BOOL, Action.MASK, 2, 1, 2, b"\1\0")),
    (9, struct.pack("<QII", 8, 0, 4), 0, RegionRead(0, 8, 4)),
    (10, struct.pack("<QII", 8, 7, 2) + b"\6\4", 0, RegionWrite(7, 8, b"\6\4")),
    (13, b"", 0, Reset()),
    (15, struct.pack("<Q", 0), 0, WriteMulti(())),
    (15, struct.pack("<QQII8s", 1, 0x3818, 0, 4, b"\1\2\3\4"), 0, WriteMulti((RegionWrite(0, 0x3818, b"\1\2\3\4"),))),
]  # fmt: skip


@pytest.mark.parametrize(("command", "payload", "files", "wanted"), GOOD)
def test_the_layouts(command: int, payload: bytes, files: int, wanted: Message) -> None:
    assert asked(command, payload, files) == wanted


BAD: list[tuple[int, bytes, int, str]] = [
    (0, b"", 0, "command 0 is not served here"),
    (14, b"", 0, "command 14 is not served here"),
    (1, b"\0\0\0", 0, "VERSION: a payload of 3 bytes"),
    (1, version({}, b""), 0, "VERSION: its JSON does not end in 0"),
    (1, bytes(4) + b"[\0", 0, "VERSION: what it says is no JSON"),
    (1, bytes(4) + b"[" * 100_000 + b"\0", 0, "VERSION: what it says is no JSON"),
    (1, bytes(4) + b"\xff\0", 0, "VERSION: what it says is no JSON"),
    (1, bytes(4) + b"[]\0", 0, "VERSION: its JSON is no object"),
    (1, version([]), 0, "VERSION: its capabilities are no object"),
    (1, version({"max_msg_fds": True}), 0, "VERSION: max_msg_fds is True"),
    (1, version({"max_data_xfer_size": 0}), 0, "VERSION: max_data_xfer_size is 0"),
    (1, version({"pgsizes": "4096"}), 0, "VERSION: pgsizes is '4096'"),
    (1, version({"write_multiple": 1}), 0, "VERSION: write_multiple is no boolean"),
    (2, bytes(31), 0, "DMA_MAP: a payload of 31 bytes, not 32"),
    (2, struct.pack("<IIQQQ", 32, 0, 0, 0, PAGE), 0, "DMA_MAP: flags 0x0"),
    (2, struct.pack("<IIQQQ", 32, 7, 0, 0, PAGE), 0, "DMA_MAP: flags 0x7"),
    (2, struct.pack("<IIQQQ", 32, 3, 0, 0, 0), 0, "DMA_MAP: 0x0 bytes at 0x0 are not made of pages"),
    (2, struct.pack("<IIQQQ", 32, 3, 1, 0, PAGE), 0, "DMA_MAP: 0x1000 bytes at 0x0 are not made of pages"),
    (2, struct.pack("<IIQQQ", 32, 3, 0, (1 << 64) - PAGE, 2 * PAGE), 0, "DMA_MAP: 0x2000 bytes at 0xfffffffffffff000"),
    (2, struct.pack("<IIQQQ", 32, 3, (1 << 63) - PAGE, 0, 2 * PAGE), 0, "DMA_MAP: 0x2000 bytes at 0x0"),
    (2, struct.pack("<IIQQQ", 32, 3, 0, 0, PAGE), 2, "DMA_MAP with 2 file descriptors"),
    (3, struct.pack("<IIQQ", 24, 1, 0, PAGE), 0, "DMA_UNMAP: flags 0x1"),
    (3, struct.pack("<IIQQ", 24, 2, 0, PAGE), 0, "DMA_UNMAP: size 0x1000 with flags 0x2"),
    (3, struct.pack("<IIQQ", 24, 0, 0, 0), 0, "DMA_UNMAP: size 0x0 with flags 0x0"),
    (3, struct.pack("<IIQQ", 24, 0, PAGE, (1 << 64) - PAGE + 1), 0, "DMA_UNMAP: 0xfffffffffffff001 bytes at 0x1000"),
    (4, struct.pack("<4I", 15, 0, 0, 0), 0, f"DEVICE_GET_INFO: argsz 15 {TOO_SMALL} 16 bytes"),
    (4, bytes(15), 0, "DEVICE_GET_INFO: a payload of 15 bytes, not 16"),
    (5, struct.pack("<4IQQ", 31, 0, 0, 0, 0, 0), 0, f"DEVICE_GET_REGION_INFO: argsz 31 {TOO_SMALL} 32 bytes"),
    (8, struct.pack("<5I", 20, 0x23, 0, 0, 1), 0, f"DEVICE_SET_IRQS: flags 0x23 {FLAGS}"),
    (8, struct.pack("<5I", 20, 0x31, 0, 0, 1), 0, f"DEVICE_SET_IRQS: flags 0x31 {FLAGS}"),
    (8, struct.pack("<5I", 20, 0x24, 0, 0, 2), 1, "DEVICE_SET_IRQS: 1 file descriptors"),
    (8, struct.pack("<5I", 20, 0x21, 0, 0, 1), 1, "DEVICE_SET_IRQS: 1 file descriptors"),
    (8, struct.pack("<5I", 20, 0x22, 0, 0, 2) + b"\1", 0, "DEVICE_SET_IRQS: 1 booleans for 2 interrupts"),
    (8, struct.pack("<5I", 20, 0x09, 0, 0, 0), 0, "DEVICE_SET_IRQS: no interrupt is named"),
    (8, struct.pack("<5I", 20, 0x21, 0, 0xFFFF_FFFF, 1), 0, "DEVICE_SET_IRQS: 1 interrupts from 4294967295 on"),
    (9, struct.pack("<QII", 0, 0, 0), 0, "REGION_READ: 0 bytes at once"),
    (9, struct.pack("<QII", 0, 0, MAX_DATA + 1), 0, "REGION_READ: 1048577 bytes at once"),
    (10, struct.pack("<QII", 0, 0, 4) + bytes(3), 0, "REGION_WRITE: a payload of 19 bytes, not 20"),
    (10, struct.pack("<QII", 0, 0, 4) + bytes(4), 1, "REGION_WRITE with 1 file descriptors"),
    (13, b"\0", 0, "DEVICE_RESET: a payload of 1 bytes"),
    (15, struct.pack("<Q", 1 << 40), 0, f"REGION_WRITE_MULTI: a payload of 8 bytes, not {8 + (24 << 40)}"),
    (15, struct.pack("<QQII8s", 1, 0, 0, 9, b""), 0, "REGION_WRITE_MULTI: a write that is not of 1 to 8 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "payload", "files", "said"), BAD, ids=range(len(BAD)))
def test_what_is_refused(command: int, payload: bytes, files: int, said: str) -> None:
    assert why(command, payload, files) == said


@pytest.mark.parametrize("command", [6, 11, 12, 16, 17, 18])
def test_what_there_is_and_is_not_served_is_another_error(command: int) -> None:
    assert "not served" in why(command, b"", code=errno.ENOTSUP)


@given(u32s, st.integers(0, 0xFFFF), st.binary(max_size=40))
def test_headers_come_back(flags: int, number: int, payload: bytes) -> None:
    header = Header(number, 9, HEADER.size + len(payload), flags)
    assert parse_header(header.bytes()) == header
    answer = reply(header, payload)
    came = parse_header(answer[: HEADER.size])
    assert (came.number, came.command, came.size, came.type) == (number, 9, len(answer), 1)
    assert answer[HEADER.size :] == payload
    refused = parse_header(error(header, errno.EEXIST))
    assert (refused.number, refused.size, refused.flags, refused.errno) == (number, HEADER.size, 0x21, errno.EEXIST)


def test_a_header_may_lie_about_its_size() -> None:
    sizes = [0, HEADER.size - 1, HEADER.size, LONGEST, LONGEST + 1]
    assert [Header(0, 1, size).possible for size in sizes] == [False, False, True, True, False]
    assert [Header(0, 1, 16, flags).posted for flags in (0, 0x10, 0x11)] == [False, True, True]


@given(u64s, st.integers(0, 8), st.binary(min_size=1, max_size=64))
def test_a_write_is_what_was_written(offset: int, region: int, data: bytes) -> None:
    assert asked(10, struct.pack("<QII", offset, region, len(data)) + data) == RegionWrite(region, offset, data)


def scrambled(rng: random.Random) -> tuple[int, bytes, int]:
    """A good message with some bytes changed, its end cut off or grown, or nothing but noise."""
    command, payload, files, _ = rng.choice(GOOD)
    bytes_ = bytearray(payload)
    for _ in range(rng.randrange(3)):
        if bytes_:
            bytes_[rng.randrange(len(bytes_))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    kind = rng.randrange(6)
    if kind == 0:
        bytes_ = bytes_[: rng.randrange(len(bytes_) + 1)]
    elif kind == 1:
        bytes_ += rng.randbytes(rng.randrange(64))
    elif kind == 2:
        command, bytes_ = rng.randrange(20), bytearray(rng.randbytes(rng.randrange(64)))
    return command, bytes(bytes_), files if rng.randrange(4) else rng.randrange(4)


def within_bounds(message: Any) -> bool:
    """What a message that was let through holds whatever its bytes were."""
    if isinstance(message, DmaMap):
        whole = not (message.address | message.size | message.offset) % PAGE
        return whole and 0 < message.size and message.address + message.size <= 1 << 64
    if isinstance(message, RegionRead):
        return 0 < message.count <= MAX_DATA
    if isinstance(message, SetIrqs):
        return message.start + message.count < 1 << 16 and len(message.bools) in (0, message.count)
    if isinstance(message, WriteMulti):
        return all(0 < len(write.data) <= 8 for write in message.writes)
    return isinstance(message, ALL)


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.full)])
def test_whatever_comes_is_a_message_or_refused(count: int) -> None:
    rng, kinds = random.Random(count), set[type]()
    for _ in range(count):
        command, payload, files = scrambled(rng)
        answer = asked(command, payload, files)
        kinds.add(type(answer))
        if isinstance(answer, Refusal):
            assert answer.errno in (errno.EINVAL, errno.ENOTSUP)
            assert answer.why
        else:
            assert within_bounds(answer), (command, payload, files)
    assert kinds == {*ALL, Refusal}


def test_every_command_has_a_name() -> None:
    assert {command for command, *_ in GOOD} == set(Command) - {6, 11, 12, 16, 17, 18}
