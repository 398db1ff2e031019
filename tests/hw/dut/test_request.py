"""RequestBridge: requests of both kinds in any order reach an AXI memory, and are answered in that order."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest
from amaranth.sim import Simulator

from ringbed.hw.dut.request import UNDER_WAY, RequestBridge

WORDS = 32


class Memory:
    """An AXI slave for bursts of one beat: takes and answers when it likes, each channel on its own, in order."""

    def __init__(self, dut: RequestBridge, rng: random.Random) -> None:
        self.axi, self.rng, self.words = dut.axi, rng, [0] * WORDS
        self.aw, self.w = deque[int](), deque[tuple[int, int]]()
        self.written, self.read = deque[bool](), deque[tuple[int, bool]]()
        self.most = 0

    async def run(self, ctx: Any) -> None:
        axi, rng = self.axi, self.rng
        while True:
            for ready in (axi.awready, axi.wready, axi.arready):
                ctx.set(ready, rng.random() < 0.7)
            b, r = bool(self.written) and rng.random() < 0.4, bool(self.read) and rng.random() < 0.4
            ctx.set(axi.bvalid, b)
            ctx.set(axi.rvalid, r)
            ctx.set(axi.bresp, 2 if b and self.written[0] else 0)
            ctx.set(axi.rdata, self.read[0][0] if r else 0)
            ctx.set(axi.rresp, 2 if r and self.read[0][1] else 0)
            ctx.set(axi.rlast, 1)
            await self.clock(ctx)
            if b:
                self.written.popleft()
            if r:
                self.read.popleft()
            self.store()
            self.most = max(self.most, len(self.read) + len(self.written))

    async def clock(self, ctx: Any) -> None:
        """One clock, and what its edge took."""
        axi = self.axi
        taken = (axi.awvalid & axi.awready, axi.wvalid & axi.wready, axi.arvalid & axi.arready)
        burst = (axi.awaddr, axi.awlen, axi.awsize, axi.awburst, axi.wdata, axi.wstrb, axi.wlast, axi.araddr)
        _, _, aw, w, ar, *values = await ctx.tick().sample(*taken, *burst)
        address, length, size, kind, data, strobe, last, source = values
        if aw:
            assert (length, size, kind) == (0, 3, 1)
            self.aw.append(address)
        if w:
            assert last
            self.w.append((data, strobe))
        if ar:
            self.read.append((self.words[source // 8], source == 0))

    def store(self) -> None:
        while self.aw and self.w:
            at, (data, strobe) = self.aw.popleft(), self.w.popleft()
            mask = sum(0xFF << 8 * lane for lane in range(8) if strobe >> lane & 1)
            self.words[at // 8] = self.words[at // 8] & ~mask | data & mask
            self.written.append(at == 0)


def test_the_bridge_keeps_the_order_of_requests() -> None:
    """Against a list of words: what each read must give, and which requests fail (address 0)."""
    rng = random.Random(5)
    dut = RequestBridge(32, 64)
    memory, model = Memory(dut, rng), [0] * WORDS
    requests = [(rng.random() < 0.5, rng.randrange(WORDS), rng.getrandbits(64), rng.randrange(256)) for _ in range(400)]
    wanted: list[tuple[int | None, bool]] = []
    for write, at, data, strobe in requests:
        mask = sum(0xFF << 8 * lane for lane in range(8) if strobe >> lane & 1)
        wanted.append((None if write else model[at], at == 0))
        if write:
            model[at] = model[at] & ~mask | data & mask
    got: list[tuple[int, bool]] = []

    async def ask(ctx: Any) -> None:
        for write, at, data, strobe in requests:
            for _ in range(rng.choice((0, 0, 0, 2))):
                await ctx.tick()
            for signal, value in ((dut.we, write), (dut.addr, 8 * at), (dut.wdata, data), (dut.be, strobe)):
                ctx.set(signal, value)
            ctx.set(dut.req, 1)
            while not (await ctx.tick().sample(dut.gnt))[2]:
                pass
            ctx.set(dut.req, 0)

    async def listen(ctx: Any) -> None:
        while len(got) < len(requests):
            _, _, valid, data, error = await ctx.tick().sample(dut.rvalid, dut.rdata, dut.err)
            if valid:
                got.append((data, bool(error)))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(memory.run, background=True)
    simulator.add_testbench(ask)
    simulator.add_testbench(listen)
    simulator.run()
    assert [(None if write[0] else value[0], value[1]) for write, value in zip(requests, got, strict=True)] == wanted
    assert memory.words == model
    assert 1 < memory.most <= UNDER_WAY, "several are under way at once"


@pytest.mark.parametrize("write", [False, True])
def test_no_more_than_it_can_count_are_under_way(write: bool) -> None:
    dut = RequestBridge(32, 64)
    granted = 0

    async def ask(ctx: Any) -> None:
        nonlocal granted
        ctx.set(dut.req, 1)
        ctx.set(dut.we, write)
        for ready in (dut.axi.awready, dut.axi.wready, dut.axi.arready):
            ctx.set(ready, 1)
        for _ in range(3 * UNDER_WAY):
            granted += (await ctx.tick().sample(dut.gnt))[2]

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(ask)
    simulator.run()
    assert granted == UNDER_WAY
