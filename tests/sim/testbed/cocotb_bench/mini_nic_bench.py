"""Tests inside the simulator, run by test_cocotb_bench.py: what cocotb may do to a call of a bench, it may do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import SimTimeoutError, Timer, with_timeout
from mini_driver import MiniNic

from ringbed.sim.dut.card import dut_spec
from ringbed.sim.testbed.cocotb_bench import Bench, BenchHost
from ringbed.sim.testbed.peer import NoAnswer

SPEC = dut_spec(Path(__file__).parents[4] / "examples" / "third_party" / "nic" / "mini_nic.toml")
PEER = "10.0.0.1"


async def begin(dut: Any) -> tuple[Bench, BenchHost]:
    bench = await Bench.start(dut, SPEC)
    host = await bench.host("10.0.0.2/24", driver=lambda *world: MiniNic(*world, lladdr=bytes.fromhex("020000000001")))
    bench.peer(f"{PEER}/24")
    await host.ping(PEER)
    return bench, host


@cocotb.test()
async def time_passes_in_the_background_to_the_end(dut: Any) -> None:
    _, host = await begin(dut)

    async def serve() -> None:
        while True:
            await host.advance(20_000)

    cocotb.start_soon(serve())
    await Timer(50, "us")


@cocotb.test()
async def a_timeout_of_the_users(dut: Any) -> None:
    bench, host = await begin(dut)
    try:
        await with_timeout(host.advance(1_000_000), 5, "us")
    except SimTimeoutError:
        pass
    else:
        raise AssertionError("no timeout")
    before = bench.now_ns
    await host.ping(PEER)
    assert bench.now_ns - before < 100_000
    assert await bench.findings() == []


@cocotb.test()
async def a_task_that_is_cancelled(dut: Any) -> None:
    bench, host = await begin(dut)
    task = cocotb.start_soon(host.advance(1_000_000))
    await Timer(5, "us")
    task.cancel()
    await Timer(1, "us")
    await host.ping(PEER)
    assert await bench.findings() == []
    await host.down()


@cocotb.test()
async def what_a_function_raises_is_raised(dut: Any) -> None:
    bench, host = await begin(dut)

    def bad() -> None:
        bench.engine.write(0x100 - 4, 1)
        raise KeyError("x")

    try:
        await bench.call(bad)
    except KeyError:
        assert bench.engine._posted == []  # it went to the card
    else:
        raise AssertionError("nothing was raised")
    await host.ping(PEER)


@cocotb.test()
async def two_pings_at_once(dut: Any) -> None:
    _, host = await begin(dut)
    small, big = cocotb.start_soon(host.ping(PEER, bytes(100))), cocotb.start_soon(host.ping(PEER, bytes(900)))
    assert min(await small, await big) > 0


@cocotb.test()
async def a_ping_after_one_that_came_too_late(dut: Any) -> None:
    _, host = await begin(dut)
    sockets = len(host.stack._protocols[0].icmp["inet"].raw)
    try:
        await host.ping(PEER, b"first" * 20, within_ns=100)
    except NoAnswer:
        pass
    else:
        raise AssertionError("an answer within 100 ns")
    await host.ping(PEER, b"second")
    assert len(host.stack._protocols[0].icmp["inet"].raw) == sockets
