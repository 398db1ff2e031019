"""PauseRx against annex 31B's fields, one head at a time."""

from __future__ import annotations

import random
from typing import Any

from ringbed.hw.mac.pause_rx import PauseRx
from ringbed.hw.mac.rx_head import Head
from tests.hw.stream_bench import pack, simulate

PAUSE_DA, STATION = bytes.fromhex("0180c2000001"), bytes.fromhex("020000000001")
OTHER = bytes.fromhex("0200000000fe")
CONTROL = 0x8808


def reference(to: bytes, kind: int, opcode: int, time: int, fct: int, valid: bool) -> dict[str, int]:
    station = to == STATION and valid
    return {
        "control": int(kind == fct != 0), "opcode": int(opcode == 1), "to_us": int(station or to == PAUSE_DA),
        "station": int(station), "time": time,
    }  # fmt: skip


def test_every_combination() -> None:
    dut, rng = PauseRx(), random.Random(1)
    cases = [
        (to, kind, opcode, rng.getrandbits(16), fct, valid)
        for to in (PAUSE_DA, STATION, OTHER) for kind in (CONTROL, 0x0800, 0) for opcode in (0, 1, 2, 0x0101)
        for fct in (CONTROL, 0) for valid in (True, False)
    ]  # fmt: skip

    async def run(ctx: Any) -> None:
        ctx.set(dut.pause_da, int.from_bytes(PAUSE_DA, "little"))
        ctx.set(dut.station, int.from_bytes(STATION, "little"))
        for case in cases:
            to, kind, opcode, time, fct, valid = case
            ctx.set(dut.fct, fct)
            ctx.set(dut.station_valid, valid)
            fields = {"destination": int.from_bytes(to, "little"), "kind": kind, "tci": opcode, "time": time}
            ctx.set(dut.head.as_value(), pack(Head, fields))
            for told, timed in ((1, 0), (0, 1)):
                ctx.set(dut.told, told)
                ctx.set(dut.timed, timed)
                await ctx.tick()
            ctx.set(dut.timed, 0)
            ctx.set(dut.head.as_value(), rng.getrandbits(len(dut.head.as_value())))
            await ctx.tick()
            assert {name: ctx.get(dut.o[name]) for name, _ in dut.o.shape()} == reference(*case), case

    simulate(dut, run)
