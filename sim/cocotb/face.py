"""An engine over a cocotb core that is somewhere else: in another thread of this process, or in another process.

What needs no answer (register writes, frames, pins) is posted: kept here and sent along with the next call. Every call
comes back with a `Box` of all that can be known without asking, so that looking at the time, at what is due, at frames
and findings costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ringbed.hw.formats.number import several
from ringbed.sim.seam.axi_checker import Findings
from ringbed.sim.seam.bus_faults import BusEvent, BusFaults
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER, BusFault, CardEnded, EngineClosed, EngineStats, Event, Finding
from ringbed.sim.seam.portmap import Pin, PortMap
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.seam.words import no_answer, no_register
from ringbed.sim.wire.edge import WireEdge

__all__ = ["ANSWER", "FAULT", "Box", "Call", "CocotbFace"]

FAULT, ANSWER = 32, 64  # beside Event's bits


@dataclass(frozen=True, slots=True)
class Call:
    """Of a core: `posted` first, in order, then `name` with `arguments`."""

    name: str
    arguments: tuple[Any, ...] = ()
    posted: tuple[tuple[str, tuple[Any, ...]], ...] = ()


@dataclass(slots=True)
class Box:
    """A core as of the end of a call."""

    now: int = 0
    due: int = NEVER
    faults: int = 0
    frames: list[tuple[int, bytes]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lost: int = 0  # findings that were not kept
    bus_log: list[BusEvent] = field(default_factory=list)
    stats: EngineStats = field(default_factory=EngineStats)


class CocotbFace:
    """See `sim/seam/engine.py` for the contract. A subclass says how a call gets to the core: `_send`."""

    deterministic_time = True
    kind = "cocotb"

    def __init__(self, spec: NicSpec, portmap: PortMap, settings: Settings) -> None:
        self.settings, self._name, self._map, self._words = settings, spec.name, portmap, spec.words
        self.window = spec.portmap.window
        self._pins = {pin.name: pin for pin in portmap.pins}
        self._posted: list[tuple[str, tuple[Any, ...]]] = []
        self._arrivals: list[int] = []  # of frames among what is posted
        self._box = Box()
        self._frames: list[tuple[int, bytes]] = []
        self._findings = Findings()
        self._bus_log: list[BusEvent] = []
        self._skip = 0  # where time is, when nothing happened since the core was told
        self._closed = False
        self._ending: tuple[int, str] | None = None  # the clock at which the card ended, and how
        self.edge = WireEdge(portmap)

    def _send(self, call: Call) -> tuple[Any, Box]:
        """The core's answer and its box. Raises what the core raised."""
        raise NotImplementedError

    def _call(self, name: str, *arguments: Any) -> Any:
        self._live()
        self._catch_up()
        call = Call(name, arguments, tuple(self._posted))
        self._posted, self._arrivals = [], []
        answer, box = self._send(call)
        self.take(box)
        return answer

    def take(self, box: Box) -> None:
        """What the core knows now."""
        self._box = box
        self._frames += box.frames
        self._findings.now = box.now
        for finding in box.findings:
            self._findings.keep(finding)
        self._findings.lost += box.lost
        self._bus_log += box.bus_log

    def _post(self, name: str, *arguments: Any) -> None:
        self._live()
        self._catch_up()
        self._posted.append((name, arguments))

    def _catch_up(self) -> None:
        if self._skip > self._box.now:
            until, self._skip = self._skip, 0
            self._box.now = until
            self._posted.append(("skip", (until,)))

    def _live(self) -> None:
        if self._closed:
            raise EngineClosed(self._name)
        if self._ending is not None:
            raise CardEnded(self._name, *self._ending)

    @property
    def now(self) -> int:
        return max(self._box.now, self._skip)

    @property
    def frequency(self) -> Frequency:
        return self.settings.frequency

    @property
    def portmap(self) -> PortMap:
        return self._map

    @property
    def faults(self) -> int:
        """Device accesses that were answered with an error."""
        return self._box.faults

    # Registers --------------------------------------------------------------------------------------------------

    def write(self, offset: int, value: int) -> None:
        self._post("write", self._offset(offset), value & 0xFFFF_FFFF)

    def read(self, offset: int) -> int:
        event, value = self._call("read", self._offset(offset))
        if event & FAULT:
            self._raise_fault()
        if not event & ANSWER:
            raise TimeoutError(no_answer(self._words, offset, self.settings.answer_limit, value))
        return int(value)

    def peek(self, offset: int) -> int:
        if self._map.peek is None:
            raise ValueError(f"the port map of {self._name} has no peek")
        return int(self._call("peek", self._offset(offset)))

    def _offset(self, offset: int) -> int:
        part = self._map.registers
        if part is None or not 0 <= offset < 1 << part.addr_width or offset & 3:
            raise ValueError(no_register(self._name, part, offset))
        return offset

    # Time -------------------------------------------------------------------------------------------------------

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        until = max(until, self._skip)
        event = int(self._call("run", self.now if self._kept() & stop else until, int(stop)))
        if event & FAULT:
            self._raise_fault()
        late = Event.TIME if self.now >= until else Event.NONE
        return Event(event & 31 & ~Event.TIME) | late | self._kept()

    def _kept(self) -> Event:
        """What the core handed over and nobody has taken yet."""
        frames = Event.WIRE if self._frames else Event.NONE
        return frames | (Event.FINDING if self._findings.kept else Event.NONE)

    def due(self) -> int:
        self._live()
        if len(self._posted) > len(self._arrivals):
            return self.now
        return max(self.now, min([self._box.due, *self._arrivals]))

    def skip(self, until: int) -> None:
        self._live()
        self._skip = max(until, self._skip)  # told when somebody looks: a pump skips often

    def _raise_fault(self) -> None:
        raise BusFault.of(self._findings.fresh())

    # The wire ---------------------------------------------------------------------------------------------------

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        if not frame or self._map.rx is None:
            raise ValueError(f"{self._name} cannot receive a frame of {len(frame)} bytes")
        if (shown := self.edge.into(bytes(frame), at, error)) is None:
            return
        self._post("wire_in", shown, at, error)
        self._arrivals.append(at)

    def wire_out(self) -> list[tuple[int, bytes]]:
        frames, self._frames = self._frames, []
        return self.edge.out(frames)

    # Pins, faults, findings, figures ----------------------------------------------------------------------------

    def set_pin(self, name: str, value: int) -> None:
        pin = self._pin(name)
        if pin.dir != "in" or not 0 <= value < 1 << pin.width:
            raise ValueError(f"pin {name} ({pin.dir}, {several(pin.width, 'bit')}) cannot be set to {value:#x}")
        self._post("set_pin", name, value)

    def get_pin(self, name: str) -> int:
        return int(self._call("get_pin", self._pin(name).name))

    def _pin(self, name: str) -> Pin:
        self._live()
        if name not in self._pins:
            raise KeyError(f"{self._name} has no pin {name!r}; it has {', '.join(self._pins) or 'none'}")
        return self._pins[name]

    def hold_irq(self, until: int) -> None:
        self._post("hold_irq", until)

    def set_bus_faults(self, faults: BusFaults) -> None:
        if self._map.dma is None:
            raise ValueError(f"{self._name} has no memory bus that could have faults")
        self._post("bus_faults", faults)

    def bus_fault_log(self) -> list[BusEvent]:
        log, self._bus_log = self._bus_log, []
        return log

    def findings(self) -> list[Finding]:
        return self._words.findings(self._findings.take())

    def report(self, rule: str, text: str) -> None:
        self._findings.keep(Finding(self.now, rule, text))

    def stats(self) -> EngineStats:
        """Model and harness cannot be told apart here: all of it is `harness_ns`."""
        edge = self.edge
        waiting, left = len(self._arrivals) + self._box.stats.wire_waiting, edge.left + len(self._frames)
        came, dropped = edge.came, dict(edge.counters)
        return replace(self._box.stats, dropped=dropped, wire_in=came, wire_waiting=waiting, wire_out=left)

    def trace(self, path: Path | str | None) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._closed = True
