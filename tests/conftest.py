"""What all tests share: deterministic hypothesis, state that is watched, and what happens where something is lacking.

On a machine that lacks something, a test marked `needs` with a name of `sim/needs.py`, one with an engine's name for a
parameter, one that meets `Missing` on its way, and a file of tests that cannot be imported without a package are
skipped, and the last lines of the run say how many and why; one that lacks two things is in two lines. With CI set
nothing is: CI's machine has it all, and would hide it if it had not.
"""

from __future__ import annotations

import gc
import itertools
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import hypothesis
import pytest

from ringbed.sim.checker.checker import Checker
from ringbed.sim.checker.wanted import CHECKED
from ringbed.sim.needs import ENGINES, Missing, lacking, need_of_module
from ringbed.sim.trace.failure import Case, run_with_waveform
from ringbed.stack.kern.owned import watch

hypothesis.settings.register_profile("ringbed", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("ringbed")
gc.set_threshold(100_000, 50, 100)  # a card elaborated is a million objects, none of them garbage meanwhile
watch(True)  # every piece of state in every stack asserts its one writer

T = TypeVar("T")
RUN, OFTEN = itertools.count(1), 20  # tests

LACKS = "this machine: "
AND = " && "  # between what else it lacks
MARKERS = {"tap": ("tap",), "qemu": ("qemu",), "cocotb": ("cocotb", "libpython")}  # short for `needs`, and for -m
INSISTS = "CI" in os.environ
missing = cache(lacking)  # the machine stays as it is while tests run


def _leave_out(why: object) -> NoReturn:
    pytest.skip(f"{LACKS}{why}", allow_module_level=True)


class Module(pytest.Module):
    """A file of tests; that it cannot be imported without something this machine lacks is no error."""

    def _getobj(self) -> Any:
        try:
            return super()._getobj()  # type: ignore[no-untyped-call]
        except Missing as error:
            if INSISTS:
                raise
            _leave_out(error)
        except self.CollectError as error:
            _leave_out_for(error.__cause__)
            raise


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: no need to look at it again and again."""
    gc.freeze()


def pytest_runtest_logfinish() -> None:
    """A host in a circle with its driver keeps the four file descriptors of its memory until it is looked for."""
    if next(RUN) % OFTEN == 0:
        gc.collect()


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    module: pytest.Module = Module.from_parent(parent, path=module_path)
    return module


def _asked(item: pytest.Item) -> Iterator[str]:
    """The needs and engines that a test names: by its markers, and by parameters that are an engine's name."""
    for marker in item.iter_markers():
        yield from marker.args if marker.name == "needs" else MARKERS.get(marker.name, ())
    callspec = getattr(item, "callspec", None)
    for name, value in callspec.params.items() if callspec is not None else ():
        if isinstance(value, str) and (engine := f"cocotb-{value}" if name == "simulator" else value) in ENGINES:
            yield engine


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    needs = [need for name in _asked(item) for need in ENGINES.get(name, (name,))]
    if whys := list(dict.fromkeys(filter(None, map(missing, needs)))):
        if INSISTS:
            pytest.fail(f"CI's machine lacks something: {AND.join(whys)}")
        _leave_out(AND.join(whys))
    return (yield from _skip_what_cannot_be())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    return (yield from _skip_what_cannot_be())


def _skip_what_cannot_be() -> Generator[None]:
    try:
        return (yield)
    except Missing as why:
        if INSISTS:
            raise
        _leave_out(why)
    except ModuleNotFoundError as error:
        _leave_out_for(error)
        raise


def _leave_out_for(error: BaseException | None) -> None:
    """Leaves the test or file out when this failed import is a need's that this machine has not."""
    need = need_of_module(getattr(error, "name", None) or "")
    if need is not None and not INSISTS and (why := missing(need.name)):
        _leave_out(why)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2].partition(LACKS)[2] for report in reports if isinstance(report.longrepr, tuple)]
    for why, count in Counter(why for reason in reasons for why in reason.split(AND) if why).items():
        terminalreporter.write_line(f"left out: {count} tests; {why}")


@pytest.fixture
def waveform_on_failure(tmp_path: Path) -> Callable[[Callable[[Case], T]], T]:
    """`run_with_waveform` with the test's own folder: what a scenario raises names the files in its notes."""
    return lambda scenario: run_with_waveform(scenario, tmp_path / "waveform")


@pytest.fixture(autouse=True)
def no_driver_breaks_a_rule() -> Iterator[None]:
    """Every driver of `em` is checked, but where a test says otherwise; what it has not taken itself fails it."""
    checkers: list[Checker] = []
    token = CHECKED.set(checkers.append)
    yield
    CHECKED.reset(token)
    assert [str(finding) for checker in checkers for finding in checker.take()] == []
