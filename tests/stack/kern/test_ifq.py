from __future__ import annotations

import pytest

from ringbed.stack.kern.ifq import TXMIT, Direction, Ifiq, Ifq
from ringbed.stack.kern.message import FIRST, FULL, QUEUED
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Context, Scheduler


def packets(count: int, size: int = 60) -> list[Packet]:
    return [Packet([bytes([n]) * size]) for n in range(count)]


class Driver:
    """Takes `room` packets; remembers the first byte of each, and, with a `scheduler`, each start's context."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room
        self.taken: list[int] = []
        self.starts = 0
        self.scheduler: Scheduler | None = None
        self.contexts: list[Context] = []

    def start(self, ifq: Ifq) -> None:
        self.starts += 1
        if self.scheduler is not None:
            self.contexts.append(self.scheduler.context)
        batch = ifq.begin(1 << 30)
        taken = min(self.room, len(batch))
        self.room -= taken
        self.taken += [packet.segments[0][0] for packet in batch[:taken]]
        ifq.commit(taken)
        if taken < len(batch):
            ifq.set_oactive()


def ifq(driver: Driver, maxlen: int = 255) -> tuple[Ifq, Scheduler]:
    scheduler = Scheduler()
    return Ifq("em0:0:txq:0", 0, driver.start, scheduler, maxlen), scheduler


def test_a_full_ring_loses_nothing_and_keeps_the_order() -> None:
    driver = Driver(room=5)
    queue, scheduler = ifq(driver)
    for packet in packets(12):
        assert queue.enqueue(packet)
    scheduler.run()
    assert (driver.taken, len(queue), queue.oactive, queue.oactives) == (list(range(5)), 7, True, 1)
    queue.start()
    assert driver.starts == 1, "an OACTIVE queue is not started"
    driver.room = 3
    queue.restart()
    assert driver.starts == 1, "whoever says that there is room does not run the driver"
    scheduler.run()
    assert (queue.oactive, queue.oactives) == (True, 2)
    driver.room = 100
    queue.restart()
    queue.restart()  # it stands in the scheduler once
    scheduler.run()
    assert driver.starts == 3
    assert (driver.taken, len(queue), queue.oactive) == (list(range(12)), 0, False)
    assert (queue.packets, queue.bytes, queue.qdrops.value) == (12, 720, 0)


def test_a_full_queue_refuses_and_counts() -> None:
    driver = Driver(room=0)
    queue, _ = ifq(driver, maxlen=3)
    assert [queue.enqueue(p) for p in packets(5)] == [FIRST, QUEUED, QUEUED, FULL, FULL]
    assert (len(queue), queue.packets, queue.qdrops.value) == (3, 3, 2)


def test_the_driver_is_started_once_for_a_few_packets_and_at_once_for_many() -> None:
    driver = Driver()
    queue, scheduler = ifq(driver)
    for packet in packets(TXMIT - 1):
        queue.enqueue(packet)
    assert driver.starts == 0
    queue.enqueue(Packet([b"x"]))
    assert driver.starts == 1
    scheduler.run()
    assert driver.starts == 1, "nothing was left to start for"
    for packet in packets(3):
        queue.enqueue(packet)
    scheduler.run()
    assert (driver.starts, len(driver.taken)) == (2, TXMIT + 3)


def test_the_driver_runs_in_interrupt_context_whoever_sends() -> None:
    """O12: from the 16th waiting packet on it ran in the sender's."""
    driver = Driver()
    queue, scheduler = ifq(driver)
    driver.scheduler = scheduler
    for context in (Context.PROCESS, Context.WORKER, Context.INPUT):
        scheduler.context = context
        for packet in packets(TXMIT):
            queue.enqueue(packet)
        assert scheduler.context is context, "as after an interrupt"
    scheduler.context = Context.PROCESS
    queue.set_oactive()
    for packet in packets(TXMIT + 3):
        queue.enqueue(packet)
    queue.restart()
    scheduler.run()
    assert len(driver.taken) == 4 * TXMIT + 3
    assert driver.contexts == [Context.INTERRUPT] * 4


def test_a_driver_that_makes_the_stack_send_is_not_run_within_itself() -> None:
    """A tap, say, whose reader sends."""
    driver = Driver()
    queue, scheduler = ifq(driver)
    inside: list[int] = []

    def tap(frame: bytes, direction: Direction) -> None:
        if not inside:
            before = driver.starts
            for packet in packets(TXMIT):
                queue.enqueue(packet)
            inside.append(driver.starts - before)

    queue.tap = tap
    queue.enqueue(Packet([b"x"]))
    scheduler.run()
    assert (inside, len(driver.taken)) == ([0], TXMIT + 1)


