"""The same card 64, 128, 256 and 512 bits wide: all frames both ways, at any alignment, with every sum."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from ringbed.hw.stream.packet_buffer import BANKS
from ringbed.sim.cards import WIDTHS, em
from ringbed.sim.native.build import verilog_of
from tests.hw.nics.em.bench import Card, Opener, R, frame, on_wire
from tests.hw.nics.em.tx.test_data import body
from tests.hw.nics.em.tx.test_sums import context
from tests.hw.yosys import yosys

ROUNDS, EACH = 12, 20


def in_loopback(card: Card) -> None:
    """A loop in the MAC: what is sent climbs again through the same card."""
    card.receive_on(*card.rctl)
    card.set("RCTL", card.get("RCTL") | R["RCTL"]["LBM"].put(1))
    card.get("STATUS")


def go_round(card: Card, rng: random.Random, rounds: int) -> None:
    """Frames of all sizes in one to four pieces at any address, into buffers at any address, and back."""
    for _ in range(rounds):
        data = [body(rng.choice((rng.randrange(60, 200), rng.randrange(60, 1515), 1514)), rng.randrange(9))
                for _ in range(EACH)]  # fmt: skip
        card.post(offsets=[rng.randrange(4096 - card.size) for _ in range(card.rx.free)])
        made: list[bytes] = []
        for one in data:
            cuts = sorted(rng.sample(range(1, len(one)), rng.randrange(4)))
            made += card.pieces(one, cuts, offsets=[rng.randrange(2048) for _ in range(4)])
        card.push(made)
        card.settle()
        assert [got.data for got in card.harvest()] == data
        card.reclaim()


def both_ways(card: Card, rng: random.Random, rounds: int) -> None:
    """The wire as well: frames in and frames out at once, in memory and on the wire byte for byte."""
    for _ in range(rounds):
        wires = [frame(rng.randrange(64, 1519), seed=rng.randrange(99)) for _ in range(EACH)]
        data = [body(rng.randrange(1, 1515), rng.randrange(9)) for _ in range(EACH)]
        card.post()
        card.arrive(*wires)
        card.push(each for one in data for each in card.pieces(one))
        card.settle()
        assert [got.data for got in card.harvest()] == [wire[:-4] for wire in wires]
        assert card.sent() == [on_wire(one) for one in data]
        card.reclaim()


def all_of_it(native: Opener, width: int, seed: int, rounds: int) -> None:
    rng = random.Random(seed)
    card = native(width=width, rx=128, tx=128, size=2048, seed=seed, read_latency=rng.choice((1, 50, 250)),
                  write_latency=rng.choice((1, 50, 250)), backpressure=rng.choice((0.0, 0.3)))  # fmt: skip
    both_ways(card, rng, rounds)
    in_loopback(card)
    go_round(card, rng, rounds)
    assert card.inside() == (0, 0)


def test_everything_goes_round_512_bits_wide(native: Opener) -> None:
    for seed in range(3):
        all_of_it(native, 512, seed, 4)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("seed", range(100, 110))
def test_everything_goes_round_more(native: Opener, width: int, seed: int) -> None:
    all_of_it(native, width, seed, ROUNDS)


def test_sums_and_small_buffers_512_bits_wide(native: Opener) -> None:
    """UDP sums made on the way out and checked on the way in; frames over buffers of 256 bytes."""
    card = native(width=512, rx=128, tx=64, size=256)
    in_loopback(card)
    header = bytes.fromhex("450000000000400040110000" + "0a000001" + "0a000002")
    for size in (0, 1, 18, 19, 50, 100, 700, 1472):
        payload = body(max(size, 1), size)[:size]
        ip = header[:2] + (28 + size).to_bytes(2, "big") + header[4:]
        pseudo = sum(int.from_bytes(ip[at : at + 2], "big") for at in range(12, 20, 2)) + 17 + 8 + size
        while pseudo > 0xFFFF:
            pseudo = (pseudo & 0xFFFF) + (pseudo >> 16)
        udp = b"\x12\x34\x00\x07" + (8 + size).to_bytes(2, "big") + pseudo.to_bytes(2, "big")
        packet = body(60)[:12] + b"\x08\x00" + ip + udp + payload
        card.post()
        card.push([context(34, 40, tcp=False), *card.pieces(packet, extended=True, IXSM=1, TXSM=1)])
        card.settle()
        (got,) = card.harvest()
        assert (got.last["IPCS"], got.last["TCPCS"], got.last["IPE"], got.last["TCPE"]) == (1, 1, 0, 0), size
        assert got.data[:24] == packet[:24].ljust(24)
        card.reclaim()


def test_a_width_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="em is made 64, 128, 256, 512 bits wide, not 96"):
        em(width=96)


@pytest.mark.full  # a minute of Yosys; each of its blocks at 512 bits is in tests/hw/test_frame_blocks_yosys.py
def test_yosys_takes_the_widest(tmp_path: Path) -> None:
    """Elaborated and checked, without a latch; down to gates is what the 64-bit card's test does."""
    (tmp_path / "em.v").write_text(verilog_of(em(width=512)))
    said = yosys(tmp_path, "read_verilog em.v; hierarchy -check -top em; proc; opt; memory -nomap; check -assert; stat")
    counts = [int(count) for count in re.findall(r"^\s+(\d+)\s+\$mem_v2$", said, re.MULTILINE)]
    assert max(counts) >= BANKS
    assert "$dlatch" not in said
