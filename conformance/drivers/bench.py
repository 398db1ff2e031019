"""A case's card, driver and wire: opened, moved, and judged against what was sent.

What a case puts in is noted down with what must come of it: `sent` on the wire, `to_come` at the sink; `judge`
compares. At the end of a case, and before another card is opened, the driver is taken down, memory and account are
looked at, and what the checkers found is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from ringbed.conformance.drivers.card import KNOWN, Card, Maker
from ringbed.conformance.drivers.compare import differences
from ringbed.conformance.drivers.found import Ended, Found, NotApplicable
from ringbed.conformance.drivers.guard import Budget, Guarded
from ringbed.conformance.drivers.packets import numbered, padded
from ringbed.conformance.drivers.rules import RULES
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.seam.engine import Event, Finding
from ringbed.sim.testbed.assembly import account
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.testbed.offer import TxFrame, plain
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire

__all__ = ["METHODS", "MS", "US", "Bench", "NotADriver"]

US, MS = 1_000, 1_000_000  # ns
LINK_NS, REST_NS, RESTART_NS = 10 * MS, 5 * MS, 50 * MS
STEP_NS = 20 * US
BURST, FEW = 8, 3  # frames on the wire at once; and as many as the smallest ring has room for, with contexts
PLAIN = "ringbed.drivers.plain"
METHODS = ("up", "down", "transmit", "interrupt", "watchdog", "queues", "counters")  # what a testbed calls


class NotADriver(Exception):
    """What was made lacks methods that every driver has; one sentence."""


class Bench:
    """See the head of the file. `found` are the case's findings so far; `rng` is the case's own."""

    def __init__(self, card: Card, make: Maker, rng: Random, seed: int = 0, budget: Budget | None = None) -> None:
        self.card, self.rng, self.budget = card, rng, budget or Budget()
        self.found: list[Found] = []
        self.frames = self.clocks = 0
        self.sent: list[bytes] = []
        self.to_come: list[bytes] = []
        self.accounted = True  # off where frames of others than the case's went through the card
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
        if not self.until(lambda: self.upper.link_up, LINK_NS):
            self.end("link.untold", f"{LINK_NS // MS} ms after up() the sink was not told that the link is up")

    def finish(self) -> None:
        """Judge what is there, take the driver down, look at memory and account, and close the card."""
        host = self._host
        if host is None:
            return
        try:
            if not self.budget.spent:
                self.judge()
                self.down()
                if self.accounted:
                    self.look_at_account()
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
        self.sent, self.to_come = [], []
        host.engine.close()

    def down(self) -> None:
        if kept := self.host.take_down():
            self.find("down.kept", kept)

    def look_at_account(self) -> None:
        try:
            legs = account(self.host)
        except KeyError as error:
            self.end("call.answer", f"counters() has no {error}")
        for leg in legs:
            if leg.lost:
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

    # ---- what a driver claims ----

    def needs(self, *known: str) -> None:
        for each in known:
            if each not in self.card.knows:
                raise NotApplicable(f"of {self.card.name} nobody has written {KNOWN[each]}")

    def own(self, name: str) -> None:
        """The driver has a method of its own by this name."""
        method = getattr(type(self.driver), name, None)
        if method is None:
            raise NotApplicable(f"the driver has no {name}()")
        if getattr(method, "__module__", "") == PLAIN:
            raise NotApplicable(f"{name}() is PlainNic's, which does nothing")

    @property
    def ethtool(self) -> Any:
        if not hasattr(self.driver, "ethtool"):
            raise NotApplicable("the driver has no ethtool")
        return self.driver.ethtool

    def set(self, what: str, **wanted: Any) -> None:
        """A setting of ethtool's with these fields changed. Not applicable where it is refused."""
        before = getattr(self.ethtool, what)()
        asked = replace(before, **wanted)
        try:
            getattr(self.ethtool, f"set_{what}")(asked)
        except ValueError as error:
            if getattr(self.ethtool, what)() != before:
                self.find("set.ignored", f"set_{what}() refused {wanted} ({error}) and changed something")
            raise NotApplicable(f"{error}") from None

    # ---- moving ----

    def run(self, nanoseconds: int) -> None:
        self.host.advance(self.host.now + nanoseconds)

    def until(self, what: Callable[[], bool], within: int) -> bool:
        end = self.host.now + within
        while not what():
            if self.host.now >= end:
                return False
            self.host.advance(min(end, self.host.now + STEP_NS))
        return True

    def settle(self, within: int = REST_NS) -> None:
        """Until nothing is in flight, or so many ns."""
        end = self.host.now + within
        while self.host.now < end and not self.host.advance(end, Event.IDLE) & Event.IDLE:
            pass

    def offer(self, frames: Sequence[TxFrame]) -> int:
        """How many of them the driver took."""
        taken = self.driver.transmit(0, frames)
        if not isinstance(taken, int) or not 0 <= taken <= len(frames):
            self.end("call.answer", f"transmit() of {len(frames)} frames gave {taken!r}")
        return int(taken)

    def send(self, frames: Sequence[TxFrame], on_wire: Sequence[bytes], batch: int = BURST) -> None:
        """All of them, by turns; where fewer are taken than offered, from the driver's restart on."""
        self.sent += on_wire
        at = 0
        while at < len(frames):
            part, restarts = frames[at : at + batch], self.upper.restarts
            taken = self.offer(part)
            at += taken
            if taken == len(part):
                self.run(STEP_NS)
            elif not self.until(lambda before=restarts: self.upper.restarts > before, RESTART_NS):  # type: ignore[misc]
                self.end(
                    "tx.restart", f"of {len(part)} frames {taken} were taken, and within {RESTART_NS // MS} ms no "
                    "restart came"
                )  # fmt: skip

    def deliver(
        self, frames: Sequence[bytes], to_come: Sequence[bytes] | None = None, burst: int = BURST, error: bool = False
    ) -> None:
        """Frames without FCS, in bursts that the ring holds; `to_come` must come of them, all if not given."""
        self.to_come += [padded(each) for each in frames] if to_come is None else to_come
        self.settle()  # what was written last is posted: it is done before a frame comes
        for first in range(0, len(frames), burst):
            for frame in frames[first : first + burst]:
                self.host.engine.wire_in(to_wire(frame), self.host.engine.now, error)
            self.settle()

    def judge(self) -> None:
        """What left the card, and what came to the sink, against what was put in; both are forgotten then."""
        self.settle()
        self.judge_sent()
        self.judge_received()

    def judge_sent(self, changed: str = "frame.changed") -> None:
        left = [frame for _, frame in self.host.engine.wire_out()]
        if bad := sum(not fcs_good(frame) for frame in left):
            self.find("frame.changed", f"{bad} of {len(left)} frames left with a wrong FCS")
        expected, self.sent = self.sent, []
        for rule, text in differences(expected, [from_wire(frame) for frame in left], changed):
            self.find(rule, f"sent: {text}")

    def judge_received(self, changed: str = "frame.changed") -> list[Any]:
        """The frames, as they were handed on."""
        came = self.upper.take()
        expected, self.to_come = self.to_come, []
        for rule, text in differences(expected, [bytes(each.data) for each in came], changed):
            self.find(rule, f"received: {text}")
        return came

    def goes_round(self, rule: str = "reset.stuck", count: int = 12) -> None:
        """A few frames each way, of which all arrive; else the finding is of `rule`."""
        self.settle()
        self.host.engine.wire_out()
        self.upper.take()
        self.sent, self.to_come = [], []
        out = [numbered(self.rng.getrandbits(32), 60 + at, inward=False) for at in range(count)]
        back = [numbered(self.rng.getrandbits(32), 60 + at, inward=True) for at in range(count)]
        for first in range(0, count, FEW):  # as a small ring holds
            part = out[first : first + FEW]
            if (taken := self.offer([plain(each) for each in part])) < len(part):
                self.end(rule, f"of {len(part)} frames {taken} were taken, with nothing on the ring")
            self.settle()
        self.deliver(back, burst=FEW)
        self.settle()
        left = [from_wire(frame) for _, frame in self.host.engine.wire_out()]
        came = [bytes(each.data) for each in self.upper.take()]
        self.to_come = []
        for way, sent, got in (("sent", out, left), ("received", back, came)):
            if got != sent:
                self.end(
                    rule, f"{way}: of {count} frames {len(got)} came{'' if len(got) < count else ', not the same'}"
                )


def _found(finding: Finding) -> Found:
    if isinstance(finding, DriverFinding):
        places = tuple(str(each) for each in finding.where.ranges)
        return Found(
            finding.rule, finding.text, finding.section, finding.sentence, places, finding.clock, finding.count
        )
    return Found(finding.rule, finding.text, clock=finding.clock, count=finding.count)
