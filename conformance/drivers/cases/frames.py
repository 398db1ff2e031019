"""Frames of every length and in pieces, too long ones, and damaged ones."""

from __future__ import annotations

from ringbed.conformance.drivers.bench import Bench
from ringbed.conformance.drivers.found import Case
from ringbed.conformance.drivers.packets import SHORTEST, STATION, numbered, padded
from ringbed.sim.testbed.offer import plain
from ringbed.sim.wire.frame import to_wire

__all__ = ["CASES"]

LEAST = 14  # an Ethernet header alone
PIECES = 40
TAG = 4  # bytes that a driver may let pass beyond its MTU


def lengths_out(bench: Bench) -> None:
    bench.open()
    frames = [numbered(length, length, inward=False) for length in range(LEAST, bench.driver.mtu + 14 + 1)]
    bench.send([plain(frame) for frame in frames], [padded(frame) for frame in frames], batch=16)
    bench.judge()


def lengths_in(bench: Bench) -> None:
    bench.open()
    longest = bench.driver.mtu + 14
    frames = [numbered(length, length, inward=True) for length in range(SHORTEST, longest + 1)]
    bench.deliver(frames, burst=4)  # a small card has no room for more of the longest
    bench.judge()


def pieces(bench: Bench) -> None:
    """As a stack hands them down: headers apart from data, which may be any kind of buffer."""
    bench.open()
    for number in range(PIECES):
        frame = numbered(number, bench.rng.randint(SHORTEST, 1514), inward=False)
        cuts = sorted(bench.rng.sample(range(1, len(frame)), bench.rng.randint(1, 6)))
        parts = [frame[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(frame)], strict=True)]
        kinds = (bytes, bytearray, memoryview)
        bench.send([plain(*(kinds[at % 3](part) for at, part in enumerate(parts)))], [frame])
    bench.judge()


def overlong(bench: Bench) -> None:
    bench.open()
    longest = bench.driver.mtu + 14
    lengths = (longest + TAG + 1, longest + 100, 9000)
    for length in lengths:
        bench.send([plain(numbered(length, length, inward=False))], ())
    good = numbered(1, longest, inward=False)
    bench.send([plain(good)], [good])
    counters = bench.driver.counters()
    count = sum(counters[name] for name in bench.driver.TX_DROPS)
    if count != len(lengths):
        bench.find("frame.overlong", f"of {len(lengths)} frames beyond {longest} bytes {count} are counted as drops")
    bench.judge()


def damaged(bench: Bench) -> None:
    """Good ones between bad ones: the bad are the card's to drop, and none of them is handed on."""
    bench.open()
    for number in range(24):
        good = numbered(number, bench.rng.randint(SHORTEST, 1514), inward=True)
        wire = bytearray(to_wire(good))
        wire[bench.rng.randrange(14, len(wire))] ^= 1 << bench.rng.randrange(8)
        bench.host.engine.wire_in(bytes(wire), bench.host.engine.now)
        bench.host.engine.wire_in(to_wire(good), bench.host.engine.now, True)  # an error on the way
        bench.host.engine.wire_in(to_wire(STATION + good[6:40])[:40], bench.host.engine.now)  # a runt
        bench.deliver([good])
    for rule, text in _bad(bench):
        bench.find(rule, text)
    bench.judge()


def _bad(bench: Bench) -> list[tuple[str, str]]:
    """Frames at the sink beyond those that are good."""
    bench.settle()
    came = [bytes(each.data) for each in bench.upper.frames]
    bad = [frame for frame in came if frame not in set(bench.to_come)]
    bench.upper.frames = [each for each in bench.upper.frames if bytes(each.data) not in set(bad)]
    more = len(bench.upper.frames) - len(bench.to_come)
    return [("frame.damaged", f"{len(bad) + max(0, more)} damaged frames were handed on")] if bad or more > 0 else []


CASES = (
    Case("frames.out", "frames of every length are sent, short ones padded", lengths_out),
    Case("frames.in", "frames of every length are handed on whole", lengths_in),
    Case("frames.pieces", "a frame in several pieces, of any kind of buffer, is sent as one", pieces),
    Case("frames.overlong", "a frame beyond the MTU is counted as a drop, and nothing of it is sent", overlong),
    Case("frames.damaged", "a bad FCS, an error on the wire, a runt: none is handed on, those between are", damaged),
)
