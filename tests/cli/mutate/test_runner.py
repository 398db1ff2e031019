"""The program that runs a block's tests: told of the toy and of tests written here, as `ringbed mutate` tells it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ringbed.cli.mutate.runner import ordered
from ringbed.cli.mutate.suite import Result
from ringbed.sim.mutate.model import build
from ringbed.sim.mutate.netlist import mutants_of
from tests.sim.mutate.toy import Toy

ROOT = Path(__file__).parents[3]
COUNT = 12
SUITE = "tests/cli/mutate/toy_suite.py"
GOOD = ["test_it_is_made", "test_of_another", "test_all_of_it"]


def told(do: str, tests: list[str], **more: Any) -> list[dict[str, Any]]:
    words = {
        "do": do,
        "module": "tests.sim.mutate.toy",
        "name": "Toy",
        "tests": [f"{SUITE}::{test}" for test in tests],
        **more,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    run = subprocess.run(
        [sys.executable, "-m", "ringbed.cli.mutate.runner"],
        input=json.dumps(words), cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert "error" not in lines[-1] or len(lines) == 1, lines[-1]
    return lines


def test_how_the_tests_make_the_block() -> None:
    assert told("arguments", GOOD) == [
        {"arguments": {"{'added': 0, 'careful': 0}": 2, "{'added': 3, 'careful': 0}": 1}}
    ]


def test_what_passes_is_run_first_and_only_of_tests_that_make_it_so() -> None:
    whole = Result(True, seconds={"a": 2.0, "b": 0.5, "c": 1.0}, noted={"made": ["a", "b", "b"], "other": ["c"]})
    assert ordered(whole, "made") == ["b", "a"]


@pytest.mark.needs("yosys", "native")
def test_which_mutants_the_tests_find() -> None:
    """All tests find most of them; the one that looks at nothing finds none, and says so."""
    library, made = str(build(mutants_of(Toy(), COUNT, seed=1))), repr({"added": 0, "careful": 0})
    whole, *found = told("mutants", GOOD, made=made, library=library, count=COUNT, jobs=2)
    names = [test.rpartition("::")[2] for test in whole["whole"]["tests"]]
    assert sorted(names) == ["test_all_of_it[40]", "test_it_is_made"]
    assert sorted(line["mutant"] for line in found) == list(range(1, COUNT + 1))
    killed = [line for line in found if line["killed"]]
    assert len(killed) >= COUNT // 2
    assert {line["by"].rpartition("::")[2] for line in killed} == {"test_all_of_it[40]"}
    _, *found = told("mutants", GOOD[:1], made=made, library=library, count=3, jobs=1)
    assert [(line["mutant"], line["killed"], line["by"]) for line in found] == [(at, False, "") for at in (1, 2, 3)]


@pytest.mark.needs("yosys", "native")
def test_tests_that_do_not_pass_are_no_measure() -> None:
    library, made = str(build(mutants_of(Toy(), COUNT, seed=1))), repr({"added": 0, "careful": 0})
    (said,) = told("mutants", [*GOOD, "test_that_is_wrong"], made=made, library=library, count=1, jobs=1)
    assert "do not pass with the whole block" in said["error"]
    assert "test_that_is_wrong" in said["error"]
