"""Runs cases one after the other, each on cards of its own and with a seed of its own, so that it comes again alone."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from random import Random
from types import TracebackType

from ringbed.conformance.drivers.bench import Bench
from ringbed.conformance.drivers.card import Card, Maker
from ringbed.conformance.drivers.cases import attach, cuts, faults, filters, frames, resets, rings, settings, sums
from ringbed.conformance.drivers.found import Case, Ended, Found, NotApplicable, Outcome
from ringbed.conformance.drivers.guard import Budget, Hung
from ringbed.conformance.drivers.rules import RULES
from ringbed.sim.checker.places import is_drivers
from ringbed.sim.needs import Missing

__all__ = ["CASES", "named", "run_case", "run_cases"]

CASES: tuple[Case, ...] = (
    *attach.CASES[:3], *rings.CASES, *frames.CASES, *sums.CASES, *cuts.CASES, *filters.CASES, *settings.CASES,
    *resets.CASES, *faults.CASES, *attach.CASES[3:],
)  # fmt: skip
FIRST = "attach"
Limit = Callable[[], AbstractContextManager[object]]


def named(names: Sequence[str]) -> list[Case]:
    """The cases of these names, in the order of the run; of none, all. Raises ValueError for a name there is not."""
    known = [case.name for case in CASES]
    for name in names:
        if name not in known:
            raise ValueError(f"there is no case {name!r}; there are {', '.join(known)}")
    return [case for case in CASES if not names or case.name in names]


def run_cases(
    cases: Sequence[Case], card: Card, make: Maker, seed: int, limit: Limit = nullcontext
) -> Iterator[Outcome]:  # fmt: skip
    """Of each case as it ends. What comes behind a driver that does not attach is not applicable."""
    stuck = ""
    for case in cases:
        if stuck:
            yield Outcome(case, why=stuck)
            continue
        outcome = run_case(case, card, make, seed, limit)
        if case.name == FIRST and any(each.rule in ("call.raised", "call.hung") for each in outcome.found):
            stuck = f"the driver does not come up: see the case {FIRST}"
        yield outcome


def run_case(case: Case, card: Card, make: Maker, seed: int, limit: Limit = nullcontext) -> Outcome:
    """One case. `limit` is around it, and may raise Hung in it: a loop that touches nothing has no other end."""
    bench = Bench(card, make, Random(f"{case.name} {seed}"), seed, Budget())
    why = ""
    try:
        bench.needs(*case.needs)
        with limit():
            case.run(bench)
            bench.finish()
    except NotApplicable as reason:
        why = str(reason)
        _finish(bench)
    except Ended:
        pass
    except Hung as hung:
        _tell(bench, "call.hung", str(hung), hung.__traceback__)
    except Missing:
        raise
    except Exception as error:
        if not _places(error.__traceback__):
            raise  # nobody's of the driver: ours
        _tell(bench, "call.raised", f"{type(error).__name__}: {error}", error.__traceback__)
    finally:
        bench.close()
    return Outcome(case, tuple(bench.found), "" if bench.found else why, bench.frames, bench.clocks)


def _finish(bench: Bench) -> None:
    try:
        bench.finish()
    except Ended:
        pass


def _tell(bench: Bench, rule: str, text: str, trace: TracebackType | None) -> None:
    law = RULES[rule]
    bench.found.append(Found(rule, text, law.section, law.sentence, _places(trace)[-1:]))


def _places(trace: TracebackType | None) -> tuple[str, ...]:
    """The driver's lines on the way to where it was raised."""
    walked = traceback.walk_tb(trace)
    return tuple(f"{frame.f_code.co_filename}:{line}" for frame, line in walked if is_drivers(frame.f_code))
