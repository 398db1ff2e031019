"""Commands that tests start: none outlives its test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

__all__ = ["Running", "ended_after"]


class Running(Protocol):
    """What has a process."""

    process: subprocess.Popen[str]


R = TypeVar("R", bound=Running)


@contextmanager
def ended_after(start: Callable[..., R]) -> Iterator[Callable[..., R]]:
    """`start`, remembered: at the end each process that it started is ended, and its pipes are closed."""
    begun: list[R] = []

    def begin(*arguments: str, **more: str) -> R:
        begun.append(start(*arguments, **more))
        return begun[-1]

    try:
        yield begin
    finally:
        for each in begun:
            if each.process.poll() is None:
                each.process.kill()
            each.process.communicate()
