"""Faults of the memory bus: drawn alike on both engines, logged, within AXI's rules, and what each does to a burst."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.drivers.world import Direction
from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.faults.bus import BusInjector, access_of
from ringbed.sim.faults.draw import chance, draw, key_of, mix
from ringbed.sim.memory.host import POISON, HostMemory
from ringbed.sim.seam.bus_faults import Access, BusFaults, BusFixed, BusKind, BusRule
from tests.sim.conftest import needs_native
from tests.sim.pysim.test_dma import pulse, read_beats
from tests.sim.test_engines import start
from tests.sim.toy import Toy, pins_spec, toy_spec

Opener = Callable[..., AnyEngine]


def test_the_mixer_is_splitmix64s() -> None:
    """The first outputs of splitmix64 seeded with 0, as its authors' code prints them."""
    golden = 0x9E3779B97F4A7C15
    values = [mix(golden * n & (1 << 64) - 1) for n in (1, 2, 3)]
    assert values == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_draws_differ_by_seed_rule_place_and_number() -> None:
    keys = {key_of(seed, rule, place) for seed in (0, 1) for rule in (0, 1) for place in ("em0 rx", "em0 tx")}
    assert len({draw(key, number) for key in keys for number in range(100)}) == 800


def test_a_rate_is_met() -> None:
    hits = sum(draw(key_of(1, 0, "x"), number) >> 32 < chance(0.01) for number in range(100_000))
    assert 900 < hits < 1100
    assert chance(1.0) == 1 << 32  # every draw is below


def rule(kind: BusKind, rate: float = 1.0, **changes: Any) -> BusRule:
    return BusRule(kind, key_of(3, kind, "em0"), chance(rate), clocks=changes.pop("clocks", 9), **changes)


def toy(opened: Callable[..., AnyEngine], faults: BusFaults, frames: int = 6, **options: Any) -> Any:
    """Frames through the toy: when they left and what they were, the log, and what the checker found."""
    memory = HostMemory()
    engine = opened(toy_spec(), memory, **options)
    engine.set_bus_faults(faults)
    start(engine, memory.coherent(256).iova)
    for index in range(frames):
        engine.wire_in(bytes(range(index, index + 40)), at=1000 * (index + 1))
    engine.run(1000 * (frames + 3))
    return engine.wire_out(), engine.bus_fault_log(), engine.findings()


@pytest.mark.parametrize("kind", [BusKind.LATENCY, BusKind.JITTER, BusKind.BACKPRESSURE, BusKind.REORDER])
def test_what_takes_time_harms_nothing(opened: Opener, kind: BusKind) -> None:
    clean, _, _ = toy(opened, BusFaults())
    out, log, findings = toy(opened, BusFaults((rule(kind, 0.5),)))
    assert [frame for _, frame in out] == [frame for _, frame in clean]
    assert [clock for clock, _ in out] != [clock for clock, _ in clean]
    assert findings == []
    assert {event.kind for event in log} == {kind}
    assert {event.access for event in log} == {Access.FETCH, Access.WRITEBACK}  # the toy's buffer is shared memory
    assert all(1 <= event.clocks <= 9 for event in log)


@needs_native
@settings(max_examples=15)
@given(st.integers(0, 1 << 32), st.floats(0.02, 0.6), st.sampled_from([0.0, 0.2]))
def test_both_engines_do_the_same(seed: int, rate: float, backpressure: float) -> None:
    rules = tuple(BusRule(kind, key_of(seed, kind, "em0"), chance(rate), clocks=30) for kind in BusKind)
    seen = []
    for kind in ("native", "pysim"):
        opened: list[AnyEngine] = []

        def opener(*args: Any, kind: str = kind, opened: list[AnyEngine] = opened, **options: Any) -> AnyEngine:
            opened.append(open_engine(kind, *args, **options))
            return opened[-1]

        seen.append(toy(opener, BusFaults(rules), backpressure=backpressure, seed=seed & 0xFFFF_FFFF))
        opened[0].close()
    assert seen[0] == seen[1]
    assert seen[0][2] == []


