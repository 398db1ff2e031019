"""DmaRead and DmaWrite against lists of what each source asked for; a memory that stalls and mixes as AXI lets it."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringbed.hw.bus.axi import AXI_INCR
from ringbed.hw.bus.dma import DmaRead, DmaWrite, Request, WriteBeat
from tests.hw.stream_bench import pack, simulate

# Width, sources, share of the clocks in which a side holds back.
WAYS = [(64, 1, 0.3), (64, 2, 0.0), (64, 3, 0.3), (64, 3, 0.6), (128, 2, 0.3), (256, 3, 0.0), (512, 3, 0.3)]


@dataclass
class Burst:
    """One burst of one source; `words` are data, for writes with strobes."""

    source: int
    address: int
    words: list[int]
    error: bool
    strobes: list[int] = field(default_factory=list)


def bursts(sources: int, count: int, seed: int, width: int = 64) -> list[deque[Burst]]:
    """What each source will ask for, in order."""
    rng = random.Random(seed)
    made = []
    for source in range(sources):
        mine = deque[Burst]()
        for number in range(count):
            beats = rng.choice((1, 1, 2, rng.randint(1, 16), 64 if number == 3 else 4))
            words = [rng.getrandbits(width) for _ in range(beats)]
            strobes = [rng.getrandbits(width // 8) for _ in range(beats)]
            mine.append(Burst(source, rng.getrandbits(50) * 512, words, rng.random() < 0.2, strobes))
        made.append(mine)
    return made


class Requests:
    """Each source's next request, offered with gaps; holds what was taken, in the order of the grants."""

    def __init__(self, dut: Any, wanted: list[deque[Burst]], rng: random.Random, share: float) -> None:
        self.dut, self.rng, self.share = dut, rng, share
        self.left = [deque(mine) for mine in wanted]
        self.granted: list[Burst] = []

    def drive(self, ctx: Any) -> list[Any]:
        for port, mine in zip(self.dut.request, self.left, strict=True):
            ctx.set(port.valid, bool(mine) and self.rng.random() >= self.share)
            if mine:
                ctx.set(
                    port.payload.as_value(),
                    pack(Request(), {"address": mine[0].address, "len": len(mine[0].words) - 1}),
                )
        return [port.valid & port.ready for port in self.dut.request]

    def took(self, fires: list[int]) -> list[Burst]:
        assert sum(fires) <= 1
        taken = [self.left[source].popleft() for source, fire in enumerate(fires) if fire]
        self.granted += taken
        return taken


class Channel:
    """Checks that an address channel holds still until it is taken, and matches the grants in their order."""

    def __init__(self, requests: Requests, width: int) -> None:
        self.requests, self.seen, self.held = requests, 0, None
        self.size = {64: 3, 128: 4, 256: 5, 512: 6}[width]  # IHI 0022, A3-2: two to the power of it are a beat's bytes

    def step(self, valid: int, ready: int, said: Any) -> Burst | None:
        """`said` is id, address, len, size, burst. Gives the burst whose address was taken in this clock."""
        if self.held is not None:
            assert (valid, said) == (1, self.held), "a waiting address moved"
        self.held = said if valid and not ready else None
        if not (valid and ready):
            return None
        burst = self.requests.granted[self.seen]
        self.seen += 1
        assert said == (burst.source, burst.address, len(burst.words) - 1, self.size, AXI_INCR)
        return burst


class Halt:
    """At `at` grants `halt` goes up, until all that was out is in; then it is let go."""

    CLOCKS = 500

    def __init__(self, requests: Requests, at: int) -> None:
        self.requests, self.at, self.clocks = requests, at, 0

    def drive(self, ctx: Any) -> None:
        if self.at and len(self.requests.granted) >= self.at and self.clocks <= self.CLOCKS:
            self.clocks += 1
        self.on = 0 < self.clocks <= self.CLOCKS
        ctx.set(self.requests.dut.halt, self.on)

    def check(self, fires: list[int], busy: int, out: int) -> None:
        assert busy or not out
        assert not (self.on and any(fires)), "a burst was begun"
        if self.clocks == self.CLOCKS:
            assert (busy, out) == (0, 0), "not drained"

    def check_over(self) -> None:
        assert not self.at or self.clocks > self.CLOCKS


def beats_of(burst: Burst) -> list[tuple[int, bool, bool]]:
    return [(word, place == len(burst.words) - 1, burst.error) for place, word in enumerate(burst.words)]


# ---- reads ----


