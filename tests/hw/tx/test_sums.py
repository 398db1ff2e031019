"""TxSums against lengths and naive sums: what the store keeps, what the sender is told, aborts that leave no trace."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ringbed.hw.tx.ring import SumOrder, TxFinish
from ringbed.hw.tx.sums import BEHIND, TxSums
from tests.hw.stream_bench import beats, pack, pauses, refused, simulate, wait
from tests.hw.tx.test_checksum import Slot, Unit
from tests.hw.tx.test_checksum import reference as slots_of

FRAMES = BEHIND + 6


@dataclass
class Frame:
    """A frame as Pack gives it."""

    data: bytes
    ip: Unit
    l4: Unit
    fcs: bool
    abort: bool
    tci: int | None = None  # of the tag to be put in

    @property
    def order(self) -> dict[str, int]:
        return {
            "ip_start": self.ip.start, "ip_end": self.ip.end, "l4_start": self.l4.start, "l4_end": self.l4.end,
            "udp": self.l4.udp,
        }  # fmt: skip

    @property
    def finish(self) -> dict[str, int]:
        return {
            "ip": self.ip.enable, "ip_at": self.ip.offset, "l4": self.l4.enable, "l4_at": self.l4.offset,
            "fcs": self.fcs, "abort": self.abort, "tag": self.tci is not None, "tci": self.tci or 0,
        }  # fmt: skip


Ready = tuple[int, bool, int | None, list[Slot]]  # bytes, FCS to be added, TCI of a tag, patches


def reference(frames: Sequence[Frame], sums: bool, lanes: int = 8) -> tuple[list[int], list[Ready]]:
    """Beats to keep of each frame; one TxReady for each that was not aborted."""
    keeps = [0 if frame.abort else -(-len(frame.data) // lanes) for frame in frames]
    ready: list[Ready] = []
    for frame in frames:
        slots: list[Slot] = slots_of((frame.data, frame.ip, frame.l4)) if sums else [None, None]
        if not frame.abort:
            ready.append((len(frame.data), frame.fcs, frame.tci, slots))
    return keeps, ready


def some_frames(seed: int, count: int, aborts: float) -> list[Frame]:
    rng = random.Random(seed)
    made = []
    for number in range(count):
        data = rng.randbytes(rng.choice((number + 1, rng.randint(1, 16), rng.randint(40, 120))))

        def unit(udp: bool, size: int = len(data)) -> Unit:
            end = rng.choice((0, rng.randrange(size)))
            return Unit(rng.randrange(min(size, 256)), end, udp, rng.random() < 0.6, rng.randrange(min(size, 256)))

        tci = rng.choice((None, rng.getrandbits(16)))
        made.append(Frame(data, unit(False), unit(rng.random() < 0.5), rng.random() < 0.5, rng.random() < aborts, tci))
    return made


def rtl(
    frames: Sequence[Frame], sums: bool, share: float, width: int = 64, stuck: int = 0
) -> tuple[list[int], list[Ready]]:
    """What is kept and what is ready. Nobody takes any for the first `stuck` clocks."""
    dut, keeps, ready = TxSums(width, sums, FRAMES), list[int](), list[Ready]()
    inside: list[int] = []  # at each frame's begin, frames begun before it that have not been taken, aborted ones apart
    aborted = 0

    async def source(ctx: Any) -> None:
        """Noise where the block must not look; a frame begins when there is room."""
        nonlocal aborted
        rng, late = random.Random(1), pauses(1, share)
        for number, frame in enumerate(frames):
            while not ctx.get(dut.room):
                await ctx.tick()
            inside.append(number - aborted - len(ready))
            for fields in beats([frame.data], width // 8, seed=number):
                while next(late):
                    ctx.set(dut.i.valid, 0)
                    await ctx.tick()
                ctx.set(dut.i.valid, 1)
                ctx.set(dut.i.payload, fields)
                for port, layout, value, there in (
                    (dut.order, SumOrder, frame.order, fields["first"]),
                    (dut.ending, TxFinish, frame.finish, fields["last"]),
                ):  # fmt: skip
                    ctx.set(port.as_value(), pack(layout, value) if there else rng.getrandbits(len(port.as_value())))
                _, _, finish, keep = await ctx.tick().sample(dut.finish, dut.keep)
                assert finish == fields["last"]
                if finish:
                    keeps.append(keep)
                    assert ctx.get(dut.in_flight)
                ctx.set(dut.i.valid, 0)
            aborted += frame.abort

    async def sink(ctx: Any) -> None:
        late, quiet = pauses(2, share), 0
        await ctx.tick().repeat(stuck + 1)
        while quiet < 60:
            takes = not next(late)
            ctx.set(dut.o.ready, takes)
            _, _, valid, got = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            quiet = 0 if valid or len(keeps) < len(frames) else quiet + 1
            if valid and takes:
                slots = [(slot.offset, slot.value) if slot.enable else None for slot in (got.slots[0], got.slots[1])]
                ready.append((got.length, bool(got.fcs), got.tci if got.tag else None, slots))
        assert not ctx.get(dut.in_flight)

    simulate(dut, source, sink, clocks=20000)
    # at least as many as it may hold wait before it says so, and never more than its places
    assert max(inside) <= FRAMES
    assert not stuck or FRAMES - BEHIND < max(inside)
    return keeps, ready


@pytest.mark.parametrize("sums", [True, False])
@pytest.mark.parametrize(("share", "aborts"), [(0.0, 0.0), (0.0, 0.4), (0.4, 0.3)])
def test_lengths_sums_and_aborts(sums: bool, share: float, aborts: float) -> None:
    frames = some_frames(7, 90, aborts)
    assert rtl(frames, sums, share) == reference(frames, sums)


@pytest.mark.parametrize("width", [64, 128, 256, 512])
@pytest.mark.parametrize("sums", [True, False])
def test_no_frame_is_lost_while_nobody_takes_them(sums: bool, width: int) -> None:
    """Frames of one beat, as fast as `room` lets them in, and then longer ones."""
    sizes = [1 + number % 8 for number in range(40)] + [width // 8 + 1, width // 8, 3 * width // 8]
    none, data = Unit(enable=False), random.Random(width)
    frames = [Frame(data.randbytes(size), none, none, size % 2 == 0, False) for size in sizes]
    assert rtl(frames, sums, 0.0, width, stuck=100) == reference(frames, sums, width // 8)


@pytest.mark.parametrize("width", [128, 256, 512])
def test_widths(width: int) -> None:
    frames = some_frames(width, 60, 0.2)
    assert rtl(frames, True, 0.3, width) == reference(frames, True, width // 8)


def test_too_few_places_are_refused() -> None:
    refused(lambda: TxSums(64, True, BEHIND - 1), f"{BEHIND} frames at least, not {BEHIND - 1}")


def test_a_computed_zero_is_sent_as_ones_for_udp_alone() -> None:
    data, ip = b"\xff" * 20, Unit(0, 9, False, True, 4)
    frames = [Frame(data, ip, Unit(10, 0, udp, True, 12), True, False) for udp in (False, True)]
    keeps, ready = rtl(frames, True, 0.0)
    assert (keeps, ready) == reference(frames, True)
    assert [slots for *_, slots in ready] == [[(4, 0), (12, 0)], [(4, 0), (12, 0xFFFF)]]


def test_the_longest_frame() -> None:
    data = random.Random(8).randbytes(16288)
    frames = [Frame(data, Unit(14, 33, False, True, 24), Unit(34, 0, True, True, 40), True, False)]
    assert rtl(frames, True, 0.0) == reference(frames, True)


@pytest.mark.parametrize("sums", [True, False])
def test_frames_that_come_without_room_are_noticed(sums: bool) -> None:
    """The queue is full after FRAMES of them; one more would be lost without a word."""
    none = Frame(b"12345678", Unit(enable=False), Unit(enable=False), True, False)

    def send(count: int) -> None:
        dut = TxSums(64, sums, FRAMES)

        async def run(ctx: Any) -> None:
            ctx.set(dut.i.payload, beats([none.data], 8)[0])
            ctx.set(dut.ending.as_value(), pack(TxFinish, none.finish))
            ctx.set(dut.i.valid, 1)
            await wait(ctx, count)
            ctx.set(dut.i.valid, 0)
            await wait(ctx, 10)

        simulate(dut, run)

    send(FRAMES)
    with pytest.raises(AssertionError, match="no more than BEHIND frames come after `room` fell"):
        send(FRAMES + 1)
