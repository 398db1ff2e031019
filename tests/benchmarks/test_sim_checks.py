"""What the checks cost is a median of pairs, and each is really on and off."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.benchmarks import sim_checks
from ringbed.benchmarks.sim_checks import ALL, CHECKS, Checks, checks_cost


def test_a_cost_is_the_median_of_pairs() -> None:
    """A machine that slows down meanwhile changes nothing: the two of a pair are neighbours."""
    asked = list[Checks]()

    def run(checks: Checks, frames: int) -> float:
        asked.append(checks)
        slow = len(asked)
        return slow * (1 + 0.05 * checks.origins + 0.02 * checks.assertions + 0.01 * checks.checker)

    costs = checks_cost(100, 3, run)
    assert asked[:2] == [ALL, Checks()]
    assert asked[2::2] == [Checks()] * 12
    assert set(costs) == {"all", *CHECKS}
    assert costs["all"] > costs["origins"] > costs["checker"] > 1


def test_every_check_is_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[tuple[bool, bool, bool]]()

    def loop(size: int, frames: int, **options: Any) -> Any:
        told.append((options["memory"]._trace, options["spec"].assertions, options["check"]))

        class Result:
            cpu_seconds = 1.0

        return Result()

    monkeypatch.setattr(sim_checks, "loop", loop)
    assert checks_cost(10, 1) == {"all": 1.0, **dict.fromkeys(CHECKS, 1.0)}
    off, on = (False, False, False), (True, True, True)
    assert told == [on, off, off, on, off, (True, False, False), off, (False, True, False), off, (False, False, True)]
