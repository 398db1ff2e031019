"""virt-pci's messages: what a kernel tells a card, by its bytes."""

from __future__ import annotations

import random
import struct

import pytest

from ringbed.sim.lockstep.pci_message import CONFIG, BadMessage, PciRead, PciWrite, interrupt, parse_pci


def message(op: int, bar: int, size: int, address: int, data: bytes = b"") -> bytes:
    return struct.pack("<BBHIQ", op, bar, 0, size, address) + data


@pytest.mark.parametrize(
    ("data", "parsed"),
    [
        (message(1, 9, 2, 4), PciRead(CONFIG, 4, 2)),
        (message(2, 9, 2, 4, b"\7\0" + bytes(6)), PciWrite(CONFIG, 4, b"\7\0")),
        (message(3, 5, 4, 0x1FFFC), PciRead(5, 0x1FFFC, 4)),
        (message(3, 0, 65536, 0), PciRead(0, 0, 65536)),
        (message(4, 1, 4, 8, b"abcd"), PciWrite(1, 8, b"abcd")),
        (message(5, 0, 12, 16, b"\x5a"), PciWrite(0, 16, b"\x5a" * 12)),
    ],
    ids=["config read", "config write, padded", "read", "copy", "write", "set"],
)
def test_what_a_card_is_told(data: bytes, parsed: PciRead | PciWrite) -> None:
    assert parse_pci(data) == parsed


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "0 bytes are no message of virt-pci, which has 16 at least"),
        (message(3, 0, 4, 0)[:15], "15 bytes are no message"),
        *((message(op, 0, 4, 0, bytes(4)), f"operation {op} is nothing that a card is told") for op in (0, 6, 7, 8, 9)),
        (message(3, 6, 4, 0), "MMIO_READ of BAR 6: a card has 6"),
        (message(3, 0, 0, 0), "MMIO_READ of 0 bytes at 0x0"),
        (message(3, 0, 65537, 0), "MMIO_READ of 65537 bytes"),
        (message(3, 0, 4, 1 << 32), "MMIO_READ of 4 bytes at 0x100000000"),
        (message(1, 0, 9, 0), "CFG_READ of 9 bytes"),
        (message(4, 0, 4, 0, b"abc"), "MMIO_WRITE of 4 bytes brings 3"),
        (message(2, 0, 4, 0), "CFG_WRITE of 4 bytes brings 0"),
        (message(5, 0, 4, 0), "MMIO_MEMSET of 4 bytes brings 0"),
    ],
    ids=str,
)
def test_what_means_nothing(data: bytes, why: str) -> None:
    with pytest.raises(BadMessage, match=why):
        parse_pci(data)


def test_the_line() -> None:
    assert interrupt().hex() == "06000000000000000100000000000000"


def test_any_bytes_are_a_message_or_refused() -> None:
    chance = random.Random(7)
    good = 0
    for _ in range(20_000):
        data = bytearray(message(chance.randrange(7), chance.randrange(8), chance.choice([1, 4, 99]), 64, bytes(99)))
        for _ in range(chance.randrange(3)):
            data[chance.randrange(16)] = chance.randrange(256)
        try:
            parsed = parse_pci(bytes(data[: chance.choice([15, 20, len(data)])]))
        except BadMessage:
            continue
        good += 1
        size = parsed.count if isinstance(parsed, PciRead) else len(parsed.data)
        assert 0 < size <= 65536
        assert parsed.region in (*range(6), CONFIG)
    assert 0 < good < 20_000
