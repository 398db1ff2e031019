"""What the lab's table is made of: actions on a card with its driver, what is seen of them, and a row for each bug.

An action is a function of a `LabBench` and gives what the driver or the wire saw, as plain data. A row says what its
trigger shows with the bug off and on; its misses, which go before it, show the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringbed.drivers.em.driver import Em
from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.world import RxFrame, TxFrame
from ringbed.hw.formats import em
from ringbed.sim.cards import em_lab
from ringbed.sim.errata import switch_errata
from ringbed.sim.memory.host import ARENA_BASE
from ringbed.sim.seam.engine import Event
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.wire.frame import to_wire

__all__ = ["Action", "LabBench", "Row", "both_ways", "verdicts"]

SETTLE_NS = 60_000
FCS = 4


class LabBench:
    """The lab's card, some bugs on, its driver up. `early`: they are on before the driver attaches."""

    def __init__(self, asked: Mapping[str, Mapping[str, int]], early: bool, options: Mapping[str, Any]) -> None:
        self.host: Host[Collector] = open_host(
            "em0", Collector(), **({"errata": asked} if early and asked else {"spec": em_lab()}),
            driver_options=dict(options),
        )  # fmt: skip
        self.host.up()
        self.settle()
        if asked and not early:
            switch_errata(self.host.engine, asked)
        self.settle()

    def settle(self, ns: int = SETTLE_NS) -> None:
        self.host.advance(self.host.now + ns)

    def receive(self, *wires: bytes, error: bool = False, gap: int = 0, settle: int = SETTLE_NS) -> list[RxFrame]:
        """Frames without FCS put on the wire, `gap` clocks apart (0: back to back); what the driver handed up."""
        self.host.upper.take()
        at = self.host.engine.now
        for number, frame in enumerate(wires):
            self.host.engine.wire_in(to_wire(frame), at + number * gap, error)
        self.settle(settle)
        return self.host.upper.take()

    def send(self, *frames: TxFrame, one_by_one: bool = False, settle: int = SETTLE_NS) -> list[bytes]:
        """The frames that left the card, whole, FCS included."""
        batches = [[frame] for frame in frames] if one_by_one else [list(frames)]
        for batch in batches:
            assert self.host.driver.transmit(0, batch) == len(batch)
        self.settle(settle)
        return self.out()

    def out(self) -> list[bytes]:
        return [frame for _, frame in self.host.engine.wire_out()]

    @property
    def hardware(self) -> EmHardware:
        """The driver's way to EEPROM and PHY."""
        driver = self.host.driver
        assert isinstance(driver, Em)
        return driver.hardware

    def counter(self, name: str) -> int:
        return int(self.host.driver.counters()[name])

    def register(self, name: str) -> int:
        return int(self.host.engine.peek(em.REGISTERS[name].offset))

    def memory(self, iova: int, length: int) -> bytes:
        """The host's, whoever has it."""
        at = iova - ARENA_BASE
        return bytes(self.host.memory._data[at : at + length])

    def run(self, clocks: int) -> None:
        """The card alone: the host does nothing meanwhile."""
        self.host.engine.run(self.host.engine.now + clocks, Event.NONE)

    def close(self) -> None:
        self.host.engine.close()


Action = Callable[[LabBench], Any]


@dataclass(frozen=True)
class Row:
    """One bug, its `trigger`, what that shows with the bug off (`right`) and on (`wrong`), and actions that miss it.

    `set` are its conditions where they are not the defaults, `options` the driver's. `findings`: the checkers of bus
    and memory see it too.
    """

    id: str
    trigger: Action
    right: Any
    wrong: Any
    misses: tuple[Action, ...]
    set: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    early: bool = False
    findings: str = ""
    name: str = ""

    @property
    def title(self) -> str:
        return f"{self.id}-{self.name}" if self.name else self.id


def both_ways(row: Row) -> None:
    """The misses and then the trigger, with the bug off, and with it on."""
    seen = {}
    for on in (False, True):
        bench = LabBench({row.id: row.set} if on else {}, row.early, row.options)
        try:
            missed = [miss(bench) for miss in row.misses]
            found = [str(each.rule) for each in bench.host.findings()]
            seen[on] = missed, found, row.trigger(bench), {str(each.rule) for each in bench.host.findings()}
        finally:
            bench.close()
    _same(seen[True][0], seen[False][0], "a near miss is touched by the bug")
    assert all(seen[False][0]), f"a near miss shows nothing: {seen[False][0]}"
    _same(seen[False][1] + seen[True][1], [], "a near miss has findings")
    _same(seen[False][2], row.right, "the trigger with the bug off")
    _same(seen[True][2], row.wrong, "the trigger with the bug on")
    _same(seen[False][3], set(), "findings with the bug off")
    _same(seen[True][3], {row.findings} if row.findings else set(), "findings with the bug on")


def _same(seen: Any, meant: Any, what: str) -> None:
    assert seen == meant, f"{what}: {seen!r}, not {meant!r}"


def verdicts(frames: list[RxFrame]) -> list[str]:
    """Of each frame: IPv4 header and TCP or UDP, in words."""
    return [f"{frame.verdict.l3}, {frame.verdict.l4}" for frame in frames]
