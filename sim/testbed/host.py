"""One card with its driver, and what sits on top: advanced through simulated time, interrupts and watchdog served.

The order within a host: what is above works to empty, the card's clock runs, an interrupt is taken, and again. The
pump says how far, and moves frames between hosts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from ringbed.drivers.world import Device, Dma, FrameSink, Nic, PciIdentity, RxFrame
from ringbed.hw.formats.number import several
from ringbed.sim.checker.checker import Checker
from ringbed.sim.checker.wanted import Check, Watching, World
from ringbed.sim.faults.host import HostFaults
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.device import DeviceOverEngine
from ringbed.sim.seam.engine import NEVER, Engine, Event, Finding
from ringbed.sim.testbed.arrivals import Arrivals
from ringbed.sim.testbed.watch import Watch

__all__ = ["WATCHDOG_NS", "Collector", "DriverMaker", "Host", "Upper"]

WATCHDOG_NS = 1_000_000_000

DriverMaker = Callable[[Device, Dma, FrameSink], Nic]


class Upper(FrameSink, Protocol):
    """What sits on a driver."""

    def attach(self, driver: Nic, pci: PciIdentity) -> None:
        """The driver found its card; it is not up yet."""
        ...

    def work(self, now: int) -> None:
        """Simulated time is `now` ns: act on timers and run everything to empty."""
        ...

    def skip(self, now: int) -> None:
        """Simulated time is `now` ns and nothing was due meanwhile; somebody may look, or put something in."""
        ...

    def deadline(self) -> int | None:
        """When it wants to be called again, ns; None: not by itself."""
        ...


class Collector:
    """The upper side of a bare host: keeps what it is given, sends nothing."""

    def __init__(self) -> None:
        self.frames: list[RxFrame] = []
        self.restarts = 0
        self.link_up = False

    def attach(self, driver: Nic, pci: PciIdentity) -> None:
        pass

    def input(self, queue: int, frames: list[RxFrame]) -> None:
        self.frames += frames

    def restart(self, queue: int) -> None:
        self.restarts += 1

    def link(self, up: bool) -> None:
        self.link_up = up

    def work(self, now: int) -> None:
        pass

    def skip(self, now: int) -> None:
        pass

    def deadline(self) -> int | None:
        return None

    def take(self) -> list[RxFrame]:
        """Everything received since the last call."""
        taken, self.frames = self.frames, []
        return taken


U = TypeVar("U", bound=Upper)


class Host(Generic[U]):
    """The driver attaches at construction, which takes simulated time, and raises AttachError when it cannot.

    With `check` the driver is held to its card's rules: see `findings`.
    """

    def __init__(
        self, name: str, engine: Engine, memory: HostMemory, pci: PciIdentity, make_driver: DriverMaker, upper: U,
        frequency: Frequency | None = None, check: Check | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.engine = engine
        self.memory = memory
        memory.clocked_by(engine)
        self.frequency = frequency or Frequency()
        self.upper = upper
        self.device = DeviceOverEngine(engine, pci, self.frequency)
        self._watching: Watching | None = None
        world: World = (self.device, memory, upper)
        if check is not None:
            self._watching, world = check.between(engine, memory, self.frequency, self.device, upper)
        self.checker = self._watching if isinstance(self._watching, Checker) else None
        self.driver = make_driver(*world)
        if self._watching is not None:
            self._watching.attached(self.driver)
        self.interrupts = 0
        self.faults: HostFaults | None = None  # what befalls its interrupts
        self.watch = Watch(engine)
        self.arrivals = Arrivals(engine, self.driver)
        self._watchdog_at = self.now + WATCHDOG_NS
        upper.attach(self.driver, pci)

    def findings(self) -> list[Finding]:
        """Take what the engine's checkers saw the card do, and the checker, if there is one, the driver; by clock."""
        found = [*([] if self._watching is None else self._watching.take()), *self.engine.findings()]
        return sorted(found, key=lambda finding: finding.clock)

    @property
    def now(self) -> int:
        """Simulated time of this card in ns: its clocks, nothing else."""
        return self.frequency.ns(self.engine.now)

    def up(self) -> None:
        """Bring the driver up and let the upper side react."""
        self.driver.up()
        self.upper.work(self.now)

    def down(self) -> None:
        """Take the driver down; raises RuntimeError when it keeps memory that the device was given."""
        if kept := self.take_down():
            raise RuntimeError(kept)

    def take_down(self) -> str:
        """As `down`, and a sentence for memory that the driver keeps, or ""."""
        self.watch.look_at_queues()
        if self._watching is None:
            self.driver.down()
        else:
            self._watching.down(self.driver, self.at_rest and self.faults is None)
        self.upper.work(self.now)
        leaks = self.memory.leaks()
        kept = several(len(leaks), "mapping")
        return f"{self.name}: the driver is down and keeps {kept}, first {leaks[0]}" if leaks else ""

    def deadline(self) -> int:
        """When something of this host's own making is due next, ns."""
        wanted = self.upper.deadline()
        return self._watchdog_at if wanted is None else min(wanted, self._watchdog_at)

    def due(self) -> int:
        """The time in ns before which nothing happens in this host if nothing is put in; `now` while it is at work."""
        clock = self.engine.due()
        wanted = self.deadline()
        return wanted if clock == NEVER else min(wanted, self.frequency.ns(clock))

    @property
    def at_rest(self) -> bool:
        """Nothing is in flight, nothing will come: only timers are left."""
        return self.engine.due() == NEVER

    def skip(self, until: int) -> None:
        """Let time pass to `until` ns, not beyond `due()`: nothing happens meanwhile."""
        if until > self.now:
            if self._watching is not None:
                self._watching.leave()
            self.engine.skip(self.frequency.clocks(until))
            if self._watching is not None:
                self._watching.ran()
        self.upper.skip(until)

    def advance(self, until: int, stop: Event = Event.NONE) -> Event:
        """Run to `until` ns, or to an event of `stop`. IRQ: interrupts were taken; IDLE: at rest when it ended.

        IDLE in `stop` ends it early at rest, as `Engine.run` does and on no more cards: see there.
        """
        engine, watching, end = self.engine, self._watching, self.frequency.clocks(until)
        seen = Event.NONE
        while True:
            self.upper.work(self.now)
            if watching is not None:
                watching.leave()
            event = engine.run(self._next_stop(end), Event.IRQ | stop)
            if watching is not None:
                watching.ran()
            seen |= event & Event.IRQ
            answered = bool(event & Event.IRQ) and not self._interrupt()
            if self.now >= self._watchdog_at:  # an answer may have taken time beyond it
                self._watchdog_at = self.now + WATCHDOG_NS
                self.watch.look_at_queues()  # the driver may be about to reset the card
                self.driver.watchdog(self.now)
                event &= stop  # it may have begun something
            if answered:
                continue
            if event & stop or engine.now >= end:
                self.watch.look(self.now)
                if engine.window is None:
                    self.arrivals.look(self.now)
                return seen | event & (stop | Event.IDLE)

    def _interrupt(self) -> bool:
        """The line is up: call the driver, unless a fault has it that nobody looks yet. Whether it was a storm."""
        now = self.now
        if self.faults is not None:
            if (until := self.faults.unheard_until(now, self.engine.now, self._watchdog_at)) > now:
                self.engine.hold_irq(self.frequency.clocks(until))
                return False
            self.device.lag = self.faults.lag
        self.interrupts += 1
        self.upper.work(now)  # so that what comes up now is stamped with the time it came
        clock = self.engine.now
        if self._watching is None:
            self.driver.interrupt(0)
        else:
            self._watching.interrupt(self.driver, self.device)
        self.device.lag = 0
        if self.engine.window is None:
            self.arrivals.look(self.now)
        if storm := self.watch.storms(clock):
            self.engine.hold_irq(self.frequency.clocks(self.now + WATCHDOG_NS))
        return storm

    def _next_stop(self, end: int) -> int:
        """The clock `end`, or the one of a timer before it. The upper side's that is late already does not hold time
        up, since it was just asked to work; a watchdog that is late is served at once.
        """
        now, wanted = self.engine.now, self.upper.deadline()
        stop = min(end, max(now, self.frequency.clocks(self._watchdog_at)))
        return stop if wanted is None or not now < (timer := self.frequency.clocks(wanted)) < stop else timer
