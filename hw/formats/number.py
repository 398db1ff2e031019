"""What a number of a file is: TOML and JSON know `true` and `false` from numbers, Python takes them for 1 and 0."""

from __future__ import annotations

from collections.abc import Container
from typing import TypeGuard

__all__ = ["is_number", "several", "span"]


def is_number(value: object, allowed: Container[int] | None = None) -> TypeGuard[int]:
    """A whole number that is `allowed`, any if that is None; no boolean, and no float although it be whole."""
    return type(value) is int and (allowed is None or value in allowed)


def span(allowed: range | tuple[int, ...]) -> str:
    """What is allowed, as sentences say it: `1 to 64`, or `one of 8, 16`."""
    if isinstance(allowed, range):
        return f"{allowed[0]} to {allowed[-1]}"
    return ("one of " if len(allowed) > 1 else "") + ", ".join(map(str, allowed))


def several(count: int, word: str) -> str:
    """`1 bit`, `2 bits`."""
    return f"{count} {word}{'s' * (count != 1)}"
