"""Beats in every encoding, both ways, against a reference that puts bytes into lanes one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from amaranth.hdl import Const, Module, Signal
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.hw.dut.stream import inward, outward, turned
from ringbed.hw.formats.dut import Bus, BusKind, Keep

OURS = ("tdata", "tkeep", "tlast", "tvalid", "tuser")


@dataclass(frozen=True)
class Beat:
    """`data` is what counts; `fill` stands in the lanes that do not."""

    data: bytes
    last: bool
    fill: bytes
    valid: bool = True


def naive(bus: Bus, beat: Beat) -> dict[str, int]:
    """The beat on the wires of `bus`: each byte, and the bit that says it counts, in the lane where it belongs."""
    lanes, found = bus.data_width // 8, {"tdata": 0, "tkeep": 0}
    for place, byte in enumerate((beat.data + beat.fill)[:lanes]):
        lane = lanes - 1 - place if bus.big else place
        found["tdata"] |= byte << 8 * lane
        found["tkeep"] |= (place < len(beat.data)) << lane
    found |= {"tlast": int(beat.last), "tvalid": int(beat.valid), "tempty": 0}
    if beat.last:
        found["tempty"] = lanes - len(beat.data)
    return found


def evaluate(m: Module, inputs: dict[str, Signal], outputs: dict[str, Any], rows: list[dict[str, int]]) -> Any:
    """The outputs for each row of inputs: logic alone, without a clock."""
    got: list[dict[str, int]] = []

    async def bench(ctx: Any) -> None:
        for row in rows:
            for name, signal in inputs.items():
                ctx.set(signal, row[name])
            await ctx.delay(1e-9)
            got.append({name: ctx.get(value) for name, value in outputs.items()})

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return got


def streams(into: bool) -> list[Any]:
    kinds = product((8, 16, 64, 512), Keep.ALL, (False, True))
    return [pytest.param(Bus(BusKind.STREAM, width, keep=keep, big=big, into=into), id=f"{width}-{keep}-{big}")
            for width, keep, big in kinds]  # fmt: skip


@st.composite
def beats(draw: st.DrawFn, bus: Bus) -> list[Beat]:
    """Whole beats, and last ones with fewer bytes, unless the stream cannot say so."""
    lanes, found = bus.data_width // 8, []
    for _ in range(draw(st.integers(1, 6))):
        last = draw(st.booleans())
        size = draw(st.integers(1, lanes)) if last and bus.keep != Keep.NONE else lanes
        data, fill = draw(st.binary(min_size=size, max_size=size)), draw(st.binary(min_size=lanes, max_size=lanes))
        found.append(Beat(data, last, fill, draw(st.booleans())))
    return found


@pytest.mark.parametrize("bus", streams(into=True))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_the_card_gets(bus: Bus, data: st.DataObject) -> None:
    m, little = Module(), Bus(BusKind.STREAM, bus.data_width)
    widths = {"tdata": bus.data_width, "tkeep": bus.data_width // 8}
    ours = {name: Signal(widths.get(name, 1), name=name) for name in OURS}
    theirs = inward(m, bus, ours, Const(0))
    rows = data.draw(beats(bus))
    got = evaluate(m, ours, theirs, [naive(little, beat) | {"tuser": int(beat.valid)} for beat in rows])
    for beat, seen in zip(rows, got, strict=True):
        right = naive(bus, beat) | {"tuser": int(beat.valid)}
        assert seen == {name: right[name] for name in seen}
        assert ("tempty" in seen) == (bus.keep == Keep.EMPTY)


@pytest.mark.parametrize("bus", streams(into=False))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_comes_of_the_card(bus: Bus, data: st.DataObject) -> None:
    m, little = Module(), Bus(BusKind.STREAM, bus.data_width)
    theirs = {sig.name: Signal(sig.width, name=sig.name) for sig in bus.signals() if sig.name != "tready"}
    ours = outward(m, bus, theirs, Const(1))
    rows = data.draw(beats(bus))
    got = evaluate(m, theirs, ours, [naive(bus, beat) for beat in rows])
    for beat, seen in zip(rows, got, strict=True):
        right = naive(little, beat)
        assert seen == {name: right[name] for name in ("tdata", "tkeep", "tlast", "tvalid")}


def test_empty_of_a_beat_that_is_not_the_last_says_nothing() -> None:
    m, bus = Module(), Bus(BusKind.STREAM, 64, keep=Keep.EMPTY)
    theirs = {sig.name: Signal(sig.width, name=sig.name) for sig in bus.signals() if sig.name != "tready"}
    row = {"tdata": 0, "tvalid": 1, "tlast": 0, "tempty": 5}
    assert evaluate(m, theirs, outward(m, bus, theirs, Const(1)), [row])[0]["tkeep"] == 0xFF


@given(st.binary(min_size=1, max_size=8))
@settings(max_examples=20, deadline=None)
def test_turned_is_the_bytes_from_the_other_end(data: bytes) -> None:
    value = Signal(8 * len(data))
    row = {"value": int.from_bytes(data, "little")}
    [got] = evaluate(Module(), {"value": value}, {"turned": turned(value, 8)}, [row])
    assert got["turned"] == int.from_bytes(data, "big")


Clock = dict[str, int]


def clocked(m: Module, inputs: dict[str, Signal], outputs: dict[str, Any], rows: list[Clock]) -> list[Clock]:
    """The outputs in each clock, with that clock's row of inputs."""
    got: list[Clock] = []

    async def bench(ctx: Any) -> None:
        for row in rows:
            for name, signal in inputs.items():
                ctx.set(signal, row.get(name, 0))
            got.append({name: ctx.get(value) for name, value in outputs.items()})
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return got


