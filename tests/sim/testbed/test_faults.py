"""Faults on whole hosts: the same seed, engine or record gives the same trace, and every frame is accounted for."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.drivers.world import TxFrame
from ringbed.sim.faults.plan import KINDS, FaultPlan, FaultRecord, load_plan, parse_plan, record_text
from ringbed.sim.seam.bus_faults import Access, BusKind
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.assembly import account, open_host
from ringbed.sim.testbed.faults import Faults, bus_faults
from ringbed.sim.testbed.host import Collector
from ringbed.sim.testbed.pump import WINDOW_NS, Pump
from ringbed.sim.wire.cable import Cable, Loopback
from tests.sim.conftest import needs_native
from tests.sim.fake_engine import fake_host

SECOND = 1_000_000_000


def everything(rate: float, seed: int, but: tuple[str, ...] = ()) -> FaultPlan:
    rules = [
        f"[[{part}]]\nkind = '{kind}'\nrate = {rate}"
        for part, kinds in KINDS.items()
        for kind in kinds
        if kind not in but and part not in but
    ]
    return parse_plan("\n".join([f"seed = {seed}", *rules]))


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of a card in a loop came to."""

    trace: list[tuple[int, bytes]]
    delivered: list[bytes]
    legs: list[str]
    lost: int
    records: list[FaultRecord]
    findings: list[str]
    record: str


class Traced:
    """A card's wire, with what left it kept."""

    def __init__(self, end: object) -> None:
        self.end, self.trace = end, list[tuple[int, bytes]]()

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.end.wire_in(frame, at, error)  # type: ignore[attr-defined]

    def wire_out(self) -> list[tuple[int, bytes]]:
        left: list[tuple[int, bytes]] = self.end.wire_out()  # type: ignore[attr-defined]
        self.trace += left
        return left


def loop(plan: FaultPlan, engine: str = "native", batches: int = 25, seed: int = 1) -> Run:
    """Random frames round a loop with faults, then what the watchdog mends, then the account."""
    host, rng = open_host("em0", Collector(), engine=engine), random.Random(seed)
    faults, traced = Faults(plan), Traced(host.engine)
    link = faults.link(Loopback(faults.end(host, traced)))
    faults.attach(host)
    host.up()
    with Pump([host], [link]) as pump:
        for _ in range(batches):
            frames = [bytes(host.driver.lladdr) + rng.randbytes(rng.randint(8, 600)) for _ in range(rng.randint(1, 4))]
            host.driver.transmit(0, [TxFrame([frame]) for frame in frames])
            pump.run(host.now + rng.randint(1, 8000))
        faults.stop()
        pump.run(host.now + 3 * SECOND)
    legs = [*account(host), *faults.legs()]
    findings = [f"{found.rule}: {found.text}" for found in host.engine.findings()]
    run = Run(
        traced.trace, [frame.data for frame in host.upper.take()], [str(leg) for leg in legs], lost(legs),
        faults.records(), findings, record_text(faults.records()),
    )  # fmt: skip
    host.down()
    host.engine.close()
    return run


@needs_native
@settings(max_examples=8)
@given(st.integers(0, 1 << 60), st.floats(0.005, 0.1))
def test_a_record_plays_the_same_run_back(seed: int, rate: float) -> None:
    plan = everything(rate, seed)
    first = loop(plan)
    assert first.lost == 0, first.legs
    assert first.findings == []
    assert loop(plan) == first
    assert loop(parse_plan(first.record)) == first


@needs_native
def test_another_seed_is_another_run() -> None:
    assert loop(everything(0.05, 1)).records != loop(everything(0.05, 2)).records


@needs_native
@pytest.mark.parametrize("kind", [f"{part} {kind}" for part, kinds in KINDS.items() for kind in kinds])
def test_every_kind_alone_is_accounted_for(kind: str) -> None:
    part, name = kind.split()
    run = loop(parse_plan(f"[[{part}]]\nkind = '{name}'\nrate = 0.1"))
    assert {(record.part, record.kind) for record in run.records} == {(part, name)}
    assert run.lost == 0, run.legs
    assert run.findings == []
    clean = loop(FaultPlan())
    if part != "host" and name != "delay":  # which show on no wire
        assert (run.trace, run.delivered) != (clean.trace, clean.delivered)
    if part == "host" or name in ("latency", "jitter", "backpressure", "delay") or kind == "bus reorder":
        assert run.delivered == clean.delivered, "it takes time, and no more"


@needs_native
def test_native_and_pysim_are_one() -> None:
    plan = everything(0.1, 3, but=("irq_lost", "slverr", "decerr"))
    native, pysim = (loop(plan, engine, batches=6) for engine in ("native", "pysim"))
    assert native == pysim
    assert len({(record.part, record.kind) for record in native.records}) > 5


@needs_native
def test_native_and_pysim_recover_alike() -> None:
    plan = parse_plan("[[bus]]\nkind = 'slverr'\nat = [9]\n[[bus]]\nkind = 'decerr'\naccess = 'writeback'\nat = [30]")
    native, pysim = (loop(plan, engine, batches=6) for engine in ("native", "pysim"))
    assert native == pysim
    assert native.lost == 0
    assert any("FLUSH" in leg or "tx_reset" in leg for leg in native.legs)


