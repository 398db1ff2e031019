"""Faults put into a simulation, and the record of those that happened.

    faults = Faults(load_plan("faults.toml"))     # or a record: the same faults again
    host = open_host(...)
    faults.attach(host)                           # its bus and its interrupts, from now on
    cable = faults.link(Cable(faults.end(host), other))
    ...
    faults.save("out/faults.jsonl")

What may happen is docs/faults.md's; how a link, a bus and a host are hurt is in sim/wire/link_faults.py,
sim/faults/bus.py and sim/faults/host.py. Everything is counted from when it was attached, so a replay attaches at the
same moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ringbed.sim.faults.bus import bad_beat, jitter
from ringbed.sim.faults.draw import chance, key_of
from ringbed.sim.faults.host import HostFaults
from ringbed.sim.faults.plan import FaultPlan, FaultRecord, FaultRule, Value, record_text
from ringbed.sim.seam.bus_faults import Access, BusEvent, BusFaults, BusFixed, BusKind, BusRule
from ringbed.sim.testbed.accounting import Leg, link_legs
from ringbed.sim.testbed.host import Host
from ringbed.sim.wire.frame import WireEnd
from ringbed.sim.wire.link_faults import FaultyEnd, FaultyLink, Link

__all__ = ["Faults", "bus_faults"]

ERRORS = ("slverr", "decerr")


class Faults:
    """One plan at work on any number of hosts and links."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._records: list[FaultRecord] = []
        self._hosts: list[tuple[Host[Any], str]] = []
        self._ends: list[tuple[Host[Any], FaultyEnd]] = []

    def attach(self, host: Host[Any], name: str = "") -> None:
        """Bus and interrupts of `host`, counted from now; `name` is what the plan calls it, when not by its own name.

        Raises ValueError when its engine cannot have bus faults, or another host has this name: a record of both could
        not tell them apart.
        """
        name = name or host.name
        if name in (known for _, known in self._hosts):
            raise ValueError(f"two hosts of one fault plan are called {name!r}: give each a name of its own")
        found = bus_faults(self.plan, name)
        if found.rules or found.fixed:
            host.engine.set_bus_faults(found)
            host.watch.expects_stops = True
        self._hosts.append((host, name))
        host.faults = HostFaults(self.plan, name, self._records.append)

    def end(self, host: Host[Any], inner: WireEnd | None = None, name: str = "") -> FaultyEnd:
        """The end of this host's link with its faults in it, around `inner` or else the card's own; `name` as above.

        Raises ValueError when another end has this name.
        """
        engine, name = host.engine, name or host.name
        if name in (end.name for _, end in self._ends):
            raise ValueError(f"two ends of one fault plan are called {name!r}: give each a name of its own")
        end = FaultyEnd(inner or engine, self.plan, name, lambda: engine.now, host.frequency, self._records.append)
        self._ends.append((host, end))
        return end

    def link(self, link: Link) -> FaultyLink:
        """`link` for a Pump, which must know that frames are held back at the ends made here."""
        return FaultyLink(link, *(end for _, end in self._ends))

    def stop(self) -> None:
        """No more faults from now on; what is held back comes with the next move. Called while the engines are open."""
        self.collect()
        for host, name in self._hosts:
            host.faults = None
            if self.plan.rules_of("bus", name) or self.plan.records_of("bus", name):
                host.engine.set_bus_faults(BusFaults())  # a queue that stopped before still stands
        for _, end in self._ends:
            end.rx.stop()
            end.tx.stop()

    def records(self) -> list[FaultRecord]:
        """What happened so far, in the order of simulated time and then of places: hosts may run in threads."""
        self.collect()
        return sorted(self._records, key=lambda record: (record.at_ns, record.where, record.part))

    def counts(self) -> dict[str, int]:
        """How often each kind happened, such as `link drop`."""
        return dict(sorted(Counter(f"{record.part} {record.kind}" for record in self.records()).items()))

    def save(self, path: Path | str) -> None:
        """Write what happened as a file that plays it back."""
        Path(path).write_text(record_text(self.records()), encoding="utf-8")

    def legs(self) -> list[Leg]:
        """The account of each link end, both ways: what the link swallowed and what it doubled."""
        return [leg for host, end in self._ends for leg in link_legs(host, end)]

    def collect(self) -> None:
        """Take what the buses' engines have kept for the record; whoever closes them calls this first."""
        for host, name in self._hosts:
            self._records += (_recorded(event, host, name) for event in host.engine.bus_fault_log())


def _recorded(event: BusEvent, host: Host[Any], name: str) -> FaultRecord:
    kind, access = event.kind.name.lower(), event.access.name.lower()
    values: dict[str, Value] = {"beat": event.beat} if kind in ERRORS else {"clocks": event.clocks}
    note: dict[str, Value] = {"address": f"{event.address:#x}"}
    at_ns = host.frequency.ns(event.clock)
    return FaultRecord("bus", kind, name, event.ordinal, access, values, at_ns, event.clock, note)


def bus_faults(plan: FaultPlan, host: str) -> BusFaults:
    """What a plan means for the bus of this host."""
    rules, fixed = [], []
    for rule in plan.rules_of("bus", host):
        accesses = tuple(Access[name.upper()] for name in rule.accesses)
        kind, key, clocks = BusKind[rule.kind.upper()], key_of(plan.seed, rule.number, host), _clocks(rule.values)
        if rule.at:
            fixed += _at(rule, kind, key, accesses)
        else:
            rules.append(BusRule(kind, key, chance(rule.rate), accesses, clocks, rule.span))
    for record in plan.records_of("bus", host):
        beat = record.values.get("beat", 0)
        assert isinstance(beat, int)
        kind, access = BusKind[record.kind.upper()], Access[record.access.upper()]
        fixed.append(BusFixed(kind, access, record.ordinal, _clocks(record.values), beat))
    return BusFaults(tuple(rules), tuple(fixed))


def _at(rule: FaultRule, kind: BusKind, key: int, accesses: Iterable[Access]) -> list[BusFixed]:
    """A rule for chosen ordinals, with what it would have drawn for them."""
    found = []
    for access in accesses:
        for number in rule.at:
            clocks = _clocks(rule.values)
            clocks = jitter(key, number, access, clocks) if kind is BusKind.JITTER else clocks
            found.append(BusFixed(kind, access, number, clocks, bad_beat(key, number, access), rule.span))
    return found


def _clocks(values: Any) -> int:
    clocks = values.get("clocks", 0)
    assert isinstance(clocks, int)
    return clocks
