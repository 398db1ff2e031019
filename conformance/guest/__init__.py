"""What an operating system's driver is held to on a card of ours: a script for `ringbed guest --wire kernel --run`."""

from pathlib import Path

__all__ = ["GATE"]

GATE = Path(__file__).parent / "gate.sh"
