from __future__ import annotations

import pytest

from ringbed.stack.scheduler import Scheduler
from ringbed.stack.sockbuf import OVERHEAD, SockBuf


def test_it_is_bounded_in_bytes_and_empty_items_cost_too() -> None:
    buffer: SockBuf[int] = SockBuf(Scheduler(), limit=3 * OVERHEAD + 10)
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
    buffer: SockBuf[int] = SockBuf(scheduler)
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