def test_begin_takes_no_more_than_asked_and_rollback_takes_nothing() -> None:
    queue, _ = ifq(Driver(room=0))
    for packet in packets(4):
        queue.enqueue(packet)
    assert [p.segments[0][0] for p in queue.begin(2)] == [0, 1]
    queue.rollback()
    assert len(queue.begin(9)) == 4
    queue.commit(1)
    assert [p.segments[0][0] for p in queue.begin(9)] == [1, 2, 3]


def test_a_driver_that_does_not_keep_to_the_pattern_is_told() -> None:
    queue, _ = ifq(Driver())
    queue.enqueue(Packet([b"x"]))
    queue.begin(1)
    with pytest.raises(RuntimeError, match="begin again before commit"):
        queue.begin(1)
    for taken in (2, -1):
        with pytest.raises(RuntimeError, match=f"commit of {taken} packets, 1 were begun"):
            queue.commit(taken)
    queue.commit(1)
    with pytest.raises(RuntimeError, match="commit of 0 packets, 0 were begun"):
        queue.rollback()


def test_purge_drops_and_counts() -> None:
    queue, _ = ifq(Driver(room=0))
    for packet in packets(4):
        queue.enqueue(packet)
    assert queue.purge() == 4
    assert (len(queue), queue.qdrops.value) == (0, 4)


def test_the_tap_sees_what_went_to_the_ring_and_no_more() -> None:
    driver = Driver(room=2)
    queue, scheduler = ifq(driver)
    seen: list[tuple[bytes, Direction]] = []
    queue.tap = lambda frame, direction: seen.append((frame, direction))
    for packet in packets(3, 2):
        queue.enqueue(packet)
    scheduler.run()
    assert seen == [(b"\0\0", Direction.OUT), (b"\1\1", Direction.OUT)]


def ifiq(maxlen: int = 8) -> tuple[Ifiq, Scheduler, list[int]]:
    scheduler, sizes = Scheduler(), list[int]()
    return Ifiq("em0:0:rxq:0", lambda batch: sizes.append(len(batch)), scheduler, maxlen), scheduler, sizes


def test_input_is_handed_on_in_batches() -> None:
    queue, scheduler, sizes = ifiq()
    assert not queue.input(packets(2))
    assert not queue.input(packets(1))
    assert not queue.input([])
    scheduler.run()
    queue.input(packets(4))
    scheduler.run()
    assert sizes == [3, 4]
    assert (queue.packets, queue.bytes, queue.enqueues, queue.dequeues, len(queue)) == (7, 420, 3, 2, 0)


def test_pressure_comes_before_drops() -> None:
    queue, scheduler, sizes = ifiq(maxlen=8)
    assert not queue.input(packets(4))
    assert queue.input(packets(1)), "over half: back off"
    assert queue.qdrops.value == 0
    assert queue.input(packets(5))
    assert (len(queue), queue.qdrops.value, queue.packets) == (8, 2, 10)
    scheduler.run()
    assert sizes == [8]


def test_the_tap_sees_frames_that_are_then_dropped() -> None:
    queue, _, _ = ifiq(maxlen=1)
    seen: list[Direction] = []
    queue.tap = lambda frame, direction: seen.append(direction)
    queue.input(packets(3))
    assert (seen, queue.qdrops.value) == ([Direction.IN] * 3, 2)


def test_frames_that_come_while_a_batch_is_handled_are_the_next_batch() -> None:
    scheduler, sizes = Scheduler(), list[int]()

    def handler(batch: list[Packet]) -> None:
        assert scheduler.context is Context.INPUT
        sizes.append(len(batch))
        if len(sizes) == 1:
            queue.input(packets(2))

    queue = Ifiq("rxq", handler, scheduler)
    queue.input(packets(3))
    scheduler.run()
    assert sizes == [3, 2]


def test_a_driver_that_takes_small_batches_is_called_until_all_is_gone() -> None:
    taken: list[int] = []

    def start(queue: Ifq) -> None:
        batch = queue.begin(4)
        taken.append(len(batch))
        queue.commit(len(batch))

    scheduler = Scheduler()
    queue = Ifq("txq", 0, start, scheduler)
    queue.set_oactive()
    for packet in packets(10):
        queue.enqueue(packet)
    scheduler.run()
    assert taken == []
    queue.restart()
    scheduler.run()
    assert taken == [4, 4, 2]


def test_a_driver_that_takes_nothing_is_not_called_for_ever() -> None:
    starts: list[int] = []

    def start(queue: Ifq) -> None:
        starts.append(len(queue.begin(1)))
        queue.rollback()

    scheduler = Scheduler()
    queue = Ifq("txq", 0, start, scheduler)
    queue.enqueue(Packet([b"x"]))
    scheduler.run()
    assert (starts, len(queue)) == ([1], 1)
