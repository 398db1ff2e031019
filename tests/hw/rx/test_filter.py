"""RxFilter against the manual's list of tests, read from top to bottom."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import ResetInserter, Signal
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.hw.mac.rx_head import Head
from ringbed.hw.rx.filter import FilterControl, RxFilter
from tests.hw.stream_bench import pack, simulate

BITS = ("upe", "mpe", "bam", "vfe", "cfien", "cfi")


@dataclass(frozen=True)
class Tables:
    """What software has written: receive addresses with AV and AS, MTA and VFTA as sets of bits."""

    addresses: tuple[tuple[bytes, bool, bool], ...] = ()
    mta: frozenset[int] = frozenset()
    vfta: frozenset[int] = frozenset()
    switches: frozenset[str] = frozenset()
    mo: int = 0


@dataclass(frozen=True)
class Frame:
    """The head of a frame; `tci` of a tagged one."""

    to: bytes
    source: bytes = bytes(6)
    tci: int | None = None


def hash_index(to: bytes, mo: int) -> int:
    """M 13.5.1: twelve of the last sixteen address bits, byte 4 first."""
    value = to[5] << 8 | to[4]
    return value >> (4, 3, 2, 0)[mo] & 0xFFF


def reference(frame: Frame, tables: Tables) -> dict[str, int]:
    on, group, broadcast = tables.switches, frame.to[0] & 1, frame.to == b"\xff" * 6
    exact = any(valid and value == (frame.source if by_source else frame.to)
                for value, valid, by_source in tables.addresses)  # fmt: skip
    certain = exact or (not group and "upe" in on) or (group and "mpe" in on) or (broadcast and "bam" in on)
    hashed = group and hash_index(frame.to, tables.mo) in tables.mta
    vlan = True
    if frame.tci is not None:
        vlan = not ("vfe" in on and frame.tci & 0xFFF not in tables.vfta)
        vlan &= not ("cfien" in on and bool(frame.tci >> 12 & 1) != ("cfi" in on))
    return {
        "address": int(certain or hashed), "inexact": int(hashed and not certain), "vlan": int(vlan),
        "multicast": int(group and not broadcast), "broadcast": int(broadcast),
    }  # fmt: skip


def rtl(cases: list[tuple[Frame, Tables]]) -> list[dict[str, int]]:
    dut, rng, found = RxFilter(), random.Random(1), list[dict[str, int]]()

    async def run(ctx: Any) -> None:
        for frame, tables in cases:
            addresses = [*tables.addresses, *([(rng.randbytes(6), False, False)] * (16 - len(tables.addresses)))]
            for index, (value, _, _) in enumerate(addresses):
                ctx.set(dut.addresses[index], int.from_bytes(value, "little"))
            ctx.set(dut.address_valid, sum(valid << index for index, (_, valid, _) in enumerate(addresses)))
            ctx.set(dut.address_source, sum(source << index for index, (_, _, source) in enumerate(addresses)))
            bits = {name: int(name in tables.switches) for name in BITS}
            ctx.set(dut.control.as_value(), pack(FilterControl, bits | {"mo": tables.mo}))
            head = {
                "destination": int.from_bytes(frame.to, "little"), "source": int.from_bytes(frame.source, "little"),
                "tci": rng.getrandbits(16) if frame.tci is None else frame.tci, "tagged": frame.tci is not None,
            }  # fmt: skip
            ctx.set(dut.head.as_value(), pack(Head, head))
            ctx.set(dut.mta_hit, ctx.get(dut.mta_index) in tables.mta)
            ctx.set(dut.vfta_hit, ctx.get(dut.vfta_index) in tables.vfta)
            ctx.set(dut.told, 1)
            await ctx.tick()
            found.append({name: ctx.get(dut.o[name]) for name, _ in dut.o.shape()})
            ctx.set(dut.told, 0)  # and it stands
            ctx.set(dut.head.as_value(), 0)
            await ctx.tick()
            assert found[-1] == {name: ctx.get(dut.o[name]) for name, _ in dut.o.shape()}

    simulate(dut, run)
    return found


@dataclass
class Around:
    """Frames and tables drawn from a few addresses, so that they meet."""

    pool: list[bytes] = field(default_factory=lambda: [
        bytes.fromhex(text) for text in ("020000000001", "020000000002", "01005e000001", "01005e7fff01", "333300001234",
                                         "ffffffffffff", "0180c2000001")
    ])  # fmt: skip

    def frame(self, rng: random.Random) -> Frame:
        tci = rng.choice((None, 0, 5, 0x1005, rng.getrandbits(16)))
        return Frame(rng.choice(self.pool), rng.choice(self.pool), tci)

    def tables(self, rng: random.Random) -> Tables:
        addresses = tuple(
            (rng.choice(self.pool), rng.random() < 0.5, rng.random() < 0.3) for _ in range(rng.choice((0, 1, 16)))
        )
        mo = rng.randrange(4)
        mta = frozenset(hash_index(rng.choice(self.pool), rng.choice((mo, mo, 1))) for _ in range(rng.randrange(4)))
        vfta = frozenset(rng.choice((0, 5, 4095)) for _ in range(rng.randrange(3)))
        return Tables(addresses, mta, vfta, frozenset(n for n in BITS if rng.random() < 0.3), mo)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_any_tables(seed: int) -> None:
    rng, around = random.Random(seed), Around()
    cases = [(around.frame(rng), around.tables(rng)) for _ in range(40)]
    assert rtl(cases) == [reference(*case) for case in cases]


def test_hash_windows() -> None:
    """One address, one table bit, each window: it passes in the window that was meant, and only there."""
    to = bytes.fromhex("01005e12a5c3")
    assert [hash_index(to, mo) for mo in range(4)] == [0xC3A, 0x874, 0x0E9, 0x3A5]
    cases = [(Frame(to), Tables(mta=frozenset({hash_index(to, bit)}), mo=mo)) for mo in range(4) for bit in range(4)]
    assert [got["inexact"] for got in rtl(cases)] == [int(mo == bit) for mo in range(4) for bit in range(4)]


def test_inexact_means_the_hash_alone() -> None:
    to = bytes.fromhex("01005e000001")
    mta = frozenset({hash_index(to, 0)})
    ours = ((to, True, False),)
    cases = [Tables(mta=mta), Tables(mta=mta, switches=frozenset({"mpe"})), Tables(ours, mta)]
    assert [(got["address"], got["inexact"]) for got in rtl([(Frame(to), t) for t in cases])] == [
        (1, 1),
        (1, 0),
        (1, 0),
    ]
    everybody = Frame(b"\xff" * 6)
    hashed = Tables(mta=frozenset({0xFFF}))
    assert rtl([(everybody, hashed)])[0]["inexact"] == 1


def test_every_receive_address() -> None:
    cases = []
    for index in range(16):
        entries = tuple((bytes([2, 0, 0, 0, 0, at]), at == index, False) for at in range(16))
        cases += [(Frame(bytes([2, 0, 0, 0, 0, at])), Tables(entries)) for at in range(16)]
    assert [got["address"] for got in rtl(cases)] == [int(at == index) for index in range(16) for at in range(16)]


def test_every_receive_address_by_either_end() -> None:
    """Of an address and its complement, so that each bit of each entry was both; the frame's other end is no match."""
    rng, cases = random.Random(3), list[tuple[Frame, Tables]]()
    for index in range(16):
        for by_source in (False, True):
            address, other = rng.randbytes(6), rng.randbytes(6)
            for here in (address, bytes(0xFF ^ byte for byte in address)):
                entries = tuple((here if at == index else rng.randbytes(6), at == index, by_source) for at in range(16))
                hit, miss = Frame(here, other), Frame(other, here)
                cases += [(frame, Tables(entries)) for frame in ((miss, hit) if by_source else (hit, miss))]
    found = rtl(cases)
    assert found == [reference(*case) for case in cases]
    assert [got["address"] for got in found] == [1, 0] * 64


