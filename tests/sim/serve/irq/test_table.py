"""MSI-X's table and pending bits, word by word."""

from __future__ import annotations

import pytest

from ringbed.drivers.world import MsixPlace
from ringbed.sim.serve.irq.table import Table, pba_bytes
from ringbed.sim.serve.irq.vectors import Vectors

TABLE, PBA, CONTROL = 0x40, 0x10000, 12


def made(count: int = 4) -> tuple[Table, Vectors]:
    vectors = Vectors(count, True)
    return Table(MsixPlace(2, TABLE, PBA), vectors), vectors


def test_addresses_and_data_are_kept_and_their_low_bits_are_none() -> None:
    table, _ = made()
    for vector in range(4):
        for at, value in ((0, 0xFEE0_0003 + (vector << 12)), (4, 7 + vector), (8, 0x4041 + vector)):
            table.write(TABLE + 16 * vector + at, value)
    words = [[table.read(TABLE + 16 * vector + at) for at in (0, 4, 8, CONTROL)] for vector in range(4)]
    assert words == [[0xFEE0_0000 + (vector << 12), 7 + vector, 0x4041 + vector, 1] for vector in range(4)]
    table.reset()
    assert [table.read(TABLE + at) for at in (0, 4, 8)] == [0, 0, 0]


def test_a_vectors_control_is_its_mask() -> None:
    table, vectors = made()
    table.write(TABLE + 16 + CONTROL, 0xFFFF_FFFE)
    assert (vectors.masked, table.read(TABLE + 16 + CONTROL)) == (0b1101, 0)
    vectors.mask(0b0010, True)
    assert table.read(TABLE + 16 + CONTROL) == 1
    vectors.mask(0b1000, False)
    assert table.read(TABLE + 48 + CONTROL) == 0


@pytest.mark.parametrize(("count", "size"), [(1, 8), (64, 8), (65, 16), (2048, 256)])
def test_pending_bits_are_whole_words(count: int, size: int) -> None:
    table, vectors = made(count)
    assert pba_bytes(count) == size
    last = 1 << count - 1
    vectors.look(last, last)
    words = [table.read(PBA + at) for at in range(0, size, 4)]
    assert sum(word << 32 * index for index, word in enumerate(words)) == last
    assert table.read(PBA + size) == 0


def test_pending_bits_are_not_written_and_nothing_lies_between() -> None:
    table, vectors = made()
    vectors.look(0b0100, 0b0100)
    for at in (0, TABLE - 4, TABLE + 64, PBA - 4, PBA, PBA + 8):
        table.write(at, 0xFFFF_FFFF)
    assert [table.read(at) for at in (0, TABLE - 4, TABLE + 64, PBA - 4, PBA + 8)] == [0] * 5
    assert (table.read(PBA), table.read(PBA + 4), vectors.masked) == (0b0100, 0, 0b1111)
