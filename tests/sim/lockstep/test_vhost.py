"""vhost-user's messages, by their bytes."""

from __future__ import annotations

import random
import struct

import pytest

from ringbed.sim.lockstep.vhost import (
    Bad,
    GetConfig,
    Header,
    MemRegion,
    MemTable,
    Message,
    Plain,
    Request,
    SetNumber,
    VringAddress,
    VringState,
    call,
    parse_header,
    parse_payload,
    reply,
)

TABLE = struct.pack("<IIQQQQ", 1, 0, 0x1000, 0x2000, 0x7000, 0x3000)

PARTS = (8, 4, 2), (16, 2, 2), (16, 4, 1)  # of a queue, one of them not on its boundary


def parsed(request: int, payload: bytes = b"", files: int = 0) -> Message:
    return parse_payload(Header(request, 1, len(payload)), payload, files)


@pytest.mark.parametrize(
    ("request_", "payload", "files", "message"),
    [
        (1, b"", 0, Plain(Request.GET_FEATURES)),
        (3, b"", 0, Plain(Request.SET_OWNER)),
        (21, b"", 1, Plain(Request.SET_BACKEND_REQ_FD)),
        (2, struct.pack("<Q", 5), 0, SetNumber(Request.SET_FEATURES, 5)),
        (5, TABLE, 1, MemTable((MemRegion(0x1000, 0x2000, 0x7000, 0x3000),))),
        (5, TABLE + bytes(32), 1, MemTable((MemRegion(0x1000, 0x2000, 0x7000, 0x3000),))),
        (8, struct.pack("<II", 1, 256), 0, VringState(Request.SET_VRING_NUM, 1, 256)),
        (9, struct.pack("<IIQQQQ", 1, 0, 16, 4, 2, 99), 0, VringAddress(1, 16, 4, 2)),
        (24, struct.pack("<III", 8, 4, 1) + bytes(4), 0, GetConfig(8, 4, struct.pack("<III", 8, 4, 1))),
        (35, struct.pack("<II", 0, 0), 0, VringState(Request.VRING_KICK, 0, 0)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Message) else "",
)
def test_what_is_asked(request_: int, payload: bytes, files: int, message: Message) -> None:
    assert parsed(request_, payload, files) == message


def table(**changed: int) -> bytes:
    values = {"count": 1, "address": 0x1000, "size": 0x2000, "own": 0x7000, "offset": 0} | changed
    count, *region = values.values()
    return struct.pack("<IIQQQQ", count, 0, *region)


@pytest.mark.parametrize(
    ("request_", "payload", "files", "why"),
    [
        (4, b"", 0, "request 4 is not served here"),
        (1, b"x", 0, "GET_FEATURES with a payload of 1 bytes"),
        (1, b"", 1, "GET_FEATURES with 1 file descriptors, not 0"),
        (21, b"", 0, "SET_BACKEND_REQ_FD with 0 file descriptors, not 1"),
        (2, bytes(7), 0, "SET_FEATURES with a payload of 7 bytes, not 8"),
        (8, struct.pack("<II", 2, 256), 0, "SET_VRING_NUM of queue 2: there are 2"),
        (8, struct.pack("<II", 0, 0), 0, "a queue of 0 entries"),
        (8, struct.pack("<II", 0, 96), 0, "a queue of 96 entries"),
        (8, struct.pack("<II", 0, 65536), 0, "a queue of 65536 entries"),
        (9, bytes(39), 0, "SET_VRING_ADDR with a payload of 39 bytes, not 40"),
        (9, struct.pack("<IIQQQQ", 0, 1, 16, 4, 2, 0), 0, "a queue with flags 0x1"),
        *((9, struct.pack("<IIQQQQ", 0, 0, *parts, 0), 0, "not aligned") for parts in PARTS),
        (5, b"", 0, "SET_MEM_TABLE with a payload of 0 bytes"),
        (5, table(count=0), 0, "a table of 0 regions"),
        (5, table(count=9), 9, "a table of 9 regions"),
        (5, table(count=2), 2, "2 regions in 40 bytes"),
        (5, table(), 0, "SET_MEM_TABLE with 0 file descriptors, not 1"),
        (5, table(size=0), 1, "0x0 bytes at 0x1000 are not made of pages"),
        (5, table(address=0x1001), 1, "0x2000 bytes at 0x1001 are not made of pages"),
        (5, table(offset=8), 1, "not made of pages"),
        (5, table(address=-0x1000 & (1 << 64) - 1), 1, "0x2000 bytes at 0xfffffffffffff000"),
        (5, table(own=(1 << 64) - 1), 1, "0x2000 bytes at 0x1000"),
        (5, table(offset=(1 << 63) - 4096), 1, "0x2000 bytes at 0x1000"),
        (24, bytes(11), 0, "GET_CONFIG with a payload of 11 bytes"),
        (24, struct.pack("<III", 0, 4, 0), 0, "GET_CONFIG of 4 bytes at 0"),
        (24, struct.pack("<III", 253, 4, 0) + bytes(4), 0, "GET_CONFIG of 4 bytes at 253"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_refused(request_: int, payload: bytes, files: int, why: str) -> None:
    with pytest.raises(Bad, match=why):
        parsed(request_, payload, files)


def test_a_header_says_where_its_message_ends_or_nothing_does() -> None:
    assert parse_header(struct.pack("<III", 35, 9, 8)) == Header(35, 9, 8)
    assert Header(35, 9, 8).wants_status
    assert not Header(35, 1, 8).wants_status
    assert Header(1, 1, 0).possible
    assert Header(1, 9, 4096).possible
    assert not any(Header(1, flags, size).possible for flags, size in ((1, 4097), (0, 0), (5, 0), (2, 0)))


def test_what_goes_back() -> None:
    assert reply(1, b"abc").hex() == "010000000500000003000000" + b"abc".hex()
    assert call(1).hex() == "0400000009000000080000000100000000000000"


def test_any_bytes_are_a_message_or_refused() -> None:
    chance = random.Random(3)
    good = 0
    for _ in range(20_000):
        request = chance.choice([*Request, 0, 4, 99])
        payload = bytearray(chance.choice([b"", bytes(8), struct.pack("<II", 1, 64), TABLE, bytes(40), bytes(12)]))
        for _ in range(chance.randrange(3) if payload else 0):
            payload[chance.randrange(len(payload))] = chance.randrange(256)
        try:
            parsed(request, bytes(payload), chance.randrange(2))
        except Bad:
            continue
        good += 1
    assert 0 < good < 20_000
