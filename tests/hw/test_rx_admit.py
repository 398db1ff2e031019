"""RxAdmit against its table of causes read from top to bottom, one frame at a time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ringbed.hw.mac_rx import LONGEST
from ringbed.hw.rx_admit import DROPS, RxAdmit
from tests.hw.stream_bench import simulate

STATION = bytes.fromhex("02a1b2c3d4e5")
TO = {
    "us": STATION, "unicast": bytes.fromhex("02a1b2c3d4e4"), "multicast": bytes.fromhex("01005e000001"),
    "broadcast": b"\xff" * 6,
}  # fmt: skip
SWITCHES = ("on", "sbp", "upe", "mpe", "bam", "lpe", "strip", "valid")


@dataclass(frozen=True)
class Frame:
    """A frame as the MAC gives it, the switches as it begins, the room it finds, a reset in or before one beat."""

    length: int
    to: str = "us"
    crc_ok: bool = True
    error: bool = False
    room: int = 4096
    reset_at: int | None = None
    reset_before: bool = False  # in a clock of its own, ahead of beat `reset_at`
    switches: frozenset[str] = field(default=frozenset({"on", "valid"}))

    @property
    def beats(self) -> int:
        return (self.length + 7) // 8


@dataclass
class Fate:
    """How a frame ended; with `kept`, what the ring is told and how many beats the store keeps."""

    end: str
    length: int = 0
    keep: int = 0
    marks: tuple[bool, bool] = (False, False)  # CE, RXE


def wanted(frame: Frame) -> bool:
    """M 13.4.22: exact address, promiscuous bits, broadcast accept."""
    on = frame.switches
    if frame.to == "us" and "valid" in on:
        return True
    if frame.to in ("us", "unicast"):
        return "upe" in on
    return "mpe" in on or (frame.to == "broadcast" and "bam" in on)


def reference(frame: Frame) -> Fate:
    """First cause that applies, in the documented order. SBP keeps all that has a header and fits a buffer."""
    on, length = frame.switches, frame.length
    most = LONGEST if "lpe" in on else 1522
    stored = length - (4 if "strip" in on else 0)
    causes = {
        "off": "on" not in on,
        "runt": length < 64 and not ("sbp" in on and length >= 18),
        "giant": length > most and not ("sbp" in on and length <= LONGEST),
        "crc": (not frame.crc_ok or frame.error) and "sbp" not in on,
        "filter": not wanted(frame),
        "miss": frame.room < frame.beats,
    }
    if frame.reset_at is not None:
        return Fate("flushed")
    for cause, applies in causes.items():
        if applies:
            return Fate(cause)
    return Fate("kept", stored, (stored + 7) // 8, (not frame.crc_ok, frame.error))


class Bench:
    """Beats with gaps; a store that only counts; between frames the switches flicker, inside one all but `on` hold."""

    def __init__(self, frames: Iterable[Frame], seed: int, gaps: float) -> None:
        self.frames, self.rng, self.gaps, self.dut = list(frames), random.Random(seed), gaps, RxAdmit(64)
        self.fates: list[Fate] = []
        self.now: Fate | None = None  # of the frame that ended in the last clock

    async def run(self, ctx: Any) -> None:
        ctx.set(self.dut.address, int.from_bytes(STATION, "little"))
        for frame in self.frames:
            while self.rng.random() < self.gaps:
                await self.idle(ctx)
            await self.frame(ctx, frame)
        await self.idle(ctx)

    async def idle(self, ctx: Any, *, between: bool = True, flush: bool | None = None) -> None:
        ctx.set(self.dut.i.valid, 0)
        if between:
            for name in SWITCHES:
                ctx.set(getattr(self.dut, name), self.rng.getrandbits(1))
        ctx.set(self.dut.flush, self.rng.random() < 0.2 if flush is None else flush)
        ctx.set(self.dut.i.payload.as_value(), self.rng.getrandbits(len(self.dut.i.payload.as_value())))
        await self.clock(ctx, None)
        assert self.now is None

    async def frame(self, ctx: Any, frame: Frame) -> None:
        """`trial` counts what was written; the store's room shrinks with it."""
        dut, rng = self.dut, self.rng
        trial: list[int] = []
        for name in SWITCHES:
            ctx.set(getattr(dut, name), name in frame.switches)
        for number in range(frame.beats):
            while number and rng.random() < self.gaps:
                await self.idle(ctx, between=False, flush=False)
            at_reset = frame.reset_at == number
            if at_reset and frame.reset_before:
                await self.idle(ctx, between=False, flush=True)
            first, last = number == 0, number == frame.beats - 1
            count = frame.length - 8 * number if last else 8
            word = int.from_bytes(TO[frame.to], "little") | rng.getrandbits(16) << 48 if first else rng.getrandbits(64)
            if not first:
                ctx.set(dut.on, rng.getrandbits(1))
            for port, value in (
                (dut.i.valid, 1), (dut.i.payload.data, word), (dut.i.payload.count, count),
                (dut.i.payload.first, first), (dut.i.payload.last, last), (dut.i.payload.error, last and frame.error),
                (dut.end.length, min(8 * number + count, LONGEST + 1)), (dut.end.crc_ok, frame.crc_ok if last else 0),
                (dut.end.error, frame.error and last), (dut.end.runt, 8 * number + count < 64),
                (dut.free, max(frame.room - len(trial), 0)), (dut.flush, at_reset and not frame.reset_before),
            ):  # fmt: skip
                ctx.set(port, value)
            w_en, w_data = await self.clock(ctx, frame, first, last)
            if w_en:
                assert len(trial) < frame.room
                assert w_data == word
                trial.append(number)
        assert self.now is not None
        self.fates.append(self.now)
        if self.now.end == "kept":
            assert trial == list(range(frame.beats))
        if self.now.end == "off":
            assert trial == []

    async def clock(self, ctx: Any, frame: Frame | None, first: bool = False, last: bool = False) -> tuple[int, int]:
        """One clock; checks what is told of the frame that ended with the clock before."""
        dut, told = self.dut, self.now
        sampled = await ctx.tick().sample(
            dut.w_en, dut.w_data, dut.finish, dut.keep, dut.began, dut.dropped, dut.flushed, dut.o_valid, dut.o,
        )  # fmt: skip
        w_en, w_data, finish, keep, began, dropped, flushed, o_valid, out = sampled[2:]
        assert (bool(finish), bool(began)) == (last, first)
        assert bool(o_valid) == (told is not None)
        if told is not None:
            assert out.kept == (told.end == "kept")
            if out.kept:
                told.length, told.marks = out.length, (bool(out.ce), bool(out.rxe))
        self.now = None
        if last:
            ends = [name for bit, name in enumerate(DROPS) if dropped >> bit & 1] + ["flushed"] * flushed
            assert len(ends) <= 1
            assert keep == 0 or not ends
            self.now = Fate(ends[0]) if ends else Fate("kept", keep=keep)
        else:
            assert not dropped
            assert not flushed
        return w_en, w_data


