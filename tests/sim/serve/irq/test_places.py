"""A card with MSI and MSI-X both, MSI-X's table in a BAR with registers, and parts of words there."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sim.conftest import needs_native
from tests.sim.serve.client import CONFIG, Refused
from tests.sim.serve.irq.events import Events
from tests.sim.serve.irq.opened import Open, cards, put
from tests.sim.serve.lines_card import LINES, MSI, MSIX, PULSE, SCRATCH, SHARED

pytestmark = needs_native
ON, TABLE, PBA, CONTROL = 0x24, 0x100, 0x10, 12
BLOCK = 0x1000  # bytes of a BAR 0 that holds the table too


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    yield from cards(tmp_path)


def test_of_both_kinds_a_client_has_one_at_a_time(opened: Open) -> None:
    """Each works as alone, one after the other, and what the one has masked is nothing to the other."""
    bench, client = opened(MSI + MSIX)
    info = [struct.unpack("<4I", client.ask(7, struct.pack("<4I", 16, 0, each, 0)))[1:] for each in range(3)]
    assert info == [(7, 0, 1), (3, 1, 4), (3, 2, 4)]
    assert (client.read(CONFIG, 0x40, 1), client.read(CONFIG, 0x41, 1), client.read(CONFIG, 0x58, 1)) == (5, 0x58, 0x11)
    client.write(CONFIG, 0x42, 0x21, 2)
    client.write(CONFIG, 0x50, 0b0001, 4)  # MSI's mask of vector 0
    with Events(4) as msi, Events(4) as msix:
        client.set_vectors(ON, 2, 0, 4, msix.files)
        with pytest.raises(Refused, match="EINVAL"):
            client.set_vectors(ON, 1, 0, 4, msi.files)
        put(bench, client, LINES, 0b0011)
        assert (msix.told(), msi.told()) == ([1, 1, 0, 0], [0] * 4)
        assert client.read(CONFIG, 0x54) == 0b0011  # which MSI would have sent
        put(bench, client, LINES, 0)
        client.set_vectors(0x21, 2, 0, 0)
        client.set_vectors(ON, 1, 0, 4, msi.files)
        put(bench, client, LINES, 0b0011)
        assert (msix.told(), msi.told()) == ([0] * 4, [0, 1, 0, 0])
        assert client.read(CONFIG, 0x54) == 0b0001
        client.write(CONFIG, 0x50, 0, 4)
        assert msi.told() == [1, 0, 0, 0]
    assert bench.served.account()["interrupts"] == 4


def test_the_next_client_finds_both_as_they_began(opened: Open) -> None:
    bench, client = opened(MSI + MSIX)
    with Events(4) as events:
        client.set_vectors(ON, 1, 0, 4, events.files)
        client.close()
        bench.turn()
        other = bench.client()
        other.enable()
        other.set_vectors(ON, 2, 0, 4, events.files)
        put(bench, other, PULSE, 0b1000)
        assert events.told() == [0, 0, 0, 1]
        other.close()
        bench.turn()


def test_the_server_answers_the_table_and_the_card_the_rest(opened: Open) -> None:
    bench, client = opened(SHARED, BLOCK)
    client.write(0, SCRATCH, 0x1234_5678)
    client.write(0, TABLE, 0xFEE0_0000)
    client.write(0, TABLE + 8, 0x4021)
    assert [client.read(0, at) for at in (SCRATCH, TABLE, TABLE + 8, PBA, 0x20, BLOCK - 4)] == [
        0x1234_5678, 0xFEE0_0000, 0x4021, 0, 0, 0,
    ]  # fmt: skip
    assert client.read(0, PBA + 8) == 0x1234_5678  # this card's RTL has SCRATCH there, too
    put(bench, client, LINES, 0b0100)
    assert client.read(0, PBA) == 0b0100  # it is masked
    client.write(0, BLOCK - 4, 99)  # where nobody is
    whole = client.read_bytes(0, 0, 0x28)
    assert whole[PBA : PBA + 8] == (0b0100).to_bytes(8, "little")
    assert whole[SCRATCH : SCRATCH + 4] == whole[0x18:0x1C] == (0x1234_5678).to_bytes(4, "little")
    assert whole[0x20:] == bytes(8)
    account = bench.served.account()
    assert (account["table reads"], account["table writes"]) == (4 + 2, 2)
    with Events(4) as events:
        client.set_vectors(ON, 2, 0, 4, events.files)
        assert events.told() == [0, 0, 1, 0]
        client.write(0, TABLE + 16 * 2 + CONTROL, 1)
        put(bench, client, PULSE, 0b0110)
        assert events.told() == [0, 1, 0, 0]


def test_one_write_into_registers_and_table(opened: Open) -> None:
    _, client = opened("msix = { vectors = 4, bar = 0, table = 0x10, pba = 0x100, registers = true }\n", BLOCK)
    place = struct.pack("<QII", SCRATCH, 0, 16)
    assert client.ask(10, place + struct.pack("<4I", 7, 7, 0xFEE0_1000, 0)) == place
    assert [client.read(0, at) for at in (SCRATCH, 0x10, 0x14)] == [7, 0xFEE0_1000, 0]


def test_parts_of_words(opened: Open) -> None:
    """Of the table each byte is its own; a register is read in parts, and written as a whole."""
    _, client = opened(SHARED, BLOCK)
    client.write(0, TABLE, 0xFEE0_3000)
    client.write(0, TABLE + 1, 0x41, 1)
    client.write(0, TABLE + 2, 0x1234, 2)
    client.write(0, TABLE + 6, 0x8877_6655, 4)  # the end of one word and the beginning of the next
    assert [client.read(0, TABLE + at) for at in (0, 4, 8)] == [0x1234_4100, 0x6655_0000, 0x8877]
    assert [client.read(0, TABLE + at, 1) for at in range(4)] == [0, 0x41, 0x34, 0x12]
    client.write(0, TABLE + CONTROL, 0, 1)
    assert client.read(0, TABLE + CONTROL, 2) == 0
    client.write(0, TABLE + CONTROL + 1, 0xFF, 1)  # not where the mask is
    assert client.read(0, TABLE + CONTROL) == 0
    client.write(0, SCRATCH, 0x1234_5678)
    assert [client.read(0, SCRATCH + at, 1) for at in range(4)] == [0x78, 0x56, 0x34, 0x12]
    assert (client.read(0, SCRATCH + 1, 2), client.read(0, SCRATCH + 2, 2)) == (0x3456, 0x1234)
    assert client.read_bytes(0, SCRATCH + 3, 6) == b"\x12\x78\x56\x34\x12\0"  # to the pending bits
    for at, size in ((0, 1), (3, 1), (0, 2), (2, 2), (1, 3), (2, 4)):
        with pytest.raises(Refused) as said:
            client.write(0, SCRATCH + at, 0, size)
        assert said.value.errno == errno.EINVAL
    with pytest.raises(Refused):
        client.write(0, TABLE - 2, 0, 4)  # a part of a register's word, and a part of the table's
    assert client.read(0, SCRATCH) == 0x1234_5678