class ReadBench:
    """Data of different ids comes mixed beat by beat, that of one id in order."""

    def __init__(
        self, wanted: list[deque[Burst]], seed: int, share: float, halt_at: int = 0, width: int = 64
    ) -> None:  # fmt: skip
        self.dut, self.rng, self.share = DmaRead(len(wanted), width), random.Random(seed), share
        self.requests = Requests(self.dut, wanted, self.rng, share)
        self.channel, self.halt = Channel(self.requests, width), Halt(self.requests, halt_at)
        self.memory = [deque[tuple[int, bool, bool]]() for _ in wanted]  # beats to come of each id
        self.expected = [deque[tuple[int, bool, bool]]() for _ in wanted]  # beats each source waits for
        self.left = sum(len(burst.words) for mine in wanted for burst in mine)
        self.most_out = 0
        self.kept: int | None = None  # whose beat left the bus and has not been taken

    async def run(self, ctx: Any) -> None:
        while self.left:
            await self.clock(ctx)
        ctx.set(self.dut.bus.rvalid, 0)
        await ctx.tick()
        assert not ctx.get(self.dut.busy)
        bus = self.dut.bus
        assert [ctx.get(port) for port in (bus.awvalid, bus.wvalid, bus.wlast, bus.bready)] == [0] * 4, "it reads"
        self.halt.check_over()

    def drive(self, ctx: Any) -> int | None:
        """Everything but the requests; gives the id of the read beat."""
        bus, rng = self.dut.bus, self.rng
        ctx.set(bus.arready, rng.random() >= self.share)
        ids = [number for number, beats in enumerate(self.memory) if beats]
        chosen = rng.choice(ids) if ids and rng.random() >= self.share else None
        ctx.set(bus.rvalid, chosen is not None)
        if chosen is not None:
            word, last, error = self.memory[chosen][0]
            response = 2 + rng.getrandbits(1) if error else 0
            for port, value in ((bus.rid, chosen), (bus.rdata, word), (bus.rlast, last), (bus.rresp, response)):
                ctx.set(port, value)
        for beat in self.dut.beat:
            ctx.set(beat.ready, rng.random() >= self.share)
        return chosen

    async def clock(self, ctx: Any) -> None:
        bus, beats = self.dut.bus, list(self.dut.beat)
        self.halt.drive(ctx)
        fires, chosen, each = self.requests.drive(ctx), self.drive(ctx), len(beats)
        sampled = await ctx.tick().sample(
            *fires, *[beat.valid for beat in beats], *[beat.ready for beat in beats], *[beat.payload for beat in beats],
            bus.arvalid, bus.arready, bus.arid, bus.araddr, bus.arlen, bus.arsize, bus.arburst, bus.rready,
            self.dut.busy,
        )  # fmt: skip
        values = list(sampled[2:])
        fired, valid, ready, payload = (values[at : at + each] for at in range(0, 4 * each, each))
        arvalid, arready, *said, rready, busy = values[4 * each :]
        self.halt.check(fired, busy, sum(map(len, self.expected)))
        if chosen is not None and rready:
            assert self.kept is None
            self.memory[chosen].popleft()
            self.kept = chosen
        assert [number for number in range(each) if valid[number]] == ([] if self.kept is None else [self.kept])
        if self.kept is not None and ready[self.kept]:
            found = payload[self.kept]
            assert (found.data, bool(found.last), bool(found.error)) == self.expected[self.kept].popleft()
            self.left, self.kept = self.left - 1, None
        for burst in self.requests.took(fired):
            self.expected[burst.source].extend(beats_of(burst))
        self.most_out = max(self.most_out, sum(beat[1] for mine in self.expected for beat in mine))
        asked = self.channel.step(arvalid, arready, tuple(said))
        if asked is not None:
            self.memory[asked.source].extend(beats_of(asked))


@pytest.mark.parametrize(("width", "sources", "share"), WAYS)
def test_read_data_goes_to_who_asked(width: int, sources: int, share: float) -> None:
    bench = ReadBench(bursts(sources, 20, sources, width), 1, share, width=width)
    simulate(bench.dut, bench.run, clocks=20000)
    assert 1 < bench.most_out <= 64


def test_read_halt_starts_nothing_and_drains() -> None:
    bench = ReadBench(bursts(3, 14, seed=9), 2, 0.3, halt_at=20)
    simulate(bench.dut, bench.run, clocks=20000)