def test_what_a_plan_means_for_a_bus() -> None:
    plan = parse_plan(
        "seed = 5\n[[link]]\nkind = 'drop'\nrate = 1\n[[bus]]\nkind = 'jitter'\nat = [7, 2]\n"
        "access = ['read', 'write']\nfrom = 16\nclocks = 40\n[[bus]]\nkind = 'slverr'\nrate = 0.5\nwhere = 'em1'"
    )
    assert bus_faults(plan, "em0").rules == ()
    fixed = bus_faults(plan, "em0").fixed
    assert [(f.access, f.ordinal) for f in fixed] == [(a, n) for a in (Access.READ, Access.WRITE) for n in (2, 7)]
    assert all(1 <= f.clocks <= 40 and f.span == (16, (1 << 64) - 1) for f in fixed)
    assert [(r.kind, r.threshold) for r in bus_faults(plan, "em1").rules] == [(BusKind.SLVERR, 1 << 31)]


def test_a_record_means_the_same_bus() -> None:
    record = FaultRecord("bus", "decerr", "em0", 12, "fetch", {"beat": 3})
    [fixed] = bus_faults(FaultPlan(records=(record,)), "em0").fixed
    assert (fixed.kind, fixed.access, fixed.ordinal, fixed.beat) == (BusKind.DECERR, Access.FETCH, 12, 3)
    assert bus_faults(FaultPlan(records=(record,)), "em1").fixed == ()


def test_an_engine_without_a_bus_says_so_only_when_asked() -> None:
    host = fake_host(Collector())
    Faults(parse_plan("[[link]]\nkind = 'drop'\nrate = 1")).attach(host)
    with pytest.raises(ValueError, match="the fake engine has no memory bus"):
        Faults(parse_plan("[[bus]]\nkind = 'slverr'\nrate = 1")).attach(host)


def test_two_hosts_on_a_cable_are_hurt_each_at_its_own_end(tmp_path: Path) -> None:
    """On engines without RTL: what is sent by one arrives at the other, but for what the two links swallow."""
    a, b = fake_host(Collector(), 1, "em0"), fake_host(Collector(), 2, "em1")
    plan = parse_plan(
        "[[link]]\nkind = 'drop'\nat = [1]\nwhere = 'em0 tx'\n"
        "[[link]]\nkind = 'duplicate'\nat = [1]\nwhere = 'em1 rx'\n"
        "[[link]]\nkind = 'reorder'\nat = [4]\nwhere = 'em1 rx'\nns = 100_000"
    )
    faults = Faults(plan)
    link = faults.link(Cable(faults.end(a), faults.end(b)))
    frames = [bytes(b.driver.lladdr) + bytes([n]) * 60 for n in range(6)]
    with Pump([a, b], [link]) as pump:
        a.driver.transmit(0, [TxFrame([frame]) for frame in frames])
        assert pump.run(a.now + 1_000_000, at_rest=True)
    wanted = [frames[n] for n in (0, 2, 2, 3, 4, 5)]  # the last was held back until its time was over, behind nothing
    assert [received.data for received in b.upper.frames] == wanted
    assert faults.counts() == {"link drop": 1, "link duplicate": 1, "link reorder": 1}
    legs = {leg.name: leg for leg in faults.legs()}
    assert legs["em0 wire to link"].causes["dropped by the link"] == legs["em1 link to wire"].added["doubled"] == 1
    assert lost(faults.legs()) == 0
    faults.save(tmp_path / "record.jsonl")
    assert load_plan(tmp_path / "record.jsonl").records == tuple(faults.records())


@pytest.mark.parametrize("hold", [5_000, 700_000, 3_500_000_000])
def test_time_never_skips_past_a_frame_that_is_held_back(hold: int) -> None:
    """The hosts have nothing to do but watchdogs: the pump comes back for the frame, no later than one window."""
    a, b = fake_host(Collector(), 1, "em0"), fake_host(Collector(), 2, "em1")
    plan = parse_plan(f"[[link]]\nkind = 'reorder'\nat = [0]\nwhere = 'em1 rx'\nns = {min(hold, 10**9)}")
    faults = Faults(plan)
    link = faults.link(Cable(faults.end(a), end := faults.end(b)))
    frame = bytes(b.driver.lladdr) + bytes(60)
    with Pump([a, b], [link]) as pump:
        a.driver.transmit(0, [TxFrame([frame])])
        assert pump.run_until(lambda: end.held > 0, a.now + 1_000_000)
        due, held_at = link.due(), pump.now
        assert min(hold, 10**9) - 10_000 <= due - held_at <= min(hold, 10**9) + 10_000
        assert not pump.run(due - 2 * WINDOW_NS, at_rest=True), "a frame that is held is not rest"
        assert b.upper.frames == []
        assert pump.run(pump.now + 10 * SECOND, at_rest=True)
    [received] = b.upper.frames
    assert received.data == frame
    assert due <= b.now <= due + 4 * WINDOW_NS


def test_two_of_one_name_are_refused() -> None:
    """Their draws would be the same and a record of both could not be played back."""
    a, b = fake_host(Collector(), 1, "em0"), fake_host(Collector(), 2, "em0")
    faults = Faults(parse_plan("[[link]]\nkind = 'drop'\nrate = 1"))
    faults.attach(a)
    faults.end(a)
    with pytest.raises(ValueError, match="two hosts of one fault plan are called 'em0'"):
        faults.attach(b)
    with pytest.raises(ValueError, match="two ends of one fault plan are called 'em0'"):
        faults.end(b)
    faults.attach(b, "other")
    assert faults.end(b, name="other").name == "other"


def test_the_order_of_a_record_is_not_that_of_threads() -> None:
    """Of one moment by place, and of one place in the order in which it happened."""
    sorts = []
    for order in (("a", "b"), ("b", "a")):
        faults = Faults(FaultPlan())
        for where in order:
            faults._records += [FaultRecord("host", "slow", where, number, "", {"ns": 1}, 7, 1) for number in (0, 1)]
        sorts.append([(record.where, record.ordinal) for record in faults.records()])
    assert sorts == [[("a", 0), ("a", 1), ("b", 0), ("b", 1)]] * 2
