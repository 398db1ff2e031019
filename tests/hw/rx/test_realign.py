"""Realign against the frame's own bytes: each beat with its step, the packet's words, and where they begin."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import pytest
from amaranth.hdl import Value

from ringbed.hw.rx.realign import Moved, Realign
from ringbed.hw.stream.beat import Beat
from tests.hw.frame_reference import MACS, stock, with_fcs
from tests.hw.step_reference import Fields, moved
from tests.hw.stream_bench import beats, frames_of, pack, pauses, put, simulate, watch

VLAN = 0x8100


def rtl(
    frames: Sequence[bytes], width: int, pause: Iterable[bool] = repeat(False), vet: int = VLAN
) -> tuple[list[tuple[int, Any]], list[Fields]]:
    """Clock and fields of each step, and the beats that went in, some of the last ones with an error."""
    dut, rng, steps = Realign(width), random.Random(5), list[tuple[int, Any]]()
    sent = [beat | {"error": int(beat["last"] and rng.random() < 0.3)} for beat in beats(frames, width // 8)]

    async def feed(ctx: Any) -> None:
        ctx.set(dut.vet, vet)
        await put(ctx, dut.i, [pack(Beat(width), beat) for beat in sent], pause)

    async def take(ctx: Any) -> None:
        steps.extend(await watch(ctx, dut.o.valid, Value.cast(dut.o.payload), len(sent)))

    simulate(dut, feed, take, clocks=4 * len(sent) + 20)
    return [(clock, Moved(width).from_bits(bits)) for clock, bits in steps], sent


def disagree(frames: Sequence[bytes], found: Sequence[Any], width: int) -> list[tuple[str, str, int, int]]:
    """Frame, field, what came, and what should."""
    wanted = [(frame, step) for frame in frames for step in moved(frame, width // 8)]
    wrong = []
    for (frame, step), out in zip(wanted, found, strict=True):
        known = step.get("known", 0)
        if out.words & known != step.get("words", 0) & known:
            wrong.append((frame.hex(), "words", out.words & known, step["words"] & known))
        got = {"body": out.body, "position": out.position, "begin": out.begin, "ipv4": out.ipv4, "ipv6": out.ipv6,
               "vlan": out.vlan, "snap": out.snap}  # fmt: skip
        for name, value in got.items():
            if step.get(name, value) != value:
                wrong.append((frame.hex(), name, value, step[name]))
    return wrong


@pytest.mark.parametrize(("width", "share"), [(64, 0.0), (64, 0.4), (128, 0.0), (256, 0.4), (512, 0.0)])
def test_every_kind_of_frame(width: int, share: float) -> None:
    frames = random.Random(width).sample(stock(11), 60) + frames_of([*range(1, 2 * width // 8 + 6, 3)], 2)
    steps, sent = rtl(frames, width, pauses(width, share))
    found = [step for _, step in steps]
    assert disagree(frames, found, width) == []
    for step, beat in zip(found, sent, strict=True):
        here = step.beat
        assert (here.data, here.count) == (beat["data"], beat["count"])
        assert (here.first, here.last, here.error) == (beat["first"], beat["last"], beat["error"])


@pytest.mark.parametrize("width", [64, 512])
def test_a_tag_is_of_the_type_that_software_says(width: int) -> None:
    """0x88A8 for one; a tag of 0x8100 is then a type as any other, and what follows it no packet."""
    frames = random.Random(1).sample(stock(12), 50)
    tagged = [with_fcs(frame[:12] + frame[12:-4].replace(b"\x81\x00", b"\x88\xa8", 1)) for frame in frames]
    others = [with_fcs(MACS + b"\x81\x00\x00\x01\x08\x00" + bytes([0x45]) + bytes(40))] * 2
    steps, _ = rtl(tagged + others, width, vet=0x88A8)
    as_8100 = [frame[:12] + frame[12:14].replace(b"\x88\xa8", b"\x81\x00") + frame[14:] for frame in tagged]
    count = sum(-(-len(frame) // (width // 8)) for frame in tagged)
    plain = [step for _, step in steps[:count]]
    assert disagree(as_8100, plain, width) == []
    assert any(step.vlan and step.begin for step in plain)
    assert not any(step.begin for _, step in steps[count:])


@pytest.mark.parametrize("width", [64, 512])
def test_a_last_beats_step_is_out_two_clocks_later(width: int) -> None:
    frames = frames_of([60, 1, 64, 9, 8, 128, 3], 3)
    steps, _ = rtl(frames, width)
    ends, clock = [], -1
    for frame in frames:
        clock += -(-len(frame) // (width // 8))
        ends.append(clock)
    assert [clock for clock, step in steps if step.beat.last] == [end + 2 for end in ends]


def test_the_position_stays_at_its_end() -> None:
    """The 15 bits of it hold 511 beats of 64 bytes and one more; the next frame begins at 0 again."""
    frames = [bytes(64 * 514 + 1), bytes(65)]
    steps, _ = rtl(frames, 512)
    assert [step.position for _, step in steps] == [*range(0, 1 << 15, 64)] + [(1 << 15) - 64] * 3 + [0, 64]