def rtl(frames: Iterable[Frame], seed: int = 1, gaps: float = 0.2) -> list[Fate]:
    bench = Bench(frames, seed, gaps)
    simulate(bench.dut, bench.run, clocks=60000)
    return bench.fates


def check(frames: list[Frame], gaps: float = 0.2) -> Counter[str]:
    fates = rtl(frames, gaps=gaps)
    assert fates == [reference(frame) for frame in frames]
    return Counter(fate.end for fate in fates)


def some(rng: random.Random) -> Frame:
    """Any mixture of short frames, faults and switches; most of them on, most frames good."""
    length = rng.choice((rng.randint(64, 90), rng.randint(64, 200), rng.randint(1, 63)))
    frame = Frame(
        length, to=rng.choice(list(TO)), crc_ok=rng.random() < 0.8, error=rng.random() < 0.15,
        switches=frozenset(name for name in SWITCHES if rng.random() < (0.8 if name in ("on", "valid") else 0.4)),
    )  # fmt: skip
    if rng.random() < 0.15:
        frame = replace(frame, room=rng.randint(0, frame.beats))
    if rng.random() < 0.1:
        at = rng.randrange(frame.beats)
        frame = replace(frame, reset_at=at, reset_before=at > 0 and rng.random() < 0.5)
    return frame


