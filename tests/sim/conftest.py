"""Engines for the tests of `sim/`: every test that takes `engine_kind` runs on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.toolchain import BuildError, find_compiler, find_verilator


def _buildable() -> str:
    try:
        find_compiler()
        find_verilator()
    except BuildError as error:
        return str(error)
    return ""


needs_native = pytest.mark.skipif(bool(_buildable()), reason=_buildable())


@pytest.fixture(params=[pytest.param("native", marks=needs_native), "pysim"])
def engine_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(engine_kind: str) -> Iterator[Callable[..., AnyEngine]]:
    """Opens engines of the parametrised kind and closes them after the test."""
    engines: list[AnyEngine] = []

    def open_one(*args: Any, **options: Any) -> AnyEngine:
        engines.append(open_engine(engine_kind, *args, **options))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()
