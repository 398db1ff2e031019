"""The list of a block's mutants, and the netlist that holds them."""

from __future__ import annotations

import pytest

from ringbed.sim.mutate.netlist import Mutants, faults_of, mutants_of
from tests.sim.mutate.toy import Toy

SAID = """\
mutate -mode none
mutate -mode inv -module top -cell $flatten\\block.$5 -port Y -portbit 2 -wire block.full -wirebit 1 -src a/b/c.py:7
mutate -mode const0 -module top -cell $flatten\\block.$6 -port CLK -portbit 0 -wire clk -wirebit 0 -src a/b/c.py:8
mutate -mode cnot1 -module top -cell $flatten\\block.$procmux$9 -port B -portbit 4 -ctrlbit 3 -src x/a/b/c.py:8 \
-src x/a/b/c.py:9
"""


def test_a_list_of_yosys_is_read_without_the_faults_of_clocks() -> None:
    first, second = faults_of(SAID.splitlines(), 10, {})
    assert (first.number, first.mode, first.pin, first.bit, first.net) == (1, "inv", "Y", 2, "full[1]")
    assert first.cell == "$flatten\\block.$5"
    assert first.lines == ("a/b/c.py:7",)
    assert (second.number, second.mode, second.net, second.lines) == (2, "cnot1", "", ("a/b/c.py:8", "a/b/c.py:9"))
    assert second.command.startswith("-mode cnot1 -module top -cell $flatten\\block.$procmux$9 -port B -portbit 4")
    assert [each.number for each in faults_of(SAID.splitlines(), 1, {})] == [1]
    assert str(first) == "inv at Y[2] of full[1], a/b/c.py:7"


@pytest.mark.needs("yosys")
def test_every_mutant_is_another_and_has_its_line(mutants: Mutants) -> None:
    assert [each.number for each in mutants.mutants] == list(range(1, 25))
    assert len({each.command for each in mutants.mutants}) == 24
    assert {each.pin for each in mutants.mutants}.isdisjoint({"CLK"})
    lines = {line for each in mutants.mutants for line in each.lines}
    assert {line.partition(":")[0] for line in lines} == {"tests/sim/mutate/toy.py"}
    assert all(each.lines for each in mutants.mutants)
    assert mutants.bits == 5


@pytest.mark.needs("yosys")
def test_a_seed_says_which(mutants: Mutants) -> None:
    def commands(seed: int, count: int = 24) -> list[str]:
        return [each.command for each in mutants_of(Toy(), count, seed).mutants]

    assert commands(1) == [each.command for each in mutants.mutants]
    assert commands(2) != commands(1)
    assert len(commands(1, 5)) == 5


@pytest.mark.needs("yosys")
def test_what_assertions_alone_look_at_is_not_mutated() -> None:
    """`both` is an output as well: in the careful toy there is no more to mutate than in the other."""
    careful = mutants_of(Toy(careful=1), 2000, seed=1)
    assert len(careful.mutants) == len(mutants_of(Toy(), 2000, seed=1).mutants)
