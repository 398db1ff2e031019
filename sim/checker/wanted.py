"""Whether a host's driver is checked, and by which rules; and what stands between it and its world for that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from ringbed.drivers.world import Device, Dma, FrameSink, Nic
from ringbed.hw.formats.em.rules import RULES
from ringbed.hw.formats.rules import Rules
from ringbed.sim.checker.checker import Checker
from ringbed.sim.checker.world import checked
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.processor.model import Processor
from ringbed.sim.processor.unruled import Unruled
from ringbed.sim.processor.weak import Weak
from ringbed.sim.processor.world import WeakDevice, WeakDma
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Engine, Finding

__all__ = ["CHECKED", "Check", "Watching", "World", "check_for", "check_without_rules"]

# Hosts that are opened without a word about a checker get one while this is set, and it is handed over.
CHECKED: ContextVar[Callable[[Checker], None] | None] = ContextVar("CHECKED", default=None)
MOVES_ALONE = "qemu"  # its card writes to memory while the driver runs: who stored what cannot be told

World = tuple[Device, Dma, FrameSink]


class Watching(Protocol):
    """What a host tells of time and calls: `leave` before the card's clock runs, `ran` after."""

    def attached(self, driver: Nic) -> None: ...

    def leave(self) -> None: ...

    def ran(self) -> None: ...

    def interrupt(self, driver: Nic, device: Device) -> None: ...

    def down(self, driver: Nic, rests: bool) -> None: ...

    def take(self) -> Sequence[Finding]: ...


@dataclass(frozen=True, slots=True)
class Check:
    """How a host's driver is checked: see `Checker`. Without rules only the processor's weak stores are there."""

    rules: Rules | None
    lines: bool = False
    processor: Processor | None = None

    def between(
        self, engine: Engine, memory: HostMemory, frequency: Frequency, device: Device, upper: FrameSink
    ) -> tuple[Watching, World]:
        """Who watches the driver, and the world to make it with."""
        world: World = (device, memory, upper)
        weak = None
        if self.processor is not None and self.processor.weak is not None:
            weak = Weak(self.processor.weak, device, lambda: frequency.ns(engine.now))
            world = (WeakDevice(device, weak), WeakDma(memory, weak), upper)
        if self.rules is None:
            assert weak is not None
            return Unruled(weak), world
        checker = Checker(self.rules, engine, memory, self.lines, self.processor, weak)
        return checker, checked(checker, *world)


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


def check_without_rules(processor: Processor | None) -> Check | None:
    """For a card that no rules were written for. Raises ValueError for a processor whose work takes time."""
    if processor is not None and processor.takes_time:
        raise ValueError(f"processor={processor}: only weak= is there for a card whose rules nobody has written")
    return None if processor is None or processor.weak is None else Check(None, processor=processor)
