"""An end of a wire that is nobody: what came to it is there, and it gives what a test put into it."""

from __future__ import annotations

__all__ = ["FarEnd"]


class FarEnd:
    def __init__(self) -> None:
        self.left: list[tuple[int, bytes]] = []
        self.came: list[tuple[int, bytes]] = []

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.came.append((at, frame))

    def wire_out(self) -> list[tuple[int, bytes]]:
        left, self.left = self.left, []
        return left
