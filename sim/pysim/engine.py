"""The engine without a compiler: Amaranth's own simulator, with the harness in Python (the files beside).

Same step order, rules and idle skip as the native engine, and the same clock numbers: a test compares them. It is for
walk tests of a few hundred frames and for waveforms at any time. Per clock it costs the card's evaluation, one packed
assignment of the inputs that changed, and one packed read of the one-bit outputs.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ringbed.sim.faults.bus import BusInjector
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.toolchain import BuildError
from ringbed.sim.pysim.bench import Bench
from ringbed.sim.pysim.bus import NEVER, AxiLite
from ringbed.sim.pysim.dma import AxiMemory
from ringbed.sim.pysim.stages import PyStages, PyWaveform
from ringbed.sim.pysim.wire import WireIn, WireOut
from ringbed.sim.seam.axi_checker import Findings
from ringbed.sim.seam.bus_faults import BusEvent, BusFaults
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import BusFault, EngineClosed, EngineStats, Event, Finding
from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.seam.stages import NO_END, StageEvent, StageTable
from ringbed.sim.seam.traced import WaveLayout
from ringbed.sim.seam.words import no_answer, no_register
from ringbed.sim.wire.edge import WireEdge

__all__ = ["PysimEngine"]

FAULT, ANSWER = 32, 64  # beside Event's bits


class PysimEngine:
    """See `sim/seam/engine.py` for the contract, `sim/seam/settings.py` for the options. `waves` is not needed here."""

    deterministic_time = True
    kind = "pysim"

    def __init__(
        self, spec: NicSpec, memory: HostMemory | None = None, *, waves: str = "", progress: Any = None, **options: Any
    ) -> None:
        self._spec, self._map, self._memory = spec, spec.portmap, memory
        self.settings = Settings.of(options, "waves")
        s, m = self.settings, spec.portmap
        if spec.rtl is not None:
            raise BuildError(f"{spec.name} is Verilog, and pysim simulates only Amaranth: native and cocotb run it")
        if s.plusargs:
            raise ValueError(f"plusargs {s.plusargs[0]!r}: pysim simulates only Amaranth, which has none")
        if progress is not None:
            progress("elaborating the card for pysim")
        self._bench = Bench(spec, s.frequency.ns(10**6))
        self.now, self._clocks, self._skipped = 0, 0, 0
        self._findings = Findings(s.check)
        self._bus_log: list[BusEvent] = []
        self.window = spec.portmap.window
        self.edge = WireEdge(m)
        self._dma = self._registers = self._rx = self._tx = None
        if m.dma:
            latencies = (s.read_latency, s.write_latency)
            self._dma = AxiMemory(m.dma.prefix, m.dma.data_width // 8, memory, latencies, s.seed, s.pattern_level)
        if m.registers:
            self._registers = AxiLite(m.registers.prefix, s.seed, s.pattern_level)
        if m.rx:
            self._rx = WireIn(m.rx.prefix, m.rx.data_width // 8, s.pacing, s.seed, stops=m.rx.ready, fcs=m.rx.fcs)
        if m.tx:
            self._tx = WireOut(
                m.tx.prefix, m.tx.data_width // 8, s.pacing, s.seed, s.pattern_level, stops=m.tx.ready, fcs=m.tx.fcs
            )  # fmt: skip
        self._irq, self._irq_since, self._irq_from = False, 0, 0
        self._pending = True  # a pin was set that has not had a clock yet
        self._model_ns = self._run_ns = 0
        self._stages = PyStages(m)
        self._waveform = PyWaveform(self._stages)
        self._pins = {pin.name: pin for pin in m.pins}
        self._closed = False
        self._reset()

    _dma: AxiMemory | None
    _registers: AxiLite | None
    _rx: WireIn | None
    _tx: WireOut | None

    @property
    def frequency(self) -> Frequency:
        return self.settings.frequency

    @property
    def faults(self) -> int:
        """Device accesses that were answered with an error."""
        return self._dma.faults if self._dma else 0

    def _reset(self) -> None:
        bench, reset = self._bench, self._map.reset
        for pin in self._map.pins:
            if pin.dir == "in":
                bench.put(pin.port or pin.name, pin.init)
        self._drive()
        for level, clocks in zip((reset.active, 1 - reset.active), self.settings.resets(reset), strict=True):
            bench.put(reset.port, level)
            for _ in range(clocks):
                bench.low()
                bench.high()
        bench.low()

    # Registers --------------------------------------------------------------------------------------------------

    def write(self, offset: int, value: int) -> None:
        self._access(offset).queue.append((offset, value & 0xFFFF_FFFF))

    def read(self, offset: int) -> int:
        registers = self._access(offset)
        registers.queue.append((offset, None))
        self._run(self.now + self.settings.answer_limit, ANSWER | FAULT)
        if (answer := registers.take_answer()) is None:
            words, limit = self._spec.words, self.settings.answer_limit
            raise TimeoutError(no_answer(words, offset, limit, registers.under_way()))
        return answer

    def peek(self, offset: int) -> int:
        if self._map.peek is None:
            raise ValueError(f"the port map of {self._spec.name} has no peek")
        self._access(offset)
        self._bench.put(self._map.peek.address, offset)
        self._bench.low()
        return self._bench.get(self._map.peek.data)

    def _access(self, offset: int) -> AxiLite:
        part = self._map.registers
        if part is None or self._registers is None or not 0 <= offset < 1 << part.addr_width or offset & 3:
            raise ValueError(no_register(self._spec.name, part, offset))
        self._live()
        return self._registers

    # Time -------------------------------------------------------------------------------------------------------

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        return Event(self._run(until, int(stop)) & 31)

    def due(self) -> int:
        self._live()
        if self._pending or not self._quiet():
            return self.now
        due = self._next_event()
        return min(due, max(self.now, self._irq_seen())) if self._irq else due

    def skip(self, until: int) -> None:
        self.run(until, Event.NONE)

    def _run(self, until: int, stop: int) -> int:
        self._live()
        self._pending = False
        begin = time.perf_counter_ns()
        try:
            while True:
                self._drive()
                self._timed(self._bench.low)
                if event := self._settle(until, stop):
                    break
                self._sample()
                self._timed(self._bench.high)
                if self._waveform.running:
                    self._waveform.show(self._bench)
                self.now += 1
                self._clocks += 1
        finally:
            self._run_ns += time.perf_counter_ns() - begin
        if self._dma is not None and self._dma.fault:
            self._dma.fault = False
            if event & FAULT:
                self._raise_fault()
        return event

    def _timed(self, evaluate: Any) -> None:
        begin = time.perf_counter_ns()
        evaluate()
        self._model_ns += time.perf_counter_ns() - begin

    def _drive(self) -> None:
        c, now = self._bench, self.now
        c.now = now
        self._waveform.look(c, now)
        c.wave_time = self._waveform.running
        if self._map.idle is not None:
            c.put(self._map.idle.timebase, now & (1 << self._map.idle.width) - 1)
        if self._rx is not None:
            self._rx.drive(c, now)
        if self._registers is not None:
            self._registers.drive(c)
        if self._dma is not None:
            self._dma.drive(c)
        if self._tx is not None:
            self._tx.drive(c, now)

    def _sample(self) -> None:
        c, f = self._bench, self._findings
        f.now = self.now
        if self._rx is not None:
            self._rx.sample(c, self.now)
        if self._registers is not None:
            self._registers.sample(c, f)
        if self._dma is not None:
            self._dma.sample(c, f)
        if self._tx is not None:
            self._tx.sample(c, f)
        if self._stages.on:
            self._stages.sample(c, self.now)

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
            if not still or not self.settings.skip_idle:
                return 0
            target = min(next_event, until)
            held = self._irq_seen()
            if self._irq and self.now < held < target:
                target = held
            if target <= self.now:
                return 0
            self._skipped += target - self.now
            self.now = target
            self._drive()
            self._bench.low()

    def _events(self, until: int) -> int:
        event = int(Event.TIME) if self.now >= until else 0
        c, registers = self._bench, self._registers
        if self._map.interrupts is not None:
            port = self._map.interrupts.port
            up = c.bit(port) if self._map.interrupts.width == 1 else bool(c.get(port))
            if up and not self._irq:
                self._irq_since = self.now
            self._irq = up
            held = self.now >= self._irq_seen()
            if up and held and (registers is None or registers.quiet()):
                event |= Event.IRQ
        if self._tx is not None and self._tx.frames:
            event |= Event.WIRE
        if self._dma is not None and self._dma.fault and self.settings.manner == "strict":
            event |= FAULT
        if self._findings.kept:
            event |= Event.FINDING
        return event | (ANSWER if registers is not None and registers.answer is not None else 0)

    def _quiet(self) -> bool:
        c = self._bench
        if self._map.idle is None or not c.bit(self._map.idle.idle):
            return False
        return not (
            (self._registers is not None and not self._registers.quiet())
            or (self._dma is not None and not self._dma.quiet(c))
            or (self._map.tx is not None and c.bit(self._map.tx.prefix + "tvalid"))
            or (self._rx is not None and self._rx.valid)
        )

    def _next_event(self) -> int:
        due = self._rx.due() if self._rx is not None else NEVER
        if (idle := self._map.idle) is not None:
            wake = self._bench.get(idle.wake_in)
            if wake != (1 << idle.width) - 1:
                due = min(due, self.now + wake)
        return due

    # The wire ---------------------------------------------------------------------------------------------------

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        if not frame or self._rx is None:
            raise ValueError(f"{self._spec.name} cannot receive a frame of {len(frame)} bytes")
        if (inside := self.edge.into(bytes(frame), error)) is not None:
            self._rx.frames.append((inside, at, error))

    def wire_out(self) -> list[tuple[int, bytes]]:
        if self._tx is None:
            return []
        frames, self._tx.frames = self._tx.frames, []
        return self.edge.out(frames)

    # Pins, findings, figures ------------------------------------------------------------------------------------

    def set_pin(self, name: str, value: int) -> None:
        pin = self._pin(name)
        if pin.dir != "in" or not 0 <= value < 1 << pin.width:
            raise ValueError(f"pin {name} ({pin.dir}, {pin.width} bits) cannot be set to {value:#x}")
        self._bench.put(pin.port or name, value)
        self._pending = True

    def get_pin(self, name: str) -> int:
        port = self._pin(name).port or name
        self._bench.low()
        return self._bench.get(port)

    def _pin(self, name: str) -> Any:
        self._live()
        if name not in self._pins:
            raise KeyError(f"{self._spec.name} has no pin {name!r}; it has {', '.join(self._pins) or 'none'}")
        return self._pins[name]

    def hold_irq(self, until: int) -> None:
        self._live()
        self._irq_from = until

    def _irq_seen(self) -> int:
        """With the line up: the clock from which on the host knows."""
        return max(self._irq_since + self.settings.irq_hold, self._irq_from)

    def set_bus_faults(self, faults: BusFaults) -> None:
        self._live()
        if self._dma is None:
            raise ValueError(f"{self._spec.name} has no memory bus that could have faults")
        self._bus_log = self.bus_fault_log()
        self._dma.injected = BusInjector(faults)

    def bus_fault_log(self) -> list[BusEvent]:
        log, self._bus_log = self._bus_log, []
        if self._dma is not None and self._dma.injected is not None:
            log += self._dma.injected.log
            self._dma.injected.log = []
        return log

    def findings(self) -> list[Finding]:
        return self._spec.words.findings(self._findings.take())

    def report(self, rule: str, text: str) -> None:
        self._findings.keep(Finding(self.now, rule, text))

    def _raise_fault(self) -> None:
        raise BusFault.of(self._findings.fresh())

    def stats(self) -> EngineStats:
        beats = (self._dma.read_beats, self._dma.write_beats) if self._dma else (0, 0)
        waiting, left = (len(side.frames) if side else 0 for side in (self._rx, self._tx))
        return EngineStats(
            self._clocks, self._skipped, self._model_ns, self._run_ns - self._model_ns, *beats,
            dict(self.edge.counters), self.edge.came, waiting, self.edge.left + left,
        )  # fmt: skip

    # Stages and waveforms ------------------------------------------------------------------------------------------

    @property
    def stage_table(self) -> StageTable:
        return self._stages.table

    @property
    def portmap(self) -> PortMap:
        return self._map

    @property
    def wave_layout(self) -> WaveLayout:
        period = self.settings.frequency.ns(10**6)  # in femtoseconds
        names = {port: signal.name for port, signal in self._bench.signals.items()}
        return WaveLayout(self._bench.scope, "bench.journey_{group}_", "bench.journey_host", period, names)

    def log_stages(self, begin: int = 0, end: int = NO_END, keep: int = 0) -> None:
        self._live()
        self._stages.start(begin, end, keep)

    def stages(self) -> list[StageEvent]:
        return self._stages.take()

    def follow(self, group: str, frame: int) -> None:
        self._stages.numbering.follow(group, frame)

    def mark(self, text: str) -> None:
        self._waveform.mark(text)

    def trace(self, path: Path | str | None) -> None:
        """VCD, from now on; once an engine, as Amaranth begins a waveform at its time 0 only."""
        if path is None:
            self._waveform.close()
        else:
            self.trace_window(path, 0, NO_END)

    def trace_window(self, path: Path | str, begin: int, end: int) -> None:
        self._live()
        self._waveform.arm(Path(path), begin, end)
        self._stages.on = True

    def close(self) -> None:
        self.trace(None)
        self._closed = True

    def _live(self) -> None:
        if self._closed:
            raise EngineClosed(self._spec.name)
