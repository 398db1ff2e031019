"""Faults of link, bus and host: all is accounted for, nothing is changed, and it goes on."""

from __future__ import annotations

from typing import Any

from ringbed.conformance.drivers.bench import Bench
from ringbed.conformance.drivers.cases.resets import SECOND, nothing_changed
from ringbed.conformance.drivers.found import Case, NotApplicable
from ringbed.conformance.drivers.packets import numbered, padded
from ringbed.sim.faults.plan import parse_plan
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.offer import plain
from ringbed.sim.wire.frame import to_wire

__all__ = ["CASES"]

FRAMES = 60
LINK = """
[[link]]
kind = "drop"
rate = 0.05
[[link]]
kind = "duplicate"
rate = 0.05
[[link]]
kind = "flip"
rate = 0.05
bits = 3
[[link]]
kind = "truncate"
rate = 0.03
"""
SLOW_BUS = """
[[bus]]
kind = "latency"
rate = 0.2
clocks = 600
[[bus]]
kind = "jitter"
rate = 0.5
clocks = 80
[[bus]]
kind = "backpressure"
rate = 0.2
clocks = 200
[[bus]]
kind = "reorder"
rate = 0.1
clocks = 300
"""
BAD_BUS = """
[[bus]]
kind = "{kind}"
at = [{at}]
access = ["{access}"]
"""
HOST = """
[[host]]
kind = "irq_late"
rate = 0.3
ns = 100000
[[host]]
kind = "slow"
rate = 0.3
ns = 50000
"""
LOST_IRQ = """
[[host]]
kind = "irq_lost"
at = [0, 2]
"""


def _exchange(bench: Bench, wire: Any, frames: int = FRAMES) -> tuple[list[bytes], list[bytes]]:
    """So many both ways; `wire` takes them in. What was offered, out and in."""
    out = [numbered(number, bench.rng.randint(60, 1514), inward=False) for number in range(frames)]
    back = [numbered(number, bench.rng.randint(60, 1514), inward=True) for number in range(frames)]
    at = 0
    for turn in range(0, frames, 6):
        at += bench.offer([plain(each) for each in out[at : turn + 6]])
        for frame in back[turn : turn + 6]:
            wire.wire_in(to_wire(frame), bench.host.engine.now)
        bench.settle()
    return out[:at], back


def _faults(bench: Bench, text: str) -> Faults:
    faults = Faults(parse_plan(f"seed = {bench.rng.randrange(1 << 30)}\n{text}"))
    try:
        faults.attach(bench.host)
    except ValueError as error:
        raise NotApplicable(str(error)) from None
    return faults


def link(bench: Bench) -> None:
    """Dropped, doubled, damaged and cut frames: what is handed on was sent."""
    bench.open()
    faults = _faults(bench, LINK)
    end = faults.end(bench.host)
    out, back = _exchange(bench, end)
    bench.settle(4)
    known = set(map(padded, back))
    if bad := sum(bytes(frame.data) not in known for frame in bench.upper.take()):
        bench.find("frame.damaged", f"{bad} frames were handed on that nobody sent")
    end.wire_out()
    faults.stop()
    bench.settle()
    bench.goes_round()


def _all_comes(bench: Bench, text: str, frames: int = FRAMES, wait_ns: int = 0) -> None:
    """Whatever the plan does."""
    bench.open()
    faults = _faults(bench, text)
    bench.sent, bench.to_come = _exchange(bench, bench.host.engine, frames)
    bench.run(wait_ns)
    bench.settle(4)
    bench.judge()
    faults.stop()


def slow_bus(bench: Bench) -> None:
    _all_comes(bench, SLOW_BUS)


def _broken(bench: Bench, access: str, kind: str) -> None:
    """One error answer stops the queue; the driver's watchdog, or a down and an up, start it again."""
    bench.open()
    bench.doubtful = True
    faults = _faults(bench, BAD_BUS.format(kind=kind, at=3, access=access))
    out, _ = _exchange(bench, bench.host.engine, 24)
    bench.run(3 * SECOND)
    faults.stop()
    nothing_changed(bench, out, "frame.changed")
    try:
        bench.own("watchdog")
        bench.run(2 * SECOND)
    except NotApplicable:
        bench.down()
        bench.up()
    bench.upper.take()
    bench.goes_round()


def bad_fetch(bench: Bench) -> None:
    _broken(bench, "fetch", "slverr")


def bad_data(bench: Bench) -> None:
    _broken(bench, "read", "decerr")


def bad_write(bench: Bench) -> None:
    _broken(bench, "write", "slverr")


def bad_writeback(bench: Bench) -> None:
    _broken(bench, "writeback", "slverr")


def host(bench: Bench) -> None:
    """Interrupts late, and the host held up between cause and ring: all comes."""
    _all_comes(bench, HOST)


def lost(bench: Bench) -> None:
    """An interrupt that nobody hears, until the watchdog, within a second: all comes."""
    _all_comes(bench, LOST_IRQ, 18, 3 * SECOND)
    bench.goes_round()


CASES = (
    Case("faults.link", "frames dropped, doubled, damaged: none is handed on that was not sent", link),
    Case("faults.bus.slow", "memory is slow, and answers out of order: all comes", slow_bus),
    Case("faults.bus.fetch", "an error answer to a descriptor's fetch: after a reset it goes on", bad_fetch, ("rest",)),
    Case("faults.bus.read", "an error answer to a read of a frame: after a reset it goes on", bad_data, ("rest",)),
    Case("faults.bus.write", "an error answer to a write of a frame: after a reset it goes on", bad_write, ("rest",)),
    Case("faults.bus.writeback", "an error answer to a write-back: after a reset it goes on", bad_writeback, ("rest",)),
    Case("faults.host", "interrupts late, the host held up in the middle: all comes", host),
    Case("faults.lost", "an interrupt that nobody hears before the watchdog: all comes", lost, ("rest",)),
)
