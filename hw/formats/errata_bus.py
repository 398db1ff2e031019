"""The configuration bus of a lab build: how many registers it can name, and how wide they are."""

from __future__ import annotations

__all__ = ["INDEX_BITS", "VALUE_BITS"]

INDEX_BITS, VALUE_BITS = 10, 32
