"""A plan of faults at work on a guest's card: on its link and its bus. The host is the guest's, and is left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ringbed.sim.faults.plan import FaultPlan, FaultRecord
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Engine
from ringbed.sim.serve.served import WireMaker
from ringbed.sim.serve.wires import Wire
from ringbed.sim.testbed.faults import bus_faults
from ringbed.sim.wire.frame import WireEnd
from ringbed.sim.wire.link_faults import FaultyEnd

__all__ = ["NAME", "FaultyWire", "GuestFaults"]

NAME = "em0"  # what plans call the first card


class FaultyWire:
    """`wire`, which was made for `end`: that is told the time, and what it holds back is a reason to come round."""

    def __init__(self, end: FaultyEnd, wire: Wire) -> None:
        self._end, self._wire = end, wire

    def move(self, now: int) -> int:
        self._end.advance(self._end.frequency.clocks(now))
        return self._wire.move(now)

    def files(self) -> Sequence[int]:
        return self._wire.files()

    def deadline(self) -> int | None:
        dues = [self._end.frequency.ns(way.release) for way in (self._end.rx, self._end.tx) if way.held]
        own = self._wire.deadline()
        return min(dues if own is None else [*dues, own], default=None)


class GuestFaults:
    """What happened is counted from the start of the card, and the same plan hurts the same frames and bursts."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._records: list[FaultRecord] = []

    def wire(self, make_wire: WireMaker) -> WireMaker:
        def made(end: WireEnd, frequency: Frequency) -> Wire:
            faulty = FaultyEnd(end, self._plan, NAME, lambda: 0, frequency, self._records.append)
            return FaultyWire(faulty, make_wire(faulty, frequency))

        return made

    def attach(self, engine: Engine) -> None:
        engine.set_bus_faults(bus_faults(self._plan, NAME))

    def counts(self, engine: Engine) -> dict[str, int]:
        """How often each kind happened, such as `link drop`; before the engine is closed, once."""
        bus = (f"bus {event.kind.name.lower()}" for event in engine.bus_fault_log())
        return dict(sorted(Counter([*(f"{each.part} {each.kind}" for each in self._records), *bus]).items()))