@settings(max_examples=50)
@given(st.integers(0, 1 << 64), st.floats(0.0, 0.3), st.lists(st.tuples(st.sampled_from(Access), st.integers(1, 16))))
def test_a_log_played_back_is_the_same_log(seed: int, rate: float, bursts: list[tuple[Access, int]]) -> None:
    rules = tuple(BusRule(kind, key_of(seed, kind, "em0"), chance(rate), clocks=30) for kind in BusKind)
    first = BusInjector(BusFaults(rules))
    effects = [first.look(access, 64 * index, beats, index) for index, (access, beats) in enumerate(bursts)]
    fixed = tuple(BusFixed(e.kind, e.access, e.ordinal, e.clocks, e.beat) for e in first.log)
    again = BusInjector(BusFaults(fixed=fixed))
    assert [again.look(a, 64 * i, beats, i) for i, (a, beats) in enumerate(bursts)] == effects
    assert again.log == first.log


def read_of(opened: Opener, faults: BusFaults, *asked: int, ids: tuple[int, ...] = (5, 5, 5)) -> tuple[Any, AnyEngine]:
    """Bursts of 4 beats at word `asked` each of a mapping: (id, response, data, last) of every beat, and the engine."""
    memory = HostMemory()
    content = b"".join(word.to_bytes(8, "little") for word in range(64))
    mapped = memory.map(content, Direction.TO_DEVICE)
    engine = opened(pins_spec(), memory, read_latency=4)
    engine.set_bus_faults(faults)
    for index, word in enumerate(asked):
        pulse(engine, arvalid=1, araddr=mapped.iova + 8 * word, arlen=3, arsize=3, arburst=1, arid=ids[index])
    return read_beats(engine, 60), engine


@pytest.mark.parametrize(("kind", "resp"), [(BusKind.SLVERR, 2), (BusKind.DECERR, 3)])
def test_a_read_is_answered_with_an_error_from_its_bad_beat_on(opened: Opener, kind: BusKind, resp: int) -> None:
    beats, engine = read_of(opened, BusFaults(fixed=(BusFixed(kind, Access.READ, 1, beat=6),)), 0, 8)
    poison = int.from_bytes(bytes([POISON] * 8), "little")
    assert [beat[:3] for beat in beats[:4]] == [(5, 0, word) for word in range(4)]
    assert [beat[:3] for beat in beats[4:]] == [(5, 0, 8), (5, 0, 9), (5, resp, poison), (5, resp, poison)]
    assert engine.faults == 0, "an injected answer is no stray access"
    assert [(e.kind, e.access, e.ordinal, e.beat) for e in engine.bus_fault_log()] == [(kind, Access.READ, 1, 2)]
    assert engine.bus_fault_log() == []


@pytest.mark.parametrize(("kind", "resp"), [(BusKind.SLVERR, 2), (BusKind.DECERR, 3)])
def test_a_write_that_fails_has_written_nothing(opened: Opener, kind: BusKind, resp: int) -> None:
    memory = HostMemory()
    ring = memory.coherent(64)
    engine = opened(pins_spec(), memory, write_latency=4, manner="strict")
    engine.set_bus_faults(BusFaults(fixed=(BusFixed(kind, Access.WRITEBACK, 0, beat=1),)))
    pulse(engine, awvalid=1, awaddr=ring.iova, awsize=3, awburst=1, awlen=1)
    for word in range(2):
        pulse(engine, wvalid=1, wdata=0x1111 * (word + 1), wstrb=0xFF, wlast=word)
    engine.run(engine.now + 10)  # no BusFault: the answer is for the card
    assert (engine.get_pin("p_m_axi_bvalid"), engine.get_pin("p_m_axi_bresp")) == (1, resp)
    assert bytes(ring.view[:16]) == bytes(16)
    assert engine.findings() == []
    assert [event.beat for event in engine.bus_fault_log()] == [0]


@pytest.mark.parametrize(
    ("kind", "ids", "order"),
    [
        (BusKind.REORDER, (1, 2, 3), [8, 16, 0]),
        (BusKind.REORDER, (1, 1, 3), [16, 0, 8]),  # those of the late one's id stay behind it
        (BusKind.REORDER, (1, 1, 1), [0, 8, 16]),
        (BusKind.LATENCY, (1, 2, 3), [0, 8, 16]),
    ],
)
def test_who_overtakes_whom(opened: Opener, kind: BusKind, ids: tuple[int, ...], order: list[int]) -> None:
    fixed = BusFixed(kind, Access.READ, 0, clocks=30)
    beats, engine = read_of(opened, BusFaults(fixed=(fixed,)), 0, 8, 16, ids=ids)
    assert [data for _, _, data, _ in beats[::4]] == order
    assert engine.findings() == []


