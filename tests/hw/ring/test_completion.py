"""Completion against a ledger of entries: what may be written when, where it goes, and what is counted as done."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringbed.hw.ring.completion import Completion, Entry
from tests.hw.stream_bench import pack, refused, simulate

BASE, STROBE = 0x1_0000_0040, 0x10
WIDTHS = (64, 128, 256, 512)


@dataclass
class Used:
    """An entry as the ring's front end makes it; `bursts` are the data bursts its descriptor asked for."""

    upper: int
    write: bool
    eop: bool
    bursts: int
    late: bool = False


@dataclass
class Ledger:
    """What the bench saw."""

    bursts: list[int] = field(default_factory=list)  # entries in each write-back
    done: int = 0
    frames: int = 0
    written: int = 0
    now: int = 0  # entries, without and with `late`
    lates: int = 0
    landed: int = 0
    clocks: int = 0


def frames(seed: int, count: int, longest: int, silent: float, bursts: int = 3) -> list[Used]:
    """`count` frames of 1 to `longest` entries."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        size = rng.choice((1, 1, 2, rng.randint(1, longest)))
        for place in range(size):
            asked = rng.randint(0, bursts)
            write, late = rng.random() >= silent, rng.random() < 0.4
            made.append(Used(rng.getrandbits(64), write, place == size - 1, asked, late))
    return made


class Bench:
    """Plays the front end, the data bursts' answers, the write channel and its responses; checks every clock."""

    def __init__(self, entries: list[Used], *, ring: int, depth: int, seed: int, **ways: Any) -> None:
        self.entries, self.ring, self.depth = entries, ring, depth
        self.rng = random.Random(seed)
        self.eager = ways.get("eager", 0.6)  # readiness of the bus, and of the front end
        self.answers = ways.get("answers", self.eager)
        self.threshold, self.late = ways.get("threshold", 1), ways.get("late", 12)
        self.width = ways.get("width", 64)
        self.start, self.dut = ways.get("start", 0), Completion(self.width, depth, STROBE)
        self.place = 0  # in the next beat, of the entry that is next
        self.seen, self.taken, self.answered = Ledger(), 0, 0
        ends = [place for place, entry in enumerate(entries) if entry.eop]
        self.frame_end = [next(end for end in ends if end >= place) for place in range(len(entries))]
        self.asked = [0]
        for entry in entries:
            self.asked.append(self.asked[-1] + entry.bursts)
        self.next_write, self.given = 0, 0  # entries written or passed; responses given
        self.burst_ends: list[int] = []  # entry count behind each burst

    def may_write(self, place: int) -> bool:
        """Its frame's data is in memory; or its own is, when the frame's end cannot come in any more."""
        end = self.frame_end[place]
        if end < self.taken and self.answered >= self.asked[end + 1]:
            return True
        first = place
        while first and not self.entries[first - 1].eop:
            first -= 1
        return end - first + 1 > self.depth and self.answered >= self.asked[place + 1]

    def frames_in_memory(self) -> int:
        """Frames that have come in whole and whose bursts are answered."""
        return sum(entry.eop and self.answered >= self.asked[place + 1]
                   for place, entry in enumerate(self.entries[: self.taken]))  # fmt: skip

    def behind_silent(self, place: int) -> int:
        """The first entry from `place` on that is written."""
        while place < len(self.entries) and not self.entries[place].write:
            place += 1
        return place

    def burst(self, address: int, length: int) -> int:
        """A burst was asked for: checks it and gives its beats."""
        self.next_write = self.behind_silent(self.next_write)
        index, beats = (self.start + self.next_write) % self.ring, length + 1
        self.place = (BASE + 16 * index) % (self.width // 8) // 16
        assert address == BASE + 16 * (index - self.place), "not the beat that the next entry lies in"
        assert address % 128 + beats * self.width // 8 <= 128
        if self.width == 64:
            amount = beats // 2
            assert beats % 2 == 0
            assert index + amount <= self.ring
            assert all(self.may_write(place) for place in range(self.next_write, self.next_write + amount))
        assert self.may_write(self.next_write)
        self.seen.bursts.append(0)
        return beats

    def beat(self, data: int, strobes: int, last: bool) -> None:
        """A beat holds an entry in each place, but for the burst's first places and its last; silent ones too.

        Whether a burst takes silent entries with it at its end cannot be seen, and makes no difference.
        """
        places = max(self.width // 128, 1)
        end = max((place for place in range(places) if strobes >> 16 * place & 0xFFFF), default=self.place - 1)
        for place in range(self.place, end + 1 if last else places):
            assert self.next_write < len(self.entries)
            entry = self.entries[self.next_write]
            assert self.may_write(self.next_write)
            assert (self.start + self.next_write) % self.ring >= (self.start + self.first_of_burst()) % self.ring
            assert strobes >> 16 * place & 0xFFFF == (STROBE << 8 if entry.write else 0)
            assert data >> 128 * place + 64 & (1 << 64) - 1 == entry.upper
            self.next_write += 1
            self.seen.bursts[-1] += 1
        assert not strobes & (1 << 16 * self.place) - 1
        self.place = 0

    def first_of_burst(self) -> int:
        return self.next_write - self.seen.bursts[-1]

    def check_done(self, before: int) -> None:
        """Finished: data in memory, and the response in where it was written; frames are those of finished entries."""
        assert self.seen.done <= self.behind_silent(self.burst_ends[self.given - 1] if self.given else 0)
        assert all(self.may_write(place) for place in range(before, self.seen.done))
        finished = self.entries[: self.seen.done]
        assert self.seen.frames == sum(entry.eop for entry in finished)
        assert self.seen.now == sum(entry.write and not entry.late for entry in finished)
        assert self.seen.lates == sum(entry.write and entry.late for entry in finished)

    async def run(self, ctx: Any) -> None:
        dut, rng, seen = self.dut, self.rng, self.seen
        ctx.set(dut.base, BASE)
        ctx.set(dut.count, self.ring)
        ctx.set(dut.threshold, self.threshold)
        ctx.set(dut.head_in, self.start)
        ctx.set(dut.head_w, 1)
        await ctx.tick()
        ctx.set(dut.head_w, 0)
        left, half, responses, clock = 0, 0, deque[int](), 0
        while seen.done < len(self.entries):
            offer = self.taken < len(self.entries) and rng.random() < self.eager
            answer = self.answered < self.asked[self.taken] and rng.random() < self.answers
            respond = bool(responses) and clock >= responses[0]
            if self.taken < len(self.entries):
                ctx.set(dut.i.payload.as_value(), self.packed(self.entries[self.taken], self.asked[self.taken + 1]))
            for port, value in (
                (dut.i.valid, offer), (dut.answered, answer), (dut.response, respond),
                (dut.flush, self.taken == len(self.entries)),
                (dut.request.ready, left == 0 and rng.random() < self.eager),
                (dut.beat.ready, left != 0 and rng.random() < self.eager),
            ):  # fmt: skip
                ctx.set(port, value)
            sampled = await ctx.tick().sample(
                dut.i.ready, dut.request.valid, dut.request.ready, dut.request.payload, dut.beat.valid, dut.beat.ready,
                dut.beat.payload, dut.done, dut.frames, dut.written, dut.busy, dut.now, dut.lates, dut.landed,
            )  # fmt: skip
            ready, asks, granted, request, has, takes, beat, done, ended, written, busy, now, lates, landed = sampled[
                2:
            ]
            assert busy or not (asks or has or responses)
            assert self.may_write(seen.done) or not busy  # the first that is not done is not due: no other can be
            seen.landed += landed
            assert seen.landed <= self.frames_in_memory()
            clock += 1
            if respond:
                responses.popleft()
                self.given += 1
            seen.done, seen.frames, seen.written = seen.done + done, seen.frames + ended, seen.written + written
            seen.now, seen.lates = seen.now + now, seen.lates + lates
            self.check_done(seen.done - done)
            assert seen.landed >= seen.frames
            if asks and granted:
                left = self.burst(request.address, request.len)
            elif has and takes:
                assert beat.last == (left == 1)
                left, half = left - 1, self.width == 64 and not half
                if half:
                    assert beat.strb == 0
                elif self.width == 64:
                    self.beat(beat.data << 64, beat.strb << 8, False)
                else:
                    self.beat(beat.data, beat.strb, bool(beat.last))
                if beat.last:
                    responses.append(max(clock + rng.randrange(self.late), responses[-1] + 1 if responses else 0))
                    self.burst_ends.append(self.next_write)
            self.answered += answer
            self.taken += offer and ready
        seen.clocks = clock
        assert seen.written == len(seen.bursts) == self.given

    def packed(self, entry: Used, sequence: int) -> int:
        fields = {"upper": entry.upper, "write": entry.write, "eop": entry.eop, "sequence": sequence % 256}
        fields["late"] = entry.late
        return pack(Entry(), fields)


def rtl(entries: list[Used], **ways: Any) -> Ledger:
    bench = Bench(entries, **{"ring": 24, "depth": 16, "seed": 1} | ways)
    simulate(bench.dut, bench.run, clocks=60 * len(entries) + 400)
    return bench.seen


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("ring", "depth", "start"), [(8, 16, 0), (24, 16, 5), (40, 128, 39)])
def test_ring_order_through_wraps(ring: int, depth: int, start: int, width: int) -> None:
    entries = frames(ring, 90, 6, silent=0.0)
    seen = rtl(entries, ring=ring, depth=depth, start=start, seed=ring, width=width)
    assert (seen.done, sum(seen.bursts)) == (len(entries), len(entries))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_largest_ring_goes_round(width: int) -> None:
    """RDLEN and TDLEN of 0xFFF80: the last descriptor is 65527; sequence numbers of data bursts go round on the way."""
    ring = 0xFFF80 // 16
    entries = frames(3, 100, 6, silent=0.0)
    seen = rtl(entries, ring=ring, depth=128, start=ring - 50, width=width)
    assert (seen.done, sum(seen.bursts)) == (len(entries), len(entries))
    assert sum(entry.bursts for entry in entries) > 256


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("late", [1, 4, 40])
def test_silent_entries_take_no_bus_and_keep_their_place(late: int, width: int) -> None:
    """Responses in clocks one after another, with silent entries between their bursts, are all counted."""
    entries = frames(late, 150, 3, silent=0.5)
    seen = rtl(entries, late=late, eager=0.9, seed=late, width=width)
    assert len(seen.bursts) < sum(entry.write for entry in entries)
    assert seen.done == len(entries)


def test_none_written_at_all() -> None:
    seen = rtl(frames(3, 40, 3, silent=1.0))
    assert (seen.bursts, seen.written) == ([], 0)


@pytest.mark.parametrize("threshold", [0, 2, 8, 63])
@pytest.mark.parametrize(("start", "width"), [(0, 64), (3, 64), (3, 512)])
def test_more_entries_in_a_frame_than_fit(threshold: int, start: int, width: int) -> None:
    """A frame may be longer than the queue, wherever in a line it begins and whatever the threshold."""
    entries = frames(9, 2, 3, silent=0.2) + [Used(place, True, place == 69, place % 3) for place in range(70)]
    for answers in (0.6, 0.1):
        seen = rtl(entries, threshold=threshold, start=start, answers=answers, seed=threshold, width=width)
        assert seen.done == len(entries)


@pytest.mark.parametrize(("count", "width"), [(127, 64), (128, 64), (129, 512)])
def test_a_frame_of_as_many_entries_as_fit(count: int, width: int) -> None:
    """And of one less and one more, whose first go out early; then frames of one entry, all of them waiting at once."""
    entries = [Used(place, True, place == count - 1, 1) for place in range(count)]
    entries += [Used(place, True, True, 0) for place in range(130)]
    seen = rtl(entries, ring=200, depth=128, start=190, width=width, eager=1.0, answers=0.5)
    assert (seen.done, seen.frames) == (count + 130, 131)


def test_batches_fill_lines_when_entries_wait() -> None:
    """With everything ready, each burst reaches the end of its line."""
    entries = [Used(place, True, True, 0) for place in range(96)]
    seen = rtl(entries, ring=96, depth=128, threshold=8, eager=1.0)
    # base is in the middle of a line: four, then eights, four at the ring's end
    assert seen.bursts == [4] + [8] * 11 + [4]
    assert seen.clocks < 2.6 * 96 + 40


def test_threshold_gathers_up_to_a_line() -> None:
    dut, entry = Completion(64, 16, STROBE), Used(1, True, True, 0)
    sizes = []

    async def run(ctx: Any) -> None:
        ctx.set(dut.count, 64)
        for threshold, first, second in ((4, 3, 1), (20, 3, 1), (20, 7, 1)):  # no more than a line is waited for
            ctx.set(dut.threshold, threshold)
            await feed(ctx, dut, *[entry] * first)
            sizes.append(await written(ctx, dut))
            await feed(ctx, dut, *[entry] * second)
            sizes.append(await written(ctx, dut))
        await feed(ctx, dut, *[entry] * 12)
        ctx.set(dut.stopped, 1)
        sizes.append(await written(ctx, dut))

    simulate(dut, run, clocks=500)
    # four are too few where a line is waited for; the burst of eleven ends at the line's end, and leaves seven
    assert sizes == [0, 4, 0, 0, 4, 8, 0]


def test_flush_sends_what_there_is() -> None:
    dut = Completion(64, 16, STROBE)

    async def run(ctx: Any) -> None:
        ctx.set(dut.count, 64)
        ctx.set(dut.threshold, 8)
        ctx.set(dut.i.payload.as_value(), pack(Entry(), {"upper": 1, "write": 1, "eop": 1, "sequence": 1}))
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.flush, 1)
        await ctx.tick().repeat(20)
        assert not ctx.get(dut.request.valid)  # its data is still on the way
        ctx.set(dut.answered, 1)
        await ctx.tick()
        ctx.set(dut.answered, 0)
        await ctx.tick().repeat(4)
        assert ctx.get(dut.request.valid)
        ctx.set(dut.flush, 0)
        assert not ctx.get(dut.request.valid)

    simulate(dut, run)


