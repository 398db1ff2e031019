"""Whether a host's driver is checked, and by which rules."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from ringbed.hw.formats.em.rules import RULES
from ringbed.hw.formats.rules import Rules
from ringbed.sim.checker.checker import Checker
from ringbed.sim.checker.scene import Processor
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.engine import Engine

__all__ = ["CHECKED", "Check", "check_for"]

# Hosts that are opened without a word about a checker get one while this is set, and it is handed over.
CHECKED: ContextVar[Callable[[Checker], None] | None] = ContextVar("CHECKED", default=None)
MOVES_ALONE = "qemu"  # its card writes to memory while the driver runs: who stored what cannot be told


@dataclass(frozen=True, slots=True)
class Check:
    """How a host's driver is checked: see `Checker`."""

    rules: Rules
    lines: bool = False
    processor: Processor | None = None

    def of(self, engine: Engine, memory: HostMemory) -> Checker:
        return Checker(self.rules, engine, memory, self.lines, self.processor)


def check_for(engine: str, checker: bool | str | None, processor: Processor | None = None) -> Check | None:
    """By the rules of `em` on an engine of this kind, None: not at all. Raises ValueError for what cannot be."""
    if checker is None:
        checker = (CHECKED.get() is not None and engine != MOVES_ALONE) or processor is not None
    if checker not in (True, False, "lines"):
        raise ValueError(f"checker={checker!r}: it is True, False or 'lines'")
    if checker and engine == MOVES_ALONE:
        raise ValueError(f"checker=True: on engine {engine} the card moves while the driver does, and who stored what?")
    if processor is not None and not checker:
        raise ValueError(f"processor={processor} is part of the checker, and checker=False")
    return Check(RULES, checker == "lines", processor) if checker else None