@pytest.mark.parametrize("kept", [False, True])
def test_rready_does_not_look_at_the_beat(kept: bool) -> None:
    """No path from RVALID or RID to RREADY in one clock, whether the block holds a beat or not."""
    dut = DmaRead(2, 64)

    async def run(ctx: Any) -> None:
        ctx.set(dut.beat[1].ready, 1)
        ctx.set(dut.bus.rvalid, kept)  # for source 0, which is not ready
        await ctx.tick()
        for valid, number in ((0, 0), (1, 0), (1, 1), (0, 1)):
            ctx.set(dut.bus.rvalid, valid)
            ctx.set(dut.bus.rid, number)
            assert ctx.get(dut.bus.rready) == (not kept)

    simulate(dut, run, clocks=10)


# ---- writes ----


class WriteBench:
    """Responses of different ids come in any order, those of one id in order."""

    def __init__(
        self, wanted: list[deque[Burst]], seed: int, share: float, halt_at: int = 0, width: int = 64
    ) -> None:  # fmt: skip
        self.dut, self.rng, self.share = DmaWrite(len(wanted), width), random.Random(seed), share
        self.beat = WriteBeat(width)
        self.requests = Requests(self.dut, wanted, self.rng, share)
        self.channel, self.halt = Channel(self.requests, width), Halt(self.requests, halt_at)
        self.data = [deque((w, s, e) for b in mine for (w, e, _), s in zip(beats_of(b), b.strobes, strict=True))
                     for mine in wanted]  # fmt: skip
        self.written = 0  # bursts whose data is out
        self.at = 0  # beats of the burst on W
        self.responses = [deque[Burst]() for _ in wanted]
        self.addressed, self.answerable, self.answered = 0, 0, 0
        self.held: tuple[int, ...] | None = None
        self.total = sum(map(len, wanted))

    async def run(self, ctx: Any) -> None:
        while self.answered < self.total:
            await self.clock(ctx)
        ctx.set(self.dut.bus.bvalid, 0)
        await ctx.tick()
        assert not ctx.get(self.dut.busy)
        assert (ctx.get(self.dut.bus.arvalid), ctx.get(self.dut.bus.rready)) == (0, 0), "it writes"
        self.halt.check_over()

    def drive(self, ctx: Any) -> Burst | None:
        """Everything but the requests; gives the burst whose response comes."""
        bus, rng = self.dut.bus, self.rng
        ctx.set(bus.awready, rng.random() >= self.share)
        ctx.set(bus.wready, rng.random() >= self.share)
        ids = [number for number, waiting in enumerate(self.responses) if waiting]
        chosen = self.responses[rng.choice(ids)].popleft() if ids and rng.random() >= self.share else None
        ctx.set(bus.bvalid, chosen is not None)
        if chosen is not None:
            ctx.set(bus.bid, chosen.source)
            ctx.set(bus.bresp, 2 + rng.getrandbits(1) if chosen.error else 0)
        else:
            ctx.set(bus.bresp, rng.getrandbits(2))
        for beat, waiting in zip(self.dut.beat, self.data, strict=True):
            ctx.set(beat.valid, bool(waiting) and rng.random() >= self.share)
            if waiting:
                word, strobes, last = waiting[0]
                ctx.set(beat.payload.as_value(), pack(self.beat, {"data": word, "strb": strobes, "last": last}))
        return chosen

    async def clock(self, ctx: Any) -> None:
        bus, each = self.dut.bus, len(self.data)
        self.halt.drive(ctx)
        fires, answer = self.requests.drive(ctx), self.drive(ctx)
        sampled = await ctx.tick().sample(
            *fires, *[beat.valid & beat.ready for beat in self.dut.beat], *self.dut.done, *self.dut.failed,
            bus.awvalid, bus.awready, bus.awid, bus.awaddr, bus.awlen, bus.awsize, bus.awburst,
            bus.wvalid, bus.wready, bus.wdata, bus.wstrb, bus.wlast, bus.bready, self.dut.busy,
        )  # fmt: skip
        values = list(sampled[2:])
        fired, taken, done, failed = (values[at : at + each] for at in range(0, 4 * each, each))
        awvalid, awready, *said = values[4 * each : 4 * each + 7]
        wvalid, wready, *beat, bready, busy = values[4 * each + 7 :]
        self.halt.check(fired, busy, len(self.requests.granted) - self.answered)
        assert bready
        answered = [answer is not None and answer.source == number for number in range(each)]
        assert [bool(bit) for bit in done] == answered
        assert [bool(bit) for bit in failed] == [bit and answer is not None and answer.error for bit in answered]
        self.answered += answer is not None
        for number in range(each):
            if taken[number]:
                self.data[number].popleft()
        self.requests.took(fired)
        self.addressed += self.channel.step(awvalid, awready, tuple(said)) is not None
        self.check_data(wvalid, wready, tuple(beat))

    def check_data(self, valid: int, ready: int, beat: tuple[int, ...]) -> None:
        """W follows AW's order burst by burst, and holds still until taken."""
        if self.held is not None:
            assert (valid, beat) == (1, self.held), "a waiting beat moved"
        self.held = beat if valid and not ready else None
        if valid and ready:
            burst = self.requests.granted[self.written]
            last = self.at == len(burst.words) - 1
            assert beat == (burst.words[self.at], burst.strobes[self.at], last)
            self.at = 0 if last else self.at + 1
            self.written += last
        # a memory answers when it has both the address and the data
        while self.answerable < min(self.written, self.addressed):
            burst = self.requests.granted[self.answerable]
            self.responses[burst.source].append(burst)
            self.answerable += 1


