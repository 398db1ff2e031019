"""What an engine says in a card's own terms: one sentence for all engines, whatever they know it by.

The buses of an engine are AXI. A card that was given by its port map may have others behind a bridge
(`sim/dut/words.py`), and its author knows those.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringbed.sim.seam.engine import Finding
from ringbed.sim.seam.portmap import Registers

__all__ = ["Words", "no_answer", "no_register", "seen"]

ASK = "for a card by a port map: is the reset's `active` right, and does the card answer every access?"


class Words:
    """Those of a card whose buses are AXI itself."""

    def findings(self, found: Sequence[Finding]) -> list[Finding]:
        return list(found)

    def unanswered(self, write: bool, taken: bool) -> str:
        """What the bus saw of an access that has no answer."""
        asked, answer = ("AWVALID and WVALID", "BVALID") if write else ("ARVALID", "RVALID")
        were = "were" if write else "was"
        return f"{asked} {were} taken, {answer} never came" if taken else f"{asked} {were} never taken"


def seen(offset: int, write: bool, taken: bool) -> int:
    """An access under way as one number, which engines hand on; the twin is in `harness/axi_lite.hpp`."""
    return offset << 2 | taken << 1 | write


def no_answer(words: Words, offset: int, limit: int, under_way: int) -> str:
    """Of a read that ended without an answer; `under_way` is the access that the bus was at, see `seen`."""
    write, taken, at = bool(under_way & 1), bool(under_way & 2), under_way >> 2
    before = f"the write of {at:#x} before it: " if write else ""
    saw = before + words.unanswered(write, taken)
    return f"a read of register {offset:#x} has no answer after {limit} clocks: {saw}; {ASK}"


def no_register(name: str, registers: Registers | None, offset: int) -> str:
    """Of an offset that is none; says which are."""
    if registers is None:
        return f"{name} has no 32-bit register at {offset:#x}: its port map has no registers"
    last = (1 << registers.addr_width) - 4
    return f"{name} has no 32-bit register at {offset:#x}: its port map has 0x0 to {last:#x}, every 4 bytes"
