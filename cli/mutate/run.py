"""One block under its mutants: found, built, run by its tests, and what is left of them asked for a proof."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ringbed.cli
from ringbed.cli.errors import Exit, UserError
from ringbed.cli.synth_output import set_up_told

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from ringbed.sim.mutate.netlist import Mutant, Mutants

__all__ = ["Report", "Subject", "Verdict", "Wanted", "choice", "run_block", "subjects"]

ROOT = Path(ringbed.cli.__file__ or "").parent.parent  # of the checkout
WIDTH = 64  # of the data path, as the card has it
RUNNER = "ringbed.cli.mutate.runner"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`limit`: seconds of processor time for each proof."""

    nic: str
    count: int
    seed: int
    jobs: int
    limit: int


@dataclass(frozen=True, slots=True)
class Subject:
    """A block, its class and the file of its tests, from the checkout on; `clocks` that a proof looks through."""

    block: str
    module: str
    name: str
    tests: str
    clocks: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state`: killed (`by` a test), equivalent, survived, or undecided: survived, and no proof either way."""

    state: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Of one block, made with `arguments`; `tests` are those that make it so."""

    block: str
    arguments: dict[str, Any]
    clocks: int
    tests: list[str]
    mutants: tuple[Mutant, ...]
    verdicts: dict[int, Verdict]

    def count(self, state: str) -> int:
        return sum(verdict.state == state for verdict in self.verdicts.values())


def subjects(nic: str, blocks: Sequence[str]) -> list[Subject]:
    """What these names mean. Raises UserError for a name that there is not, and where there are no tests."""
    from ringbed.sim.mutate.blocks import LATENCY, clocks_of
    from ringbed.sim.synth.blocks import blocks_of

    if nic not in LATENCY:
        raise UserError(f"there is no NIC {nic!r} with blocks to mutate; there is {', '.join(LATENCY)}")
    for block in blocks:
        if block not in LATENCY[nic]:
            raise UserError(f"no mutants are made of {block!r}; they are of {', '.join(sorted(LATENCY[nic]))}")
    _must_have_tests()
    there = blocks_of(nic, WIDTH)
    kinds = {block: type(there[block].component) for block in dict.fromkeys(blocks)}
    return [
        Subject(block, kind.__module__, kind.__name__, _file_of(kind.__module__), clocks_of(nic, block))
        for block, kind in kinds.items()
    ]


def _must_have_tests() -> None:
    if not os.path.isdir(ROOT / "tests" / "hw"):
        raise UserError(
            "the tests of the blocks are in ringbed's checkout, and this is an installed ringbed without them",
            Exit.ENVIRONMENT,
        )
    for package in ("pytest", "hypothesis"):
        if importlib.util.find_spec(package) is None:
            raise UserError(f"the blocks' tests need {package}: pip install 'ringbed[dev]'", Exit.ENVIRONMENT)


def _file_of(module: str) -> str:
    """tests/hw/rx/test_parse.py of ringbed.hw.rx.parse."""
    _, _, *rooms, file = module.split(".")
    return "/".join(("tests", "hw", *rooms, f"test_{file}.py"))


def choice(made: dict[str, int]) -> str:
    """How most tests make the block, of those with the card's width: a dict as text, from texts and counts of tests.

    Raises UserError when none does.
    """
    fitting = {said: count for said, count in made.items() if ast.literal_eval(said).get("width", WIDTH) == WIDTH}
    if not fitting:
        raise UserError(f"no test makes the block {WIDTH} bits wide, with arguments that can be written down")
    return max(fitting, key=lambda said: (fitting[said], said))


def run_block(subject: Subject, wanted: Wanted, console: Console) -> Report:
    """Raises UserError when the tests do not pass without a fault; SynthError, BuildError when a tool is missing."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ringbed.sim.mutate.model import build
    from ringbed.sim.mutate.netlist import mutants_of

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with set_up_told(console), Progress(*columns, console=console, transient=True) as bars:
        bars.add_task(f"{subject.block}: its tests are looked through", total=None)
        (said,) = _runner(subject, "arguments")
        made = choice(said["arguments"])
        component = getattr(import_module(subject.module), subject.name)(**ast.literal_eval(made))
        faults = mutants_of(component, wanted.count, wanted.seed)
        library = build(faults)
        tests, verdicts = _under_test(subject, made, faults, library, wanted.jobs, bars)
        left = [mutant for mutant in faults.mutants if mutant.number not in verdicts]
        verdicts |= _proven(subject, faults, left, wanted, bars)
    return Report(subject.block, ast.literal_eval(made), subject.clocks, tests, faults.mutants, verdicts)


def _under_test(
    subject: Subject, made: str, faults: Mutants, library: Path, jobs: int, bars: Progress
) -> tuple[list[str], dict[int, Verdict]]:
    """The tests that make the block so, and the mutants that one of them failed for."""
    task = bars.add_task(f"{subject.block}: its tests, without a fault", total=len(faults.mutants))
    tests, verdicts = list[str](), dict[int, Verdict]()
    more = {"made": made, "library": str(library), "count": len(faults.mutants), "jobs": jobs}
    for line in _runner(subject, "mutants", **more):
        if "whole" in line:
            tests = line["whole"]["tests"]
            bars.update(task, description=f"{subject.block}: its tests, mutant by mutant")
            continue
        bars.advance(task)
        if line["killed"]:
            verdicts[line["mutant"]] = Verdict("killed", line["by"])
    return tests, verdicts


def _proven(
    subject: Subject, faults: Mutants, left: Sequence[Mutant], wanted: Wanted, bars: Progress
) -> dict[int, Verdict]:
    from ringbed.sim.mutate.proof import Proof, prove

    states = {Proof.EQUIVALENT: "equivalent", Proof.DIFFERENT: "survived", Proof.UNDECIDED: "undecided"}
    task = bars.add_task(f"{subject.block}: proofs of what is left", total=len(left))

    def one(mutant: Mutant) -> tuple[int, Verdict]:
        proof = prove(faults, mutant, subject.clocks, wanted.limit)
        bars.advance(task)
        return mutant.number, Verdict(states[proof])

    with ThreadPoolExecutor(wanted.jobs) as pool:
        return dict(pool.map(one, left))


def _runner(subject: Subject, do: str, **more: Any) -> Iterator[dict[str, Any]]:
    """What the program of `cli/mutate/runner.py` says. Raises UserError with its word when it cannot go on."""
    told = {"do": do, "module": subject.module, "name": subject.name, "tests": [subject.tests], **more}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", RUNNER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told))
        process.stdin.close()
        for text in process.stdout:
            line = json.loads(text)
            if "error" in line:
                raise UserError(line["error"], Exit.FINDING)
            yield line
    if process.returncode != 0:
        raise RuntimeError(f"{RUNNER} ended with {process.returncode}")