async def feed(ctx: Any, dut: Completion, *entries: Used, sequence: int = 0) -> None:
    """Entries one after another, then some clocks for what they bring about."""
    for entry in entries:
        fields = {"upper": entry.upper, "write": entry.write, "eop": entry.eop, "late": entry.late}
        fields["sequence"] = sequence
        ctx.set(dut.i.payload.as_value(), pack(Entry(), fields))
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
    ctx.set(dut.i.valid, 0)
    await ctx.tick().repeat(8)


async def written(ctx: Any, dut: Completion) -> int:
    """Takes the burst that is asked for; how many entries it wrote, 0 when none is."""
    if not ctx.get(dut.request.valid):
        return 0
    ctx.set(dut.request.ready, 1)
    ctx.set(dut.beat.ready, 1)
    _, _, request = await ctx.tick().sample(dut.request.payload)
    ctx.set(dut.request.ready, 0)
    await ctx.tick().until(dut.beat.valid & dut.beat.payload.last)
    ctx.set(dut.beat.ready, 0)
    await ctx.tick().repeat(3)
    return int((request.len + 1) // 2)


async def respond(ctx: Any, dut: Completion, *, failed: bool = False) -> tuple[int, int, int]:
    """A response; what is done with it: entries, frames, anything written."""
    ctx.set(dut.response, 1)
    ctx.set(dut.failed, failed)
    _, _, *told = await ctx.tick().sample(dut.done, dut.frames, dut.written)
    ctx.set(dut.response, 0)
    ctx.set(dut.failed, 0)
    await ctx.tick().repeat(2)
    return told[0], told[1], told[2]


def test_busy_is_a_write_back_due_or_out_and_nothing_else() -> None:
    """Waiting for data, for company or for a timer is no work."""
    dut, entry, silent = Completion(64, 16, STROBE), Used(1, True, True, 0), Used(2, False, True, 0)

    async def run(ctx: Any) -> None:
        ctx.set(dut.count, 64)
        ctx.set(dut.threshold, 4)
        assert not ctx.get(dut.busy)
        await feed(ctx, dut, entry, entry, entry, sequence=1)
        assert not ctx.get(dut.busy)  # their data is on the way
        ctx.set(dut.flush, 1)
        assert not ctx.get(dut.busy)
        ctx.set(dut.flush, 0)
        ctx.set(dut.answered, 1)
        await ctx.tick()
        ctx.set(dut.answered, 0)
        await ctx.tick().repeat(8)
        assert not ctx.get(dut.busy)  # three of four
        ctx.set(dut.flush, 1)
        assert ctx.get(dut.busy)
        ctx.set(dut.flush, 0)
        assert not ctx.get(dut.busy)
        await feed(ctx, dut, entry, sequence=1)
        assert ctx.get(dut.busy)  # due
        assert await written(ctx, dut) == 4
        assert ctx.get(dut.busy)  # out
        assert await respond(ctx, dut) == (4, 4, 1)
        assert not ctx.get(dut.busy)
        await feed(ctx, dut, entry, silent, sequence=1)
        assert not ctx.get(dut.busy)  # the silent one is behind another
        ctx.set(dut.flush, 1)
        assert await written(ctx, dut) == 2
        assert await respond(ctx, dut) == (2, 2, 1)
        assert not ctx.get(dut.busy)

    simulate(dut, run, clocks=500)


def test_landed_tells_each_frame_once_when_its_last_burst_is_answered() -> None:
    dut, part, end = Completion(64, 16, STROBE), Used(1, True, False, 0), Used(2, True, True, 0)
    told = list[int]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.count, 64)
        await feed(ctx, dut, part, end, sequence=2)
        for _ in range(2):
            ctx.set(dut.answered, 1)
            await ctx.tick()
            ctx.set(dut.answered, 0)
            for _ in range(4):
                _, _, landed = await ctx.tick().sample(dut.landed)
                told.append(landed)

    simulate(dut, run, clocks=100)
    assert told[:4] == [0] * 4
    assert sum(told) == 1


