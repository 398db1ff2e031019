"""Faults of a host: interrupts that are lost or late, a driver that is slow.

Interrupts are numbered per host from 0, each once, however long its line stays up.

* `irq_late`: the driver is called so many ns after it would have been; the stack above works on meanwhile
* `irq_lost`: nothing is called until the host's next watchdog is due, within a second; then the line, which is a level,
  is seen again
* `slow`: the driver is called, and after its first register read (the cause) so many ns pass before it goes on
"""

from __future__ import annotations

from collections.abc import Callable

from ringbed.sim.faults.draw import chance, draw, key_of
from ringbed.sim.faults.plan import FaultPlan, FaultRecord, Value

__all__ = ["HostFaults"]


class HostFaults:
    """What befalls the interrupts of the host `name`. Times are in simulated ns."""

    def __init__(self, plan: FaultPlan, name: str, record: Callable[[FaultRecord], None]) -> None:
        rules = plan.rules_of("host", name)
        self._rules = [(rule, key_of(plan.seed, rule.number, name), chance(rule.rate)) for rule in rules]
        self._fixed: dict[int, list[tuple[str, dict[str, Value]]]] = {}
        for found in plan.records_of("host", name):
            self._fixed.setdefault(found.ordinal, []).append((found.kind, dict(found.values)))
        self._name, self._record = name, record
        self._ordinal = 0
        self._told = False  # the interrupt whose line is up has had its faults
        self.lag = 0  # ns that pass inside the driver, for the interrupt taken now

    def unheard_until(self, now: int, clock: int, watchdog_at: int) -> int:
        """The line is up, and was not held back before: when it is heard. Now, unless a fault says otherwise."""
        if self._told:
            self._told = False
            return now
        self.lag, until = 0, now
        for kind, values in self._befalls():
            self._record(FaultRecord("host", kind, self._name, self._ordinal, "", values, now, clock))
            ns = values.get("ns", 0)
            assert isinstance(ns, int)
            if kind == "slow":
                self.lag += ns
            else:
                until = max(until, now + ns if kind == "irq_late" else watchdog_at)
        self._ordinal += 1
        self._told = until > now
        return until

    def _befalls(self) -> list[tuple[str, dict[str, Value]]]:
        hits = [
            (rule.kind, dict(rule.values))
            for rule, key, threshold in self._rules
            if draw(key, self._ordinal) >> 32 < threshold or self._ordinal in rule.at
        ]
        return hits + self._fixed.get(self._ordinal, [])
