"""Is a mutant the block itself, as far as anybody can tell? Yosys' SAT solver is asked, not an opinion.

The block and its mutant get the same inputs, any at all, the reset among them, for a number of clocks from power-up;
can one of their outputs differ? Where none can, no test of that length could have found the mutant: it is equivalent.
"""

from __future__ import annotations

import enum
import tempfile
from pathlib import Path

from ringbed.sim.mutate.netlist import CHECKS, Mutant, Mutants
from ringbed.sim.yosys.tools import YOSYS, ToolFailure, ToolLate, run

__all__ = ["Proof", "prove"]

PROVE = (
    "read_rtlil flat.il; delete {checks}; rename top gate; mutate {fault}; read_rtlil flat.il; delete {checks}; "
    "rename top gold; miter -equiv -flatten gold gate miter; hierarchy -top miter; memory_map; async2sync; dffunmap; "
    "setundef -zero; opt -full; opt_clean -purge; "
    "sat -verify -prove trigger 0 -tempinduct-baseonly -maxsteps {clocks} miter"
)
REFUTED = "proof did fail"
MEMORY = "4 GiB of memory"
PATIENCE = 20  # times the processor time, on a machine that has other work


class Proof(enum.StrEnum):
    """What is known: none can tell them apart in so many clocks; somebody can; the solver was not done in time."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


def prove(mutants: Mutants, mutant: Mutant, clocks: int, seconds: int) -> Proof:
    """Asks within `seconds` of processor time. Raises SynthError when Yosys is not there, or says something else."""
    fault = mutant.command.replace("-module top ", "-module gate ")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flat.il").write_bytes((mutants.folder / "flat.il").read_bytes())
        try:
            script = PROVE.format(checks=CHECKS, fault=fault, clocks=clocks)
            run(YOSYS, ["-p", script], folder, PATIENCE * seconds, seconds)
        except ToolLate:
            return Proof.UNDECIDED
        except ToolFailure as failure:
            if REFUTED in str(failure):
                return Proof.DIFFERENT
            if MEMORY in str(failure):
                return Proof.UNDECIDED
            raise
    return Proof.EQUIVALENT
