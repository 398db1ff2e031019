"""When an engine says that something is due, and how time is skipped up to it: the same on both engines."""

from __future__ import annotations

from ringbed.sim.seam.engine import NEVER, Event
from tests.sim.test_engines import COUNT, FRAME, IRQ_ENABLE, ON, SCRATCH, TIMER, Opener, toy


def test_at_rest_nothing_is_due_and_time_is_skipped(opened: Opener) -> None:
    engine, _ = toy(opened)
    engine.run(engine.now + 1000)
    assert engine.due() == NEVER
    clocks = engine.stats().clocks
    engine.skip(1_000_000)
    assert engine.now == 1_000_000
    assert engine.stats().clocks - clocks < 5
    engine.skip(500)  # nobody goes back
    assert engine.now == 1_000_000


def test_what_is_put_in_is_due_now_and_happens_after_what_was_skipped(opened: Opener) -> None:
    engine, _ = toy(opened)
    engine.run(engine.now + 1000)
    engine.skip(50_000)
    engine.write(SCRATCH, 7)
    assert (engine.due(), engine.now) == (50_000, 50_000)
    assert engine.read(SCRATCH) == 7
    assert 50_000 < engine.now < 50_100
    engine.run(engine.now + 100)
    assert engine.due() == NEVER
    engine.skip(60_000)
    assert engine.peek(SCRATCH) == 7
    assert engine.now == 60_000


def test_a_frame_is_due_when_it_comes(opened: Opener) -> None:
    """Known before the engine has run and after; time is skipped to it, not beyond."""
    engine, _ = toy(opened)
    engine.run(1000)
    engine.wire_in(FRAME, 9000)
    assert engine.due() == 9000
    engine.run(2000)
    assert engine.due() == 9000
    engine.skip(9000)
    assert engine.read(COUNT) == 0
    engine.run(9000 + 200)
    assert engine.read(COUNT) == 1


def test_a_card_s_own_timer_and_an_interrupt_that_is_held_are_due(opened: Opener) -> None:
    engine, _ = toy(opened, ON | IRQ_ENABLE, irq_hold=300)
    engine.write(TIMER, 5000)
    engine.run(engine.now + 50)
    timer = engine.due()
    assert engine.now + 4000 < timer < engine.now + 5001
    engine.skip(timer)
    event = engine.run(timer + 10_000, Event.IRQ)
    assert event & Event.IRQ
    assert timer + 300 <= engine.now <= timer + 310
    assert engine.due() == engine.now, "the line is up, and the host has not answered"


def test_an_interrupt_on_its_way_to_the_host_is_due_when_it_is_there(opened: Opener) -> None:
    engine, _ = toy(opened, ON | IRQ_ENABLE, irq_hold=300)
    engine.wire_in(FRAME, engine.now)
    engine.run(engine.now + 200, Event.NONE)
    due = engine.due()
    assert engine.now < due <= engine.now + 300
    assert engine.run(due + 1000, Event.IRQ) & Event.IRQ
    assert engine.now == due
