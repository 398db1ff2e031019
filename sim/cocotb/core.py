"""The engine inside a cocotb simulation: the card's clocks and reset, its bus partners, and `run`.

All of it is coroutines of cocotb's. Two faces make an engine of it: `sim/testbed/cocotb_bench.py` for a cocotb test,
and `child.py` for a process outside, whose engine is `engine.py`. The step order is that of
`sim/seam/engine.py`, looked at while the clock is low; cocotbext-axi's partners answer a clock later than the native
engine's, so clock numbers differ between the two while what happens does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, First

from ringbed.sim.cocotb.bus import DutPorts
from ringbed.sim.cocotb.check import BusChecker
from ringbed.sim.cocotb.clock import CardClock
from ringbed.sim.cocotb.face import ANSWER, FAULT, Box, Call
from ringbed.sim.cocotb.memory import CocotbMemory
from ringbed.sim.cocotb.registers import CocotbRegisters
from ringbed.sim.cocotb.wire import CocotbRx, CocotbTx
from ringbed.sim.faults.bus import BusInjector
from ringbed.sim.memory.regions import DeviceMemory
from ringbed.sim.native.verilog_said import Heard
from ringbed.sim.seam.axi_checker import Findings
from ringbed.sim.seam.bus_faults import BusEvent, BusFaults
from ringbed.sim.seam.engine import NEVER, EngineStats, Event
from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.settings import Settings

__all__ = ["CocotbCore"]

AWAKE = 2  # clocks after a reset in which the bus models come to be ready
LOOK = 1024  # clocks between two looks whether anybody still wants this run


@dataclass(slots=True)
class _Interrupt:
    """The line as the host sees it."""

    hold: int
    up: bool = False
    since: int = 0
    unheard_until: int = 0

    def seen_at(self) -> int:
        return max(self.since + self.hold, self.unheard_until)


class CocotbCore:
    """`await start()` before anything else: it starts the clocks and resets the card.

    `wanted` is asked now and then in a long run, and may raise to end it; `heard` is what the simulator says, where
    that is a file.
    """

    def __init__(
        self, dut: Any, portmap: PortMap, memory: DeviceMemory | None, settings: Settings,
        wanted: Callable[[], None] = lambda: None, heard: Heard | None = None,
    ) -> None:  # fmt: skip
        self.portmap, self.memory, self.settings = portmap, memory, settings
        self.findings = Findings(settings.check)
        self._dut, self._wanted, self._heard = dut, wanted, heard
        self._ending: tuple[int, str] | None = None
        self.ports, self._pins = DutPorts(dut), {pin.name: pin.port or pin.name for pin in portmap.pins}
        self.dma: CocotbMemory | None = None
        self._registers: CocotbRegisters | None = None
        self._rx: CocotbRx | None = None
        self._tx: CocotbTx | None = None
        self._irq = _Interrupt(settings.irq_hold)
        self._bus_log: list[BusEvent] = []
        self._skipped = self._run_ns = 0
        self.clock: CardClock

    async def start(self) -> None:
        """Clocks, reset, bus partners; clock 0 begins when it returns."""
        s, m, put = self.settings, self.portmap, self.ports.put
        for pin in m.pins:
            if pin.dir == "in":
                put(pin.port or pin.name, pin.init)
        put(m.reset.port, 1 - m.reset.active)
        if m.idle is not None:
            put(m.idle.timebase, 0)
        if m.peek is not None:
            put(m.peek.address, 0)
        clock = self.clock = CardClock(m, self.ports.handle, s.frequency)
        f = self.findings
        self.dma = CocotbMemory(self._dut, m.dma, clock, self.memory, s, f) if m.dma else None
        self._registers = CocotbRegisters(self._dut, m.registers, clock, s, f) if m.registers else None
        self._rx = CocotbRx(self._dut, m.rx, clock, s.pacing, s.seed) if m.rx else None
        self._tx = CocotbTx(self._dut, m.tx, clock, s, f) if m.tx else None
        await clock.look(lambda: None)  # a reset is an edge to the bus models
        put(m.reset.port, m.reset.active)
        clocks, wait = s.resets(m.reset)
        await ClockCycles(clock.signal, clocks)
        await clock.falling
        put(m.reset.port, 1 - m.reset.active)
        await ClockCycles(clock.signal, AWAKE + wait)
        await clock.falling
        clock.zero()
        cocotb.start_soon(self._every_clock())

    async def _every_clock(self) -> None:
        """Before each rising edge the checker looks; behind it the card gets the number of the clock that comes."""
        clock, idle = self.clock, self.portmap.idle
        timebase = self.ports.handle(idle.timebase) if idle is not None else None
        mask = (1 << idle.width) - 1 if idle is not None else 0
        checker = BusChecker(self.portmap) if self.settings.check else None
        while True:
            await clock.rising
            if checker is not None:
                self.findings.now = clock.now
                checker.look(self.ports, self.findings)
            if timebase is not None:
                timebase.value = clock.now + 1 & mask

    # What a face asks for ---------------------------------------------------------------------------------------

    async def call(self, call: Call) -> Any:
        """Do what was posted, in order, then what is asked; its answer."""
        for name, arguments in call.posted:
            done = getattr(self, f"_post_{name}")(*arguments)
            if done is not None:
                await done
        return await getattr(self, f"_call_{call.name}")(*call.arguments)

    def ending(self) -> tuple[int, str]:
        """At which clock and how the card's Verilog ended the simulation; Icarus says nothing of a $finish."""
        self.hear()
        return self._ending or (self.clock.now, "$finish")

    def hear(self) -> None:
        """What the card's Verilog has said since the last look is found."""
        for each in self._heard.new() if self._heard is not None else ():
            clock = self.clock.at(each.time)
            if how := each.ending():
                self._ending = self._ending or (clock, how)
            if finding := each.finding(clock):
                self.findings.keep(finding)

    def box(self) -> Box:
        """What can be known without asking, as of now; frames, findings and faults are handed over."""
        self.hear()
        frames: list[tuple[int, bytes]] = []
        beats, faults = (0, 0), 0
        if self._tx is not None:
            frames, self._tx.frames = self._tx.frames, []
        if self.dma is not None:
            beats, faults = (self.dma.read_beats, self.dma.write_beats), self.dma.faults
        log, self._bus_log = self._bus_log + self._injected(), []
        now = self.clock.now
        waiting = self._rx.waiting() if self._rx is not None else 0
        stats = EngineStats(now - self._skipped, self._skipped, 0, self._run_ns, *beats, wire_waiting=waiting)
        found, lost = self.findings.hand_over()
        return Box(now, self._due(), faults, frames, found, lost, log, stats)

    def _injected(self) -> list[BusEvent]:
        if self.dma is None or self.dma.injected is None:
            return []
        log, self.dma.injected.log = self.dma.injected.log, []
        return log

    def _post_write(self, offset: int, value: int) -> None:
        assert self._registers is not None
        self._registers.write(offset, value)

    def _post_wire_in(self, frame: bytes, at: int, error: bool) -> None:
        assert self._rx is not None
        self._rx.put(frame, at, error)

    def _post_set_pin(self, name: str, value: int) -> None:
        self.ports.put(self._pins[name], value)

    def _post_hold_irq(self, until: int) -> None:
        self._irq.unheard_until = until

    def _post_bus_faults(self, faults: BusFaults) -> None:
        assert self.dma is not None
        self._bus_log += self._injected()
        self.dma.injected = BusInjector(faults)

    def _post_skip(self, until: int) -> Any:
        return self._call_run(until, 0)

    async def _call_peek(self, offset: int) -> int:
        peek = self.portmap.peek
        assert peek is not None
        await self.clock.settled()
        self.ports.put(peek.address, offset)
        return await self.clock.look(lambda: self.ports.get(peek.data))

    async def _call_get_pin(self, name: str) -> int:
        await self.clock.settled()
        return await self.clock.look(lambda: self.ports.get(self._pins[name]))

    async def _call_look(self) -> None:
        """Nothing but the box that comes with every answer."""
        await self.clock.settled()

    async def _call_read(self, offset: int) -> tuple[int, int]:
        """(events, value)"""
        assert self._registers is not None
        begin = time.perf_counter_ns()
        answer = self._registers.read(offset)
        await First(answer.event.wait(), self.clock.timer(self.clock.now + self.settings.answer_limit))
        await self.clock.settled()
        self._run_ns += time.perf_counter_ns() - begin
        done = ANSWER if answer.event.is_set() else 0
        return done | self._fault(), answer.value if done else self._registers.under_way(self.ports)

    async def _call_run(self, until: int, stop: int) -> int:
        begin = time.perf_counter_ns()
        await self.clock.settled()
        clocks = 0
        while not (event := await self._settle(until, stop)):
            await self.clock.falling
            clocks += 1
            if clocks % LOOK == 0:
                self._wanted()
        self._run_ns += time.perf_counter_ns() - begin
        return event | self._fault()

    def _fault(self) -> int:
        """A stray access since the last look, in the manner that raises."""
        if self.dma is None or not self.dma.fault:
            return 0
        self.dma.fault = False
        return FAULT if self.settings.manner == "strict" else 0

    # Time -------------------------------------------------------------------------------------------------------

    async def _settle(self, until: int, stop: int) -> int:
        """The events to return with, or 0 to clock on; skips as far as it may."""
        while True:
            now = self.clock.now
            self.hear()
            event = self._events(now, until)
            still = self._quiet()
            next_event = self._next_event(now) if still else now
            held = self._irq.seen_at()
            coming = self._irq.up and now < held  # an interrupt on its way to the host is work to come
            if still and next_event == NEVER and not coming:
                event |= Event.IDLE
            if event & (stop | Event.TIME | FAULT):
                return event
            target = min(next_event, until, held if coming else NEVER)
            if not still or not self.settings.skip_idle or target <= now:
                return 0
            self._skipped += target - now
            if self.portmap.idle is not None:
                self.ports.put(self.portmap.idle.timebase, target & (1 << self.portmap.idle.width) - 1)
            await self.clock.skip(target)

    def _events(self, now: int, until: int) -> int:
        event = int(Event.TIME) if now >= until else 0
        if self.portmap.interrupts is not None:
            up = self.ports.bit(self.portmap.interrupts.port)
            if up and not self._irq.up:
                self._irq.since = now
            self._irq.up = up
            if up and now >= self._irq.seen_at() and (self._registers is None or self._registers.quiet()):
                event |= Event.IRQ
        if self._tx is not None and self._tx.frames:
            event |= Event.WIRE
        if self.dma is not None and self.dma.fault and self.settings.manner == "strict":
            event |= FAULT
        return event | (Event.FINDING if self.findings.kept else 0)

    def _quiet(self) -> bool:
        idle = self.portmap.idle
        if idle is None or not self.ports.bit(idle.idle):
            return False
        return (
            (self._registers is None or self._registers.quiet())
            and (self._rx is None or self._rx.idle())
            and (self.dma is None or self.dma.still(self.ports))
            and (self.portmap.tx is None or not self.ports.bit(self.portmap.tx.prefix + "tvalid"))
        )

    def _next_event(self, now: int) -> int:
        due = self._rx.due() if self._rx is not None else NEVER
        if (idle := self.portmap.idle) is not None:
            wake = self.ports.get(idle.wake_in)
            if wake != (1 << idle.width) - 1:
                due = min(due, now + wake)
        return due

    def _due(self) -> int:
        now = self.clock.now
        if not self._quiet():
            return now
        due = self._next_event(now)
        return min(due, max(now, self._irq.seen_at())) if self._irq.up else due
