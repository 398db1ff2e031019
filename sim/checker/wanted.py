"""Whether a host's driver is checked, and by which rules."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from ringbed.hw.formats.em.rules import RULES
from ringbed.hw.formats.rules import Rules
from ringbed.sim.checker.checker import Checker

__all__ = ["CHECKED", "rules_for"]

# Hosts that are opened without a word about a checker get one while this is set, and it is handed over.
CHECKED: ContextVar[Callable[[Checker], None] | None] = ContextVar("CHECKED", default=None)
MOVES_ALONE = "qemu"  # its card writes to memory while the driver runs: who stored what cannot be told


def rules_for(engine: str, checker: bool | str | None) -> Rules | None:
    """The rules of `em` on an engine of this kind, or None for a driver that is not checked. ValueError where it is to
    be and cannot.
    """
    if checker is None:
        checker = CHECKED.get() is not None and engine != MOVES_ALONE
    if checker and engine == MOVES_ALONE:
        raise ValueError(f"checker=True: on engine {engine} the card moves while the driver does, and who stored what?")
    return RULES if checker else None
