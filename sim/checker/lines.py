"""Line by line: while the driver runs, shared memory is looked at before each line of its files.

It costs ten times what the driver does, so it is only on when somebody asks, and from the first finding on whose
stretch is too long to be of use. The driver's methods are wrapped on the object itself for that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import FrameType
from typing import Any, Protocol

from ringbed.sim.checker.places import ENTRIES, is_drivers

__all__ = ["Lines", "Looking"]


class Looking(Protocol):
    def line(self, left: bool) -> None:
        """The driver is at a line that was not run yet; or, `left`, at the end of a function."""
        ...

    def untraced(self) -> None:
        """What runs now is not seen line by line."""
        ...


class Lines:
    """Of one driver."""

    def __init__(self, looking: Looking) -> None:
        self._looking = looking
        self.attached = False

    def attach(self, driver: object) -> None:
        """From now on, for every call."""
        if self.attached:
            return
        self.attached = True
        for name in sorted(ENTRIES - {"__init__"}):
            method = getattr(driver, name, None)
            if callable(method):
                with suppress(AttributeError):  # a driver with slots is seen by stretches only
                    setattr(driver, name, self._traced(method))

    def _traced(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **options: Any) -> Any:
            before = sys.gettrace()
            sys.settrace(self._call)
            try:
                return method(*args, **options)
            finally:
                sys.settrace(before)
                self._looking.untraced()

        return call

    def _call(self, frame: FrameType, event: str, _: Any) -> Callable[[FrameType, str, Any], Any] | None:
        return self._line if is_drivers(frame.f_code) else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Callable[[FrameType, str, Any], Any]:
        if event in ("line", "return"):
            self._looking.line(event == "return")
        return self._line
