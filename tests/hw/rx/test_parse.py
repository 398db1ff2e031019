"""Parse against the naive reading of the same frames: what each was, and which of its bytes count for which sum."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import pytest
from amaranth.hdl import Value

from ringbed.hw.rx.parse import Parse, ParsedBeat
from ringbed.hw.stream.beat import Beat
from tests.hw.frame_reference import Recipe, ether, patched, read, stock, with_fcs
from tests.hw.step_reference import Fields, as_parsed, body_of, marked
from tests.hw.stream_bench import beats, frames_of, pack, pauses, put, simulate, watch

VLAN = 0x8100
HALF = 4  # bytes that a mark is about
FOUND = {"vlan", "snap", "ipv4", "ipv6", "l3_offset", "fragment", "protocol", "tcp", "udp", "udp_sum", "l4_offset",
         "l4_length"}  # fmt: skip


def rtl(
    frames: Sequence[bytes], width: int, pause: Iterable[bool] = repeat(False), vet: int = VLAN
) -> tuple[list[list[Any]], list[Fields], list[int]]:
    """Parsed beats by frame, the beats that went in, some of the last ones with an error, and the clocks."""
    dut, rng, out = Parse(width), random.Random(6), list[tuple[int, Any]]()
    sent = [beat | {"error": int(beat["last"] and rng.random() < 0.3)} for beat in beats(frames, width // 8)]

    async def feed(ctx: Any) -> None:
        ctx.set(dut.vet, vet)
        await put(ctx, dut.i, [pack(Beat(width), beat) for beat in sent], pause)

    async def take(ctx: Any) -> None:
        out.extend(await watch(ctx, dut.o.valid, Value.cast(dut.o.payload), len(sent)))

    simulate(dut, feed, take, clocks=4 * len(sent) + 20)
    found = iter([ParsedBeat(width).from_bits(bits) for _, bits in out])
    return [[next(found) for _ in range(0, len(frame), width // 8)] for frame in frames], sent, [at for at, _ in out]


def bytes_marked(steps: Sequence[Any], name: str, words: int) -> bytes:
    """The bytes of the words whose halves are marked; of a payload as far as `valid` says."""
    got = b""
    for step in steps:
        data = step.words.to_bytes(8 * words, "little")
        for half in range(2 * words):
            word, at = half // 2, HALF * (half % 2)
            valid = step.valid >> 4 * word & 15 if name == "payload" else 8
            if step[name] >> half & 1:
                got += data[8 * word + at : 8 * word + max(at, min(at + HALF, valid))]
    return got


def disagree(frames: Sequence[bytes], found: Sequence[Sequence[Any]], width: int) -> list[tuple[str, str, Any, Any]]:
    """Frame, what of it, what came, and what should."""
    wrong, lanes = list[tuple[str, str, Any, Any]](), width // 8
    for frame, steps in zip(frames, found, strict=True):
        for number, step in enumerate(steps):
            got = {"body": step.body, "position": step.position}
            if got != (wanted := body_of(len(frame), number * lanes, lanes)):
                wrong.append((frame.hex(), "place", got, wanted))
        for name, sums in zip(("header", "payload"), marked(frame), strict=True):
            if sums is not None and sums != (found_here := bytes_marked(steps, name, lanes // 8)):
                wrong.append((frame.hex(), name, found_here, sums))
        said = steps[-1].parsed
        for name, value in as_parsed(read(frame)).items():
            if said[name] != value:
                wrong.append((frame.hex(), name, said[name], value))
    return wrong


@pytest.mark.parametrize(("width", "share"), [(64, 0.4), (128, 0.0), (256, 0.4), (512, 0.0)])
def test_every_kind_of_frame(width: int, share: float) -> None:
    """What is found, what is marked; and the beats as they came."""
    rng = random.Random(width)
    edges = [Recipe(rng, 4, 6, 20, 10), Recipe(rng, 4, 17, 3, 1), Recipe(rng, 6, 6, 9), Recipe(rng, 6, 17, 8)]
    frames = rng.sample(stock(13), 70) + frames_of([1, 3, 14, 18, 60], 2)
    frames += [with_fcs(ether(0x0800 if recipe.version == 4 else 0x86DD, recipe.packet(), tag, snap, bytes(5)))
               for recipe in edges for tag in (False, True) for snap in (False, True)]  # fmt: skip
    found, sent, _ = rtl(frames, width, pauses(width, share))
    assert disagree(frames, found, width) == []
    assert {name for frame in frames for name in as_parsed(read(frame))} == FOUND, "each means something somewhere"
    for step, beat in zip((step for steps in found for step in steps), sent, strict=True):
        here = step.beat
        assert (here.data, here.count) == (beat["data"], beat["count"])
        assert (here.first, here.last, here.error) == (beat["first"], beat["last"], beat["error"])


@pytest.mark.parametrize("width", [64, 512])
def test_a_tag_is_of_the_type_that_software_says(width: int) -> None:
    recipes = [Recipe(random.Random(at), 4, 6 if at % 2 else 17, at) for at in range(8)]
    frames = [with_fcs(ether(0x0800, recipe.packet(), True, False)) for recipe in recipes]
    found, _, _ = rtl([frame[:12] + b"\x88\xa8" + frame[14:] for frame in frames] + frames, width, vet=0x88A8)
    said = [steps[-1].parsed for steps in found]
    assert [(each.vlan, each.ipv4, each.l3_offset) for each in said[: len(frames)]] == [(1, 1, 18)] * len(frames)
    assert [each.ipv4 for each in said[len(frames) :]] == [0] * len(frames)


@pytest.mark.parametrize("width", [64, 512])
def test_a_last_beat_is_out_three_clocks_later(width: int) -> None:
    frames = frames_of([60, 1, 64, 9, 8, 128, 3], 3)
    found, _, clocks = rtl(frames, width)
    last = [step.beat.last for steps in found for step in steps]
    ends, clock = [], -1
    for frame in frames:
        clock += -(-len(frame) // (width // 8))
        ends.append(clock)
    assert [at for at, ends_here in zip(clocks, last, strict=True) if ends_here] == [end + 3 for end in ends]


@pytest.mark.parametrize("version", [4, 6])
def test_the_longest_packets(version: int) -> None:
    """As long as a frame of 16384 bytes holds, to its last byte; one said to be longer is nothing to sum."""
    recipe, kind = Recipe(random.Random(version), version, 17), 0x86DD if version == 6 else 0x0800
    recipe.size = 16384 - 4 - 14 - 8 - (40 if version == 6 else 20)
    whole = with_fcs(ether(kind, recipe.packet(), False, False))
    longer = with_fcs(patched(whole[:-4], 14 + 2 * (version == 6) + 2, 0xFFFF))
    frames = [whole, longer, whole]
    assert (len(whole), read(whole).l4, read(longer).l4) == (16384, 17, None)
    found, _, _ = rtl(frames, 512)
    assert disagree(frames, found, 512) == []
