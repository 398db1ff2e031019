"""TxSend against patch, padding and FCS done on bytes; frames begin with `go` alone and are then sent to the end."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ringbed.hw.stream.patch import PatchSlot, TxBeat
from ringbed.hw.tx.send import TxReady, TxSend
from tests.hw.stream_bench import beats, frames_of, pack, pauses, simulate, source, split

Slot = tuple[int, int] | None  # offset, value
VET = 0x88A8


@dataclass
class Frame:
    """A frame in the store and what is known of it."""

    data: bytes
    fcs: bool
    slots: tuple[Slot, Slot]
    tci: int | None = None  # of the tag to be put in


def reference(frame: Frame, pad: bool) -> bytes:
    out = bytearray(frame.data)
    for slot in frame.slots:
        if slot is not None:
            out[slot[0] : slot[0] + 2] = slot[1].to_bytes(2, "big")
    if frame.tci is not None:
        out[12:12] = VET.to_bytes(2, "big") + frame.tci.to_bytes(2, "big")
    sent = bytes(out).ljust(60 if pad else 0, b"\0")
    return sent + zlib.crc32(sent).to_bytes(4, "little") if frame.fcs else sent


def some_frames(lengths: Sequence[int], seed: int) -> list[Frame]:
    rng = random.Random(seed)
    made = []
    for data in frames_of(lengths, seed):
        slots: list[Slot] = [None, None]
        for number in range(2):
            if len(data) > 2 and rng.random() < 0.5:
                slots[number] = (rng.randrange(len(data) - 1), rng.getrandbits(16))
        tci = rng.getrandbits(16) if len(data) >= 14 and rng.random() < 0.3 else None
        made.append(Frame(data, rng.random() < 0.8, (slots[0], slots[1]), tci))
    return made


def to_everybody(frame: Frame) -> Frame:
    return replace(frame, data=b"\xff" * 6 + frame.data[6:], slots=(None, None))


def ready_of(frame: Frame) -> int:
    slots = [{"enable": 0} if s is None else {"enable": 1, "offset": s[0], "value": s[1]} for s in frame.slots]
    assert len(PatchSlot.members) == 3
    tag = {"tag": frame.tci is not None, "tci": frame.tci or 0}
    return pack(TxReady, {"length": len(frame.data), "fcs": frame.fcs, "slots": slots, **tag})


def beats_of(frames: Sequence[Frame], rng: random.Random, lanes: int = 8) -> list[int]:
    return [
        int.from_bytes(piece + rng.randbytes(lanes - len(piece)), "little")
        for frame in frames
        for piece, _, _ in split(frame.data, lanes)
    ]


def rtl(frames: Sequence[Frame], pad: bool, share: float, stops: float, width: int = 64) -> tuple[list[bytes], int]:
    """Frames on the wire, and the clocks from the first wire beat to the last. `stops`: how often `go` is away."""
    dut, out, times, lanes = TxSend(width), list[bytes](), list[int](), width // 8
    late = [pauses(number, share) for number in range(3)]

    async def wire(ctx: Any) -> None:
        begun = sent = clock = 0
        inside, frame, stop = False, b"", pauses(9, stops)
        ctx.set(dut.pad, pad)
        ctx.set(dut.vet, VET)
        while len(out) < len(frames):
            go = not next(stop)
            ctx.set(dut.go, go)
            ctx.set(dut.wire.tready, not next(late[2]))
            sampled = await ctx.tick().sample(
                dut.data.valid & dut.data.ready, dut.frame.valid & dut.frame.ready, dut.wire.tvalid, dut.wire.tready,
                dut.wire.tdata, dut.wire.tkeep, dut.wire.tlast, dut.sent, dut.sending, dut.paused, dut.stat.valid,
                dut.stat.payload,
            )  # fmt: skip
            taken, ends, valid, ready, data, keep, last, leaves, sending, paused, counted, stat = sampled[2:]
            assert not paused
            assert counted == leaves
            clock += 1
            assert sending == (begun > sent)
            if taken:
                assert go or inside, "a frame began without go"
                begun += not inside
                inside = not ends
            assert taken or not ends
            assert leaves == (valid and ready and last)
            sent += leaves
            if valid and ready:
                times.append(clock)
                frame += data.to_bytes(lanes, "little")[: keep.bit_length()]
                if last:
                    out.append(frame)
                    everybody = frame[:6] == b"\xff" * 6
                    assert stat.length == len(frame)
                    assert (stat.multicast, stat.broadcast) == (frame[0] & 1 and not everybody, everybody)
                    assert (stat.xon, stat.xoff) == (0, 0)
                    frame = b""
        assert not ctx.get(dut.sending)

    rng, packed = random.Random(5), [ready_of(frame) for frame in frames]
    simulate(
        dut,
        source(dut.frame, packed, late[0]),
        source(dut.data, beats_of(frames, rng, lanes), late[1]),
        wire,
        clocks=40000,
    )
    return out, times[-1] - times[0] + 1


@pytest.mark.parametrize("pad", [False, True])
@pytest.mark.parametrize(("share", "stops"), [(0.0, 0.0), (0.3, 0.6)])
def test_frames_on_the_wire(pad: bool, share: float, stops: float) -> None:
    frames = some_frames([*range(1, 70), *(random.Random(2).randint(60, 200) for _ in range(15))], seed=3)
    frames += [to_everybody(frame) for frame in frames[-3:]]
    assert rtl(frames, pad, share, stops)[0] == [reference(frame, pad) for frame in frames]


@pytest.mark.parametrize("width", [128, 256, 512])
def test_wide_paths(width: int) -> None:
    frames = some_frames([*range(1, 70, 3), 127, 128, 129, 200], seed=width)
    frames.append(to_everybody(frames[-1]))
    assert rtl(frames, True, 0.2, 0.2, width)[0] == [reference(frame, True) for frame in frames]


def test_the_longest_frame() -> None:
    """16288 bytes (docs/nics/em.md), the sums of its last bytes, and a tag; then the next begins at 0 again."""
    data = random.Random(7).randbytes(16288)
    frames = [Frame(data, True, ((16286, 0xABCD), None), 0x123), Frame(data[:70], True, (None, None))]
    assert rtl(frames, True, 0.0, 0.0, 512)[0] == [reference(frame, True) for frame in frames]


def test_pause_frames_go_between_frames_and_with_the_wire_held() -> None:
    """Whole, `go` or not, and told apart from frames of software."""
    dut, frames = TxSend(64), [Frame(frame.data, True, (None, None)) for frame in some_frames([200, 64, 130], seed=6)]
    ours = [bytes([1, 0x80, 0xC2, 0, 0, 1]) + bytes(6) + b"\x88\x08\x00\x01" + bytes([number]) for number in range(3)]
    told, wire = list[tuple[int, int, int, int, int]](), list[bytes]()
    kinds = [1, 2, 1]  # XOFF, XON, XOFF
    pauses_ = [
        pack(TxBeat(64), {"beat": fields, "fcs": 1, "pad": 1, "pause": kind})
        for kind, frame in zip(kinds, ours, strict=True)
        for fields in beats([frame], 8)
    ]

    async def run(ctx: Any) -> None:
        frame, clock = b"", 0
        ctx.set(dut.wire.tready, 1)
        while len(wire) < 6:
            clock += 1
            ctx.set(dut.go, clock > 40)
            sampled = await ctx.tick().sample(
                dut.wire.tvalid, dut.wire.tdata, dut.wire.tkeep, dut.wire.tlast, dut.sent, dut.paused, dut.sending,
                dut.stat.payload,
            )  # fmt: skip
            valid, data, keep, last, sent, paused, sending, stat = sampled[2:]
            assert sending or not valid
            assert bool(sent or paused) == bool(valid and last)
            if valid:
                frame += data.to_bytes(8, "little")[: keep.bit_length()]
                if last:
                    wire.append(frame)
                    told.append((sent, paused, stat.xoff, stat.xon, stat.multicast))
                    frame = b""

    simulate(
        dut, source(dut.frame, [ready_of(frame) for frame in frames]),
        source(dut.data, beats_of(frames, random.Random(1))), source(dut.pause, pauses_, pauses(3, 0.8)), run,
        clocks=2000,
    )  # fmt: skip
    pauses_seen = [Frame(frame, True, (None, None)) for frame in ours]
    assert [each for each, told_ in zip(wire, told, strict=True) if told_[1]] == [
        reference(f, True) for f in pauses_seen
    ]
    assert [each for each, told_ in zip(wire, told, strict=True) if told_[0]] == [reference(f, False) for f in frames]
    assert [row[2:] for row in told if row[1]] == [(1, 0, 1), (0, 1, 1), (1, 0, 1)]
    assert [row[2:4] for row in told if row[0]] == [(0, 0)] * 3


def test_one_beat_a_clock() -> None:
    frames = [Frame(frame.data, True, frame.slots) for frame in some_frames([60] * 30, seed=4)]
    assert rtl(frames, True, 0.0, 0.0)[1] == 30 * 8


def test_go_away_in_the_middle_lets_the_frame_end_and_holds_the_next() -> None:
    """The halt of a reset: one frame leaves whole, the other does not begin."""
    dut, frames, sent = TxSend(64), some_frames([200, 200], seed=5), list[int]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.go, 1)
        ctx.set(dut.wire.tready, 1)
        await ctx.tick().until(dut.data.ready & dut.data.valid)
        ctx.set(dut.go, 0)
        for _ in range(80):
            _, _, leaves = await ctx.tick().sample(dut.sent)
            sent.append(leaves)
        assert not ctx.get(dut.sending)
        ctx.set(dut.go, 1)
        await ctx.tick().until(dut.sent)

    packed = [ready_of(frame) for frame in frames]
    simulate(dut, source(dut.frame, packed), source(dut.data, beats_of(frames, random.Random(1))), run, clocks=400)
    assert sum(sent) == 1
