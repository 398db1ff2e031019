"""The engine without a compiler: Amaranth's own simulator, with the harness in Python (`harness.py`).

Same step order, rules and idle skip as the native engine, and the same clock numbers: a test compares them. It is for
walk tests of a few hundred frames and for waveforms at any time. Per clock it costs the card's evaluation, one packed
assignment of the inputs that changed, and one packed read of the one-bit outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ringbed.hw.formats.number import several
from ringbed.sim.faults.bus import BusInjector
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.toolchain import BuildError
from ringbed.sim.pysim.bus import AxiLite
from ringbed.sim.pysim.harness import ANSWER, FAULT, Harness
from ringbed.sim.seam.bus_faults import BusEvent, BusFaults
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import EngineClosed, EngineStats, Event, Finding
from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.seam.stages import NO_END, StageEvent, StageTable
from ringbed.sim.seam.traced import WaveLayout
from ringbed.sim.seam.words import no_answer, no_register
from ringbed.sim.wire.edge import WireEdge

__all__ = ["PysimEngine"]


class PysimEngine:
    """See `sim/seam/engine.py` for the contract, `sim/seam/settings.py` for the options. `waves` is not needed here."""

    deterministic_time = True
    kind = "pysim"

    def __init__(
        self, spec: NicSpec, memory: HostMemory | None = None, *, waves: str = "", progress: Any = None, **options: Any
    ) -> None:
        self._spec, self._map = spec, spec.portmap
        self.settings = Settings.of(options, "waves")
        s, m = self.settings, spec.portmap
        if spec.rtl is not None:
            raise BuildError(f"{spec.name} is Verilog, and pysim simulates only Amaranth: native and cocotb run it")
        if s.plusargs:
            raise ValueError(f"plusargs {s.plusargs[0]!r}: pysim simulates only Amaranth, which has none")
        if progress is not None:
            progress("elaborating the card for pysim")
        self._harness = Harness(spec, memory, s)
        self._bus_log: list[BusEvent] = []
        self.window = spec.portmap.window
        self.edge = WireEdge(m)
        self._pins = {pin.name: pin for pin in m.pins}
        self._closed = False

    @property
    def now(self) -> int:
        return self._harness.now

    @property
    def frequency(self) -> Frequency:
        return self.settings.frequency

    @property
    def faults(self) -> int:
        """Device accesses that were answered with an error."""
        dma = self._harness.dma
        return dma.faults if dma else 0

    # Registers --------------------------------------------------------------------------------------------------

    def write(self, offset: int, value: int) -> None:
        self._access(offset).queue.append((offset, value & 0xFFFF_FFFF))

    def read(self, offset: int) -> int:
        registers = self._access(offset)
        registers.queue.append((offset, None))
        self._harness.run(self.now + self.settings.answer_limit, ANSWER | FAULT)
        if (answer := registers.take_answer()) is None:
            words, limit = self._spec.words, self.settings.answer_limit
            raise TimeoutError(no_answer(words, offset, limit, registers.under_way()))
        return answer

    def peek(self, offset: int) -> int:
        if self._map.peek is None:
            raise ValueError(f"the port map of {self._spec.name} has no peek")
        self._access(offset)
        bench = self._harness.bench
        bench.put(self._map.peek.address, offset)
        bench.low()
        return bench.get(self._map.peek.data)

    def _access(self, offset: int) -> AxiLite:
        part, registers = self._map.registers, self._harness.registers
        if part is None or registers is None or not 0 <= offset < 1 << part.addr_width or offset & 3:
            raise ValueError(no_register(self._spec.name, part, offset))
        self._live()
        return registers

    # Time -------------------------------------------------------------------------------------------------------

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        self._live()
        return Event(self._harness.run(until, int(stop)) & 31)

    def due(self) -> int:
        self._live()
        return self._harness.due()

    def skip(self, until: int) -> None:
        self.run(until, Event.NONE)

    # The wire ---------------------------------------------------------------------------------------------------

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        rx = self._harness.rx
        if not frame or rx is None:
            raise ValueError(f"{self._spec.name} cannot receive a frame of {len(frame)} bytes")
        if (inside := self.edge.into(bytes(frame), at, error)) is not None:
            rx.frames.append((inside, at, error))

    def wire_out(self) -> list[tuple[int, bytes]]:
        if (tx := self._harness.tx) is None:
            return []
        frames, tx.frames = tx.frames, []
        return self.edge.out(frames)

    # Pins, findings, figures ------------------------------------------------------------------------------------

    def set_pin(self, name: str, value: int) -> None:
        pin = self._pin(name)
        if pin.dir != "in" or not 0 <= value < 1 << pin.width:
            raise ValueError(f"pin {name} ({pin.dir}, {several(pin.width, 'bit')}) cannot be set to {value:#x}")
        self._harness.bench.put(pin.port or name, value)
        self._harness.pending = True

    def get_pin(self, name: str) -> int:
        port, bench = self._pin(name).port or name, self._harness.bench
        bench.low()
        return bench.get(port)

    def _pin(self, name: str) -> Any:
        self._live()
        if name not in self._pins:
            raise KeyError(f"{self._spec.name} has no pin {name!r}; it has {', '.join(self._pins) or 'none'}")
        return self._pins[name]

    def hold_irq(self, until: int) -> None:
        self._live()
        self._harness.irq_from = until

    def set_bus_faults(self, faults: BusFaults) -> None:
        self._live()
        if (dma := self._harness.dma) is None:
            raise ValueError(f"{self._spec.name} has no memory bus that could have faults")
        self._bus_log = self.bus_fault_log()
        dma.injected = BusInjector(faults)

    def bus_fault_log(self) -> list[BusEvent]:
        log, self._bus_log = self._bus_log, []
        if (dma := self._harness.dma) is not None and dma.injected is not None:
            log += dma.injected.log
            dma.injected.log = []
        return log

    def findings(self) -> list[Finding]:
        return self._spec.words.findings(self._harness.findings.take())

    def report(self, rule: str, text: str) -> None:
        self._harness.findings.keep(Finding(self.now, rule, text))

    def stats(self) -> EngineStats:
        h = self._harness
        beats = (h.dma.read_beats, h.dma.write_beats) if h.dma else (0, 0)
        waiting, left = (len(side.frames) if side else 0 for side in (h.rx, h.tx))
        return EngineStats(
            h.clocks, h.skipped, h.model_ns, h.run_ns - h.model_ns, *beats,
            dict(self.edge.counters), self.edge.came, waiting, self.edge.left + left,
        )  # fmt: skip

    # Stages and waveforms ------------------------------------------------------------------------------------------

    @property
    def stage_table(self) -> StageTable:
        return self._harness.stages.table

    @property
    def portmap(self) -> PortMap:
        return self._map

    @property
    def wave_layout(self) -> WaveLayout:
        period = self.settings.frequency.ns(10**6)  # in femtoseconds
        bench = self._harness.bench
        names = {port: signal.name for port, signal in bench.signals.items()}
        return WaveLayout(bench.scope, "bench.journey_{group}_", "bench.journey_host", period, names)

    def log_stages(self, begin: int = 0, end: int = NO_END, keep: int = 0) -> None:
        self._live()
        self._harness.stages.start(begin, end, keep)

    def stages(self) -> list[StageEvent]:
        return self._harness.stages.take()

    def follow(self, group: str, frame: int) -> None:
        self._harness.stages.numbering.follow(group, frame)

    def mark(self, text: str) -> None:
        self._harness.waveform.mark(text)

    def trace(self, path: Path | str | None) -> None:
        """VCD, from now on; once an engine, as Amaranth begins a waveform at its time 0 only."""
        if path is None:
            self._harness.waveform.close()
        else:
            self.trace_window(path, 0, NO_END)

    def trace_window(self, path: Path | str, begin: int, end: int) -> None:
        self._live()
        self._harness.waveform.arm(Path(path), begin, end)
        self._harness.stages.on = True

    def close(self) -> None:
        self.trace(None)
        self._closed = True

    def _live(self) -> None:
        if self._closed:
            raise EngineClosed(self._spec.name)
