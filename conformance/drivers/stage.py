"""A case's card and driver: opened, let run, taken down, and what was found of them.

At the end of a case, and before another card is opened, the driver is taken down, memory and account are looked at, and
what the checkers found is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from ringbed.conformance.drivers.card import Card, Maker
from ringbed.conformance.drivers.found import Ended, Found
from ringbed.conformance.drivers.guard import Budget, Guarded
from ringbed.conformance.drivers.rules import RULES
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.seam.engine import Event, Finding
from ringbed.sim.testbed.assembly import account
from ringbed.sim.testbed.host import Collector, Host

__all__ = ["METHODS", "MS", "STEP_NS", "US", "NotADriver", "Stage"]

US, MS = 1_000, 1_000_000  # ns
LINK_NS, REST_NS = 10 * MS, 5 * MS
BLIND_NS, LOOKS = 200 * US, 50
STEP_NS = 20 * US
METHODS = ("up", "down", "transmit", "interrupt", "watchdog", "queues", "counters")  # what a testbed calls


class NotADriver(Exception):
    """What was made lacks methods that every driver has; one sentence."""


class Stage:
    """See the head of the file. `found` are the case's findings so far; `rng` is the case's own."""

    def __init__(self, card: Card, make: Maker, rng: Random, seed: int = 0, budget: Budget | None = None) -> None:
        self.card, self.rng, self.budget = card, rng, budget or Budget()
        self.found: list[Found] = []
        self.frames = self.clocks = 0
        self.accounted = True  # off where frames of others than the case's went through the card
        self.doubtful = (
            False  # on where the card could not write back what it sent: a driver may count that as `tx_reset`
        )
        self._make, self._seed = make, seed
        self._host: Host[Collector] | None = None
        self._begun = 0  # findings before this card

    # ---- the card ----

    @property
    def host(self) -> Host[Collector]:
        assert self._host is not None, "a case opens its card first"
        return self._host

    @property
    def upper(self) -> Collector:
        return self.host.upper

    @property
    def driver(self) -> Any:
        return self.host.driver

    def open(self, *, up: bool = True, world: Callable[[Any], Any] = lambda device: device, **settings: Any) -> None:
        """A new card, its driver attached and, if asked, up; `world` may put another device in its place."""
        self.finish()
        self._begun = len(self.found)
        upper = Collector()

        def make(device: Any, dma: Any, sink: Any, **more: Any) -> Any:
            guarded = [Guarded(each, self.budget) for each in (world(device), dma, sink)]
            driver = self._make(*guarded, **more)
            if lacks := [name for name in METHODS if not callable(getattr(driver, name, None))]:
                raise NotADriver(f"{type(driver).__name__} is no driver: it has no {', '.join(lacks)}")
            return driver

        self._host = self.card.opened(make, upper, {"seed": self._seed} | settings)
        if up:
            self.up()

    def up(self) -> None:
        self.host.up()
        if not self.link_told(up=True):
            self.end("link.untold", f"{LINK_NS // MS} ms after up() the sink was not told that the link is up")

    def link_told(self, *, up: bool) -> bool:
        """Whether the sink hears in time that the link is there, or that it is not."""
        return self.until(lambda: self.upper.link_up is up, LINK_NS)

    def finish(self) -> None:
        """Look at what there is, and close the card."""
        host = self._host
        if host is None:
            return
        try:
            if not self.budget.spent:
                self.look()
        finally:
            self.close()

    def close(self) -> None:
        """As it is: what the checkers found comes before what the case saw, which mostly comes of it."""
        host, self._host = self._host, None
        if host is None:
            return
        stats = host.engine.stats()
        self.frames, self.clocks = self.frames + stats.wire_in + stats.wire_out, self.clocks + host.engine.now
        told = [_found(each) for each in host.findings()]
        self.found[self._begun : self._begun] = told
        host.engine.close()

    def look(self) -> None:
        """What there is to be seen at the end of a card."""
        self.down()
        if self.accounted:
            self.look_at_account()

    def down(self) -> None:
        if kept := self.host.take_down():
            self.find("down.kept", kept)

    def look_at_account(self) -> None:
        try:
            legs = account(self.host)
        except KeyError as error:
            self.end("call.answer", f"counters() has no {error}")
        for leg in legs:
            if leg.lost > 0 or (leg.lost and not self.doubtful):
                self.find("account.lost", str(leg))

    # ---- what is found ----

    def find(self, rule: str, text: str) -> None:
        """A finding of the case's own; told again it is counted."""
        law = RULES[rule]
        clock = None if self._host is None else self._host.engine.now
        for at in range(self._begun, len(self.found)):
            if (self.found[at].rule, self.found[at].text) == (rule, text):
                self.found[at] = replace(self.found[at], count=self.found[at].count + 1)
                return
        self.found.append(Found(rule, text, law.section, law.sentence, clock=clock))

    def end(self, rule: str, text: str) -> None:
        """A finding after which nothing more can be asked."""
        self.find(rule, text)
        raise Ended

    # ---- time ----

    def run(self, nanoseconds: int) -> None:
        self.host.advance(self.host.now + nanoseconds)

    def until(self, what: Callable[[], bool], within: int) -> bool:
        end = self.host.now + within
        while not what():
            if self.host.now >= end:
                return False
            self.host.advance(min(end, self.host.now + STEP_NS))
        return True

    def settle(self, times: int = 1) -> None:
        """Until nothing is in flight, or so many times what is waited for that."""
        if "rest" not in self.card.knows:
            return self._settle_blind(times)
        end = self.host.now + times * REST_NS
        while self.host.now < end and not self.host.advance(end, Event.IDLE) & Event.IDLE:
            pass

    def _settle_blind(self, times: int) -> None:
        """Of a card that does not say when it is at rest: until nothing has come for a while."""
        before = None
        for _ in range(LOOKS * times):
            stats = self.host.engine.stats()
            seen = stats.wire_out, stats.wire_in - stats.wire_waiting, len(self.upper.frames)
            if seen == before:
                return
            before = seen
            self.run(BLIND_NS)


def _found(finding: Finding) -> Found:
    if isinstance(finding, DriverFinding):
        places = tuple(str(each) for each in finding.where.ranges)
        return Found(
            finding.rule, finding.text, finding.section, finding.sentence, places, finding.clock, finding.count
        )
    return Found(finding.rule, finding.text, clock=finding.clock, count=finding.count)
