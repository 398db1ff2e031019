"""A card with all that keeps it in step with a kernel: engine, memory, function, calendar, wire and two sockets."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringbed.drivers.world import PciIdentity
from ringbed.sim.lockstep.backend import Backend
from ringbed.sim.lockstep.card import Access, SteppedCard
from ringbed.sim.lockstep.memory import LentMemory
from ringbed.sim.lockstep.pin import Pin
from ringbed.sim.lockstep.step import LockStep
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.progress import Progress
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.serve.opened import MakeChecker, Opened, open_function
from ringbed.sim.serve.served import WireMaker
from ringbed.sim.serve.socket_file import SocketFile
from ringbed.sim.wire.capture import CaptureWriter

__all__ = ["SLOT", "TIME", "Stepped", "step"]

TIME, SLOT = "time", "slot"  # names of the sockets in their folder


NAMES = ("register reads", "register writes", "configuration reads", "configuration writes", "refused")


@dataclass(slots=True)
class Stepped(Opened):
    """A context manager."""

    card: SteppedCard
    server: LockStep

    def account(self) -> dict[str, int]:
        """What happened until now, counted; before `close`."""
        return self.counted(NAMES)


def step(
    folder: Path, spec: NicSpec, pci: PciIdentity, reset: Callable[[NativeEngine], None], make_wire: WireMaker, *,
    tod: int = 0, capture: CaptureWriter | None = None, say: Callable[[str], None] = lambda text: None,
    watch: Callable[[Access], None] = lambda access: None, progress: Progress | None = None,
    open_engine: Callable[..., NativeEngine] = NativeEngine, check: MakeChecker | None = None, **settings: Any,
) -> Stepped:  # fmt: skip
    """The card `spec` in lock step with a kernel that finds its sockets TIME and SLOT in `folder`; `settings` are the
    engine's, `tod` the time of day at the start, ns since 1970. `watch` is told every access; `open_engine` may be a
    recording's, `check` makes a checker of its driver.

    `make_wire` may not look at a clock of this machine's, or no two runs are the same. Raises SocketRefused,
    BuildError, ValueError for a bad setting.
    """
    with ExitStack() as stack:
        doors = [SocketFile(folder / name) for name in (TIME, SLOT)]
        for door in doors:
            stack.callback(door.close)
        made = open_function(stack, spec, pci, reset, capture, open_engine, check, progress=progress, **settings)
        engine, frequency = made.engine, made.engine.frequency
        card = SteppedCard(engine, made.function, say, watch)
        pin = Pin(made.interrupts)
        stack.callback(pin.close)
        backend = Backend(card, LentMemory(made.memory), pin, say)
        whole = LockStep(engine, frequency, backend, pin, make_wire(made.end, frequency), doors[0], doors[1], tod)
        stack.callback(whole.close)
        return Stepped(engine, made.function, made.interrupts, made.checker, stack.pop_all(), card, whole)
