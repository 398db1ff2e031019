"""RxAdmit against its table of causes read from top to bottom, one frame at a time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ringbed.hw.mac.rx import LONGEST
from ringbed.hw.rx.admit import DROPS, RxAdmit
from tests.hw.stream_bench import simulate

CONTROL = ("sbp", "lpe", "strip", "dpf", "pmcf")  # RCTL's
VERDICT = ("address", "inexact", "vlan")
MAC = ("control", "opcode", "to_us", "station")
SWITCHES = ("on", *CONTROL, *VERDICT, *MAC, "stripped")
OURS = frozenset({"on", "address", "vlan"})
WIDTHS = (64, 128, 256, 512)
BUFFER = 65536  # bytes: the whole packet buffer


@dataclass(frozen=True)
class Frame:
    """A frame as it was on the wire, what the blocks before say of it, the room it finds, a reset at a beat.

    `room` in beats of `lanes` bytes; None: all of the buffer.
    """

    length: int
    crc_ok: bool = True
    error: bool = False
    room: int | None = None
    reset_at: int | None = None
    reset_before: bool = False  # in a clock of its own, ahead of beat `reset_at`
    switches: frozenset[str] = field(default=OURS)
    tag: int = 0
    time: int = 0
    lanes: int = 8

    @property
    def bytes(self) -> int:
        """Without the tag."""
        return self.length - (4 if "stripped" in self.switches else 0)

    @property
    def beats(self) -> int:
        return -(-self.bytes // self.lanes)

    @property
    def space(self) -> int:
        return BUFFER // self.lanes if self.room is None else self.room


@dataclass
class Fate:
    """How a frame ended; with `kept`, what the ring is told and how many beats the store keeps."""

    end: str
    length: int = 0
    keep: int = 0
    marks: tuple[bool, bool, bool, int] = (False, False, False, 0)  # CE, RXE, PIF, tag


def in_order(frame: Frame) -> bool:
    return 64 <= frame.length <= (LONGEST if "lpe" in frame.switches else 1522) and frame.crc_ok and not frame.error


def wanted(frame: Frame) -> bool:
    """By its address, or as a MAC control frame that RCTL.PMCF lets in."""
    on = frame.switches
    return "address" in on or (in_order(frame) and {"control", "pmcf"} <= on and "opcode" not in on)


def paused(frame: Frame) -> bool:
    return in_order(frame) and {"control", "opcode", "to_us"} <= frame.switches


def statistics(frame: Frame, fate: str) -> dict[str, int] | None:
    """The RxStat of a frame that the receiver was on for and no reset took."""
    on = frame.switches
    if "on" not in on or fate == "flushed":
        return None
    marks = {
        "crc": not frame.crc_ok, "rxe": frame.error, "passed": wanted(frame) and "vlan" in on and frame.length >= 14,
        "missed": fate == "miss", "runt": frame.length < 64,
        "multicast": frame.tag & 1, "broadcast": frame.tag >> 1 & 1,
        "giant": frame.length > (LONGEST if "lpe" in on else 1522), "no_buffer": "inexact" in on,
        "xon": paused(frame) and frame.time == 0, "xoff": paused(frame) and frame.time != 0,
        "control": in_order(frame) and "control" in on and "opcode" not in on,
    }  # fmt: skip
    return {"length": frame.length} | {name: int(mark) for name, mark in marks.items()}


def reference(frame: Frame) -> Fate:
    """First cause that applies, in the documented order. SBP keeps all that has a header and fits a buffer."""
    on, length = frame.switches, frame.length
    most = LONGEST if "lpe" in on else 1522
    stored = frame.bytes - (4 if "strip" in on else 0)
    control = in_order(frame) and "control" in on
    causes = {
        "off": "on" not in on,
        "runt": length < 64 and not ("sbp" in on and length >= (22 if "stripped" in on else 18)),
        "giant": length > most and not ("sbp" in on and length <= LONGEST),
        "crc": (not frame.crc_ok or frame.error) and "sbp" not in on,
        "pause": control and (not wanted(frame) or (paused(frame) and {"station", "dpf"} <= on)),
        "filter": not wanted(frame),
        "vlan": "vlan" not in on,
        "miss": frame.space < frame.beats,
    }
    if frame.reset_at is not None:
        return Fate("flushed")
    for cause, applies in causes.items():
        if applies:
            return Fate(cause)
    marks = (not frame.crc_ok, frame.error, "inexact" in on, frame.tag if "stripped" in on else 0)
    return Fate("kept", stored, -(-stored // frame.lanes), marks)


class Bench:
    """Beats with gaps; a store that only counts; between frames the switches flicker, inside one all but `on` hold."""

    def __init__(self, frames: Iterable[Frame], seed: int, gaps: float, width: int) -> None:
        self.rng, self.gaps, self.dut, self.lanes = random.Random(seed), gaps, RxAdmit(width), width // 8
        self.frames = [replace(frame, lanes=self.lanes) for frame in frames]
        self.fates: list[Fate] = []
        self.now: Fate | None = None  # of the frame that ended in the last clock
        self.last: Frame | None = None

    async def run(self, ctx: Any) -> None:
        for frame in self.frames:
            while self.rng.random() < self.gaps:
                await self.idle(ctx)
            await self.frame(ctx, frame)
        await self.idle(ctx)

    def switch(self, ctx: Any, on: frozenset[str], tag: int = 0, time: int = 0) -> None:
        """`no_buffer` and the destination's kind go with values that say nothing of them: only statistics ask."""
        dut = self.dut
        for struct, names in ((dut.control, CONTROL), (dut.verdict, VERDICT), (dut.mac, MAC)):
            for name in names:
                ctx.set(struct[name], name in on)
        for port, value in (
            (dut.on, "on" in on), (dut.stripped, "stripped" in on), (dut.tag, tag), (dut.mac.time, time),
            (dut.no_buffer, "inexact" in on),
            (dut.verdict.multicast, tag & 1), (dut.verdict.broadcast, tag >> 1 & 1),
        ):  # fmt: skip
            ctx.set(port, value)

    async def idle(self, ctx: Any, *, between: bool = True, flush: bool | None = None) -> None:
        ctx.set(self.dut.i.valid, 0)
        if between:
            self.switch(ctx, frozenset(name for name in SWITCHES if self.rng.getrandbits(1)))
        ctx.set(self.dut.flush, self.rng.random() < 0.2 if flush is None else flush)
        ctx.set(self.dut.i.payload.as_value(), self.rng.getrandbits(len(self.dut.i.payload.as_value())))
        await self.clock(ctx, None)
        assert self.now is None

    async def frame(self, ctx: Any, frame: Frame) -> None:
        """`trial` counts what was written; the store's room shrinks with it."""
        dut, rng, lanes = self.dut, self.rng, self.lanes
        trial: list[int] = []
        self.switch(ctx, frame.switches, frame.tag, frame.time)
        for number in range(frame.beats):
            while number and rng.random() < self.gaps:
                await self.idle(ctx, between=False, flush=False)
            at_reset = frame.reset_at == number
            if at_reset and frame.reset_before:
                await self.idle(ctx, between=False, flush=True)
            first, last = number == 0, number == frame.beats - 1
            count = frame.bytes - lanes * number if last else lanes
            wire = frame.length if last else lanes * number + lanes  # as VlanStrip tells it
            word = rng.getrandbits(8 * lanes)
            if not first:  # these count as they stood when the frame began
                ctx.set(dut.on, rng.getrandbits(1))
                for name in CONTROL:
                    ctx.set(dut.control[name], rng.getrandbits(1))
            for port, value in (
                (dut.i.valid, 1), (dut.i.payload.data, word), (dut.i.payload.count, count),
                (dut.i.payload.first, first), (dut.i.payload.last, last), (dut.i.payload.error, last and frame.error),
                (dut.end.length, wire), (dut.end.crc_ok, frame.crc_ok if last else 0),
                (dut.end.error, frame.error and last), (dut.end.runt, wire < 64),
                (dut.free, max(frame.space - len(trial), 0)), (dut.flush, at_reset and not frame.reset_before),
            ):  # fmt: skip
                ctx.set(port, value)
            w_en, w_data = await self.clock(ctx, frame, first, last)
            if w_en:
                assert len(trial) < frame.space
                assert w_data == word
                trial.append(number)
        assert self.now is not None
        self.fates.append(self.now)
        if self.now.end == "kept":
            assert trial == list(range(frame.beats))
        if self.now.end == "off":
            assert trial == []
        if self.now.end == "giant":  # what is past the longest frame that is kept
            assert len(trial) <= (LONGEST if {"lpe", "sbp"} & frame.switches else 1522) // lanes

    async def clock(self, ctx: Any, frame: Frame | None, first: bool = False, last: bool = False) -> tuple[int, int]:
        """One clock; checks what is told of the frame that ended with the clock before."""
        dut, told = self.dut, self.now
        sampled = await ctx.tick().sample(
            dut.w_en, dut.w_data, dut.finish, dut.keep, dut.began, dut.dropped, dut.flushed, dut.o_valid, dut.o,
            dut.stat.valid, dut.stat.payload, dut.pause_time,
        )  # fmt: skip
        w_en, w_data, finish, keep, began, dropped, flushed, o_valid, out = sampled[2:11]
        self.statistics(told, *sampled[11:])
        assert (bool(finish), bool(began)) == (last, first)
        assert bool(o_valid) == (told is not None)
        if told is not None:
            assert out.kept == (told.end == "kept")
            if out.kept:
                assert out.vp == ("stripped" in self.last.switches if self.last else 0)
                told.length, told.marks = out.length, (bool(out.ce), bool(out.rxe), bool(out.pif), int(out.tag))
        self.now, self.last = None, frame
        if last:
            ends = [name for bit, name in enumerate(DROPS) if dropped >> bit & 1] + ["flushed"] * flushed
            assert len(ends) <= 1
            assert keep == 0 or not ends
            self.now = Fate(ends[0]) if ends else Fate("kept", keep=keep)
        else:
            assert not dropped
            assert not flushed
        return w_en, w_data

    def statistics(self, told: Fate | None, valid: int, stat: Any, time: int) -> None:
        """One for the frame that ended in the last clock, or none."""
        wanted = statistics(self.last, told.end) if told is not None and self.last is not None else None
        assert bool(valid) == (wanted is not None)
        if wanted is not None and self.last is not None:
            assert {name: stat[name] for name, _ in stat.shape()} == wanted, self.last
            assert time == self.last.time


