"""RingFetch against a ring kept as a list: order, what may be asked for when, and what a new head makes it forget."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest

from ringbed.hw.formats.em import StopCause
from ringbed.hw.ring.fetch import LINE, RingFetch
from tests.hw.stream_bench import refused, simulate

LINE_BYTES = 128
WIDTHS = (64, 128, 256, 512)


class Ring:
    """Software's side and the memory: descriptor n of all that ever were lies in place n modulo the ring's length."""

    def __init__(self, count: int, base: int, rng: random.Random) -> None:
        self.count, self.base, self.rng = count, base, rng
        self.places = [0] * count
        self.wanted: list[int] = []  # every descriptor written, in order
        self.start = self.done = self.asked = self.taken = 0  # places of the first; then how many of `wanted`

    def write(self, amount: int) -> None:
        for _ in range(amount):
            self.places[(self.start + len(self.wanted)) % self.count] = descriptor = self.rng.getrandbits(128)
            self.wanted.append(descriptor)

    def restart(self, head: int) -> None:
        self.wanted, self.start, self.done, self.asked, self.taken = [], head, 0, 0, 0

    @property
    def room(self) -> int:
        return self.count - 1 - (len(self.wanted) - self.done)

    def at(self, amount: int) -> int:
        """The ring index behind the first `amount` descriptors."""
        return (self.start + amount) % self.count

    def ask(self, address: int, length: int, width: int) -> tuple[int, list[list[int | None]]]:
        """Checks a request: whole beats from the next descriptor to the line's end, the ring's or the tail.

        Gives the descriptors asked for, and for each beat the ring indexes in it; None lies outside of what was asked.
        With 64 bits a beat is half of one.
        """
        index = self.at(self.asked)
        first, each = self.base + 16 * index, max(width // 128, 1)
        amount = min((LINE_BYTES - first % LINE_BYTES) // 16, len(self.wanted) - self.asked, self.count - index)
        skip = first % (16 * each) // 16
        assert amount > 0, "past the tail"
        assert address == first - 16 * skip, "not the next descriptor of the ring"
        assert (length + 1) * width // 128 == -(-(skip + amount) // each) * each
        self.asked += amount
        row: list[int | None] = [None] * skip + [index + step for step in range(amount)]
        row += [None] * (-len(row) % each)
        return amount, [row[at : at + each] for at in range(0, len(row), each) for _ in range(2 if width == 64 else 1)]


class Bench:
    """Drives every port each clock; `eager` is how often each party moves."""

    def __init__(self, ring: Ring, *, seed: int, depth: int = 32, eager: float = 0.6, latency: int = 12,
                 width: int = 64) -> None:  # fmt: skip
        self.ring, self.rng, self.eager, self.latency = ring, random.Random(seed), eager, latency
        self.dut, self.width = RingFetch(width, depth), width
        # clock from which it may come, ring indexes, and with 64 bits which half
        self.beats: deque[tuple[int, list[int | None], int]] = deque()
        self.clock, self.bursts, self.emptied = 0, [0], 0
        self.head_moved = False

    def set(self, ctx: Any, **values: int) -> None:
        for name, value in values.items():
            ctx.set(getattr(self.dut, name), value)

    def often(self) -> bool:
        return self.rng.random() < self.eager

    def drive_beat(self, ctx: Any) -> bool:
        beat = self.dut.beat
        there = bool(self.beats) and self.beats[0][0] <= self.clock and self.often()
        ctx.set(beat.valid, there)
        if there:
            _, row, half = self.beats[0]
            places = [self.rng.getrandbits(128) if index is None else self.ring.places[index] for index in row]
            word = sum(place << 128 * slot for slot, place in enumerate(places))
            ctx.set(beat.payload.data, word >> (64 * half) & (1 << self.width) - 1)
            self.beats.popleft()
        return there

    async def step(self, ctx: Any, *, writes: bool = True, takes: bool = True, comes: bool = True) -> None:
        """One clock: software, memory and consumer each do something or nothing."""
        ring, dut, rng = self.ring, self.dut, self.rng
        if writes and self.often():
            ring.write(rng.randint(0, min(ring.room, 11)))
        done = rng.randint(0, min(3, ring.taken - ring.done)) if self.often() else 0
        self.set(ctx, tail=ring.at(len(ring.wanted)), done=done)
        coming, held = bool(self.beats), ring.asked - ring.taken
        if comes:
            self.drive_beat(ctx)
        else:
            ctx.set(dut.beat.valid, 0)
        ctx.set(dut.request.ready, self.often())
        ctx.set(dut.o.ready, takes and self.often())
        sampled = await ctx.tick().sample(
            dut.request.valid, dut.request.ready, dut.request.payload, dut.o.valid, dut.o.ready, dut.o.payload,
            dut.head, dut.stop, dut.busy, dut.emptied, dut.beat.ready,
        )  # fmt: skip
        asks, granted, request, there, taken, descriptor, head, stop, busy, emptied, room = sampled[2:]
        assert (head, stop) == (ring.at(ring.done), StopCause.NONE)
        assert emptied == (self.head_moved and ring.done == len(ring.wanted))
        assert busy == (coming or asks)
        assert room, "what was asked for has room"
        if there and taken:
            assert descriptor == ring.wanted[ring.taken]
            ring.taken += 1
        if asks and granted:
            line = (LINE_BYTES - (ring.base + 16 * ring.at(ring.asked)) % LINE_BYTES) // 16
            amount, rows = ring.ask(request.address, request.len, self.width)
            assert amount == line or held < LINE, "less than a line is asked for while there is more than one"
            self.bursts.append(amount)
            after = self.clock + rng.randint(1, self.latency)
            self.beats.extend((after, row, number % 2 * (self.width == 64)) for number, row in enumerate(rows))
        assert ring.asked - ring.taken <= dut.depth
        self.clock += 1
        self.emptied += emptied
        ring.done += done
        self.head_moved = done != 0

    async def renew(self, ctx: Any, head: int) -> None:
        """The old ring's places hold garbage from here on; beats of it may go on coming, in this clock too."""
        self.ring.places = [0xBAD] * self.ring.count
        self.ring.restart(head)
        self.set(ctx, enable=0, done=0, head_w=1, head_in=head, tail=head)
        ctx.set(self.dut.request.ready, 0)
        ctx.set(self.dut.o.ready, 0)
        self.drive_beat(ctx)
        await ctx.tick()
        self.set(ctx, head_w=0)
        self.head_moved = False
        self.clock += 1

    async def settle(self, ctx: Any) -> None:
        """Until all there is has been used up, and a clock more."""
        while self.ring.done < len(self.ring.wanted):
            await self.step(ctx, writes=False)
        await self.step(ctx, writes=False)


