"""Every bus rule broken once, on purpose, on both engines, by a card whose ports are the test's pins."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from typing import Any

import pytest

from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.memory.host import HostMemory, Region
from ringbed.sim.seam.axi_checker import Command, Findings, Held
from ringbed.sim.seam.engine import Finding
from tests.sim.conftest import needs_native
from tests.sim.toy import pins_spec

Step = dict[str, int]
AR, AW, W, TX = "m_axi_ar", "m_axi_aw", "m_axi_w", "tx_"
INCR8 = {"size": 3, "burst": 1}


def on(prefix: str, **values: int) -> Step:
    """Pins of one channel: `on(AR, addr=0x1000)` raises its valid as well."""
    return {f"p_{prefix}{name}": value for name, value in {"valid": 1, **values}.items()}


def tx(**values: int) -> Step:
    return {f"p_tx_t{name}": value for name, value in {"valid": 1, **values}.items()}


def lite(**values: int) -> Step:
    return {f"p_s_axil_{name}": value for name, value in values.items()}


def play(engine: AnyEngine, script: list[Step]) -> list[Finding]:
    """One clock a step; a pin keeps its value until a step changes it."""
    for step in script:
        for name, value in step.items():
            engine.set_pin(name, value)
        engine.run(engine.now + 1)
    return engine.findings()


AW1 = on(AW, addr=0x1000, len=1, **INCR8)
OFF = {f"p_{channel}valid": 0 for channel in (AR, AW, W)}
WORD = on(W, data=1, strb=0xFF)

# (rule, part of the sentence, script); back-pressure makes stalls where the rule needs one
BROKEN: list[tuple[str, str, list[Step]]] = [
    ("axi.4k", "AR of 2 beats of 8 bytes at 0x1ff8 crosses", [on(AR, addr=0x1FF8, len=1, **INCR8), OFF]),
    ("axi.4k", "AW of 256 beats of 8 bytes at 0x1808 crosses", [on(AW, addr=0x1808, len=255, **INCR8), OFF]),
    ("axi.burst", "AR at 0x1000 has the reserved burst type 3", [on(AR, addr=0x1000, size=3, burst=3), OFF]),
    ("axi.size", "AR at 0x1000: beats of 16 bytes on a bus of 8", [on(AR, addr=0x1000, size=4, burst=1), OFF]),
    ("axi.len", "a FIXED burst of 17 beats", [on(AR, addr=0x1000, len=16, size=3, burst=0), OFF]),
    ("axi.wrap", "a WRAP burst of 3 beats", [on(AR, addr=0x1000, len=2, size=3, burst=2), OFF]),
    ("axi.wrap", "AR at 0x1004: a WRAP burst of 4 beats", [on(AR, addr=0x1004, len=3, size=3, burst=2), OFF]),
    ("axi.wlast", "WLAST with beat 1 of a burst of 2 beats", [AW1, OFF, {**WORD, "p_m_axi_wlast": 1}, OFF, {}]),
    ("axi.wlast", "no WLAST with beat 2, the last of its burst", [AW1, OFF, WORD, WORD, OFF, {}]),
    ("axi.wlast", "3 beats of data for a burst of 2", [WORD, WORD, {"p_m_axi_wlast": 1}, OFF, AW1, OFF, {}]),
    ("axi.strobe", "WSTRB 0xff at 0x1004 has lanes outside 0xf0",
     [on(AW, addr=0x1004, len=0, size=2, burst=1), OFF, {**WORD, "p_m_axi_wlast": 1}, OFF, {}]),
    ("stream.keep", "TKEEP 0x5 is not contiguous from lane 0", [tx(keep=5, last=1), tx(valid=0)]),
    ("stream.keep", "TKEEP 0xfe is not contiguous from lane 0", [tx(keep=0xFE, last=1), tx(valid=0)]),
    ("stream.keep", "TKEEP is 0 in a beat", [tx(keep=0, last=1), tx(valid=0)]),
    ("stream.keep", "TKEEP 0xf is not full before the last beat", [tx(keep=15), tx(keep=255, last=1), tx(valid=0)]),
    ("stream.giant", "a frame of more than 65536 bytes", [tx(keep=255)] + [{}] * 8192),
    ("axil.unasked", "BVALID before its write was taken", [lite(bvalid=1), lite(bvalid=0)]),
    ("axil.unasked", "RVALID before its read was taken", [lite(rvalid=1), lite(rvalid=0)]),
    ("dma.read", "the device reads 0x9000 and is answered DECERR", [on(AR, addr=0x9000, **INCR8), OFF] + [{}] * 8),
    ("dma.write", "the device writes 0x9003 and is answered DECERR",
     [{**on(AW, addr=0x9000, **INCR8), **on(W, strb=0x08, last=1)}, OFF] + [{}] * 8),
]  # fmt: skip

HOLD = [
    ("axi.hold", "ARVALID fell before ARREADY", on(AR, addr=0x1000, **INCR8), on(AR, valid=0)),
    ("axi.hold", "AWVALID fell before AWREADY", on(AW, addr=0x1000, **INCR8), on(AW, valid=0)),
    ("axi.hold", "WVALID fell before WREADY", WORD, on(W, valid=0)),
    ("axi.stable", "AR changed while ARVALID waited", on(AR, addr=0x1000, **INCR8), on(AR, addr=0x1008)),
    ("axi.stable", "AW changed while AWVALID waited", on(AW, id=1, **INCR8), on(AW, id=2)),
    ("axi.stable", "W changed while WVALID waited", WORD, on(W, strb=0x7F)),
    ("stream.hold", "TVALID fell before TREADY", tx(keep=255), tx(valid=0)),
    ("stream.stable", "TDATA, TKEEP or TLAST changed", tx(keep=255, data=1), tx(keep=255, data=2)),
    ("axi.stable", "W changed while WVALID waited", on(W, strb=3, data=0x1122), on(W, strb=3, data=0x3322)),
    ("stream.stable", "TDATA, TKEEP or TLAST changed", tx(keep=3, last=1, data=1), tx(keep=3, last=1, data=0x101)),
    ("axil.hold", "BVALID fell before BREADY", lite(bvalid=1), lite(bvalid=0)),
    ("axil.hold", "RVALID fell before RREADY", lite(rvalid=1), lite(rvalid=0)),
    ("axil.stable", "BRESP changed", lite(bvalid=1, bresp=0), lite(bresp=2)),
    ("axil.stable", "RDATA or RRESP changed", lite(rvalid=1, rdata=1), lite(rdata=2)),
]
ALL: list[tuple[str, str, list[Step], float]] = [(*entry, 0.0) for entry in BROKEN]
ALL += [(rule, text, [first, second] * 8, 0.9) for rule, text, first, second in HOLD]


def pins_engine(kind: str, **options: Any) -> AnyEngine:
    memory, file = HostMemory(), os.memfd_create("pins")  # of a file, for a simulator that is another process
    os.ftruncate(file, 0x2000)
    memory.add_region(Region(0x1000, mmap.mmap(file, 0x2000), file=file))
    return open_engine(kind, pins_spec(), memory, read_latency=2, write_latency=2, **options)


@pytest.mark.parametrize(("rule", "text", "script", "backpressure"), ALL, ids=[f"{r} {t[:24]}" for r, t, _, _ in ALL])
def test_a_broken_rule_is_found(
    engine_kind: str, rule: str, text: str, script: list[Step], backpressure: float
) -> None:
    engine = pins_engine(engine_kind, backpressure=backpressure, seed=3)
    found = play(engine, script)
    assert any(f.rule == rule and text in f.text for f in found), found
    engine.close()


@needs_native
def test_both_engines_use_the_same_words() -> None:
    for rule, _text, script, backpressure in ALL:
        if rule != "stream.giant":
            told = [play(pins_engine(kind, backpressure=backpressure, seed=3), script) for kind in ("native", "pysim")]
            assert told[0] == told[1]


LAWFUL: list[Step] = [
    {**on(AR, addr=0x1FF8, **INCR8), **on(AW, addr=0x2004, size=2, burst=1)},
    {**OFF, **on(W, strb=0xF0, last=1)},
    OFF,
    tx(keep=255),
    tx(keep=7, last=1),
    tx(valid=0),
]


def test_lawful_traffic_is_not_blamed(engine_kind: str) -> None:
    engine = pins_engine(engine_kind)
    assert play(engine, LAWFUL) == []
    assert [len(frame) for _, frame in engine.wire_out()] == [11]


@pytest.mark.parametrize("backpressure", [0.0, 0.9])
def test_bytes_that_do_not_count_may_change(engine_kind: str, backpressure: float) -> None:
    """Arm IHI 0051 2.4, IHI 0022 A3.4.3: while their beat waits too."""
    engine = pins_engine(engine_kind, backpressure=backpressure, seed=3)
    for prefix, lanes in (("p_m_axi_w", {"strb": 0x81}), ("p_tx_t", {"keep": 3, "last": 1})):
        steps = [{"valid": 1, "data": 0xAB000000000011AB | (0x100 if prefix == "p_tx_t" else other << 8), **lanes}
                 for other in range(2)]  # fmt: skip
        steps = [{**step, "data": step["data"] | number << 32} for number, step in enumerate(steps * 8)]
        found = play(engine, [{prefix + name: value for name, value in step.items()} for step in steps])
        assert [each for each in found if each.rule.endswith((".stable", ".hold"))] == []
    engine.close()


def test_the_checker_can_be_off(engine_kind: str) -> None:
    engine = pins_engine(engine_kind, check=False)
    assert play(engine, [on(AR, addr=0x1FF8, len=1, **INCR8), OFF, tx(keep=5, last=1), tx(valid=0)]) == []


def test_findings_are_capped(engine_kind: str) -> None:
    engine = pins_engine(engine_kind)
    requests = [on(AR, addr=8 * number + 1 << 12 | 8, len=3, size=4, burst=1) for number in range(60)]
    found = play(engine, [tx(keep=keep) for keep in range(255)] + [{**tx(valid=0), **OFF}, *requests])
    assert len(found) == 257
    assert (found[-1].rule, found[-1].text) == ("capped", "59 more findings were not kept")
    assert play(engine, [OFF]) == []


def test_what_is_seen_again_is_counted(engine_kind: str) -> None:
    engine = pins_engine(engine_kind)
    (found,) = play(engine, [tx(keep=0, last=1)] + [{}] * 299)
    assert (found.text, found.count, found.last) == ("TKEEP is 0 in a beat", 300, found.clock + 299)
    assert str(found).endswith(f"stream.keep: TKEEP is 0 in a beat (300 times, the last at clock {found.last})")
    (found,) = play(engine, [{}])  # what has been taken is forgotten
    assert (found.count, found.last) == (1, None)
    assert play(engine, [tx(valid=0)]) == []


def test_what_was_handed_over_and_is_seen_again_is_new() -> None:
    """Else an index into what is gone would be left, which ended a simulation in another process."""
    findings = Findings()
    for clock in (1, 2):
        for count in (1, 2):
            findings.now = clock
            findings.add("axi.size", "twice")
            assert [f.count for f in findings.kept] == [count]
        assert [(f.clock, f.count) for f in findings.hand_over()[0]] == [(clock, 2)]
    assert (findings.take(), findings.fresh()) == ([], [])


def test_addresses_of_beats() -> None:
    """AMBA AXI A3.4.1, by hand."""
    assert [Command(0x1003, 0, 2, 2, 1).beat(i) for i in range(3)] == [0x1003, 0x1004, 0x1008]
    assert [Command(0x1008, 0, 3, 2, 2).beat(i) for i in range(4)] == [0x1008, 0x100C, 0x1000, 0x1004]
    assert [Command(0x1008, 0, 1, 3, 0).beat(i) for i in range(2)] == [0x1008, 0x1008]


def test_held_looks_only_at_what_waits() -> None:
    held, findings = Held("x", "fell", "moved"), Findings()
    look: Callable[[bool, bool, object], None] = lambda valid, ready, what: held.look(valid, ready, what, findings)  # noqa: E731
    look(True, True, 1)
    look(True, False, 2)
    look(True, True, 2)
    look(False, True, None)
    assert findings.take() == []
    look(True, False, 3)
    look(True, False, 4)
    look(False, False, None)
    assert [f.rule for f in findings.take()] == ["x.stable", "x.hold"]