def rtl(frames: Iterable[Frame], seed: int = 1, gaps: float = 0.2, width: int = 64) -> list[Fate]:
    bench = Bench(frames, seed, gaps, width)
    simulate(bench.dut, bench.run, clocks=60000)
    return bench.fates


def check(frames: list[Frame], gaps: float = 0.2, width: int = 64) -> Counter[str]:
    fates = rtl(frames, gaps=gaps, width=width)
    assert fates == [reference(replace(frame, lanes=width // 8)) for frame in frames]
    return Counter(fate.end for fate in fates)


def some(rng: random.Random, width: int) -> Frame:
    """Any mixture of short frames, faults and switches; most of them on, most frames good."""
    length = rng.choice((rng.randint(64, 90), rng.randint(64, 200), rng.randint(5, 63)))
    frame = Frame(
        length, crc_ok=rng.random() < 0.8, error=rng.random() < 0.15, tag=rng.getrandbits(16),
        time=rng.choice((0, rng.getrandbits(16))),
        switches=frozenset(name for name in SWITCHES if rng.random() < (0.8 if name in OURS else 0.4)),
        lanes=width // 8,
    )  # fmt: skip
    if length < 16:
        frame = replace(frame, switches=frame.switches - {"stripped"})
    if rng.random() < 0.15:
        frame = replace(frame, room=rng.randint(0, frame.beats))
    if rng.random() < 0.1:
        at = rng.randrange(frame.beats)
        frame = replace(frame, reset_at=at, reset_before=at > 0 and rng.random() < 0.5)
    return frame


SELDOM = [(64, 0.0), (128, 0.3), (256, 0.3), (512, 0.3)]
MIXED = [(64, 0.3), (512, 0.0), *(pytest.param(*each, marks=pytest.mark.full) for each in SELDOM)]


@pytest.mark.parametrize(("width", "gaps"), MIXED)
def test_every_cause_alone_and_mixed(width: int, gaps: float) -> None:
    rng = random.Random(1)
    ends = check([some(rng, width) for _ in range(500)], gaps, width)
    assert set(ends) == {"kept", "flushed", *DROPS} - {"giant"}


def test_causes_in_their_order() -> None:
    """A frame with every fault, one fault taken away at a time."""
    broken = Frame(1600, crc_ok=False, room=3, switches=frozenset({"control"}))
    on = replace(broken, switches=frozenset({"on", "control"}))
    fits = replace(on, length=1522)
    whole = replace(fits, crc_ok=True)
    other = replace(whole, switches=frozenset({"on"}))
    tagged = replace(whole, switches=frozenset({"on", "address"}))
    ours = replace(whole, switches=OURS)
    frames = [broken, on, fits, whole, other, tagged, ours, replace(ours, room=191), replace(on, length=63)]
    wanted = ["off", "giant", "crc", "pause", "filter", "vlan", "miss", "kept", "runt"]
    assert [fate.end for fate in rtl(frames)] == wanted


def test_mac_control_frames() -> None:
    """Every combination of what PauseRx says and RCTL.DPF, PMCF, for frames that pass by address and others."""
    names = ("control", "opcode", "to_us", "station", "dpf", "pmcf", "address")
    sets = [frozenset(n for bit, n in enumerate(names) if bits >> bit & 1) | {"on", "vlan"} for bits in range(128)]
    frames = [Frame(64, switches=on, time=at % 3) for at, on in enumerate(sets) if "to_us" in on or "station" not in on]
    check(frames)
    check([replace(frame, crc_ok=False, switches=frame.switches | {"sbp"}) for frame in frames[::5]])


@pytest.mark.parametrize("width", WIDTHS)
def test_stripping_the_fcs_drops_a_beat_that_held_nothing_else(width: int) -> None:
    """With 64 bytes to 26 more: on the widest path about the end of the second beat, so that there is one before."""
    least = max(64, width // 4 - 8)
    frames = [Frame(length, tag=length) for length in range(least, least + 26)]
    for extra in ((), ("strip",), ("stripped",), ("strip", "stripped")):
        check([replace(frame, switches=OURS | set(extra)) for frame in frames], width=width)


def test_store_bad_packets() -> None:
    """All but those without a header and those that fit no buffer; each says what is wrong with it."""
    on = OURS | {"sbp"}
    frames = [Frame(length, crc_ok=length % 2 == 0, error=length % 3 == 0, switches=on) for length in range(1, 70)]
    frames += [replace(frame, switches=on | {"strip"}) for frame in frames[10:30]]
    assert check([*frames, Frame(1600, switches=on)])["runt"] == 17 + 7


@pytest.mark.parametrize("width", WIDTHS)
def test_giants_and_long_frames(width: int) -> None:
    """1522 without LPE, 16384 with; a giant's tail is not even tried, so it cannot fill the buffer."""
    on, longer = OURS, OURS | {"lpe"}
    frames = [Frame(length, switches=on) for length in (1521, 1522, 1523, 1528, 1529, 1540)]
    frames += [Frame(length, switches=longer) for length in (1523, 16384)]
    frames += [Frame(16385, switches=longer | {"sbp"}), Frame(1700, room=1536 * 8 // width, switches=on)]
    ends = [fate.end for fate in rtl(frames, gaps=0.0, width=width)]
    assert ends == ["kept"] * 2 + ["giant"] * 4 + ["kept"] * 2 + ["giant"] * 2
    check(frames[:6], 0.1, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_frame_that_finds_too_little_room_is_missed_whole(width: int) -> None:
    lanes = width // 8
    check([Frame(size, room=room) for size in (64, 65, 64 + lanes) for room in range(64 // lanes + 3)], width=width)


@pytest.mark.parametrize("width", WIDTHS)
def test_reset_at_any_beat_flushes_the_frame_and_not_the_next(width: int) -> None:
    """Of nine; the next one is a single beat where a path is wide enough for that."""
    frames, whole = [], Frame(9 * width // 8)
    for at in range(9):
        frames += [replace(whole, reset_at=at), Frame(64), replace(whole, reset_at=at, crc_ok=False)]
        frames.append(replace(whole, reset_at=max(at, 1), reset_before=True))
    for gaps in (0.0, 0.5):
        assert check(frames, gaps, width) == {"flushed": 27, "kept": 9}
