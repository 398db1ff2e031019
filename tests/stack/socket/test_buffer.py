from __future__ import annotations

import pytest

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.scheduler import NeverEmpty, Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.socket.buffer import HIWAT, OVERHEAD, SockBuf


class Buffer(SockBuf[int]):
    """A buffer that becomes the consumer of its queue to append, as a worker is."""

    def __init__(self, scheduler: Scheduler, failed: Counter, limit: int = HIWAT) -> None:
        super().__init__(ServiceQueue("q", lambda message: None, scheduler, Counter("full")), scheduler, failed, limit)

    def append(self, item: int, size: int) -> bool:
        with self.queue:
            return super().append(item, size)


def test_it_is_bounded_in_bytes_and_empty_items_cost_too() -> None:
    buffer = Buffer(Scheduler(), Counter("failed"), limit=3 * OVERHEAD + 10)
    assert [buffer.append(1, 10), buffer.append(2, 65), buffer.append(3, 0), buffer.append(4, 0)] == [
        True,
        False,
        True,
        True,
    ]
    assert not buffer.append(5, 0)
    assert [buffer.popleft() for _ in range(3)] == [1, 3, 4]
    assert (buffer.used, len(buffer)) == (0, 0)
    with pytest.raises(IndexError):
        buffer.popleft()


def test_the_wakeup_comes_once_for_each_time_it_stops_being_empty() -> None:
    scheduler = Scheduler()
    buffer = Buffer(scheduler, Counter("failed"))
    calls: list[int] = []
    buffer.append(0, 1)
    buffer.wakeup = lambda: calls.append(len(buffer))
    scheduler.run()
    assert calls == [], "what was there before the wakeup was set is not news"
    buffer.popleft()
    buffer.append(1, 1)
    buffer.append(2, 65)
    scheduler.run()
    assert calls == [2]
    buffer.popleft(), buffer.popleft()
    buffer.append(3, 1)
    buffer.popleft()
    scheduler.run()
    assert calls == [2], "nothing to wake up for any more"


def failing(errors: list[Exception | None], reads: int = 1) -> tuple[Scheduler, Buffer, Counter, list[int]]:
    """A buffer whose upcall reads, then raises the next of `errors`."""
    scheduler, failed, read = Scheduler(), Counter("failed"), list[int]()
    buffer = Buffer(scheduler, failed)

    def upcall() -> None:
        read.extend(buffer.popleft() for _ in range(reads))
        if (error := errors.pop(0)) is not None:
            raise error

    buffer.wakeup = upcall
    return scheduler, buffer, failed, read


def test_an_upcall_that_fails_is_counted_and_goes_on_with_what_is_left() -> None:
    scheduler, buffer, failed, read = failing([OSError(113, "no route"), BlockingIOError(), None])
    for item in range(3):
        buffer.append(item, 1)
    scheduler.run()
    assert (read, failed.value) == ([0, 1, 2], 2)


def test_an_upcall_that_fails_before_it_reads_is_called_again_with_the_next_datagram_only() -> None:
    scheduler, buffer, failed, _ = failing([OSError(), OSError()], reads=0)
    buffer.append(0, 1)
    scheduler.run()
    assert failed.value == 1
    buffer.append(1, 1)
    scheduler.run()
    assert failed.value == 2
    assert len(buffer) == 2


def test_a_defect_of_the_program_is_a_warning_with_its_traceback() -> None:
    scheduler, buffer, failed, _ = failing([ZeroDivisionError("a defect")])
    buffer.append(0, 1)
    with pytest.warns(RuntimeWarning, match=r"upcall raised[\s\S]*in upcall[\s\S]*ZeroDivisionError: a defect"):
        scheduler.run()
    assert failed.value == 1


def test_a_run_without_end_is_no_error_of_the_upcall() -> None:
    scheduler, buffer, failed, _ = failing([NeverEmpty("still not empty")])
    buffer.append(0, 1)
    with pytest.raises(NeverEmpty):
        scheduler.run()
    assert failed.value == 0
