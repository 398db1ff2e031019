"""A card with all that serves it: engine, memory, function, pace, wire and socket, opened and closed together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from ringbed.drivers.world import PciIdentity
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Finding
from ringbed.sim.seam.progress import Progress
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.serve.function import PciFunction
from ringbed.sim.serve.irq.interrupts import Interrupts
from ringbed.sim.serve.memory import ClientMemory
from ringbed.sim.serve.pace import Pace
from ringbed.sim.serve.server import Server
from ringbed.sim.serve.socket_file import SocketFile
from ringbed.sim.serve.wires import Wire
from ringbed.sim.wire.capture import CaptureWriter, TappedEnd
from ringbed.sim.wire.frame import WireEnd

__all__ = ["Served", "WireMaker", "serve"]

WireMaker = Callable[[WireEnd, Frequency], Wire]


@dataclass(slots=True)
class Served:
    """A context manager."""

    engine: NativeEngine
    function: PciFunction
    memory: ClientMemory
    interrupts: Interrupts
    server: Server
    wire: Wire
    _stack: ExitStack

    def account(self) -> dict[str, int]:
        """What happened until now, counted; before `close`.

        Of any card: what it did with a frame in there, only one that counts could say.
        """
        stats, counts = self.engine.stats(), self.function.counts
        dropped = {
            f"dropped before the card by {cause.replace('_', ' ')}": count
            for cause, count in stats.dropped.items()
            if count
        }
        names = ["register reads", "register writes", "configuration reads", "configuration writes", "resets", "maps",
                 "unmaps", "unmaps of nothing", "refused"]  # fmt: skip
        if self.function.pci.msix is not None:
            names[2:2] = ["table reads", "table writes"]
        return {
            "clients": self.server.clients,
            "frames into the card": stats.wire_in - stats.wire_waiting - sum(dropped.values()),
            **dropped,
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


def serve(
    path: Path, spec: NicSpec, pci: PciIdentity, reset: Callable[[NativeEngine], None], make_wire: WireMaker,
    clock: Callable[[], int], *, capture: CaptureWriter | None = None, say: Callable[[str], None] = lambda text: None,
    progress: Progress | None = None, open_engine: Callable[..., NativeEngine] = NativeEngine, **settings: Any,
) -> Served:  # fmt: skip
    """The card `spec` as a PCI function on a socket at `path`; `clock` is wall time in ns, `settings` the engine's.

    `capture` gets what passes the wire; `open_engine` may be a recording's. Raises SocketRefused, BuildError,
    ValueError for a bad setting.
    """
    with ExitStack() as stack:
        file = SocketFile(path)
        stack.callback(file.close)
        memory = ClientMemory()
        engine = open_engine(spec, memory, progress=progress, **settings)
        stack.callback(engine.close)
        memory.clocked_by(engine)
        interrupts = Interrupts(engine, pci)
        frequency = engine.frequency
        function = PciFunction(engine, pci, memory, interrupts, partial(reset, engine), frequency)
        end: WireEnd = engine
        if capture is not None:
            end = TappedEnd(engine, capture, capture.interface(spec.name, f"{spec.name}, its wire"), frequency.ns)
        wire = make_wire(end, frequency)
        server = Server(engine, function, Pace(engine, frequency, clock), wire, file, say)
        stack.callback(server.close)
        return Served(engine, function, memory, interrupts, server, wire, stack.pop_all())
