"""Received frames in host memory: every size, every buffer size and alignment, descriptors by the manual (M 3.2.3)."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import RCTL, Card, Opener, Received, fcs, frame, raw_sum
from tests.hw.nics.em.packets import tcp4, udp4, with_bad

NO_STRIP = tuple(bit for bit in RCTL if bit != "SECRC")
BUFFERS = (256, 512, 1024, 2048, 4096, 8192, 16384)
PATTERN = 0xA5


def check(card: Card, got: Received, wire: bytes) -> None:
    """Everything a frame's descriptors say, against the frame on the wire (of a type no offload knows)."""
    data = wire[:-4] if "SECRC" in card.rctl else wire
    assert got.data == data
    count = -(-len(data) // card.size)
    assert [p["length"] for p in got.parts] == [card.size] * (count - 1) + [len(data) - card.size * (count - 1)]
    assert [p["EOP"] for p in got.parts] == [0] * (count - 1) + [1]
    assert [p["checksum"] for p in got.parts] == [raw_sum(data)] + [0] * (count - 1)
    for part in got.parts:
        assert not any(part[name] for name in ("VP", "PIF", "CE", "SE", "SEQ", "CXE", "RXE", "special"))
        assert part["IXSM"] == part["EOP"]
        assert not any(part[name] for name in ("TCPCS", "IPCS", "TCPE", "IPE"))


def pass_through(card: Card, wires: list[bytes], offsets: Sequence[int | None] = ()) -> None:
    """All of `wires`, as many at a time as the ring has buffers for."""
    rest = iter(offsets)
    while wires:
        card.post(offsets=[next(rest, None) for _ in range(card.rx.free)])
        room, batch = card.rx.count - 1, list[bytes]()
        while wires and (need := -(-len(wires[0]) // card.size)) <= room and sum(map(len, batch)) < 24_000:
            batch.append(wires.pop(0))
            room -= need
        assert batch
        card.arrive(*batch)
        card.settle()
        got = card.harvest()
        assert len(got) == len(batch)
        for one, wire in zip(got, batch, strict=True):
            check(card, one, wire)
    assert card.inside() == (0, 0)


def test_one_frame(card: Opener) -> None:
    c = card()
    pass_through(c, [frame(64), frame(65), frame(1522)])
    assert c.counts() == {"RB_RXWIRE": 3, "RB_RXDONE": 3}
    assert c.get("RDH") == 3


@pytest.mark.parametrize("strip", [True, False])
def test_every_usual_size(native: Opener, strip: bool) -> None:
    c = native(rx=128, rctl=RCTL if strip else NO_STRIP)
    pass_through(c, [frame(size, seed=size) for size in range(64, 1523)])
    assert c.counts() == {"RB_RXWIRE": 1459, "RB_RXDONE": 1459}


@pytest.mark.parametrize("size", BUFFERS)
@pytest.mark.parametrize("strip", [True, False])
def test_buffer_sizes_and_long_frames(native: Opener, size: int, strip: bool) -> None:
    c = native(rx=80, size=size, rctl=(*(RCTL if strip else NO_STRIP), "LPE"))
    edges = [k * size + d for k in (1, 2, 3, 7) for d in (-1, 0, 1, 3, 4, 5) if 64 <= k * size + d <= 16384]
    rng = random.Random(size)
    lengths = [64, 1522, 1523, 16384, 16383, *edges, *(rng.randrange(64, 16385) for _ in range(12))]
    pass_through(c, [frame(length, seed=at) for at, length in enumerate(lengths)])


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("size", [256, 2048, 16384])
def test_every_long_size(native: Opener, size: int) -> None:
    c = native(rx=512 if size == 256 else 64, size=size, rctl=(*RCTL, "LPE"))
    for begin in range(64, 16385, 256):
        pass_through(c, [frame(n) for n in range(begin, min(begin + 256, 16385), 3)])


def test_every_alignment(native: Opener) -> None:
    """Buffers at each offset mod 64, short and long frames, and over a 4 KiB boundary at each of its last 64 bytes."""
    c = native(rx=72)
    for length in (64, 67, 75, 1100):
        pass_through(c, [frame(length, seed=k) for k in range(64)], list(range(64)))
    c2 = native(rx=72, size=256)
    for length in (64, 81, 200, 259, 700):
        wires = [frame(length, seed=k) for k in range(64)]
        pass_through(c2, wires, [4096 - 255 + 4 * k for k in range(60)] * 8)
    for length in (70, 133):
        pass_through(c2, [frame(length, seed=k) for k in range(64)], [4096 - 64 + k for k in range(64)])


def test_random_alignments_and_sizes(native: Opener) -> None:
    rng = random.Random(7)
    for size in (256, 512, 2048):
        c = native(rx=96, size=size, rctl=(*NO_STRIP, "LPE"))
        wires = [frame(rng.choice((rng.randrange(64, 300), rng.randrange(64, 5000))), seed=k) for k in range(150)]
        pass_through(c, wires, [rng.randrange(4096) for _ in range(3000)])


@pytest.mark.parametrize("length", [64, 65, 100, 1001, 1522])
def test_what_is_behind_the_buffer_is_untouched(native: Opener, length: int) -> None:
    """Bytes before the buffer and behind the frame, where a stripped FCS would be, are not written."""
    for align in range(0, 64, 5):
        c = native()
        slab = c.memory.coherent(4096)
        slab.view[:] = bytes([PATTERN]) * 4096
        c.rx.put(em.RX_LEGACY.encode(address=slab.iova + 512 + align))
        c.rx.bell()
        wire = frame(length, seed=align)
        c.arrive(wire)
        c.settle()
        want = bytearray([PATTERN]) * 4096
        want[512 + align : 512 + align + length - 4] = wire[:-4]
        assert bytes(slab.view) == bytes(want)


def test_descriptor_write_back_leaves_its_address(card: Opener) -> None:
    c = card()
    c.post(4)
    before = c.rx.at(0)[:8]
    c.arrive(frame(64))
    c.settle()
    assert c.rx.at(0)[:8] == before
    assert c.rx.at(1)[8:] == bytes(8), "the next descriptor is not touched"


@pytest.mark.parametrize("nulls", [{0}, {1}, {0, 1, 2}, {1, 3}, {2, 4, 5}])
def test_null_descriptors(native: Opener, nulls: set[int]) -> None:
    """Used up with DD alone, no bytes: at the start of a frame, in it and between frames."""
    c = native(size=256)
    buffers = {}
    for index in range(12):
        slab = None if index in nulls else c.memory.coherent(256)
        buffers[index] = slab
        c.rx.put(em.RX_LEGACY.encode(address=slab.iova if slab else 0))
    c.rx.bell()
    wires = [frame(600, seed=1), frame(64, seed=2), frame(300, seed=3)]
    c.arrive(*wires)
    c.settle()
    index = 0
    for wire in wires:
        data, first = b"", True
        while True:
            part, slab = em.RX_LEGACY.decode(c.rx.at(index)), buffers[index]
            assert part["DD"]
            if slab is None:
                assert [part[name] for name in ("EOP", "length", "checksum", "IXSM")] == [0, 0, 0, 0]
            else:
                data += bytes(slab.view[: part["length"]])
                assert part["checksum"] == (raw_sum(wire[:-4]) if first else 0)
                first = False
            index += 1
            if part["EOP"]:
                break
        assert data == wire[:-4]
    assert c.get("RDH") == index
    assert c.inside() == (0, 0)


@pytest.mark.parametrize("pcss", [0, 1, 13, 14, 59, 60, 200, 255])
@pytest.mark.parametrize("strip", [True, False])
def test_packet_checksum_starts_at_pcss(native: Opener, pcss: int, strip: bool) -> None:
    c = native(rctl=RCTL if strip else NO_STRIP)
    c.set("RXCSUM", pcss)
    c.post()
    wires = [frame(length, seed=length) for length in (64, 65, 66, 71, 259, 260, 264, 1519)]
    c.arrive(*wires)
    c.settle()
    for got, wire in zip(c.harvest(), wires, strict=True):
        assert got.last["checksum"] == raw_sum((wire[:-4] if strip else wire)[pcss:])


def test_status_of_checked_frames(card: Opener) -> None:
    """IPCS and TCPCS with good and bad sums, told by the last descriptor alone."""
    c = card(size=256)
    c.post()
    good = [udp4(b"x" * 300), tcp4(b"y" * 513)]
    wires = [*good, with_bad(good[0], 42 + 10), with_bad(good[1], 15), with_bad(good[1], 100)]
    c.arrive(*(fcs(data) for data in wires))
    c.settle()
    names = ("IXSM", "IPCS", "TCPCS", "IPE", "TCPE")
    got = c.harvest()
    assert [one.data for one in got] == wires
    assert [[one.last[name] for name in names] for one in got] == [
        [0, 1, 1, 0, 0], [0, 1, 1, 0, 0], [0, 1, 1, 0, 1], [0, 1, 1, 1, 0], [0, 1, 1, 0, 1],
    ]  # fmt: skip
    for one in got:
        assert all(not any(part[name] for name in names) for part in one.parts[:-1])