ROWS = st.lists(
    st.fixed_dictionaries({name: st.integers(0, 1) for name in ("tvalid", "taken", "tlast")}), min_size=1, max_size=30
)


@given(ROWS)
@settings(max_examples=20, deadline=None)
def test_a_start_is_with_the_first_beat_until_it_is_taken_and_the_contrary_where_no_beat_is(rows: list[Clock]) -> None:
    m, bus = Module(), Bus(BusKind.STREAM, 8, keep=Keep.NONE, into=True, start=True)
    inputs = {name: Signal(1 if name != "tdata" else 8, name=name) for name in (*OURS, "taken")}
    for row in rows:
        row["taken"] &= row["tvalid"]
    got = clocked(m, inputs, {"tstart": inward(m, bus, inputs, inputs["taken"])["tstart"]}, rows)
    midway = False
    for row, seen in zip(rows, got, strict=True):
        assert seen["tstart"] == (midway != bool(row["tvalid"]))
        midway = not row["tlast"] if row["taken"] else midway


def test_a_start_of_a_waiting_beat_stays_and_that_of_the_next_frame_comes_behind_a_last_beat() -> None:
    m, bus = Module(), Bus(BusKind.STREAM, 8, keep=Keep.NONE, into=True, start=True)
    inputs = {name: Signal(1 if name != "tdata" else 8, name=name) for name in (*OURS, "taken")}
    clocks = ((1, 0, 0), (1, 1, 0), (1, 1, 0), (0, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 1), (1, 1, 0), (0, 0, 0))
    rows = [{"tvalid": valid, "taken": taken, "tlast": last} for valid, taken, last in clocks]
    got = clocked(m, inputs, {"tstart": inward(m, bus, inputs, inputs["taken"])["tstart"]}, rows)
    assert [each["tstart"] for each in got] == [1, 1, 0, 1, 0, 0, 1, 1, 1]


def out_of(rows: list[Clock]) -> list[int]:
    m, bus = Module(), Bus(BusKind.STREAM, 8, keep=Keep.NONE, start=True, ports={"tstart": "sop"})
    theirs = {sig.name: Signal(sig.width, name=sig.name) for sig in bus.signals() if sig.name != "tready"}
    ready = Signal(name="ready")
    ours = outward(m, bus, theirs, ready)
    return [each["tvalid"] for each in clocked(m, theirs | {"ready": ready}, {"tvalid": ours["tvalid"]}, rows)]


def beat_of(start: int, last: int, ready: int = 1) -> Clock:
    return {"tvalid": 1, "tstart": start, "tlast": last, "ready": ready}


def test_beats_of_frames_come_through_whatever_waits() -> None:
    rows = [beat_of(1, 0, 0), beat_of(1, 0), {}, beat_of(0, 0), beat_of(0, 1, 0), beat_of(0, 1), beat_of(1, 1), {}]
    assert out_of(rows) == [1, 1, 0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("rows", [
    [beat_of(0, 0)], [beat_of(1, 0), beat_of(1, 1)], [beat_of(1, 1), beat_of(0, 0, 0), beat_of(0, 1)],
])  # fmt: skip
def test_a_start_that_is_missing_or_one_too_many_is_found(rows: list[Clock]) -> None:
    with pytest.raises(AssertionError, match="sop is not high with a frame's first beat, or with one behind it"):
        out_of([*rows, {}])
