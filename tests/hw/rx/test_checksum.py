"""Parse and ChecksumRx together against the naive reading of the same frames."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import pytest
from amaranth.hdl import Module, Mux
from amaranth.lib import wiring

from ringbed.hw.rx.checksum import ChecksumRx, RxSumControl
from ringbed.hw.rx.parse import Parse
from ringbed.hw.stream.beat import Beat
from tests.hw.frame_reference import Recipe, ether, ones_sum, patched, read, stock, with_fcs
from tests.hw.step_reference import as_parsed
from tests.hw.stream_bench import beats, frames_of, pack, pauses, put, simulate, watch


@dataclass(frozen=True)
class Control:
    """RXCSUM and RCTL.SECRC as a test sets them."""

    pcss: int = 0
    ipofl: bool = True
    tuofl: bool = True
    ipv6ofl: bool = True
    secrc: bool = False

    def fields(self) -> dict[str, int]:
        return {name: int(getattr(self, name)) for name in ("pcss", "ipofl", "tuofl", "ipv6ofl", "secrc")}


Sums = dict[str, int]


def reference(frame: bytes, control: Control) -> Sums:
    found = read(frame)
    ipcs = control.ipofl and found.ipv4
    tcpcs = control.tuofl and (found.ipv4 or control.ipv6ofl) and (found.l4 == 6 or (found.l4 == 17 and found.udp_sum))
    covered = frame[control.pcss : max(0, len(frame) - 4) if control.secrc else None]
    return {
        "packet_checksum": ones_sum(covered), "ixsm": int(not (ipcs or tcpcs)),
        "ipcs": int(ipcs), "ipe": int(ipcs and not found.l3_good),
        "tcpcs": int(tcpcs), "tcpe": int(tcpcs and not found.l4_good),
    }  # fmt: skip


def rtl(
    frames: list[bytes],
    control: Control = Control(),
    pause: Iterable[bool] = repeat(False),
    width: int = 64,
    behind: Control | None = None,
) -> tuple[list[Sums], list[dict[str, int]], list[int]]:
    """For each frame its sums, what the parser said, and the clock of the result.

    The switches are `behind` while no frame begins.
    """
    m = Module()
    m.submodules.parse = parse = Parse(width)
    m.submodules.sums = sums = ChecksumRx(width)
    wiring.connect(m, parse.o, sums.i)
    results: list[tuple[int, Any]] = []
    parsed: list[dict[str, int]] = []
    starts = sums.i.valid & sums.i.payload.beat.first
    m.d.comb += sums.control.eq(Mux(starts, RxSumControl.const(control.fields()),
                                    RxSumControl.const((behind or control).fields())))  # fmt: skip

    async def source(ctx: Any) -> None:
        await put(ctx, parse.i, [pack(Beat(width), fields) for fields in beats(frames, width // 8)], pause)

    async def sink(ctx: Any) -> None:
        results.extend(await watch(ctx, sums.o.valid, sums.o.payload, len(frames)))

    async def parse_sink(ctx: Any) -> None:
        seen = await watch(ctx, parse.o.valid & parse.o.payload.beat.last, parse.o.payload.parsed, len(frames))
        parsed.extend({name: value[name] for name, _ in value.shape()} for _, value in seen)

    simulate(m, source, sink, parse_sink)
    fields = [{name: value[name] for name, _ in value.shape()} for _, value in results]
    return fields, parsed, [clock for clock, _ in results]


def disagreements(frames: list[bytes], found: list[Sums], control: Control) -> list[tuple[str, Sums, Sums]]:
    pairs = ((frame.hex(), got, reference(frame, control)) for frame, got in zip(frames, found, strict=True))
    return [row for row in pairs if row[1] != row[2]]


FULL = pytest.mark.full


@pytest.mark.parametrize(
    ("seed", "width"), [(1, 64), pytest.param(2, 64, marks=FULL), (3, 128), pytest.param(4, 256, marks=FULL), (5, 512)]
)
def test_every_kind_back_to_back(seed: int, width: int) -> None:
    frames = stock(seed)
    sums, parsed, _ = rtl(frames, Control(pcss=14), width=width)
    assert disagreements(frames, sums, Control(pcss=14)) == []
    for frame, said in zip(frames, parsed, strict=True):
        wanted = as_parsed(read(frame))
        assert {name: said[name] for name in wanted} == wanted, frame.hex()
    verdicts = {(row["ipcs"], row["ipe"], row["tcpcs"], row["tcpe"]) for row in sums}
    assert len(verdicts) >= 8  # no verdict that a table row can give is missing from the stock


@pytest.mark.parametrize("switches", range(16))
def test_switches_with_gaps(switches: int) -> None:
    width = (64, 128, 256, 512)[(switches + switches // 4) % 4]
    flags = [bool(switches >> bit & 1) for bit in range(4)]
    control = Control(3 * switches, *flags)
    frames = random.Random(switches).sample(stock(7), 60)
    sums, _, _ = rtl(frames, control, pauses(switches, 0.4), width)
    assert disagreements(frames, sums, control) == []


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_what_is_switched_in_mid_frame_counts_from_the_next_on(width: int) -> None:
    """Of an odd and an even PCSS, and each switch either way."""
    frames = random.Random(width).sample(stock(3), 40)
    for one, other in (
        (Control(15), Control(34, False, False, False, True)), (Control(62, secrc=True), Control(3, False)),
    ):  # fmt: skip
        for control, behind in ((one, other), (other, one)):
            sums, _, _ = rtl(frames, control, width=width, behind=behind)
            assert disagreements(frames, sums, control) == []


@pytest.mark.parametrize("pcss", [0, 1, 7, 14, 61, 64, 255])
@pytest.mark.parametrize(("secrc", "width"), [(False, 64), (True, 64), (True, 128), (True, 512), (False, 256)])
def test_packet_checksum_of_every_length(pcss: int, secrc: bool, width: int) -> None:
    frames = frames_of([*range(1, 90), 127, 128, 129, 200, 254, 255, 256, 257, 261, 300], seed=pcss)
    control = Control(pcss, secrc=secrc)
    sums, _, _ = rtl(frames, control, width=width)
    assert disagreements(frames, sums, control) == []


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_one_result_a_clock_for_one_beat_frames(width: int) -> None:
    frames = frames_of([1, width // 8, 4, 3, 5] * 6, seed=2)
    if width == 512:
        packets = (Recipe(random.Random(at), size=at % 10).packet() for at in range(30))
        frames += [with_fcs(ether(0x0800, packet, False, False)).ljust(64, b"?") for packet in packets]
    sums, _, clocks = rtl(frames, width=width)
    assert disagreements(frames, sums, Control()) == []
    assert [after - before for before, after in zip(clocks, clocks[1:], strict=False)] == [1] * (len(frames) - 1)


def test_latency_is_fixed() -> None:
    frames = [with_fcs(ether(0x0800, Recipe(random.Random(1), size=size).packet(), False, False)) for size in range(40)]
    _, _, clocks = rtl(frames)
    ends, clock = [], 0
    for frame in frames:
        clock += -(-len(frame) // 8)
        ends.append(clock - 1)
    assert {there - end for there, end in zip(clocks, ends, strict=True)} == {6}


@pytest.mark.parametrize(
    ("version", "width"),
    [(4, 64), (6, 512), pytest.param(6, 64, marks=FULL), pytest.param(4, 512, marks=FULL)],
)
def test_long_frames(version: int, width: int) -> None:
    rng = random.Random(version)
    kind = 0x0800 if version == 4 else 0x86DD
    frames = []
    for size in (1400, 9000, 16384 - 14 - 60 - 4):
        packet = Recipe(rng, version, rng.choice((6, 17)), size - version).packet()
        frames += [
            with_fcs(ether(kind, packet, False, False)),
            with_fcs(ether(kind, patched(packet, 99, 1), True, False)),
        ]
    frames += [b"\xff" * 16384, rng.randbytes(17000)[:16999], frames[0]]
    sums, _, _ = rtl(frames, width=width)
    assert disagreements(frames, sums, Control()) == []


def test_sums_at_the_edges() -> None:
    """Data that is all zeros or all ones, and sums that come out as 0xFFFF."""
    rng, frames = random.Random(4), []
    for protocol in (6, 17):
        for version, kind, spot in ((4, 0x0800, 20), (6, 0x86DD, 40)):
            at = spot + (16 if protocol == 6 else 6)
            for fill in (b"\0", b"\xff"):
                packet = Recipe(rng, version, protocol, 40).packet()
                packet = packet[: spot + 20] + fill * (len(packet) - spot - 20)
                frames += [with_fcs(ether(kind, patched(packet, at, value), False, False)) for value in (0, 1, 0xFFFF)]
                zero = patched(packet, at, 0)
                source = zero[12:20] if version == 4 else zero[8:40]
                pseudo = source + (len(zero) - spot).to_bytes(4, "big") + protocol.to_bytes(4, "big")
                left = ones_sum(pseudo + zero[spot:])
                frames.append(with_fcs(ether(kind, patched(zero, at, 0xFFFF - left), False, False)))
                word = (0xFFFF - ones_sum(pseudo + patched(zero, spot, 0)[spot:])) or 0xFFFF  # makes the sum 0xFFFF
                frames += [
                    with_fcs(ether(kind, patched(patched(zero, spot, word), at, v), False, False)) for v in (0, 0xFFFF)
                ]
    sums, _, _ = rtl(frames)
    assert disagreements(frames, sums, Control()) == []
    assert {row["tcpe"] for row in sums if row["tcpcs"]} == {0, 1}


def first_fold(data: bytes, more: int = 0) -> int:
    """What the block has after its first fold: pieces of 32 bits added, then the 16 bits of that, and `more`."""
    total = sum(int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4))
    return sum(total >> shift & 0xFFFF for shift in (0, 16, 32)) + more


@pytest.mark.parametrize("width", [64, 512])
def test_packet_checksums_whose_first_fold_has_a_carry_beyond_17_bits(width: int) -> None:
    frames = [b"\xff" * 4 * (words + 1) + word.to_bytes(4, "little")
              for words in (1, 2, 3, 100, 3000) for word in (words - 1, words, words + 1)]  # fmt: skip
    assert {first_fold(frame) >> 16 for frame in frames} == {0, 1, 2}
    frames += frames[:1]  # behind the longest sum, as after any
    sums, _, _ = rtl(frames, width=width)
    assert disagreements(frames, sums, Control()) == []


@pytest.mark.parametrize("width", [64, 512])
@pytest.mark.parametrize("protocol", [6, 17])
def test_good_and_bad_sums_with_a_carry_beyond_17_bits(protocol: int, width: int) -> None:
    """Ones wherever the packet allows, and a length whose low byte, the high one in the lanes, is near ff."""
    frames, folds = [], set()
    for size in (0xE0, 0xF0, 0xFE, 0xFF, 0x5FF):
        head, at = (20, 16) if protocol == 6 else (8, 6)
        packet = Recipe(random.Random(1), 4, protocol, size - head).packet()
        l4 = b"\xff" * size if protocol == 6 else b"\xff" * 4 + size.to_bytes(2, "big") + b"\xff" * (size - 6)
        l4 = patched(l4, 12, 0x5010) if protocol == 6 else l4
        packet = patched(packet[:12] + b"\xff" * 8, 10, 0) + patched(l4, at, 0)
        packet = patched(packet, 10, 0xFFFF - ones_sum(packet[:20]))
        pseudo = packet[12:20] + size.to_bytes(4, "big") + protocol.to_bytes(4, "big")
        good = 0xFFFF - ones_sum(pseudo + packet[20:])
        for value in (good, good ^ 0x100):
            ready = patched(packet, 20 + at, value)
            frames.append(with_fcs(ether(0x0800, ready, False, False)))
            folds.add(first_fold(ready[12:], ((size & 0xFF) << 8 | size >> 8) + (protocol << 8)) >> 16)
    assert 2 in folds
    frames += frames[:1]  # behind the longest sum, as after any
    sums, _, _ = rtl(frames, width=width)
    assert disagreements(frames, sums, Control()) == []
    assert {row["tcpe"] for row in sums} == {0, 1}


def ones_header(seed: int) -> bytes:
    """A packet with a good IPv4 header whose pieces of 16 bits make 0x1FFFE, added as the block adds them."""
    packet = Recipe(random.Random(seed), 4, 17, 30).packet()
    head = patched(packet[:12], 10, 0) + b"\xff" * 4
    total = sum(int.from_bytes(head[at : at + 4], "little") for at in range(0, 16, 4))
    high = (total >> 32) + 1
    address = (high << 32 | (0xFFFF - high) << 16 | 0xFFFF) - total
    if address >= 1 << 32:
        high, address = high - 1, address - (1 << 32) + (1 << 16)
    return head + address.to_bytes(4, "little") + packet[20:]


@pytest.mark.parametrize("width", [64, 512])
def test_good_headers_with_a_carry(width: int) -> None:
    packets = [ones_header(seed) for seed in range(8)]
    assert {first_fold(packet[:20]) for packet in packets} == {0x1FFFE}
    packets += [patched(packet, 8, 0x4012) for packet in packets]
    frames = [with_fcs(ether(0x0800, packet, False, False)) for packet in packets]
    sums, _, _ = rtl(frames, width=width)
    assert disagreements(frames, sums, Control()) == []
    assert [row["ipe"] for row in sums] == [0] * 8 + [1] * 8
