"""What a case does with its card: frames offered and put on the wire, and all that comes judged against them.

What a case puts in is noted down with what must come of it: `sent` on the wire, `to_come` at the sink; `judge`
compares, and is called at the end of a card too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ringbed.conformance.drivers.card import KNOWN
from ringbed.conformance.drivers.compare import differences
from ringbed.conformance.drivers.found import NotApplicable
from ringbed.conformance.drivers.packets import numbered, padded
from ringbed.conformance.drivers.stage import MS, STEP_NS, US, Stage
from ringbed.sim.testbed.offer import TxFrame, plain
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire

__all__ = ["MS", "US", "Bench"]

RESTART_NS = 50 * MS
BURST, FEW = 8, 3  # frames on the wire at once; and as many as the smallest ring has room for, with contexts
PLAIN = "ringbed.drivers.plain"


class Bench(Stage):
    """See the head of the file."""

    def __init__(self, *stage: Any) -> None:
        super().__init__(*stage)
        self.sent: list[bytes] = []
        self.to_come: list[bytes] = []

    def look(self) -> None:
        self.judge()
        super().look()

    def close(self) -> None:
        super().close()
        self.sent, self.to_come = [], []

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

    # ---- frames ----

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
            elif not self._restarted(restarts):
                self.end(
                    "tx.restart", f"of {len(part)} frames {taken} were taken, and within {RESTART_NS // MS} ms no "
                    "restart came"
                )  # fmt: skip

    def _restarted(self, before: int) -> bool:
        """Whether the sink is told in time that there is room again, after so many times that it was."""
        return self.until(lambda: self.upper.restarts > before, RESTART_NS)

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