def test_ready_is_withheld_for_so_many_clocks(opened: Opener) -> None:
    memory = HostMemory()
    engine = opened(pins_spec(), memory, read_latency=1)
    engine.set_bus_faults(BusFaults(fixed=(BusFixed(BusKind.BACKPRESSURE, Access.READ, 0, clocks=7),)))
    pulse(engine, arvalid=1, arsize=3, arburst=1)
    ready = []
    engine.set_pin("p_m_axi_arvalid", 1)
    for _ in range(9):
        ready.append(engine.get_pin("p_m_axi_arready"))
        engine.run(engine.now + 1)
    assert ready == [0] * 7 + [1, 1]


@pytest.mark.parametrize(
    "kind",
    [pytest.param("native", marks=needs_native), "pysim", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb)],
)
def test_a_hold_is_not_cut_short_by_the_requests_behind_it(kind: str) -> None:
    """Where a pattern runs, a channel of cocotb's may take one more before it closes: its fault is none, and no word
    that the channel is open again.
    """
    engine = open_engine(kind, pins_spec(), HostMemory(), read_latency=1, backpressure=0.05, seed=2)
    engine.set_bus_faults(BusFaults(fixed=(BusFixed(BusKind.BACKPRESSURE, Access.READ, 0, clocks=40),)))
    for name, value in (("size", 3), ("burst", 1), ("valid", 1)):
        engine.set_pin(f"p_m_axi_ar{name}", value)
    ready = {}
    while engine.now < 80:
        engine.run(engine.now + 1)
        ready[engine.now] = engine.get_pin("p_m_axi_arready")
    [event] = engine.bus_fault_log()
    engine.close()
    early = [clock for clock, up in ready.items() if up and event.clock + 4 < clock < event.clock + 40]
    assert not early
    assert sum(up for clock, up in ready.items() if clock > event.clock + 40) > 20


def test_addresses_and_accesses_choose(opened: Opener) -> None:
    """Rings are known by being shared; a span holds addresses at both its ends."""
    memory = HostMemory()
    ring, data = memory.coherent(64), memory.map(bytes(64), Direction.TO_DEVICE)
    into = memory.map(bytes(64), Direction.FROM_DEVICE)
    assert access_of(memory, ring.iova + 63, False) is Access.FETCH
    assert access_of(memory, ring.iova, True) is Access.WRITEBACK
    assert access_of(memory, data.iova, False) is access_of(None, 0, False) is Access.READ
    assert access_of(memory, into.iova, True) is access_of(memory, 4, True) is Access.WRITE
    span = (ring.iova + 8, ring.iova + 16)
    engine = opened(pins_spec(), memory, read_latency=1)
    engine.set_bus_faults(BusFaults((rule(BusKind.LATENCY, accesses=(Access.FETCH,), span=span),)))
    for address in (ring.iova, *span, ring.iova + 24, data.iova):
        pulse(engine, arvalid=1, araddr=address, arsize=3, arburst=1)
    read_beats(engine, 80)
    assert [(e.address, e.ordinal) for e in engine.bus_fault_log()] == [(span[0], 1), (span[1], 2)]


def test_set_anew_counts_from_zero_and_forgets(opened: Opener) -> None:
    first = BusFaults(fixed=(BusFixed(BusKind.LATENCY, Access.READ, 0, clocks=3),))
    _, engine = read_of(opened, first, 0)
    for faults in (first, BusFaults()):
        engine.set_bus_faults(faults)
        pulse(engine, arvalid=1, arsize=3, arburst=1)
        read_beats(engine, 20)
    assert [event.ordinal for event in engine.bus_fault_log()] == [0, 0]


def test_a_card_without_a_bus_says_so(opened: Opener) -> None:
    spec = toy_spec()
    bare = replace(spec.portmap, dma=None)

    class Deaf(Toy):
        def ports(self) -> dict[str, Any]:
            return {name: port for name, port in super().ports().items() if not name.startswith("m_axi_")}

    engine = opened(replace(spec, name="deaf", elaborate=Deaf, portmap=bare))
    with pytest.raises(ValueError, match="deaf has no memory bus that could have faults"):
        engine.set_bus_faults(BusFaults())
    assert engine.bus_fault_log() == []
