"""A bench of the `em` card for cocotb: its own triggers and coroutines, ringbed's host, wire, faults and captures.

Run by `pytest examples/cocotb`, on Verilator and on Icarus.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge, Timer

from ringbed.lab import Access, Bench, BusFaults, BusFixed, BusKind, CaptureWriter, TappedEnd, em, to_wire


@cocotb.test()
async def a_ping_each_way(dut: Any) -> None:
    """The host pings the far end of the wire; what went over the wire is in em.pcapng."""
    bench = await Bench.start(dut, em())
    with CaptureWriter(Path("em.pcapng")) as capture:
        bench.wire = TappedEnd(bench.engine, capture, capture.interface("wire"), bench.engine.frequency.ns)
        host = await bench.host("10.0.0.2/24")
        bench.peer("10.0.0.1/24")
        nanoseconds = await host.ping("10.0.0.1")
        cocotb.log.info("answered after %d ns", nanoseconds)
        assert host.driver.counters()["tx_frames"] == 2  # the question who has 10.0.0.1, and the ping
        await host.down()
    assert capture.frames == 4
    assert await bench.findings() == []


@cocotb.test()
async def interrupts_seen_by_a_coroutine(dut: Any) -> None:
    """A coroutine of the bench's own counts rising interrupts while the host is at work."""
    bench = await Bench.start(dut, em())
    host = await bench.host("10.0.0.2/24")
    bench.peer("10.0.0.1/24")
    rises, before = int(dut.irq.value), host.sync.interrupts  # the link came up: the line may be up already

    async def count() -> None:
        nonlocal rises
        while True:
            await RisingEdge(dut.irq)
            rises += 1

    counting = cocotb.start_soon(count())
    for number in range(3):
        await host.ping("10.0.0.1", bytes(100 * number))
    counting.cancel()
    assert rises > 0
    assert host.sync.interrupts - before == rises


@cocotb.test()
async def clocks_agree(dut: Any) -> None:
    """Simulated time is the host's time, whoever lets it pass."""
    bench = await Bench.start(dut, em())
    before = bench.now
    await ClockCycles(dut.clk, 10)
    assert bench.now - before in (9, 10)
    before = bench.now_ns
    await Timer(1, "us")
    assert bench.now_ns - before == 1000


@cocotb.test()
async def under_back_pressure_with_bad_memory(dut: Any) -> None:
    """Ready and valid held off at random on every channel, and the third frame's read answered with an error.

    The card stops its queue and says so, the driver resets it, and traffic goes on.
    """
    bench = await Bench.start(dut, em(), backpressure=0.3, seed=11)
    host = await bench.host("10.0.0.2/24")
    bench.peer("10.0.0.1/24")
    await host.ping("10.0.0.1")
    await bench.call(bench.engine.set_bus_faults, BusFaults(fixed=(BusFixed(BusKind.SLVERR, Access.READ, 0),)))
    try:
        await host.ping("10.0.0.1", within_ns=100_000)
    except TimeoutError:
        cocotb.log.info("the ping whose frame could not be read is lost")
    assert [event.kind for event in bench.engine.bus_fault_log()] == [BusKind.SLVERR]
    await bench.call(host.driver.watchdog, bench.now_ns)  # what a host calls once a second
    assert host.driver.counters()["resets"] == 1
    await host.ping("10.0.0.1", bytes(1400))
    assert await bench.findings() == []


@cocotb.test()
async def a_bad_frame_is_counted(dut: Any) -> None:
    """A frame with a wrong FCS, put on the wire by hand, ends in one counter and nowhere else."""
    bench = await Bench.start(dut, em())
    host = await bench.host("10.0.0.2/24")
    frame = bytearray(to_wire(bytes.fromhex("020000000001 020000009901 88b5") + b"hello"))
    frame[20] ^= 1
    bench.wire.wire_in(bytes(frame), bench.now)
    await host.advance(20_000)
    statistics = await bench.call(host.driver.statistics)
    assert statistics["rx_crc_errors"] == 1
