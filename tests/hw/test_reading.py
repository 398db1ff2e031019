"""What counts as read in a text, and the ways in which a port can be named without being read."""

from __future__ import annotations

import pytest

from tests.hw.reading import names_read


@pytest.mark.parametrize(
    "line",
    [
        "assert ctx.get(dut.wanted)",
        "_, _, it = await ctx.tick().sample(dut.other, dut.wanted)",
        "await ctx.tick().until(dut.wanted)",
        "assert payload.wanted == 1",
        "assert got == {'wanted': 1}",
        "found.append(beat.wanted.to_bytes(8, 'little'))",
        "for port in (dut.a, dut.wanted):\n    assert ctx.get(port)",
        "for port in (dut.a, dut.wanted):\n    ctx.set(port, 1)\n    assert ctx.get(port)",
        "ctx.set(dut.back, ctx.get(dut.wanted))",
        "fields = {'wanted': 1}\nctx.set(dut.i, fields)\nassert got == fields",
    ],
)
def test_what_is_read(line: str) -> None:
    assert "wanted" in names_read(f"async def run(ctx):\n    {line.replace(chr(10), chr(10) + '    ')}\n")


@pytest.mark.parametrize(
    "line",
    [
        "ctx.set(dut.wanted, 1)",
        "ctx.set(Cat(dut.a, dut.wanted), 1)",
        "ctx.set(dut.i.payload, {'data': 1, 'wanted': 0})",
        "for port in (dut.a, dut.wanted):\n    ctx.set(port, 1)",
        "for port, value in ((dut.a, left), (dut.wanted, 1)):\n    ctx.set(port, value)",
        "for port, value in zip((dut.a, dut.wanted), values):\n    ctx.set(port, value)",
        "both = Cat(dut.a, dut.wanted)\nctx.set(both, 1)",
        "fields = {'wanted': 1}\nsent.append(pack(Beat(64), fields))",
        "tx = {'wanted': 1}\nfields = {'tx': tx}\nsent.append(pack(Beat(64), fields))",
        "dut.wanted = 1",
        "frames.wanted(1)",
        "assert self.wanted",
    ],
)
def test_what_is_only_made(line: str) -> None:
    assert "wanted" not in names_read(f"async def run(ctx):\n    {line.replace(chr(10), chr(10) + '    ')}\n")


def test_a_stream_handed_to_a_bench_has_its_handshake_read_there() -> None:
    assert {"valid", "ready", "payload"} <= names_read("simulate(dut, sink(dut.o, 3, out))")
    assert not {"valid", "ready", "payload"} & names_read("ctx.get(dut.o)")
