from __future__ import annotations

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.socket.errors import ERRORS_MAX, SocketErrors
from ringbed.stack.transport.pcb import CtlInput


def test_the_last_few_are_kept_and_the_last_is_pending_where_a_peer_is_known() -> None:
    errors = SocketErrors(ServiceQueue("q", lambda message: None, Scheduler(), Counter("full")))
    with errors.queue:
        errors.add(CtlInput(113, ("10.0.0.1", 9), 3, 1), connected=False)
        assert errors.take_pending() == 0
        for n in range(ERRORS_MAX):
            errors.add(CtlInput(100 + n, ("10.0.0.1", n), 3, n), connected=True)
        assert [errors.take_pending(), errors.take_pending()] == [100 + ERRORS_MAX - 1, 0]
        kept = [errors.oldest() for _ in range(ERRORS_MAX + 1)]
    assert kept[-1] is None
    assert [(e.errno, e.peer, e.type, e.code) for e in kept if e] == [
        (100 + n, ("10.0.0.1", n), 3, n) for n in range(ERRORS_MAX)
    ]
