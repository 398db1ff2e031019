"""The cost of the checker of drivers is a median of pairs, and it is really on and off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ringbed.benchmarks import driver_checks
from ringbed.benchmarks.driver_checks import checker_cost


def test_a_cost_is_the_median_of_pairs() -> None:
    """A machine that slows down meanwhile, or hesitates once, changes little."""
    asked = list[tuple[int, int, bool]]()

    def run(size: int, frames: int, checker: bool) -> float:
        asked.append((size, frames, checker))
        hesitates = 50 if len(asked) == 7 else 0
        return (100 + len(asked)) * (1.5 if checker else 1) + hesitates

    assert checker_cost(64, 500, 5, run) == pytest.approx(1.5, rel=0.02)
    assert asked == [(64, 1, False), *[(64, 500, False), (64, 500, True)] * 5]


def test_the_checker_is_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[Any]()

    def loop(size: int, frames: int, **options: Any) -> Any:
        told.append((size, frames, options))
        return SimpleNamespace(cpu_seconds=2.0 if options["checker"] else 1.0)

    monkeypatch.setattr(driver_checks, "loop", loop)
    assert checker_cost(1514, 10, 1) == 2.0
    assert told == [(1514, 1, {"checker": False}), (1514, 10, {"checker": False}), (1514, 10, {"checker": True})]
