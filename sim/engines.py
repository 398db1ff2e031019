"""The registry: one call opens an engine by name, and says in one line why it is not the one asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from ringbed.sim.cocotb.build import WAVES
from ringbed.sim.cocotb.engine import CocotbIcarus, CocotbVerilator
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.build import BuildError
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.native.toolchain import wave_format
from ringbed.sim.pysim.engine import PysimEngine
from ringbed.sim.qemu.engine import QemuEngine
from ringbed.sim.seam.progress import Progress
from ringbed.sim.seam.spec import NicSpec

__all__ = ["ENGINES", "FOR_VERILOG", "OBSERVER", "AnyEngine", "Observer", "open_engine", "wave_formats"]

AnyEngine = NativeEngine | PysimEngine | QemuEngine | CocotbVerilator | CocotbIcarus
ENGINES: dict[str, type[AnyEngine]] = {
    kind.kind: kind for kind in (NativeEngine, PysimEngine, QemuEngine, CocotbVerilator, CocotbIcarus)
}
FOR_VERILOG = tuple(kind.kind for kind in (NativeEngine, CocotbVerilator, CocotbIcarus))  # which somebody's own is in


def wave_formats(kind: str) -> tuple[str, ...]:
    """What an engine of this kind records waveforms as, on this machine, the best first: "fst", "vcd"; qemu nothing."""
    if kind.startswith("cocotb-"):
        return (WAVES[kind.removeprefix("cocotb-")],)
    if kind == "qemu":
        return ()
    with contextlib.suppress(BuildError):
        if kind in ("native", "auto") and wave_format() == "fst":
            return ("fst", "vcd")
    return ("vcd",)


class Observer(Protocol):
    """Sees every engine that is opened while it is set in OBSERVER (`sim/trace/failure.py`)."""

    def options(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        """What to open the engine with instead."""
        ...

    def opened(self, engine: AnyEngine) -> None: ...


OBSERVER: ContextVar[Observer | None] = ContextVar("OBSERVER", default=None)


def open_engine(
    kind: str, spec: NicSpec, memory: HostMemory | None = None, *, say: Callable[[str], None] | None = None,
    progress: Progress | None = None, **options: Any,
) -> AnyEngine:  # fmt: skip
    """`kind` is one of ENGINES or `auto`: native where a model can be built, else pysim, and why to `say`.

    Raises ValueError for another kind, for an option that is none and for `waves` that the engine does not record;
    BuildError when an engine was asked for by name and cannot be built, QemuMissing, CocotbMissing.
    """
    observer = OBSERVER.get()
    if observer is None:
        return _open(kind, spec, memory, say, progress, options)
    engine = _open(kind, spec, memory, say, progress, observer.options(kind, options))
    observer.opened(engine)
    return engine


def _open(
    kind: str, spec: NicSpec, memory: HostMemory | None, say: Callable[[str], None] | None, progress: Progress | None,
    options: dict[str, Any],
) -> AnyEngine:  # fmt: skip
    if kind != "auto" and kind not in ENGINES:
        raise ValueError(f"no engine {kind!r}; there are auto, {', '.join(ENGINES)}")
    _check_waves(kind, options.get("waves", ""))
    if kind != "auto":
        return ENGINES[kind](spec, memory, progress=progress, **options)
    try:
        return NativeEngine(spec, memory, progress=progress, **options)
    except BuildError as error:
        if say is not None:
            say(f"engine pysim, not native: {error}")
        return PysimEngine(spec, memory, progress=progress, **options)


def _check_waves(kind: str, waves: str) -> None:
    """Before anything is built; and not by `trace`, when a test is about to run."""
    if waves and kind == "native":
        wave_format()  # raises BuildError: without a compiler there is more wrong than the format
    if waves and waves not in (formats := wave_formats(kind)):
        if not formats:
            raise ValueError(f"engine {kind} records no waveform")
        raise ValueError(f"engine {kind} records a waveform as {' or '.join(formats)} here, not as {waves}")
