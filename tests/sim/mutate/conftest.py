"""The toy's mutants, made once for all tests of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.sim.mutate.model import build
from ringbed.sim.mutate.netlist import Mutants, mutants_of
from tests.sim.mutate.toy import Toy

COUNT = 24


@pytest.fixture(scope="session")
def mutants() -> Mutants:
    return mutants_of(Toy(), COUNT, seed=1)


@pytest.fixture(scope="session")
def library(mutants: Mutants) -> Path:
    return build(mutants)