@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_every_cause_alone_and_mixed(gaps: float) -> None:
    rng = random.Random(1)
    ends = check([some(rng) for _ in range(350)], gaps)
    assert set(ends) == {"kept", "flushed", *DROPS} - {"giant"}


def test_causes_in_their_order() -> None:
    """A frame with every fault, one fault taken away at a time."""
    broken = Frame(1600, to="unicast", crc_ok=False, room=3, switches=frozenset({"valid"}))
    on = replace(broken, switches=frozenset({"on", "valid"}))
    fits = replace(on, length=1522)
    whole = replace(fits, crc_ok=True)
    ours = replace(whole, to="us")
    frames = [broken, on, fits, whole, ours, replace(ours, room=191), replace(on, length=63)]
    assert [fate.end for fate in rtl(frames)] == ["off", "giant", "crc", "filter", "miss", "kept", "runt"]


@pytest.mark.parametrize("to", list(TO))
def test_address_filter(to: str) -> None:
    """Every combination of the filter's switches."""
    names = ("upe", "mpe", "bam", "valid")
    sets = [frozenset({"on", *(n for bit, n in enumerate(names) if bits >> bit & 1)}) for bits in range(16)]
    check([Frame(64, to=to, switches=switches) for switches in sets])


def test_stripping_the_fcs_drops_a_beat_that_held_nothing_else() -> None:
    for switches in (frozenset({"on", "valid"}), frozenset({"on", "valid", "strip"})):
        check([Frame(length, switches=switches) for length in range(64, 90)])


def test_store_bad_packets() -> None:
    """All but those without a header and those that fit no buffer; each says what is wrong with it."""
    on = frozenset({"on", "valid", "sbp"})
    frames = [Frame(length, crc_ok=length % 2 == 0, error=length % 3 == 0, switches=on) for length in range(1, 70)]
    frames += [replace(frame, switches=on | {"strip"}) for frame in frames[10:30]]
    assert check([*frames, Frame(1600, switches=on)])["runt"] == 17 + 7


def test_giants_and_long_frames() -> None:
    """1522 without LPE, 16384 with; a giant's tail is not even tried, so it cannot fill the buffer."""
    on, longer = frozenset({"on", "valid"}), frozenset({"on", "valid", "lpe"})
    frames = [Frame(length, switches=on) for length in (1521, 1522, 1523, 1528, 1529, 1540)]
    frames += [Frame(length, switches=longer) for length in (1523, 16384)]
    frames += [Frame(16385, switches=longer | {"sbp"}), Frame(1700, room=192, switches=on)]
    ends = [fate.end for fate in rtl(frames, gaps=0.0)]
    assert ends == ["kept"] * 2 + ["giant"] * 4 + ["kept"] * 2 + ["giant"] * 2
    assert rtl(frames[:6], gaps=0.1) == [reference(frame) for frame in frames[:6]]


def test_a_frame_that_finds_too_little_room_is_missed_whole() -> None:
    check([Frame(length, room=room) for length in (64, 65, 72) for room in range(11)])


def test_reset_at_any_beat_flushes_the_frame_and_not_the_next() -> None:
    frames = []
    for at in range(9):
        frames += [Frame(72, reset_at=at), Frame(64), Frame(72, reset_at=at, crc_ok=False)]
        frames.append(Frame(72, reset_at=max(at, 1), reset_before=True))
    for gaps in (0.0, 0.5):
        assert check(frames, gaps) == {"flushed": 27, "kept": 9}
