"""How long a model takes to build from nothing, and to open from the cache."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ringbed.sim import cards
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.build import build_model, verilog_of
from ringbed.sim.native.engine import NativeEngine

__all__ = ["BuildResult", "build"]


@dataclass(frozen=True, slots=True)
class BuildResult:
    """Seconds of a cold build, and of opening an engine from the cache; sizes in bytes."""

    cold_s: float
    warm_s: float
    verilog: int
    library: int


@contextmanager
def _cache(folder: str) -> Iterator[None]:
    before = os.environ.get("RINGBED_CACHE")
    os.environ["RINGBED_CACHE"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["RINGBED_CACHE"]
        else:
            os.environ["RINGBED_CACHE"] = before


def build() -> BuildResult:
    """Build the clean card in an empty cache, then open it from there; raises BuildError."""
    with tempfile.TemporaryDirectory(prefix="ringbed-build-") as folder, _cache(folder):
        spec = cards.em()
        begin = time.perf_counter()
        path = build_model(spec)
        middle = time.perf_counter()
        NativeEngine(cards.em(), HostMemory()).close()
        end = time.perf_counter()
        return BuildResult(middle - begin, end - middle, len(verilog_of(spec)), Path(path).stat().st_size)
