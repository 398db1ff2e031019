"""An end for a driver that loops without a call of anything that could stop it: so much processor time for a case."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ringbed.conformance.drivers.guard import late

__all__ = ["limited"]

AGAIN = 1.0  # second of processor time: for a loop that catches everything


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises Hung in the driver once what is inside has used so much; outside the main thread there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    before = signal.signal(signal.SIGVTALRM, late(seconds))
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
