"""A card that is open for a driver of another process, and what every way to serve it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from ringbed.drivers.world import PciIdentity
from ringbed.sim.checker.guest.checker import GuestChecker
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.engine import Finding
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.serve.function import PciFunction
from ringbed.sim.serve.irq.interrupts import Interrupts
from ringbed.sim.serve.memory import ClientMemory
from ringbed.sim.wire.capture import CaptureWriter, TappedEnd
from ringbed.sim.wire.frame import WireEnd

__all__ = ["Function", "MakeChecker", "Opened", "open_function"]

MakeChecker = Callable[[NativeEngine, ClientMemory], GuestChecker]


@dataclass(frozen=True, slots=True)
class Function:
    """A card's engine as a PCI function; `end` is its wire's, with a capture before it where one was asked for."""

    engine: NativeEngine
    memory: ClientMemory
    interrupts: Interrupts
    function: PciFunction
    end: WireEnd
    checker: GuestChecker | None


def open_function(
    stack: ExitStack, spec: NicSpec, pci: PciIdentity, reset: Callable[[NativeEngine], None],
    capture: CaptureWriter | None, open_engine: Callable[..., NativeEngine], check: MakeChecker | None = None,
    **settings: Any,
) -> Function:  # fmt: skip
    """`settings` are the engine's; `stack` closes it; `check` makes who holds the driver to rules. Raises BuildError,
    ValueError for a bad setting.
    """
    memory = ClientMemory()
    engine = open_engine(spec, memory, **settings)
    stack.callback(engine.close)
    memory.clocked_by(engine)
    interrupts = Interrupts(engine, pci)
    checker = None if check is None else check(engine, memory)
    function = PciFunction(engine, pci, memory, interrupts, partial(reset, engine), engine.frequency, checker)
    end: WireEnd = engine
    if capture is not None:
        end = TappedEnd(engine, capture, capture.interface(spec.name, f"{spec.name}, its wire"), engine.frequency.ns)
    return Function(engine, memory, interrupts, function, end, checker)


@dataclass(slots=True)
class Opened:
    """A context manager."""

    engine: NativeEngine
    function: PciFunction
    interrupts: Interrupts
    checker: GuestChecker | None
    _stack: ExitStack

    def counted(self, names: Iterable[str]) -> dict[str, int]:
        """What passed the wire and the line, and `names` of the function's counts, until now; before `close`.

        Of any card: what it did with a frame in there, only one that counts could say. One that says why a queue stands
        still has the frames behind it under that name.
        """
        stats, counts = self.engine.stats(), self.function.counts
        dropped = {
            f"dropped before the card by {cause.replace('_', ' ')}": count
            for cause, count in stats.dropped.items()
            if count
        }
        return {
            "frames into the card": stats.wire_in - stats.wire_waiting - sum(dropped.values()),
            **dropped,
            "frames out of the card": stats.wire_out,
            **{f"frames {name}": count for name, count in self.function.held().items()},
            "interrupts": self.interrupts.signals,
            **{name: counts[name] for name in names},
        }

    def findings(self) -> list[Finding]:
        """What was found since the last call: of the card, a queue that stands still now too, then of its driver."""
        self.function.look_at_queues()
        return [*self.engine.findings(), *(() if self.checker is None else self.checker.take())]

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
