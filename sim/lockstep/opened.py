"""A card with all that keeps it in step with a kernel: engine, memory, function, calendar, wire and two sockets."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from ringbed.drivers.world import PciIdentity
from ringbed.sim.lockstep.backend import Backend
from ringbed.sim.lockstep.card import Access, SteppedCard
from ringbed.sim.lockstep.memory import LentMemory
from ringbed.sim.lockstep.pin import Pin
from ringbed.sim.lockstep.step import LockStep
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.engine import Finding
from ringbed.sim.seam.progress import Progress
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.serve.function import PciFunction
from ringbed.sim.serve.irq.interrupts import Interrupts
from ringbed.sim.serve.memory import ClientMemory
from ringbed.sim.serve.served import WireMaker
from ringbed.sim.serve.socket_file import SocketFile
from ringbed.sim.wire.capture import CaptureWriter, TappedEnd
from ringbed.sim.wire.frame import WireEnd

__all__ = ["SLOT", "TIME", "Stepped", "step"]

TIME, SLOT = "time", "slot"  # names of the sockets in their folder


@dataclass(slots=True)
class Stepped:
    """A context manager."""

    engine: NativeEngine
    card: SteppedCard
    interrupts: Interrupts
    server: LockStep
    _stack: ExitStack

    def account(self) -> dict[str, int]:
        """What happened until now, counted; before `close`."""
        stats, counts = self.engine.stats(), self.card.function.counts
        names = ("register reads", "register writes", "configuration reads", "configuration writes", "refused")
        return {
            "frames into the card": stats.wire_in - stats.wire_waiting,
            "frames out of the card": stats.wire_out,
            "interrupts": self.interrupts.signals,
            **{name: counts[name] for name in names},
        }

    def findings(self) -> list[Finding]:
        """What was found since the last call."""
        return self.engine.findings()

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def step(
    folder: Path, spec: NicSpec, pci: PciIdentity, reset: Callable[[NativeEngine], None], make_wire: WireMaker, *,
    tod: int = 0, capture: CaptureWriter | None = None, say: Callable[[str], None] = lambda text: None,
    watch: Callable[[Access], None] = lambda access: None, progress: Progress | None = None,
    open_engine: Callable[..., NativeEngine] = NativeEngine, **settings: Any,
) -> Stepped:  # fmt: skip
    """The card `spec` in lock step with a kernel that finds its sockets TIME and SLOT in `folder`; `settings` are the
    engine's, `tod` the time of day at the start, ns since 1970. `watch` is told every access; `open_engine` may be a
    recording's.

    `make_wire` may not look at a clock of this machine's, or no two runs are the same. Raises SocketRefused,
    BuildError, ValueError for a bad setting.
    """
    with ExitStack() as stack:
        doors = [SocketFile(folder / name) for name in (TIME, SLOT)]
        for door in doors:
            stack.callback(door.close)
        memory = ClientMemory()
        engine = open_engine(spec, memory, progress=progress, **settings)
        stack.callback(engine.close)
        memory.clocked_by(engine)
        interrupts = Interrupts(engine, pci)
        frequency = engine.frequency
        function = PciFunction(engine, pci, memory, interrupts, partial(reset, engine), frequency)
        card = SteppedCard(engine, function, say, watch)
        pin = Pin(interrupts)
        stack.callback(pin.close)
        end: WireEnd = engine
        if capture is not None:
            end = TappedEnd(engine, capture, capture.interface(spec.name, f"{spec.name}, its wire"), frequency.ns)
        backend = Backend(card, LentMemory(memory), pin, say)
        whole = LockStep(engine, frequency, backend, pin, make_wire(end, frequency), doors[0], doors[1], tod)
        stack.callback(whole.close)
        return Stepped(engine, card, interrupts, whole, stack.pop_all())
