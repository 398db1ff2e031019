"""A card in step, and a kernel of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sim.lockstep.kernel import Bench, Kernel


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


@pytest.fixture
def kernel(bench: Bench) -> Iterator[Kernel]:
    made = Kernel(bench.folder)
    yield made
    made.close()
