"""A card with all that serves it: engine, memory, function, pace, wire and socket, opened and closed together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringbed.drivers.world import PciIdentity
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.progress import Progress
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.serve.memory import ClientMemory
from ringbed.sim.serve.opened import MakeChecker, Opened, open_function
from ringbed.sim.serve.pace import Pace
from ringbed.sim.serve.server import Server
from ringbed.sim.serve.socket_file import SocketFile
from ringbed.sim.serve.wires import Wire
from ringbed.sim.wire.capture import CaptureWriter
from ringbed.sim.wire.frame import WireEnd

__all__ = ["Served", "WireMaker", "serve"]

WireMaker = Callable[[WireEnd, Frequency], Wire]


@dataclass(slots=True)
class Served(Opened):
    """A context manager."""

    memory: ClientMemory
    server: Server
    wire: Wire

    def account(self) -> dict[str, int]:
        """What happened until now, counted; before `close`."""
        names = ["register reads", "register writes", "configuration reads", "configuration writes", "resets", "maps",
                 "unmaps", "unmaps of nothing", "refused"]  # fmt: skip
        if self.function.pci.msix is not None:
            names[2:2] = ["table reads", "table writes"]
        names += sorted(name for name in self.function.counts if name.startswith("DMA "))
        return {"clients": self.server.clients, **self.counted(names)}


def serve(
    path: Path, spec: NicSpec, pci: PciIdentity, reset: Callable[[NativeEngine], None], make_wire: WireMaker,
    clock: Callable[[], int], *, capture: CaptureWriter | None = None, say: Callable[[str], None] = lambda text: None,
    progress: Progress | None = None, open_engine: Callable[..., NativeEngine] = NativeEngine,
    check: MakeChecker | None = None, **settings: Any,
) -> Served:  # fmt: skip
    """The card `spec` as a PCI function on a socket at `path`; `clock` is wall time in ns, `settings` the engine's.

    `capture` gets what passes the wire; `open_engine` may be a recording's, `check` makes a checker of its driver.
    Raises SocketRefused, BuildError, ValueError for a bad setting.
    """
    with ExitStack() as stack:
        file = SocketFile(path)
        stack.callback(file.close)
        made = open_function(stack, spec, pci, reset, capture, open_engine, check, progress=progress, **settings)
        engine, frequency = made.engine, made.engine.frequency
        wire = make_wire(made.end, frequency)
        server = Server(engine, made.function, Pace(engine, frequency, clock), wire, file, say)
        stack.callback(server.close)
        return Served(engine, made.function, made.interrupts, made.checker, stack.pop_all(), made.memory, server, wire)
