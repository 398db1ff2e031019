"""The clock loop around a card in Amaranth's simulator: what `harness/harness.cpp` is to the native engine.

Step by step the partners at the card's buses and wires put their signals, the card is evaluated, they look at what came
of it; between two events that leave the card idle time is skipped.
"""

from __future__ import annotations

import time
from typing import Any

from ringbed.sim.memory.host import HostMemory
from ringbed.sim.pysim.bench import Bench
from ringbed.sim.pysim.bus import AxiLite
from ringbed.sim.pysim.dma import AxiMemory
from ringbed.sim.pysim.stages import PyStages, PyWaveform
from ringbed.sim.pysim.wire import WireIn, WireOut
from ringbed.sim.seam.axi_checker import Findings
from ringbed.sim.seam.engine import NEVER, BusFault, Event
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec

__all__ = ["ANSWER", "FAULT", "Harness"]

FAULT, ANSWER = 32, 64  # beside Event's bits


class Harness:
    """A card out of its reset, at clock 0. The parts that its map does not have are None."""

    dma: AxiMemory | None
    registers: AxiLite | None
    rx: WireIn | None
    tx: WireOut | None

    def __init__(self, spec: NicSpec, memory: HostMemory | None, settings: Settings) -> None:
        s, m = settings, spec.portmap
        self._map, self._settings = m, settings
        self.bench = Bench(spec, s.frequency.ns(10**6))
        self.now, self.clocks, self.skipped = 0, 0, 0
        self.findings = Findings(s.check)
        self.dma = self.registers = self.rx = self.tx = None
        if m.dma:
            latencies = (s.read_latency, s.write_latency)
            self.dma = AxiMemory(m.dma.prefix, m.dma.data_width // 8, memory, latencies, s.seed, s.pattern_level)
        if m.registers:
            self.registers = AxiLite(m.registers.prefix, s.seed, s.pattern_level)
        if m.rx:
            self.rx = WireIn(m.rx.prefix, m.rx.data_width // 8, s.pacing, s.seed, stops=m.rx.ready, fcs=m.rx.fcs)
        if m.tx:
            self.tx = WireOut(
                m.tx.prefix, m.tx.data_width // 8, s.pacing, s.seed, s.pattern_level, stops=m.tx.ready, fcs=m.tx.fcs
            )  # fmt: skip
        self._irq, self._irq_since, self.irq_from = False, 0, 0
        self.pending = True  # a pin was set that has not had a clock yet
        self.model_ns = self.run_ns = 0
        self.stages = PyStages(m)
        self.waveform = PyWaveform(self.stages)
        self._reset()

    def _reset(self) -> None:
        bench, reset = self.bench, self._map.reset
        for pin in self._map.pins:
            if pin.dir == "in":
                bench.put(pin.port or pin.name, pin.init)
        self._drive()
        for level, clocks in zip((reset.active, 1 - reset.active), self._settings.resets(reset), strict=True):
            bench.put(reset.port, level)
            for _ in range(clocks):
                bench.low()
                bench.high()
        bench.low()

    def run(self, until: int, stop: int) -> int:
        """Bits of Event, FAULT and ANSWER. Raises BusFault."""
        self.pending = False
        begin = time.perf_counter_ns()
        try:
            while True:
                self._drive()
                self._timed(self.bench.low)
                if event := self._settle(until, stop):
                    break
                self._sample()
                self._timed(self.bench.high)
                if self.waveform.running:
                    self.waveform.show(self.bench)
                self.now += 1
                self.clocks += 1
        finally:
            self.run_ns += time.perf_counter_ns() - begin
        if self.dma is not None and self.dma.fault:
            self.dma.fault = False
            if event & FAULT:
                raise BusFault.of(self.findings.fresh())
        return event

    def due(self) -> int:
        """As the engine's."""
        if self.pending or not self._quiet():
            return self.now
        due = self._next_event()
        return min(due, max(self.now, self._irq_seen())) if self._irq else due

    def _timed(self, evaluate: Any) -> None:
        begin = time.perf_counter_ns()
        evaluate()
        self.model_ns += time.perf_counter_ns() - begin

    def _drive(self) -> None:
        c, now = self.bench, self.now
        c.now = now
        self.waveform.look(c, now)
        c.wave_time = self.waveform.running
        if self._map.idle is not None:
            c.put(self._map.idle.timebase, now & (1 << self._map.idle.width) - 1)
        if self.rx is not None:
            self.rx.drive(c, now)
        if self.registers is not None:
            self.registers.drive(c)
        if self.dma is not None:
            self.dma.drive(c)
        if self.tx is not None:
            self.tx.drive(c, now)

    def _sample(self) -> None:
        c, f = self.bench, self.findings
        f.now = self.now
        if self.rx is not None:
            self.rx.sample(c, self.now)
        if self.registers is not None:
            self.registers.sample(c, f)
        if self.dma is not None:
            self.dma.sample(c, f)
        if self.tx is not None:
            self.tx.sample(c, f)
        if self.stages.on:
            self.stages.sample(c, self.now)

    def _settle(self, until: int, stop: int) -> int:
        """The events to return with, or 0 to clock on; skips as far as it may."""
        while True:
            event = self._events(until)
            still = self._quiet()
            next_event = self._next_event() if still else self.now
            # an interrupt on its way to the host is work to come
            coming = self._irq and self.now < self._irq_seen()
            if still and next_event == NEVER and not coming:
                event |= Event.IDLE
            if event & (stop | Event.TIME | FAULT):
                return event
            if not still or not self._settings.skip_idle:
                return 0
            target = min(next_event, until)
            held = self._irq_seen()
            if self._irq and self.now < held < target:
                target = held
            if target <= self.now:
                return 0
            self.skipped += target - self.now
            self.now = target
            self._drive()
            self.bench.low()

    def _events(self, until: int) -> int:
        event = int(Event.TIME) if self.now >= until else 0
        c, registers = self.bench, self.registers
        if self._map.interrupts is not None:
            port = self._map.interrupts.port
            up = c.bit(port) if self._map.interrupts.width == 1 else bool(c.get(port))
            if up and not self._irq:
                self._irq_since = self.now
            self._irq = up
            held = self.now >= self._irq_seen()
            if up and held and (registers is None or registers.quiet()):
                event |= Event.IRQ
        if self.tx is not None and self.tx.frames:
            event |= Event.WIRE
        if self.dma is not None and self.dma.fault and self._settings.manner == "strict":
            event |= FAULT
        if self.findings.kept:
            event |= Event.FINDING
        return event | (ANSWER if registers is not None and registers.answer is not None else 0)

    def _quiet(self) -> bool:
        c = self.bench
        if self._map.idle is None or not c.bit(self._map.idle.idle):
            return False
        return not (
            (self.registers is not None and not self.registers.quiet())
            or (self.dma is not None and not self.dma.quiet(c))
            or (self._map.tx is not None and c.bit(self._map.tx.prefix + "tvalid"))
            or (self.rx is not None and self.rx.valid)
        )

    def _next_event(self) -> int:
        due = self.rx.due() if self.rx is not None else NEVER
        if (idle := self._map.idle) is not None:
            wake = self.bench.get(idle.wake_in)
            if wake != (1 << idle.width) - 1:
                due = min(due, self.now + wake)
        return due

    def _irq_seen(self) -> int:
        """With the line up: the clock from which on the host knows."""
        return max(self._irq_since + self._settings.irq_hold, self.irq_from)
