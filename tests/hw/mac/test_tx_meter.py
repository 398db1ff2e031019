"""TxMeter against the frames themselves: one TxStat each, in the clock its last beat leaves, at every width."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ringbed.hw.mac.pause_tx import XOFF, XON
from ringbed.hw.mac.tx_meter import TxMeter
from tests.hw.stream_bench import frames_of, simulate, split

EVERYBODY = b"\xff" * 6


def reference(frame: bytes, pause: int) -> dict[str, int]:
    broadcast = frame[:6] == EVERYBODY
    return {
        "length": len(frame), "multicast": int(frame[0] & 1 and not broadcast), "broadcast": int(broadcast),
        "xon": int(pause == XON), "xoff": int(pause == XOFF),
    }  # fmt: skip


def rtl(frames: list[bytes], pauses: list[int], width: int) -> list[dict[str, int]]:
    dut, told, rng = TxMeter(width), list[dict[str, int]](), random.Random(width)

    async def run(ctx: Any) -> None:
        for frame, pause in zip(frames, pauses, strict=True):
            ctx.set(dut.pause, pause)
            for piece, _, last in split(frame, width // 8):
                while rng.random() < 0.3:  # what does not move is not counted
                    ctx.set(dut.moves, 0)
                    ctx.set(dut.last, rng.random() < 0.5)
                    await ctx.tick()
                    assert not ctx.get(dut.o.valid)
                filling = rng.randbytes(width // 8 - len(piece))
                for port, value in (
                    (dut.moves, 1), (dut.last, last), (dut.data, int.from_bytes(piece + filling, "little")),
                    (dut.count, len(piece)),
                ):  # fmt: skip
                    ctx.set(port, value)
                _, _, valid, stat = await ctx.tick().sample(dut.o.valid, dut.o.payload)
                assert valid == last
                if valid:
                    told.append({name: stat[name] for name, _ in stat.shape()})

    simulate(dut, run)
    return told


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_every_frame(width: int) -> None:
    rng = random.Random(width)
    frames = frames_of([*range(8, 70, 5), 64, 65, 127, 128, 1518, 1522, 16384], seed=width)
    frames += [EVERYBODY + bytes(58), b"\xff" * 70, b"\x01" + bytes(63), EVERYBODY[:5] + bytes(59)]
    frames += [b"\xfe" + EVERYBODY[1:] + bytes(58), bytes(64) + EVERYBODY]
    pauses = [rng.choice((0, 0, XON, XOFF)) for _ in frames]
    assert rtl(frames, pauses, width) == [reference(*each) for each in zip(frames, pauses, strict=True)]
