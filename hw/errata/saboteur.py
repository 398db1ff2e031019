"""What a saboteur is: one emulated bug, put at one tap, off until its pin is set.

The clean card does not know this folder: its Verilog is the same whether `hw/errata` exists or not, and a test says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ringbed.hw.stream.taps import TAPS

__all__ = ["Erratum"]


@dataclass(frozen=True, slots=True)
class Erratum:
    """A documented bug and the component that emulates it; `make(width)` builds one for a data path of that width."""

    id: str  # of the catalogue of documented NIC bugs
    tap: str
    description: str
    trigger: str
    source: str
    make: Callable[[int], Any]

    def __post_init__(self) -> None:
        if self.tap not in TAPS:
            raise ValueError(f"erratum {self.id} wants tap {self.tap!r}, which no card has")
