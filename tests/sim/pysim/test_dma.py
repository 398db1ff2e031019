"""The memory behind the DMA master, beat by beat, on both engines (their C++ and Python are twins)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ringbed.drivers.world import Direction
from ringbed.sim.engines import AnyEngine
from ringbed.sim.memory.host import POISON, HostMemory
from tests.sim.toy import pins_spec

Opener = Callable[..., AnyEngine]


def pulse(engine: AnyEngine, **pins: int) -> None:
    """These pins for one clock, then every valid low."""
    for name, value in pins.items():
        engine.set_pin(f"p_m_axi_{name}", value)
    engine.run(engine.now + 1)
    for channel in ("ar", "aw", "w"):
        engine.set_pin(f"p_m_axi_{channel}valid", 0)


def read_beats(engine: AnyEngine, clocks: int) -> list[tuple[int, int, int, bool]]:
    """(id, response, data, last) of the beats taken in so many clocks."""
    engine.set_pin("p_m_axi_rready", 1)
    beats = []
    for _ in range(clocks):
        if engine.get_pin("p_m_axi_rvalid"):
            names = ("rid", "rresp", "rdata", "rlast")
            rid, resp, data, last = (engine.get_pin(f"p_m_axi_{name}") for name in names)
            beats.append((rid, resp, data, bool(last)))
        engine.run(engine.now + 1)
    return beats


@pytest.mark.parametrize("length", [1, 5, 8, 11, 16])
@pytest.mark.parametrize("offset", [0, 3, 7])
def test_reads_end_at_the_last_mapped_byte(opened: Opener, length: int, offset: int) -> None:
    memory = HostMemory()
    content = bytes(range(1, 1 + length))
    iova = memory.map(content, Direction.TO_DEVICE, offset=offset).iova
    engine = opened(pins_spec(), memory, read_latency=1)
    pulse(engine, arvalid=1, araddr=iova, arlen=3, arsize=3, arburst=1, arid=5)
    naive = bytes([POISON]) * offset + content + bytes([POISON]) * 64
    expected = []
    for beat in range(4):
        inside = beat * 8 < offset + length
        word = naive[8 * beat : 8 * beat + 8]
        expected.append((5, 0 if inside else 3, int.from_bytes(word, "little"), beat == 3))
    assert read_beats(engine, 8) == expected
    assert engine.faults == sum(resp != 0 for _, resp, _, _ in expected)


def test_a_write_lands_with_its_response(opened: Opener) -> None:
    memory = HostMemory()
    ring = memory.coherent(64)
    engine = opened(pins_spec(), memory, write_latency=10)
    engine.set_pin("p_m_axi_bready", 1)
    pulse(engine, awvalid=1, awaddr=ring.iova + 4, awsize=3, awburst=1, awid=9)
    pulse(engine, wvalid=1, wdata=0x1122334455667788, wstrb=0xF0, wlast=1)
    seen = []
    for _ in range(12):
        seen.append((engine.get_pin("p_m_axi_bvalid"), bytes(ring.view[:8]) != bytes(8)))
        engine.run(engine.now + 1)
    assert seen == [(0, False)] * 9 + [(1, True), (0, True), (0, True)]
    assert bytes(ring.view[:8]) == bytes(4) + bytes.fromhex("44332211")
    assert engine.findings() == []


def test_ids_overtake_under_back_pressure_and_one_id_never(opened: Opener) -> None:
    memory = HostMemory()
    ring = memory.coherent(4096)
    for word in range(512):
        ring.view[8 * word : 8 * word + 8] = word.to_bytes(8, "little")
    orders = set()
    for seed in range(6):
        engine = opened(pins_spec(), memory, read_latency=20, backpressure=0.05, seed=seed)
        asked: list[tuple[int, int]] = []
        while len(asked) < 8:
            ready = engine.get_pin("p_m_axi_arready")
            pulse(engine, arvalid=1, araddr=ring.iova + 8 * len(asked), arsize=3, arburst=1, arid=len(asked) % 2)
            if ready:
                asked.append((len(asked) % 2, len(asked)))
        engine.run(engine.now + 40)  # all are ready, none but the first is shown
        got = [(rid, data) for rid, _, data, _ in read_beats(engine, 60)]
        assert sorted(got) == sorted(asked)
        for rid in (0, 1):
            assert [entry for entry in got if entry[0] == rid] == [entry for entry in asked if entry[0] == rid]
        orders.add(tuple(got))
    assert len(orders) > 1
