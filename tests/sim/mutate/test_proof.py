"""What the solver says of a mutant, against every sequence of inputs tried on the model."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import pytest

from ringbed.sim.mutate.model import Model
from ringbed.sim.mutate.netlist import Mutants
from ringbed.sim.mutate.proof import Proof, prove
from ringbed.sim.yosys.tools import SynthError

pytestmark = pytest.mark.needs("yosys", "native")
CLOCKS, SECONDS = 3, 60
STEP = tuple(itertools.product((False, True), range(8)))  # reset and inputs


def outputs(library: Path, mutant: int, sequence: tuple[tuple[bool, int], ...]) -> list[int]:
    model, found = Model(library, mutant), []
    for reset, inputs in sequence:
        found.append(model.settled(inputs))
        model.clocked(inputs, inputs, reset=reset)
    model.close()
    return found


def told_apart(library: Path, mutant: int, clocks: int) -> bool:
    return any(
        outputs(library, mutant, sequence) != outputs(library, 0, sequence)
        for sequence in itertools.product(STEP, repeat=clocks)
    )


def test_the_solver_and_a_try_of_everything_agree(mutants: Mutants, library: Path) -> None:
    """Of both sorts there are some."""
    tried = {each.number: told_apart(library, each.number, CLOCKS) for each in mutants.mutants}
    apart, same = ([each for each in mutants.mutants if tried[each.number] is way] for way in (True, False))
    assert len(apart) >= 3
    assert len(same) >= 3
    for each in apart[:3]:
        assert prove(mutants, each, CLOCKS, SECONDS) is Proof.DIFFERENT, each
    for each in same[:3]:
        assert prove(mutants, each, CLOCKS, SECONDS) is Proof.EQUIVALENT, each


def test_more_clocks_tell_more_apart(mutants: Mutants, library: Path) -> None:
    """The counter comes to 4 behind four clocks: what happens there nobody sees in three."""
    late = [each for each in mutants.mutants if not told_apart(library, each.number, CLOCKS)]
    found = [prove(mutants, each, 8, SECONDS) for each in late]
    assert Proof.DIFFERENT in found


def test_what_takes_too_long_is_undecided(mutants: Mutants, library: Path) -> None:
    """A second of processor time is not enough to prove a hundred thousand clocks of what nobody tells apart."""
    rng = random.Random(1)
    long = tuple(rng.choice(STEP) for _ in range(3000))
    same = next(each for each in mutants.mutants if outputs(library, each.number, long) == outputs(library, 0, long))
    assert prove(mutants, same, 100_000, 1) is Proof.UNDECIDED


def test_what_yosys_does_not_take_is_no_verdict(mutants: Mutants) -> None:
    with pytest.raises(SynthError, match="Yosys"):
        prove(mutants, replace(mutants.mutants[0], command="-mode inv -module top -cell none"), CLOCKS, SECONDS)
