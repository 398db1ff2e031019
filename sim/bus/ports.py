"""What all partners of a card's buses use: the card's ports, and the pattern by which a channel holds off."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Pattern", "Ports"]


class Ports(Protocol):
    """The card's top-level ports: `put` takes effect when the clock goes low, `get` reads settled values."""

    def put(self, name: str, value: int) -> None: ...

    def get(self, name: str) -> int: ...

    def bit(self, name: str) -> bool:
        """A one-bit output; cheaper than `get`."""
        ...


class Pattern:
    """One xorshift32 a channel; `hold` is true with probability level / 65536 and draws nothing at level 0."""

    __slots__ = ("level", "state")

    def __init__(self, seed: int, channel: int, level: int) -> None:
        mixed = (seed * 2654435761 & 0xFFFFFFFF) ^ (channel * 40503 + 0x9E3779B9 & 0xFFFFFFFF)
        self.state, self.level = mixed or 1, level

    def draw(self) -> int:
        state = self.state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self.state = state
        return state

    def hold(self) -> bool:
        return self.level != 0 and (self.draw() >> 16) < self.level