def test_a_frame_longer_than_the_ring_goes_out_in_parts_when_no_descriptor_is_left() -> None:
    """Only then, and only what is in memory; the frame counts with its end."""
    dut, part, end = Completion(64, 16, STROBE), Used(1, True, False, 0), Used(2, True, True, 0)

    async def run(ctx: Any) -> None:
        ctx.set(dut.count, 8)
        ctx.set(dut.flush, 1)
        await feed(ctx, dut, part, part, part, sequence=1)
        assert await written(ctx, dut) == 0
        ctx.set(dut.starved, 1)
        await ctx.tick().repeat(8)
        assert await written(ctx, dut) == 0  # its data is on the way
        ctx.set(dut.answered, 1)
        await ctx.tick()
        ctx.set(dut.answered, 0)
        await ctx.tick().repeat(8)
        assert await written(ctx, dut) == 3
        assert await respond(ctx, dut) == (3, 0, 1)
        ctx.set(dut.starved, 0)
        await feed(ctx, dut, part, end, sequence=1)
        assert await written(ctx, dut) == 2
        assert await respond(ctx, dut) == (2, 1, 1)

    simulate(dut, run, clocks=500)


def test_responses_wait_behind_as_many_silent_entries_as_there_can_be() -> None:
    """Sixteen batches are known at a time: behind one on the bus eight silent ones, and seven more on the bus.

    All responses come one after another: seven while the silent ones are finished, and none is lost.
    """
    dut, entry, silent = Completion(64, 32, STROBE), Used(1, True, True, 0), Used(2, False, True, 0)
    told = list[int]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.count, 64)
        ctx.set(dut.flush, 1)
        await feed(ctx, dut, entry)
        assert await written(ctx, dut) == 1
        await feed(ctx, dut, *[silent] * 8)
        for _ in range(7):
            await feed(ctx, dut, entry)
            assert await written(ctx, dut) == 1
        for clock in range(20):
            ctx.set(dut.response, clock < 8)
            _, _, done = await ctx.tick().sample(dut.done)
            told.append(done)
        assert not ctx.get(dut.busy)
        await feed(ctx, dut, entry)
        assert await written(ctx, dut) == 1
        assert ctx.get(dut.busy)  # no response is left over
        assert await respond(ctx, dut) == (1, 1, 1)

    simulate(dut, run, clocks=800)
    assert told == [1] * 16 + [0] * 4


def test_after_a_failed_write_back_nothing_is_done() -> None:
    dut, entry, silent = Completion(64, 16, STROBE), Used(1, True, True, 0), Used(2, False, True, 0)

    async def run(ctx: Any) -> None:
        ctx.set(dut.count, 8)
        ctx.set(dut.flush, 1)
        for failed, told in ((False, (1, 1, 1)), (True, (0, 0, 0)), (False, (0, 0, 0))):
            await feed(ctx, dut, entry)
            assert await written(ctx, dut) == 1
            assert await respond(ctx, dut, failed=failed) == told
        await feed(ctx, dut, silent)
        assert not ctx.get(dut.busy)  # used up all the same

    simulate(dut, run, clocks=500)


def test_a_width_that_is_no_data_path_is_refused() -> None:
    refused(lambda: Completion(96, 16, STROBE), "64, 128, 256 or 512 bits wide, not 96")
