"""TxDelay, rule by rule (M 3.3.3.1, 3.4.2, 13.4.41, 13.4.44): when TXDW comes, and which write-backs may wait."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ringbed.hw.interrupt.deadline import NEVER
from ringbed.hw.interrupt.tx_delay import UNIT, TxDelay
from tests.hw.stream_bench import simulate

ENTRIES = 64  # of a transmit ring that wait to be written: hw/nics/em/tx.py


class Bench:
    """The block and a timebase of one a clock; `events` are the clocks with TXDW."""

    def __init__(self) -> None:
        self.ctx: Any = None
        self.dut, self.now, self.events, self.flushes = TxDelay(), 0, list[int](), list[int]()

    def set(self, **values: int) -> None:
        for name, value in values.items():
            self.ctx.set(getattr(self.dut, name), value)

    async def clock(self, count: int = 1, **values: int) -> None:
        """`values` hold in the first of these clocks alone."""
        self.set(**values)
        for _ in range(count):
            self.set(timebase=self.now)
            if self.ctx.get(self.dut.event):
                self.events.append(self.now)
            if self.ctx.get(self.dut.flush):
                self.flushes.append(self.now)
            await self.ctx.tick()
            self.set(**dict.fromkeys(values, 0))
            self.now += 1

    async def write(self, late: bool) -> int:
        """One descriptor used, and 5 clocks later its write-back answered: in the clock it gives."""
        await self.clock(5, entry=1, late=int(late))
        await self.clock(1, **({"lates": 1} if late else {"now": 1}))
        return self.now - 1

    def wait(self) -> int:
        return int(self.ctx.get(self.dut.wait))


def bench(script: Callable[[Bench], Coroutine[Any, Any, None]], **registers: int) -> None:
    b = Bench()

    async def run(ctx: Any) -> None:
        b.ctx = ctx
        b.set(**registers)
        await script(b)

    simulate(b.dut, run)


def test_without_ide_at_once() -> None:
    async def script(b: Bench) -> None:
        told = await b.write(late=False)
        await b.clock(500)
        assert b.events == [told]

    bench(script, tidv=1, tadv=1)


def test_with_ide_after_the_last_of_them() -> None:
    """Each loads TIDV anew."""

    async def script(b: Bench) -> None:
        for _ in range(4):
            last = await b.write(late=True)
            await b.clock(100)
        assert b.events == []
        assert abs(b.wait() - (last + 3 * UNIT - b.now)) <= 1
        await b.clock(1000)
        assert [abs(event - (last + 3 * UNIT)) <= 1 for event in b.events] == [True]
        assert b.wait() == NEVER

    bench(script, tidv=3)


def test_tadv_bounds_the_delay() -> None:
    """It runs from the first; the interrupt stops both, and the next one starts them again."""

    async def script(b: Bench) -> None:
        first = await b.write(late=True)
        while not b.events:
            await b.write(late=True)
            await b.clock(50)
            assert b.now < 2000
        assert abs(b.events[0] - (first + 4 * UNIT)) <= 1
        b.events.clear()
        await b.clock(1000)
        b.events.clear()
        again = await b.write(late=True)
        await b.clock(2000)
        assert [abs(event - (again + 3 * UNIT)) <= 1 for event in b.events] == [True]

    bench(script, tidv=3, tadv=4)


def test_one_without_ide_tells_and_clears_the_timers() -> None:
    async def script(b: Bench) -> None:
        await b.write(late=True)
        told = await b.write(late=False)
        await b.clock(2000)
        assert b.events == [told]
        assert b.wait() == NEVER

    bench(script, tidv=3, tadv=4)


def test_tidv_0_is_no_delay() -> None:
    async def script(b: Bench) -> None:
        told = await b.write(late=True)
        await b.clock(300)
        assert b.events == [told]

    bench(script, tidv=0, tadv=4)


def test_with_wthresh_they_wait_for_the_timer_which_writes_them() -> None:
    """Flushed at the expiry until all that came before it are written; TXDW with the last of these."""

    async def script(b: Bench) -> None:
        for _ in range(3):
            await b.clock(10, entry=1, late=1)
            last = b.now - 10
        assert b.ctx.get(b.dut.hold)
        await b.clock(2 * UNIT)
        assert b.events == []
        assert abs(b.flushes[0] - (last + 2 * UNIT)) <= 1
        assert b.ctx.get(b.dut.flush)
        await b.clock(5, lates=2)
        assert b.events == []
        written = b.now
        await b.clock(5, lates=1)
        assert b.events == [written]
        assert not b.ctx.get(b.dut.flush)
        assert not b.ctx.get(b.dut.hold)
        await b.clock(1000)
        assert b.events == [written]

    bench(script, tidv=2, threshold=8)


def test_one_without_ide_is_held_back_for_nobody() -> None:
    async def script(b: Bench) -> None:
        await b.clock(3, entry=1, late=1)
        await b.clock(3, entry=1, late=0)
        assert not b.ctx.get(b.dut.hold)

    bench(script, tidv=2, threshold=8)


def test_a_stopped_queue_owes_nothing() -> None:
    async def script(b: Bench) -> None:
        await b.clock(3, entry=1, late=1)
        await b.write(late=True)
        b.set(stopped=1)
        await b.clock(2)
        assert b.wait() == NEVER
        await b.clock(2000)
        assert b.events == []

    bench(script, tidv=2, tadv=3, threshold=8)


def test_an_interrupt_leaves_nobody_waiting_without_a_timer() -> None:
    """What one without IDE tells of stops the timer; one with IDE that came before the answer is then held no more."""

    async def script(b: Bench) -> None:
        await b.clock(3, entry=1, late=1)
        await b.clock(3, entry=1, late=0)
        await b.clock(3, entry=1, late=1)
        await b.clock(1, now=1, lates=1)
        assert not b.ctx.get(b.dut.hold), "no timer will ever write it"
        written = b.now
        await b.clock(1, lates=1)
        await b.clock(1000)
        assert [abs(event - (written + 2 * UNIT)) <= 1 for event in b.events[1:]] == [True]

    bench(script, tidv=2, threshold=8)


def test_a_burst_with_younger_ones_in_it_tells_too() -> None:
    """Two are to be written as the timer runs out, two more come while the first is, and three go in one burst."""

    async def script(b: Bench) -> None:
        for _ in range(2):
            await b.clock(3, entry=1, late=1)
        await b.clock(2 * UNIT)
        for _ in range(2):
            await b.clock(3, entry=1, late=1)
        await b.clock(3, lates=1)
        assert b.events == []
        told = b.now
        await b.clock(3, lates=3)
        assert b.events == [told]
        assert not b.ctx.get(b.dut.flush)

    bench(script, tidv=2, threshold=8)


async def traffic(b: Bench, rng: random.Random, threshold: int) -> None:
    """Descriptors come, are read, written in bursts as Completion does, and told; all of them, some time."""
    coming, reading, ready, bursts = rng.randrange(1, 25), deque[tuple[int, bool]](), deque[bool](), deque[Any]()
    rate, share, slow = rng.choice((0.02, 0.05, 0.2)), rng.choice((0.5, 0.9, 1)), rng.choice((5, 100, 200))
    untold = last = 0
    while coming or reading or ready or bursts or untold:
        assert b.now < last + 4000, (coming, reading, ready, bursts, untold)
        values = dict.fromkeys(("entry", "late", "now", "lates"), 0)
        if coming and len(reading) + len(ready) < 40 and rng.random() < rate:
            late, coming, last = rng.random() < share, coming - 1, b.now
            reading.append((max(b.now + rng.randint(1, slow), reading[-1][0] if reading else 0), late))
            values |= {"entry": 1, "late": int(late)}
        while reading and reading[0][0] < b.now:
            ready.append(reading.popleft()[1])
        if bursts and bursts[0][0] <= b.now:
            written = bursts.popleft()[1]
            values |= {"now": written.count(False), "lates": written.count(True)}
            untold += len(written)
        b.set(**values, timebase=b.now)
        if b.ctx.get(b.dut.event):
            untold = 0
        flush = b.ctx.get(b.dut.flush) or not (coming and rng.random() < 0.5) and not b.ctx.get(b.dut.hold)
        if ready and len(bursts) < 3 and (flush or len(ready) >= threshold):
            burst = [ready.popleft() for _ in range(min(8, len(ready)))]
            bursts.append((max(b.now + rng.randint(1, slow), bursts[-1][0] + 1 if bursts else 0), burst))
        await b.clock()


@pytest.mark.parametrize("seed", range(30))
def test_whatever_comes_is_written_and_told(seed: int) -> None:
    rng = random.Random(seed)
    registers = {
        "threshold": rng.choice((0, 1, 2, 4, 8)),
        "tidv": rng.choice((0, 1, 2, 3)),
        "tadv": rng.choice((0, 1, 4)),
    }

    async def script(b: Bench) -> None:
        await traffic(b, rng, registers["threshold"])

    bench(script, **registers)


def test_as_many_as_can_wait_to_be_written() -> None:
    """64 with IDE gathered: the timer flushes them, and the interrupt comes with the last of them, not before."""

    async def script(b: Bench) -> None:
        for _ in range(ENTRIES):
            await b.clock(1, entry=1, late=1)
        await b.clock(2 * UNIT)
        assert b.flushes
        assert b.events == []
        for _ in range(ENTRIES // 8 - 1):
            await b.clock(3, lates=8)
        assert b.events == []
        await b.clock(1, lates=7)
        assert b.events == []
        await b.clock(1, lates=1)
        assert b.events == [b.now - 1]
        b.events.clear()
        await b.clock(1, entry=1, late=1)  # none of the 64 is waited for again
        await b.clock(2 * UNIT)
        await b.clock(1, lates=1)
        assert b.events == [b.now - 1]

    bench(script, tidv=1, threshold=8)


def test_none_is_held_while_one_of_many_is_urgent() -> None:
    """64 without IDE and one with: it may wait when the last of the others is written."""

    async def script(b: Bench) -> None:
        for _ in range(ENTRIES):
            await b.clock(1, entry=1)
        await b.clock(1, entry=1, late=1)
        for _ in range(ENTRIES // 8):
            assert not b.ctx.get(b.dut.hold)
            await b.clock(1, now=8)
            # each of them told, which stops the timer of the one that may wait
            await b.clock(1, entry=1, late=1)
        assert b.ctx.get(b.dut.hold)

    bench(script, tidv=100, threshold=8)
