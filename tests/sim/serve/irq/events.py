"""Eventfds as a client has them: its own, of which the server gets a copy."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

__all__ = ["Events"]


class Events:
    """So many of them. `copies` are what goes along with a message; the taker closes them."""

    def __init__(self, count: int) -> None:
        self.files = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(count)]

    def copies(self) -> list[int]:
        return [os.dup(file) for file in self.files]

    def told(self) -> list[int]:
        """How often each was signalled since the last call."""
        return [self._told(file) for file in self.files]

    def close(self) -> None:
        for file in self.files:
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @staticmethod
    def _told(file: int) -> int:
        try:
            return os.eventfd_read(file)
        except BlockingIOError:
            return 0