def bench(count: int, base: int = 0x1_2345_6780, **ways: Any) -> Bench:
    rng = random.Random(count)
    return Bench(Ring(count, base, rng), **{"seed": count} | ways)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("count", "eager"), [(8, 0.7), (24, 0.5), (40, 0.9), (200, 1.0)])
def test_ring_order_through_many_wraps(count: int, eager: float, width: int) -> None:
    it = bench(count, base=0x1_0000_0000 + 16 * (count % 7), eager=eager, width=width)

    async def run(ctx: Any) -> None:
        it.set(ctx, base=it.ring.base, count=count, enable=1)
        while it.ring.done < min(5 * count, 300):
            await it.step(ctx)
        await it.settle(ctx)

    simulate(it.dut, run, clocks=6000)
    assert it.emptied > 0
    if eager == 1.0:
        assert sum(it.bursts) / len(it.bursts) > 4  # lines, not single descriptors


@pytest.mark.parametrize("width", WIDTHS)
def test_the_largest_ring_goes_round(width: int) -> None:
    """RDLEN and TDLEN of 0xFFF80: the last descriptor is 65527, and nearly 2**20 bytes lie before it."""
    count, start = 0xFFF80 // 16, 0xFFF80 // 16 - 30
    it = bench(count, base=0xFFFF_FF80, eager=0.9, width=width)
    it.ring.restart(start)

    async def run(ctx: Any) -> None:
        it.set(ctx, base=it.ring.base, count=count, head_w=1, head_in=start, tail=start)
        await ctx.tick()
        it.set(ctx, head_w=0, enable=1)
        while it.ring.done < 60:
            await it.step(ctx)
        await it.settle(ctx)

    simulate(it.dut, run, clocks=2000)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_tail_that_moves_by_one_is_followed_at_once(width: int) -> None:
    it = bench(16, eager=1.0, latency=3, width=width)

    async def run(ctx: Any) -> None:
        it.set(ctx, base=it.ring.base, count=16, enable=1)
        for number in range(40):
            it.ring.write(1)
            for _ in range(9):
                await it.step(ctx, writes=False)
            assert it.ring.taken == number + 1
            await it.settle(ctx)

    simulate(it.dut, run, clocks=2000)
    assert (set(it.bursts[1:]), it.emptied) == ({1}, 40)


