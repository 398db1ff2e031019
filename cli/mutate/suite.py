"""A block's own tests run with another class in the block's place, in a child: do they fail?

The block's name is the one factory that its tests get it from: `replace` puts another class there, everywhere in the
child, and no test knows. A simulation that goes on for longer than any of its test did with the whole block has failed,
so a block that stands still takes no time; nor does an example of hypothesis' take any to become a small one.
"""

from __future__ import annotations

import json
import os
import resource
import select
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeVar

import hypothesis
import pytest

from ringbed.sim.mutate.stand_in import BlockSimulator, simulate_by

__all__ = ["Limited", "Result", "SuiteError", "current_test", "measure", "prepare", "replace", "run_all", "tested"]

PROFILE = "broken"  # as tests/conftest.py, but for the search of a small example
QUICK = ("-q", "-x", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", f"--hypothesis-profile={PROFILE}")
hypothesis.settings.register_profile(
    PROFILE, derandomize=True, deadline=None, database=None,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)  # fmt: skip
OUT_OF_TIME = -24  # SIGXCPU, of a child that used up its processor time
CHUNK = 1 << 16
T = TypeVar("T")


class SuiteError(Exception):
    """Tests that say nothing of a broken block: they do not pass with a whole one, or end in another way."""


@dataclass
class Result:
    """Of one run: whether all tests passed; the one that failed; what each test took, and its longest simulation; what
    a class put there has noted itself.
    """

    passes: bool
    failed: str = ""
    seconds: dict[str, float] = field(default_factory=dict)  # of a clock that a busy machine stretches
    longest: dict[str, float] = field(default_factory=dict)  # seconds of the simulator's own time
    noted: dict[str, Any] = field(default_factory=dict)


class Limited(BlockSimulator):
    """A simulation of a test ends with an error after the `limits` of that test, in seconds of its own time; `longest`
    is what one took.
    """

    limits, longest = dict[str, float](), dict[str, float]()

    def run(self) -> None:
        test = current_test()

        async def end(ctx: Any) -> None:
            await ctx.delay(self.limits.get(test, 1.0))
            raise AssertionError("a broken block does nothing any more")

        self.add_testbench(end, background=True)
        super().run()
        self.longest[test] = max(self.longest.get(test, 0.0), self._engine.now * 1e-15)


class _Heard:
    """A plugin of pytest's."""

    def __init__(self) -> None:
        self.failed, self.seconds = "", dict[str, float]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.failed = self.failed or report.nodeid


def current_test() -> str:
    """The id of the test that runs; empty outside of one."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]


def replace(kind: Any, other: Any) -> None:
    """Everywhere: blocks that hold one of it are asked for it by their tests too."""
    name = str(kind.__name__)
    for module in list(sys.modules.values()):
        if vars(module).get(name) is kind:
            setattr(module, name, other)


def prepare() -> None:
    """What all children need: their imports, simulations that end, no dumps of those that do not."""
    import_module("tests.conftest")
    simulate_by(Limited)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def tested(kind: Any, tests: Sequence[str], other: Any) -> Result:
    """What `tests`, words of pytest's, say in a child with `other` for the class `kind`.

    Raises SuiteError when they neither pass nor fail.
    """
    return _ended(kind, *_begun(kind, tests, other, 0))


def run_all(
    kind: Any, jobs: int, seconds: int, others: Iterable[tuple[T, Sequence[str], Callable[[], Any]]]
) -> Iterator[tuple[T, Result]]:
    """`tested` for each of `others`, its name first, `jobs` at once, in the order in which they end.

    `seconds` of processor time are the most that one may take; then it has failed. Raises SuiteError as `tested`.
    """
    waiting, running = iter(others), dict[int, tuple[T, int, bytearray]]()
    while True:
        while len(running) < jobs and (each := next(waiting, None)) is not None:
            name, tests, other = each
            pid, pipe = _begun(kind, tests, other(), seconds)
            running[pipe] = name, pid, bytearray()
        if not running:
            return
        for pipe in select.select(list(running), [], [])[0]:
            name, pid, said = running[pipe]
            if chunk := os.read(pipe, CHUNK):
                said += chunk
                continue
            del running[pipe]
            yield name, _ended(kind, pid, pipe, said)


def _begun(kind: Any, tests: Sequence[str], other: Any, seconds: int) -> tuple[int, int]:
    """A child, and the pipe that it writes its result into."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return child, reader
    code = 99
    try:
        os.close(reader)
        out = os.open(os.devnull, os.O_WRONLY)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if seconds:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        replace(kind, other)
        heard = _Heard()
        code = int(pytest.main([*QUICK, *tests], plugins=[heard]))
        with os.fdopen(writer, "w") as pipe:
            json.dump({
                "failed": heard.failed, "seconds": heard.seconds, "longest": Limited.longest,
                "noted": getattr(other, "noted", {}),
            }, pipe)  # fmt: skip
    finally:
        os._exit(code)


def _ended(kind: Any, pid: int, pipe: int, said: bytes | bytearray = b"") -> Result:
    with os.fdopen(pipe, "rb") as rest:
        text = bytes(said) + rest.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code not in (0, 1, OUT_OF_TIME):
        raise SuiteError(f"the tests of {kind.__name__} ended with {code}")
    return Result(code == 0, **json.loads(text or "{}"))


def measure(kind: Any, tests: Sequence[str], other: Any) -> Result:
    """Runs the tests with what changes nothing, to know how long a simulation of theirs may take.

    Raises SuiteError when they do not pass.
    """
    Limited.limits = {}
    result = tested(kind, tests, other)
    if not result.passes:
        which = result.failed or "no test ran"
        raise SuiteError(f"the tests of {kind.__name__} do not pass with the whole block in another: {which}")
    Limited.limits = {test: 2 * time + 1e-3 for test, time in result.longest.items()}
    return result