@pytest.mark.parametrize(("width", "sources", "share"), WAYS)
def test_write_data_follows_its_address_and_responses_find_their_source(width: int, sources: int, share: float) -> None:
    bench = WriteBench(bursts(sources, 20, sources + 10, width), 3, share, width=width)
    simulate(bench.dut, bench.run, clocks=20000)


def test_write_halt_starts_nothing_and_drains() -> None:
    bench = WriteBench(bursts(3, 14, seed=19), 4, 0.3, halt_at=20)
    simulate(bench.dut, bench.run, clocks=20000)


# ---- both ----


@pytest.mark.parametrize("block", [DmaRead, DmaWrite], ids=lambda block: str(block.__name__))
@pytest.mark.parametrize("silent", [None, 0, 1, 2])
def test_round_robin_is_fair(block: Any, silent: int | None) -> None:
    """Sources that always ask take turns, whoever else is silent; one alone is served every time."""
    dut, turns = block(3, 64), list[int]()
    asking = [number for number in range(3) if number != silent]

    async def run(ctx: Any) -> None:
        for number in asking:
            ctx.set(dut.request[number].valid, 1)
        for port in (dut.bus.arready, dut.bus.awready, dut.bus.wready):
            ctx.set(port, 1)
        if block is DmaWrite:  # single beats, so that data goes out as fast as addresses
            for beat in dut.beat:
                ctx.set(beat.valid, 1)
                ctx.set(beat.payload.last, 1)
        for _ in range(24):
            _, _, *fires = await ctx.tick().sample(*[port.valid & port.ready for port in dut.request])
            turns.append(fires.index(1))

    simulate(dut, run)
    assert turns[: len(asking)] == asking
    assert turns == (asking * 24)[:24]


def test_no_more_than_64_bursts_are_out() -> None:
    """Nor is one of them forgotten: it is busy until the last is answered, and then 64 may go out again."""
    for dut in (DmaRead(2, 64), DmaWrite(2, 64)):
        begun, busy = list[int](), list[int]()

        async def run(ctx: Any, dut: Any = dut, begun: list[int] = begun, busy: list[int] = busy) -> None:
            for _ in range(2):
                await begin(ctx, dut, begun)
                await end(ctx, dut, busy)

        async def begin(ctx: Any, dut: Any, begun: list[int]) -> None:
            ctx.set(dut.request[1].valid, 1)
            for port in (dut.bus.arready, dut.bus.awready, dut.bus.wready):
                ctx.set(port, 1)
            if isinstance(dut, DmaWrite):
                ctx.set(dut.beat[1].valid, 1)
                ctx.set(dut.beat[1].payload.last, 1)
            begun.append(0)
            for _ in range(90):
                _, _, ready = await ctx.tick().sample(dut.request[1].ready)
                begun[-1] += ready

        async def end(ctx: Any, dut: Any, busy: list[int]) -> None:
            ctx.set(dut.request[1].valid, 0)
            bus = dut.bus
            if isinstance(dut, DmaRead):
                ctx.set(dut.beat[1].ready, 1)
            for port in (bus.bvalid, bus.bid) if isinstance(dut, DmaWrite) else (bus.rvalid, bus.rid, bus.rlast):
                ctx.set(port, 1)
            busy.append(0)
            for _ in range(64):
                busy[-1] += ctx.get(dut.busy)
                await ctx.tick()
            ctx.set(bus.bvalid if isinstance(dut, DmaWrite) else bus.rvalid, 0)
            assert not ctx.get(dut.busy)

        simulate(dut, run)
        assert (begun, busy) == ([64, 64], [64, 64])
