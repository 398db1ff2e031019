"""Copies of queues in which one order is swapped: tests of threads must find each of them out."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from ringbed.stack.kern import ifq, service
from ringbed.stack.kern.ifq import Ifq
from ringbed.stack.kern.service import ServiceQueue

POST = """
        messages.append(message)
        if self.active or self.scheduled:
            return QUEUED
"""
POST_SWAPPED = """
        busy = self.active or self.scheduled
        messages.append(message)
        if busy:
            return QUEUED
"""
END = """
        self.active = False
        self._leave()
"""
END_SWAPPED = """
        self._leave()
        self.active = False
"""
EXIT = """
        self.active = False  # as in `_end`
        if self.waiting or self._messages:
"""
EXIT_SWAPPED = """
        left = self.waiting or bool(self._messages)
        self.active = False
        if left:
"""
LEAVE = """
        if self.waiting or self._messages:
            self._leave()
"""
LEAVE_TWICE = """
        if self.waiting or self._messages:
            self._end()
"""
SCHEDULE = """
            if self.active or self.scheduled:
                return QUEUED
            self.scheduled = True
"""
SCHEDULE_SWAPPED = """
            self.scheduled = True
"""
RUN = """
            self.scheduled = False
            if self.active:
"""
RUN_SWAPPED = """
            if self.active:
"""
SWAPPED = {
    "a producer looks before it appends": (POST, POST_SWAPPED),
    "a consumer looks before it says that it goes": (END, END_SWAPPED),
    "a process looks before it says that it goes": (EXIT, EXIT_SWAPPED),
    "nobody looks again under the mutex": (SCHEDULE, SCHEDULE_SWAPPED),
    "a worker stays in the scheduler": (RUN, RUN_SWAPPED),
}
HALFWAY = {  # found by who comes between and is still at it
    "a process says twice that it goes": (LEAVE, LEAVE_TWICE),
}


RUN_OUTPUT = """
        self._scheduled = False
        self.start()
"""
RUN_OUTPUT_SWAPPED = """
        self.start()
        self._scheduled = False
"""
START = """
        while self._wanted and self._driver.acquire(blocking=False):
"""
START_ONCE = """
        if self._driver.acquire(blocking=False):
"""
OUTPUT = {
    "the driver is run before it is said": (RUN_OUTPUT, RUN_OUTPUT_SWAPPED),
    "nobody looks for a word that was left": (START, START_ONCE),
}


def swapped(swap: str) -> type[ServiceQueue]:
    """The copy of the service queue with the swap of this name."""
    kind: type[ServiceQueue] = _copy(ServiceQueue, service, *(SWAPPED | HALFWAY)[swap])
    return kind


def swapped_output(swap: str) -> type[Ifq]:
    """The copy of the output queue."""
    kind: type[Ifq] = _copy(Ifq, ifq, *OUTPUT[swap])
    return kind


def _copy(kind: type, module: ModuleType, right: str, wrong: str) -> Any:
    text = inspect.getsource(kind)
    assert text.count(right) == 1
    names: dict[str, Any] = dict(vars(module))
    exec(compile("from __future__ import annotations\n" + text.replace(right, wrong), "swapped", "exec"), names)
    return names[kind.__name__]