def test_off_it_asks_for_nothing() -> None:
    it = bench(16)

    async def run(ctx: Any) -> None:
        it.set(ctx, base=it.ring.base, count=16)
        for _ in range(40):
            await it.step(ctx)
        assert (len(it.bursts), len(it.ring.wanted)) == (1, 15)

    simulate(it.dut, run, clocks=100)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_new_head_forgets_what_was_read_and_what_is_on_its_way(width: int) -> None:
    """Whatever is in the queue, half put together or asked for: nothing of the old ring comes out."""
    it = bench(24, eager=0.7, latency=15, width=width)
    waited = []

    async def run(ctx: Any) -> None:
        rng = random.Random(4)
        it.set(ctx, base=it.ring.base, count=24)
        for _ in range(40):
            it.set(ctx, enable=1)
            for _ in range(rng.randrange(90)):
                await it.step(ctx, takes=rng.random() < 0.1)
            coming = sum(place is not None for _, row, half in it.beats for place in row if not half)
            waited.append((len(it.beats), it.ring.asked - it.ring.taken - coming))
            await it.renew(ctx, rng.randrange(24))

    simulate(it.dut, run, clocks=6000)
    assert any(on_way % 2 for on_way, _ in waited)
    assert max(queued for _, queued in waited) > 4


@pytest.mark.parametrize("width", WIDTHS)
def test_as_many_as_can_be_on_their_way(width: int) -> None:
    """32 are asked for before one comes, twice; and of 32 that are forgotten on their way none comes out."""
    it = bench(64, base=0x1_0000_0000, eager=1.0, width=width)

    async def fill(ctx: Any) -> None:
        """Whole lines: a part of one takes as many beats of the queue's."""
        it.ring.write(it.ring.room)
        it.set(ctx, enable=1)
        for _ in range(100):
            await it.step(ctx, comes=False)
        assert it.ring.asked - it.ring.taken == 32

    async def run(ctx: Any) -> None:
        it.set(ctx, base=it.ring.base, count=64)
        for head in (24, 40):  # where a line begins
            await fill(ctx)
            await it.settle(ctx)
            await it.renew(ctx, head)
            await fill(ctx)
            await it.renew(ctx, head)
            it.set(ctx, enable=1)
            for _ in range(200):
                await it.step(ctx)
            await it.settle(ctx)
            await it.renew(ctx, head)

    simulate(it.dut, run, clocks=4000)


@pytest.mark.parametrize(
    ("count", "head", "tail", "stops"),
    [
        (8, 0, 7, False),
        (8, 0, 8, True),
        (8, 8, 3, True),
        (0, 0, 0, False),
        (0, 0, 1, True),
        (0, 5, 0, True),
        (8, 0, 0xFFFF, True),
    ],
)
def test_a_head_or_tail_outside_the_ring_stops_it(count: int, head: int, tail: int, stops: bool) -> None:
    it = bench(max(count, 1))

    async def run(ctx: Any) -> None:
        it.set(ctx, base=it.ring.base, count=count, head_in=head, head_w=1, tail=tail)
        await ctx.tick()
        it.set(ctx, head_w=0)
        assert ctx.get(it.dut.stop) == StopCause.NONE  # not while it is off
        it.set(ctx, enable=1)
        assert ctx.get(it.dut.stop) == (StopCause.RING if stops else StopCause.NONE)
        assert bool(ctx.get(it.dut.request.valid)) == (not stops and count > 0), "a ring of nothing has nothing to read"

    simulate(it.dut, run)


@pytest.mark.parametrize("bad", range(8))
def test_a_bus_error_stops_it_and_its_descriptor_is_not_given_out(bad: int) -> None:
    it = bench(16)
    got = []

    async def run(ctx: Any) -> None:
        dut = it.dut
        it.set(ctx, base=0, count=16, tail=4, enable=1)
        ctx.set(dut.request.ready, 1)
        ctx.set(dut.o.ready, 1)
        await ctx.tick()
        ctx.set(dut.beat.valid, 1)
        for number in range(8):
            ctx.set(dut.beat.payload.data, number)
            ctx.set(dut.beat.payload.error, number == bad)
            assert ctx.get(dut.stop) == (StopCause.FETCH if number == bad else StopCause.NONE)
            if ctx.get(dut.o.valid):
                got.append(ctx.get(dut.o.payload))
            await ctx.tick()
            ctx.set(dut.stopped, number >= bad)
            ctx.set(dut.tail, 12)
            assert number < bad or not ctx.get(dut.request.valid)
        ctx.set(dut.beat.valid, 0)
        await ctx.tick().repeat(3)
        assert not ctx.get(dut.o.valid)

    simulate(it.dut, run)
    assert got == [(2 * number + 1) << 64 | 2 * number for number in range(4)][: len(got)]
    assert len(got) <= bad // 2


def test_a_width_that_is_no_data_path_is_refused() -> None:
    refused(lambda: RingFetch(96), "64, 128, 256 or 512 bits wide, not 96")