def test_a_reset_takes_the_verdict_away() -> None:
    """Also that of a frame told in the same clock."""
    dut, reset, frames = RxFilter(), Signal(), (b"\xff" * 6, bytes.fromhex("01005e000001"))

    async def run(ctx: Any) -> None:
        ctx.set(dut.control.bam, 1)
        ctx.set(dut.mta_hit, 1)
        for to in frames:
            ctx.set(dut.head.destination, int.from_bytes(to, "little"))
            ctx.set(dut.told, 1)
            await ctx.tick()
            assert ctx.get(dut.o.address) == ctx.get(dut.o.vlan) == 1
            ctx.set(reset, 1)
            await ctx.tick()
            assert ctx.get(dut.o.as_value()) == 0
            ctx.set(dut.told, 0)
            ctx.set(reset, 0)
            await ctx.tick()
            assert ctx.get(dut.o.as_value()) == 0

    simulate(ResetInserter(reset)(dut), run)


def test_an_address_one_bit_from_broadcast_is_none() -> None:
    """Nor a group of all ones but that bit: with BAM alone it does not pass, wherever the bit is."""
    frames = [Frame(((1 << 48) - 1 ^ 1 << bit).to_bytes(6, "little")) for bit in range(48)]
    tables = Tables(switches=frozenset({"bam"}))
    cases = [(frame, tables) for frame in [*frames, Frame(b"\xff" * 6)]]
    found = rtl(cases)
    assert found == [reference(*case) for case in cases]
    assert [got["broadcast"] for got in found] == [0] * 48 + [1] == [got["address"] for got in found]
