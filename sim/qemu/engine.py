"""The engine `qemu`: QEMU's own model of the card in place of our RTL, behind the same calls (`sim/seam/engine.py`).

What is different from an engine that runs RTL, beside what the model does (`sim/qemu/traits.py`):

* `now` is wall time since the machine started, counted in clocks of the card's frequency: it passes whether `run` is
  called or not, no two runs are alike (`deterministic_time` is False), and nothing is cheaper for being idle. With the
  option `leap` the machine's timers end at once, while `now` is wall time still.
* A posted write is on its way at once. What it causes is done when the next read or `run` returns.
* The wire stops: while the model is deaf or has no buffers, frames wait. `IDLE` then means that nothing has moved for
  longer than any timer that is known to be running.
* QEMU's wire is like a host's: no FCS, no least length. A frame that comes with a bad FCS, or with an error, is dropped
  here and counted; a frame that leaves is padded and given a good FCS, whatever the card was told about either.
* The pin `mac` is the address in the EEPROM, and may be set until the machine starts, at the first use of the card.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ringbed.drivers.world import PciIdentity
from ringbed.hw.formats import em
from ringbed.hw.formats.field import Access
from ringbed.hw.formats.window import Window
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.qemu.qtest import Qtest, find_qemu
from ringbed.sim.qemu.wire import QemuWire
from ringbed.sim.seam.axi_checker import Findings
from ringbed.sim.seam.bus_faults import BusEvent, BusFaults
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER, EngineClosed, EngineStats, Event, Finding
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec

__all__ = ["MODELS", "QemuEngine"]

MODELS = {"em": "e1000"}  # our card -> QEMU's model of the same device
MAC = 0x0200_0000_0001  # as the port map of our card has it
MEANINGLESS = (
    "read_latency", "write_latency", "link_bps", "manner", "backpressure", "reset_clocks", "reset_wait", "plusargs",
)  # fmt: skip
R = em.REGISTERS
AT = {register.at(index): register for register in R for index in range(register.count)}
QUIET_NS = 100_000  # nothing heard for so long: the model has done what it was asked
# How long after a write to a register its timer ends. RCTL: reception starts again; MDIC: autonegotiation is done.
RCTL_NS, NEGOTIATION_NS = 1_000_000_000, 500_000_000
SLACK_NS = 2_000_000  # QEMU's timers for these count in ms
NEGOTIATE = R["MDIC"].pack(DATA=0x1200, PHYADD=1, OP=1)  # a write to PHY register 0 with both bits of IEEE 802.3 22.2.4
MODERATION = tuple(R[name].offset for name in ("ITR", "RADV", "TADV"))
MODERATION_NS = 70_000_000  # the longest of them: 65535 units of 1.024 us
MITIGATION_NS = 128_000  # between two interrupts, as the model has it where nothing is asked for
NAP_NS = 1_000_000  # while a frame waits for the model to take it


class QemuEngine:
    """See the head of the file, and `sim/seam/engine.py` for the contract. Raises QemuMissing, QemuError, ValueError.

    `counters`: `bad_fcs` and `error`, frames that came in damaged, which QEMU's wire cannot carry.
    """

    kind = "qemu"
    deterministic_time = False
    faults = 0  # QEMU answers every access: nobody can count
    window: Window | None = None  # at those offsets QEMU's card has nothing

    def __init__(
        self, spec: NicSpec, memory: HostMemory | None = None, *, leap: bool = False, waves: str = "",
        progress: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        if spec.name not in MODELS:
            raise ValueError(f"QEMU has no model of the card {spec.name!r}; it has one of {', '.join(MODELS)}")
        if waves:
            raise ValueError("engine qemu records no waveform")
        self.settings = Settings.of(options, "leap")
        for name in MEANINGLESS:
            if getattr(self.settings, name) != getattr(Settings(), name):
                raise ValueError(f"engine qemu has no {name}: the card is QEMU's, whose buses and wire take no time")
        find_qemu()
        self._memory, self._model, self._leap, self._mac = memory, MODELS[spec.name], leap, MAC
        self._machine: Qtest | None = None
        self._regions = 0  # the version of host memory that the machine has
        self._closed = False
        self._begin = time.monotonic_ns()
        self._wire = QemuWire(self.frequency)
        self._edges, self._irq_since, self._irq_from, self._moderation = 0, 0, 0, dict[int, int]()
        self._busy_until = self._timer_until = 0  # ns of wall time; of the machine's clock, 0: no timer is known to run
        self._alarms = 0
        self._waited_ns = 0
        self.counters = self._wire.counters
        self._findings = Findings()

    @property
    def frequency(self) -> Frequency:
        return self.settings.frequency

    @property
    def now(self) -> int:
        return self.frequency.clocks(self._ns())

    @property
    def pci(self) -> PciIdentity:
        """As its configuration space says."""
        return self._live().pci

    def _ns(self) -> int:
        return time.monotonic_ns() - self._begin

    def _live(self) -> Qtest:
        """The machine, started by the first who needs it."""
        if self._closed:
            raise EngineClosed("qemu")
        version = self._memory.version if self._memory is not None else 0
        if self._machine is None:
            regions = self._memory.regions if self._memory is not None else ()
            self._machine, self._regions = (
                Qtest(self._model, self._mac.to_bytes(6, "big"), regions, leap=self._leap),
                version,
            )
        if version != self._regions:
            raise ValueError(
                "a region of memory was added or removed since QEMU started: it takes them at its start only"
            )
        return self._machine

    # Registers --------------------------------------------------------------------------------------------------

    def read(self, offset: int) -> int:
        return self._live().read(self._checked(offset))

    def write(self, offset: int, value: int) -> None:
        machine = self._live()
        machine.write(self._checked(offset), value & 0xFFFF_FFFF)
        if timer := _timer_ns(offset, value):
            self._timer_until = max(self._timer_until, machine.clock() + timer + SLACK_NS)
            machine.alarm(self._timer_until)
        if offset in MODERATION:
            self._moderation[offset] = value
        self._stay_busy()

    def peek(self, offset: int) -> int:
        """A read, as QEMU has no other look. ICR is shown by ICS, which has no side effects.

        Raises ValueError for every other register that a read clears: the statistics.
        """
        register = AT.get(self._checked(offset))
        if register is not None and register.name == "ICR":
            offset = R["ICS"].offset
        elif register is not None and register.access is Access.RC:
            raise ValueError(f"{register.name} on QEMU cannot be looked at without clearing it: read it instead")
        return self._live().read(offset)

    def _checked(self, offset: int) -> int:
        if offset & 3 or not 0 <= offset < em.BAR_SIZE:
            raise ValueError(f"{self._model} of QEMU has no 32-bit register at {offset:#x}")
        return offset

    # Time -------------------------------------------------------------------------------------------------------

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        machine = self._live()
        while True:
            machine.turn()
            self._move(machine)
            event = self._events(machine, until)
            if event & stop:
                return event
            if event & Event.TIME:
                return self._last_look(machine, until)
            begin = self._ns()
            machine.wait(max(0, self._next_look(until) - begin) / 1e9)
            self._waited_ns += self._ns() - begin

    def _last_look(self, machine: Qtest, until: int) -> Event:
        """Time is up, by the wall's clock, and this process or QEMU may have slept up to here. What the model had to do
        by then, its timers' work too, is done in two turns of its loop.
        """
        machine.turn()
        machine.turn()
        if self._leap:
            self._let_timers_end(machine)
        self._move(machine)
        return self._events(machine, until)

    def _let_timers_end(self, machine: Qtest) -> None:
        """With `leap` they are not the loop's work but another thread's, which may sleep for longer than we wait: an
        interrupt that the model holds back is up behind this. The alarm is that of `_timer_until` again at the end.
        """
        end = machine.clock() + (MODERATION_NS if self._moderated else MITIGATION_NS)
        seen = machine.alarms
        machine.alarm(end)
        while machine.alarms == seen or machine.clock() < end:
            machine.wait(NAP_NS / 1e9)
        if self._timer_until:
            machine.alarm(self._timer_until)

    def due(self) -> int:
        if self._events(self._live(), self.now) & (Event.IDLE | Event.IRQ) == Event.IDLE:
            return NEVER
        waiting = self._wire.waiting
        return max(self.now, self.frequency.clocks(waiting[0][0])) if waiting else self.now

    def skip(self, until: int) -> None:
        """Wall time cannot be skipped: this waits."""
        self.run(until, Event.NONE)

    def _events(self, machine: Qtest, until: int) -> Event:
        now = self._ns()
        if machine.edges != self._edges:
            self._edges, self._irq_since = machine.edges, now
            self._stay_busy()
        held = now >= self._irq_seen()
        event = Event.IRQ if machine.irq and held else Event.NONE
        if self._wire.out:
            event |= Event.WIRE
        waiting = self._wire.waiting
        due_later = bool(waiting) and waiting[-1][0] > now
        coming = self._timer_runs(machine) or due_later or (machine.irq and not held)
        if not coming and now >= self._busy_until:
            event |= Event.IDLE
        return event | (Event.TIME if self.frequency.clocks(now) >= until else Event.NONE)

    def _next_look(self, until: int) -> int:
        """ns of the next moment at which something may be different without a word from QEMU."""
        now, waiting = self._ns(), self._wire.waiting
        looks = [self.frequency.ns(until), self._irq_seen()]
        looks += [self._busy_until, waiting[0][0] if waiting and waiting[0][0] > now else now + NAP_NS]
        # a look that has passed says nothing; `until` passes last, and ends the loop
        return min((look for look in looks if look > now), default=now + QUIET_NS)

    def _stay_busy(self) -> None:
        """Something may still come of what has just been done."""
        quiet = MODERATION_NS if self._moderated else QUIET_NS
        self._busy_until = max(self._busy_until, self._ns() + quiet)

    @property
    def _moderated(self) -> bool:
        return any(self._moderation.values())

    def _timer_runs(self, machine: Qtest) -> bool:
        """Whether a timer of the model's is known to run; what its end set going is something to wait for."""
        if self._timer_until and machine.alarms != self._alarms:
            self._alarms = machine.alarms
            if machine.clock() >= self._timer_until:
                self._timer_until = 0
                self._stay_busy()
        return self._timer_until > 0

    # The wire ---------------------------------------------------------------------------------------------------

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self._wire.put(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        if self._machine is not None and not self._closed:
            self._machine.turn()
            self._drain(self._machine)
        return self._wire.take()

    def _move(self, machine: Qtest) -> None:
        if self._wire.feed(machine, self._ns):
            self._stay_busy()
        self._drain(machine)

    def _drain(self, machine: Qtest) -> None:
        if self._wire.drain(machine, self._ns):
            self._stay_busy()

    # Pins, findings, figures ------------------------------------------------------------------------------------

    def set_pin(self, name: str, value: int) -> None:
        self.get_pin(name)
        if self._machine is not None or not 0 <= value < 1 << 48:
            raise ValueError(f"pin mac of qemu cannot be set to {value:#x}: six bytes, before the machine starts")
        self._mac = value

    def get_pin(self, name: str) -> int:
        if name != "mac":
            raise KeyError(f"qemu has no pin {name!r}; it has mac")
        return self._mac

    def hold_irq(self, until: int) -> None:
        self._irq_from = self.frequency.ns(until)

    def _irq_seen(self) -> int:
        """With the line up: when the host knows, ns."""
        return max(self._irq_since + self.frequency.ns(self.settings.irq_hold), self._irq_from)

    def set_bus_faults(self, faults: BusFaults) -> None:
        raise ValueError("engine qemu has no memory bus to put faults on")

    def bus_fault_log(self) -> list[BusEvent]:
        return []

    def findings(self) -> list[Finding]:
        """What the testbed saw: no checker sits on QEMU's bus."""
        return self._findings.take()

    def report(self, rule: str, text: str) -> None:
        self._findings.keep(Finding(self.now, rule, text))

    def stats(self) -> EngineStats:
        """`skipped` is what was spent waiting for QEMU to say something."""
        total, skipped = self.now, self.frequency.clocks(self._waited_ns)
        return EngineStats(
            total - skipped, skipped, self._ns() - self._waited_ns, self._waited_ns, dropped=dict(self.counters),
            wire_in=self._wire.came, wire_waiting=len(self._wire.waiting), wire_out=self._wire.left,
        )  # fmt: skip

    def trace(self, path: Path | str | None) -> None:
        if path is not None:
            raise ValueError("engine qemu records no waveform")

    def close(self) -> None:
        self._closed = True
        if self._machine is not None:
            self._machine.close()


def _timer_ns(offset: int, value: int) -> int:
    """How long the timer runs that a write starts; 0: it starts none."""
    if offset == R["RCTL"].offset:
        return RCTL_NS
    return NEGOTIATION_NS if offset == R["MDIC"].offset and value & NEGOTIATE == NEGOTIATE else 0
