"""The tests of a block under its mutants: a program of its own, for it puts another simulator under all tests.

It is told what to do as JSON on its input, runs in the checkout, and answers with lines of JSON:

- `arguments`: with which arguments the tests make the block, and how many tests each; nothing is simulated for it
- `mutants`: first what the tests take with the whole block as a model (`whole`), then a line for each mutant
- `error`, and nothing more, when the tests do not pass as they are
"""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ringbed.cli.mutate.suite import Limited, Result, SuiteError, current_test, measure, prepare, run_all, tested
from ringbed.sim.mutate.stand_in import arguments_of, stand_in

__all__ = ["arguments", "main", "mutants", "ordered"]

ROOM = 30  # seconds of processor time that the tests of a mutant have beside ten times what those of the block took
Line = dict[str, Any]


def recording(kind: Any, base: Any) -> Any:
    """A class like `base`, itself like `kind`, which keeps in `noted` which tests make it with which arguments, as far
    as they are literals.
    """

    class Recording(base):  # type: ignore[misc]  # a component, of a class without types
        noted: dict[str, list[str]] = defaultdict(list)

        def __init__(self, *args: Any, **options: Any) -> None:
            if (said := _literal(arguments_of(kind, args, options))) is not None:
                self.noted[said].append(current_test())
            super().__init__(*args, **options)

    Recording.__name__ = Recording.__qualname__ = kind.__name__
    return Recording


def _literal(arguments: dict[str, Any]) -> str | None:
    """Those that can be told to another process and made again there."""
    try:
        return repr(arguments) if ast.literal_eval(repr(arguments)) == arguments else None
    except (SyntaxError, ValueError):
        return None


def arguments(kind: Any, tests: list[str]) -> Iterator[Line]:
    """A test runs up to where it has built what it simulates, so it is seen with its first block."""

    def built(*_: Any, **_options: Any) -> None:
        pytest.skip("built")

    Limited.__init__ = built  # type: ignore[method-assign]
    noted = tested(kind, tests, recording(kind, kind)).noted
    yield {"arguments": Counter({said: len(set(made)) for said, made in noted.items()})}


def mutants(kind: Any, tests: list[str], made: str, library: str, count: int, jobs: int) -> Iterator[Line]:
    """Of the tests those that make the block with these arguments, the quickest first: what fails, fails soon."""
    wanted = ast.literal_eval(made)
    whole = measure(kind, tests, recording(kind, stand_in(kind, wanted, Path(library), 0)))
    own = ordered(whole, made)
    yield {"whole": {"tests": own, "seconds": sum(whole.seconds[test] for test in own)}}
    most = int(10 * sum(whole.seconds.values())) + ROOM
    others = (
        (number, own, lambda number=number: stand_in(kind, wanted, Path(library), number))
        for number in range(1, count + 1)
    )
    for number, result in run_all(kind, jobs, most, others):
        yield {"mutant": number, "killed": not result.passes, "by": result.failed}


def ordered(whole: Result, made: str) -> list[str]:
    """The tests that made the block with the arguments `made`, by their time."""
    return sorted(set(whole.noted.get(made, ())) & whole.seconds.keys(), key=lambda test: (whole.seconds[test], test))


DO: dict[str, Callable[..., Iterator[Line]]] = {"arguments": arguments, "mutants": mutants}


def main() -> None:
    prepare()
    told = json.load(sys.stdin)
    kind = getattr(import_module(told.pop("module")), told.pop("name"))
    try:
        for line in DO[told.pop("do")](kind, **told):
            print(json.dumps(line), flush=True)
    except SuiteError as error:
        print(json.dumps({"error": str(error)}), flush=True)


if __name__ == "__main__":
    main()
