"""Down and up with frames under way, and seconds in which nothing happens."""

from __future__ import annotations

from collections.abc import Sequence

from ringbed.conformance.drivers.bench import MS, US, Bench
from ringbed.conformance.drivers.found import Case
from ringbed.conformance.drivers.packets import numbered, padded
from ringbed.sim.testbed.offer import plain
from ringbed.sim.wire.frame import from_wire, to_wire

__all__ = ["CASES", "SECOND", "nothing_changed"]

SECOND = 1_000_000_000
SLOW = 100_000_000  # bit/s
TURNS, OUT = 6, 40  # frames of some 800 bytes: more than the card takes in before they are on the wire


def downs(bench: Bench) -> None:
    """Down and up with frames on the rings, on the wire and in the card."""
    bench.open(link_bps=SLOW)
    bench.doubtful = True
    for turn in range(TURNS):
        out = [numbered(number, bench.rng.randint(60, 1514), inward=False) for number in range(OUT)]
        bench.offer([plain(each) for each in out])
        for number in range(6):
            bench.host.engine.wire_in(to_wire(numbered(number, 400, inward=True)), bench.host.engine.now)
        bench.run(bench.rng.choice((0, 0, 1, 3, 10)) * US)
        bench.down()
        nothing_changed(bench, out, "frame.changed")
        if turn % 3 == 2:
            bench.up()
            bench.goes_round()
        else:
            bench.host.up()
            bench.until(lambda: bench.upper.link_up, 10 * MS)
    bench.up()


def nothing_changed(bench: Bench, out: Sequence[bytes], rule: str) -> None:
    """What left the card since the last look is some of what was sent, in its order."""
    left = [from_wire(frame) for _, frame in bench.host.engine.wire_out()]
    rest = iter([padded(frame) for frame in out])
    if not all(frame in rest for frame in left):
        bench.find(rule, f"of {len(left)} frames that left, one was not sent, or not in that order")
    bench.upper.take()


def idle(bench: Bench) -> None:
    """Seconds with the watchdog at work, a frame in between: a card at rest is no card that stands still."""
    bench.open()
    bench.goes_round()
    for _ in range(3):
        bench.run(SECOND + SECOND // 10)
        bench.goes_round()
    out = [numbered(number, 64, inward=False) for number in range(3)]
    for frame in out:
        bench.send([plain(frame)], [frame])
        bench.run(SECOND // 2)
    bench.judge()


CASES = (
    Case("resets.traffic", "down and up with frames under way: accounted for, none changed, and it goes on", downs),
    Case("resets.idle", "seconds at rest, with the watchdog at work: nothing is reset that works", idle, ("rest",)),
)
