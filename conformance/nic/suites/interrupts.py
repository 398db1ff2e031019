"""Suite `interrupts`: the host hears of every frame, in the time that was asked for, and not too often.

Times are the card's clock's. An interrupt is moderated by two delays each way and by a rate; what must come is within
bounds that follow from these, with `SLACK_NS` for what the bus and the host take; no oracle is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from ringbed.conformance.frames.made import PEER, STATION
from ringbed.conformance.nic.case import Case, Difference, Plan
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.target import Arrival, NicUnderTest, Offer, Setup
from ringbed.sim.wire.payload import payload

__all__ = ["RULES", "cases"]

RULES = rules(
    ("irq.rx", "A frame comes to the host without waiting for another", "erratum irq-rx-event-missing"),
    ("irq.last", "The last frame of a burst comes without waiting for another", "erratum irq-msi-lost-e1000e"),
    ("irq.tx", "A frame that was sent is told of: its room in the ring is free again", "M 3.4.3"),
    ("irq.none", "Where nothing happens no interrupt comes", "erratum irq-spurious-msix-82574"),
    ("irq.once", "A frame alone raises one interrupt", "erratum irq-storm-fifo-full"),
    ("irq.delay", "With a delay a frame comes not before it is over", "M 13.4.30"),
    ("irq.delay-end", "With a delay a frame comes when it is over", "erratum dma-writeback-not-triggered-82576vf"),
    ("irq.delay-company", "With a delay frames that come within it raise one interrupt", "M 13.4.30"),
    ("irq.delay-most", "Frames that keep the delay from its end come at the second, longer one's", "M 13.4.31"),
    ("irq.rate", "Interrupts come no more often than the rate", "M 13.4.18"),
    ("irq.rate-all", "With a rate every frame comes", "erratum irq-lost-by-disable-in-handler"),
    ("irq.small", "A small frame does not wait for the delay", "M 3.2.7.2"),
)  # fmt: skip
US, SLACK_NS = 1000, 12_000
NEEDS = ("interrupts",)
SETUP = Setup()

Script = Callable[[NicUnderTest], Iterator[Difference]]


def cases() -> Iterator[Case]:
    for length in (60, 61, 64, 127, 300, 1024, 1514):
        yield _case("irq.rx", f"rx.len-{length}", partial(_heard, 1, length, 0))
        yield _case("irq.once", f"once.len-{length}", partial(_once, length))
    for count in (*range(2, 21), 31, 32, 33, 63, 64, 65):
        yield _case("irq.last", f"last.burst-{count}", partial(_heard, count, 60 + count, 0))
    for gap in (1, 2, 3, 5, 10, 50):
        yield _case("irq.last", f"last.gap-{gap}", partial(_heard, 9, 70, gap * US))
    for count in (1, 2, 7, 64, 200):
        yield _case("irq.tx", f"tx.times-{count}", partial(_sent, count))
    for milliseconds in (1, 3, 10):
        yield _case("irq.none", f"none.{milliseconds}", partial(_none, milliseconds))
    for usecs in (20, 30, 50, 100, 200, 500, 1000, 5000):
        yield _case("irq.delay", f"delay-{usecs}.before", partial(_delay, usecs, True))
        yield _case("irq.delay-end", f"delay-{usecs}.end", partial(_delay, usecs, False))
        for count in (2, 5):
            yield _case("irq.delay-company", f"delay-{usecs}.company-{count}", partial(_company, usecs, count))
    for usecs, most in ((50, 100), (50, 200), (100, 150), (100, 500), (200, 1000)):
        yield _case("irq.delay-most", f"delay-{usecs}.most-{most}", partial(_most, usecs, most))
    for rate in (2000, 5000, 8000, 10_000, 20_000, 50_000):
        for gap in (5, 20):
            yield _case("irq.rate", f"rate-{rate}.gap-{gap}", partial(_rate, rate, gap, False))
            yield _case("irq.rate-all", f"rate-{rate}.all-{gap}", partial(_rate, rate, gap, True))
    for size in (64, 100, 128, 256):
        yield _case("irq.small", f"small-{size}.below", partial(_small, size, size - 8, True))
        yield _case("irq.small", f"small-{size}.beyond", partial(_small, size, size + 60, False))


def _case(rule: str, name: str, make: Callable[[Random], Script]) -> Case:
    return Case(f"irq.{name}", RULES[rule], partial(_plan, make), SETUP, NEEDS, scripted=True)


def _plan(make: Callable[[Random], Script], rng: Random) -> Plan:
    """Moderation is off before and behind it."""
    inner = make(rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_moderation()
        nic.receive(())
        try:
            yield from inner(nic)
        finally:
            nic.set_moderation()
            nic.receive(())
            nic.send(())

    return Plan(script=script)


def _frame(length: int, rng: Random) -> bytes:
    return (STATION + PEER + b"\x88\xb5" + payload(rng.randrange(3), length))[:length]


def _wire_ns(length: int) -> int:
    """What the longest path through the card takes at a byte a clock of 8 ns; more than any does."""
    return 8 * 2 * length


def _heard(count: int, length: int, gap: int, rng: Random) -> Script:
    """Frames with a gap after each; all are there shortly after the last."""
    frames = [_frame(length, rng) for _ in range(count)]

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        for each in frames:
            nic.arrive(Arrival(each))
            if gap:
                nic.wait(gap)
        nic.wait(SLACK_NS + count * _wire_ns(length))
        yield from _number("frames that came", count, count, len(nic.came()))

    return script


def _once(length: int, rng: Random) -> Script:
    frame = _frame(length, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        before = nic.interrupts()
        nic.arrive(Arrival(frame))
        nic.wait(2 * SLACK_NS + _wire_ns(length))
        nic.rest()
        yield from _number("interrupts of one frame", 1, 1, nic.interrupts() - before)

    return script


def _sent(count: int, rng: Random) -> Script:
    """Twice as many as the ring holds, by turns: without an interrupt there would be no room."""
    offers = [Offer((_frame(60 + n % 9, rng),)) for n in range(count)]

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        before = nic.interrupts()
        left = nic.send(offers)
        yield from _number("frames that left", count, count, len(left))
        yield from _number("interrupts of frames that were sent", 1, count, nic.interrupts() - before)

    return script


def _none(milliseconds: int, rng: Random) -> Script:
    def script(nic: NicUnderTest) -> Iterator[Difference]:
        before = nic.interrupts()
        nic.wait(milliseconds * 1000 * US)
        yield from _number("interrupts of nothing", 0, 0, nic.interrupts() - before)

    return script


def _delay(usecs: int, early: bool, rng: Random) -> Script:
    """Looked at shortly before the delay is over, and shortly after."""
    frame = _frame(100, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_moderation(rx_usecs=usecs)
        nic.arrive(Arrival(frame))
        if early:
            nic.wait(usecs * US * 9 // 10)
            yield from _number(f"frames that came before {usecs} us", 0, 0, len(nic.came()))
        else:
            nic.wait(usecs * US * 11 // 10 + SLACK_NS)
            yield from _number(f"frames that came within {usecs} us and a little", 1, 1, len(nic.came()))

    return script


def _company(usecs: int, count: int, rng: Random) -> Script:
    frames = [_frame(100, rng) for _ in range(count)]

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_moderation(rx_usecs=usecs)
        before = nic.interrupts()
        for each in frames:
            nic.arrive(Arrival(each))
            nic.wait(usecs * US // 4)
        nic.wait(usecs * US * 11 // 10 + SLACK_NS)
        yield from _number("frames that came", count, count, len(nic.came()))
        yield from _number("interrupts of frames within the delay", 1, 1, nic.interrupts() - before)

    return script


def _most(usecs: int, most: int, rng: Random) -> Script:
    """Frames so close that the first delay never ends."""
    frame = _frame(100, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_moderation(rx_usecs=usecs, rx_usecs_max=most)
        begin = nic.now()
        while nic.now() - begin < most * US * 8 // 10:
            nic.arrive(Arrival(frame))
            nic.wait(usecs * US // 2)
        early = len(nic.came())
        while nic.now() - begin < most * US * 11 // 10 + SLACK_NS:
            nic.arrive(Arrival(frame))
            nic.wait(usecs * US // 2)
        yield from _number(f"frames that came before {most} us", 0, 0, early)
        yield from _number(f"frames that came within {most} us and a little", 1, 1 << 16, len(nic.came()))

    return script


def _rate(rate: int, gap: int, all_: bool, rng: Random) -> Script:
    """Frames for five intervals."""
    frame, interval = _frame(80, rng), 1_000_000_000 // rate

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_moderation(interrupts_per_second=rate)
        before, begin, count = nic.interrupts(), nic.now(), 0
        while nic.now() - begin < 5 * interval:
            nic.arrive(Arrival(frame))
            nic.wait(gap * US)
            count += 1
        taken, passed = nic.interrupts() - before, nic.now() - begin
        nic.wait(interval + SLACK_NS)
        if all_:
            yield from _number("frames that came", count, count, len(nic.came()))
        else:
            yield from _number("interrupts", 1, 1 + passed // interval, taken)

    return script


def _small(limit: int, length: int, at_once: bool, rng: Random) -> Script:
    frame, usecs = _frame(length, rng), 500

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_moderation(rx_usecs=usecs, rx_small_bytes=limit)
        nic.arrive(Arrival(frame))
        nic.wait(SLACK_NS + _wire_ns(length))
        wanted = int(at_once)
        yield from _number("frames that came without a delay", wanted, wanted, len(nic.came()))

    return script


def _number(what: str, least: int, most: int, got: int) -> Iterator[Difference]:
    if not least <= got <= most:
        yield Difference(what, f"{least}" if least == most else f"{least} to {most}", f"{got}")
