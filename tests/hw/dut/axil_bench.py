"""An AXI4-Lite master of the tests: accesses one after the other, with pauses anywhere the bus allows."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any

from amaranth.sim import Simulator

Access = tuple[bool, int, int, int]  # write, byte address, data, strobe


def accesses(rng: random.Random, count: int, addresses: int = 1 << 12) -> list[Access]:
    return [
        (rng.random() < 0.5, rng.randrange(0, addresses, 4), rng.getrandbits(32), rng.randrange(1, 16))
        for _ in range(count)
    ]


async def _until(ctx: Any, signal: Any) -> None:
    """Clock until `signal` was 1 at an edge."""
    while True:
        _, _, value = await ctx.tick().sample(signal)
        if value:
            return


async def _write(ctx: Any, bus: Any, access: Access, rng: random.Random) -> tuple[int, int]:
    _, address, data, strobe = access
    ctx.set(bus.awaddr, address)
    ctx.set(bus.wdata, data)
    ctx.set(bus.wstrb, strobe)
    ctx.set(bus.awvalid, 1)
    for _ in range(rng.choice((0, 0, 3))):  # the data later than the address
        await ctx.tick()
    ctx.set(bus.wvalid, 1)
    await _until(ctx, bus.awready & bus.wready)
    ctx.set(bus.awvalid, 0)
    ctx.set(bus.wvalid, 0)
    for _ in range(rng.choice((0, 0, 4))):
        await ctx.tick()
    ctx.set(bus.bready, 1)
    while True:
        _, _, valid, response = await ctx.tick().sample(bus.bvalid, bus.bresp)
        if valid:
            ctx.set(bus.bready, 0)
            return 0, response


async def _read(ctx: Any, bus: Any, access: Access, rng: random.Random) -> tuple[int, int]:
    ctx.set(bus.araddr, access[1])
    ctx.set(bus.arvalid, 1)
    await _until(ctx, bus.arready)
    ctx.set(bus.arvalid, 0)
    for _ in range(rng.choice((0, 0, 4))):
        await ctx.tick()
    ctx.set(bus.rready, 1)
    while True:
        _, _, valid, data, response = await ctx.tick().sample(bus.rvalid, bus.rdata, bus.rresp)
        if valid:
            ctx.set(bus.rready, 0)
            return data, response


def drive(
    dut: Any, bus: Any, wanted: list[Access], rng: random.Random, card: Callable[[Any], Coroutine[Any, Any, None]]
) -> list[tuple[int, int]]:
    """(data read, response) of each access, with `card` behind the bridge."""
    got: list[tuple[int, int]] = []

    async def master(ctx: Any) -> None:
        for access in wanted:
            got.append(await (_write if access[0] else _read)(ctx, bus, access, rng))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(master)
    simulator.add_testbench(card, background=True)
    simulator.run()
    return got
