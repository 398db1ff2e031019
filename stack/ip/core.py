"""What every part of one host shares: scheduler and clock, timers, counters, configuration, routing instances.

There is one of these for each `Stack`, and nothing of it at module level, so hosts do not know of each other.
"""

from __future__ import annotations

from ringbed.stack.ip.instance import Instance
from ringbed.stack.kern.config import Config
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.stats import Stats
from ringbed.stack.kern.timers import Timers


class Core:
    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.timers = Timers()
        self.stats = Stats()
        self.config = Config(self.scheduler)
        self.instances = {0: Instance(0, self.stats, scheduler, self.timers, self.config)}
        self._last_index = 0

    def new_ifl_index(self) -> int:
        """Never 0, which is this host, and never one used before, in whatever instance."""
        self._last_index += 1
        return self._last_index
