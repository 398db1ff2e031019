"""The native engine: a card compiled to C++ with a generated harness, driven through a C ABI.

Everything per clock happens in C++; Python is entered at events only, and the interpreter lock is free meanwhile, so
that cards can run in threads. Frames and register writes are handed over in batches. The card's state lives behind
one handle; any number of engines can be in a process.
"""

from __future__ import annotations

import ctypes
import os
import struct
from array import array
from typing import Any

from ringbed.hw.formats.number import several
from ringbed.sim.memory.regions import ROW, Region, RegionTable
from ringbed.sim.native.abi import ANSWER, ENDED, FAULT, Config, Mailbox, load
from ringbed.sim.native.build import build_model
from ringbed.sim.native.bus_faults import hand_over, take_log
from ringbed.sim.native.findings import put_into_words
from ringbed.sim.native.served import NativeServed
from ringbed.sim.seam.axi_checker import Findings
from ringbed.sim.seam.bus_faults import BusEvent, BusFaults
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import BusFault, CardEnded, EngineClosed, EngineStats, Event, Finding
from ringbed.sim.seam.progress import Progress
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec, Rtl
from ringbed.sim.seam.words import no_answer, no_register
from ringbed.sim.wire.edge import WireEdge

__all__ = ["NativeEngine"]

FOUND, TIME = int(Event.FINDING), int(Event.TIME)
EVENTS = tuple(Event(bits) for bits in range(32))  # an IntFlag is slow to make


class NativeEngine(NativeServed):
    """See `sim/seam/engine.py` for the contract and `sim/seam/settings.py` for the options. Raises BuildError.

    `waves` ("fst", "vcd" or "") compiles tracing in; `trace` on an engine without it recompiles while its clock has not
    run yet and refuses later. There the format follows the path: `.fst`, else VCD.
    """

    deterministic_time = True
    kind = "native"

    def __init__(
        self, spec: NicSpec, memory: RegionTable | None = None, *, waves: str = "", progress: Progress | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        self._spec, self._memory, self._progress = spec, memory, progress
        self.settings = Settings.of(options, "waves")
        self._pins = {pin.name: (index, pin) for index, pin in enumerate(spec.portmap.pins)}
        self._init = [pin.init for pin in spec.portmap.pins]
        self.edge = WireEdge(spec.portmap)
        self._handle: int | None = None
        self._tick_hz = 0.0
        self._bus_faults = BusFaults()
        self.window = spec.portmap.window
        self._findings = Findings()
        self._begin_stages()
        self._begin_served()
        self._set: dict[str, int] = {}  # pins, by who has the engine
        self._held = 0  # the clock before which the interrupt line is not looked at
        self._in: list[bytes] = []
        self._in_at, self._in_errors = array("Q"), bytearray()
        self._open(waves, self._library(waves))

    def _library(self, waves: str) -> Any:
        """Compiled and loaded. Raises BuildError."""
        return load(build_model(self._spec, waves, self._progress))

    def _open(self, waves: str, library: Any) -> None:
        self._waves, self._lib = waves, library
        self._ending: tuple[int, str] | None = None  # the clock at which the card ended, and how
        pins = (ctypes.c_uint64 * max(1, len(self._init)))(*self._init)
        self._handle = self._lib.rb_open(self._config(), pins, len(self._init), *self._world())
        self._box: Mailbox = self._lib.rb_mailbox(self._handle).contents
        self._regions, self._known = 0, list[Region]()
        self._write, self._run = self._lib.rb_write, self._lib.rb_run
        self._touched = False
        self._pending = True  # something was put in that has not had a clock yet
        self._skip = 0  # where time is, when nothing happened since the library was told
        self._sync_regions()
        if self._spec.portmap.dma is not None:
            self.set_bus_faults(self._bus_faults)

    def _started(self) -> bool:
        """A clock has run, or a register access waits for one."""
        return self._touched or self.now > 0

    def _open_again(self, waves: str) -> None:
        """Compiled otherwise, before its first clock: pins, frames that wait and the rest are as they were.

        Raises BuildError, and the engine is the one it was.
        """
        library = self._library(waves)
        self._lib.rb_close(self._live())
        self._handle = None
        self._open(waves, library)
        for name, value in self._set.items():
            self.set_pin(name, value)
        if self._held:
            self.hold_irq(self._held)
        self._watch_again()

    def _config(self) -> Config:
        s = self.settings
        num, den = (s.pacing.num, s.pacing.den) if s.pacing else (0, 0)
        clocks, wait = s.resets(self._spec.portmap.reset)
        return Config(
            s.read_latency, s.write_latency, s.irq_hold, s.seed, s.pattern_level, s.check, s.manner == "strict",
            clocks, s.frequency.ns(1000), s.skip_idle, wait, 0, num, den,
        )  # fmt: skip

    def _world(self) -> tuple[bytes, Any, int]:
        """What the card's Verilog knows of where it runs: its folder, and a simulator's command line."""
        rtl = self._spec.rtl or Rtl(())
        words = [b"ringbed", *(f"+{each}".encode() for each in (*self.settings.plusargs, *rtl.plusargs))]
        return os.fsencode(rtl.folder.absolute()), (ctypes.c_char_p * len(words))(*words), len(words)

    @property
    def now(self) -> int:
        return max(int(self._box.now), self._skip)

    @property
    def frequency(self) -> Frequency:
        return self.settings.frequency

    # Registers --------------------------------------------------------------------------------------------------

    def write(self, offset: int, value: int) -> None:
        self._touch()
        self._write(self._running(), self._offset(offset), value & 0xFFFF_FFFF)

    def read(self, offset: int) -> int:
        self._catch_up()
        self._flush()
        event = self._lib.rb_read(self._running(), self._offset(offset), self.settings.answer_limit)
        if self._box.findings:
            self._word()
        if event & (FAULT | ENDED):
            self._raise(event)
        if not event & ANSWER:
            words, limit = self._spec.words, self.settings.answer_limit
            raise TimeoutError(no_answer(words, offset, limit, int(self._box.answer)))
        return int(self._box.answer)

    def peek(self, offset: int) -> int:
        if self._spec.portmap.peek is None:
            raise ValueError(f"the port map of {self._spec.name} has no peek")
        self._catch_up()
        return int(self._lib.rb_peek(self._running(), self._offset(offset)))

    def _offset(self, offset: int) -> int:
        registers = self._spec.portmap.registers
        if registers is None or not 0 <= offset < 1 << registers.addr_width or offset & 3:
            raise ValueError(no_register(self._spec.name, registers, offset))
        return offset

    # Time -------------------------------------------------------------------------------------------------------

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        self._flush()
        until, self._skip, self._pending = max(until, self._skip), 0, False
        known = bool(stop & Event.FINDING and self._findings.kept)  # then there is nothing to run for
        event: int = self._run(self._running(), self.now if known else until, int(stop))
        if self._box.findings:
            self._word()
        if self._waves and self._box.waves_full:
            self._no_room()
        if event & (FAULT | ENDED):
            self._raise(event)
        if self._findings.kept:
            event = (event | FOUND) & ~(TIME if self.now < until else 0)
        return EVENTS[event & 31]

    def due(self) -> int:
        if self._pending:
            return self.now
        due = int(self._box.due)
        return min(due, self._in_at[0]) if self._in_at else due

    def skip(self, until: int) -> None:
        self._skip = max(until, self._skip)  # told to the library when somebody looks: a pump skips often

    def _touch(self) -> None:
        self._touched = self._pending = True
        self._catch_up()

    def _catch_up(self) -> None:
        if self._skip:
            self._sync_regions()
            until, self._skip = self._skip, 0
            self._run(self._running(), until, 0)
            if self._box.findings:
                self._word()

    def _flush(self) -> None:
        self._touched = True
        self._sync_regions()
        if self._in:
            lengths = array("I", map(len, self._in))
            data, errors = b"".join(self._in), bytes(self._in_errors)
            lens, ats = lengths.buffer_info()[0], self._in_at.buffer_info()[0]
            self._lib.rb_wire_in(self._live(), data, lens, ats, errors, len(self._in))
            self._in, self._in_at, self._in_errors = [], array("Q"), bytearray()

    def _sync_regions(self) -> None:
        """The library is told the table anew when it has changed; what it points at is kept until then."""
        if self._memory is None or self._memory.version == self._regions:
            return
        self._known = known = list(self._memory.regions)
        rows = [region.row for region in known]
        if self._memory.far:
            far = [ROW.pack(iova, length, 0, 0) for iova, length in self._memory.far]
            rows = sorted(rows + far, key=lambda row: ROW.unpack(row)[0])
        self._lib.rb_regions(self._live(), b"".join(rows), len(rows))
        self._regions = self._memory.version

    # The wire ---------------------------------------------------------------------------------------------------

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        if not frame or self._spec.portmap.rx is None:
            raise ValueError(f"{self._spec.name} cannot receive a frame of {len(frame)} bytes")
        inside = self.edge.into(frame, at, error)
        if inside is None:
            return
        self._in.append(inside)
        self._in_at.append(at)
        self._in_errors.append(error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        count = self._box.out_frames
        if not count:
            return []
        data = ctypes.create_string_buffer(self._box.out_bytes)
        table = ctypes.create_string_buffer(16 * count)
        self._lib.rb_wire_out(self._live(), data, table)
        raw, at, frames = data.raw, 0, []
        for clock, length in struct.iter_unpack("=QQ", table.raw):
            frames.append((clock, raw[at : at + length]))
            at += length
        return self.edge.out(frames)

    # Pins, findings, figures ------------------------------------------------------------------------------------

    def set_pin(self, name: str, value: int) -> None:
        index, pin = self._pin(name)
        if pin.dir != "in" or not 0 <= value < 1 << pin.width:
            raise ValueError(f"pin {name} ({pin.dir}, {several(pin.width, 'bit')}) cannot be set to {value:#x}")
        self._pending = True
        self._catch_up()
        self._lib.rb_set_pin(self._running(), index, value)
        self._set[name] = value

    def get_pin(self, name: str) -> int:
        self._catch_up()
        return int(self._lib.rb_get_pin(self._running(), self._pin(name)[0]))

    def _pin(self, name: str) -> tuple[int, Any]:
        if name not in self._pins:
            raise KeyError(f"{self._spec.name} has no pin {name!r}; it has {', '.join(self._pins) or 'none'}")
        return self._pins[name]

    def hold_irq(self, until: int) -> None:
        self._catch_up()
        self._lib.rb_hold_irq(self._live(), until)
        self._held = until

    def set_bus_faults(self, faults: BusFaults) -> None:
        if self._spec.portmap.dma is None:
            raise ValueError(f"{self._spec.name} has no memory bus that could have faults")
        self._bus_faults = faults  # for an engine that `trace` compiles anew
        hand_over(faults, self._lib, self._live())

    @property
    def hurt(self) -> bool:
        """Whether faults of the memory bus are put in now."""
        return bool(self._bus_faults.rules or self._bus_faults.fixed)

    def bus_fault_log(self) -> list[BusEvent]:
        count = self._box.fault_events
        return take_log(self._lib, self._live(), count) if count else []

    def findings(self) -> list[Finding]:
        if self._handle is not None and self._box.findings:  # of before the first clock
            self._word()
        return self._spec.words.findings(self._findings.take())

    def report(self, rule: str, text: str) -> None:
        self._findings.keep(Finding(self.now, rule, text))

    def _word(self) -> None:
        put_into_words(self._findings, self._lib, self._live(), self._box, self._memory)

    def _raise(self, event: int) -> None:
        if event & ENDED:
            self._ending = int(self._box.ended), self._lib.rb_ending(self._live()).decode(errors="replace")
            self._running()
        raise BusFault.of(self._findings.fresh())

    def stats(self) -> EngineStats:
        if not self._tick_hz:
            self._tick_hz = self._lib.rb_tick_hz(self._live())
        box = self._box
        total = box.run_ticks * 1e9 / self._tick_hz
        model = total * box.model_ticks / box.sampled_ticks if box.sampled_ticks else 0.0
        beats = int(box.read_beats), int(box.write_beats)
        return EngineStats(
            int(box.clocks), int(box.skipped), round(model), round(total - model), *beats, dict(self.edge.counters),
            self.edge.came, len(self._in) + int(box.in_frames), self.edge.left + int(box.out_frames),
        )  # fmt: skip

    @property
    def faults(self) -> int:
        """Device accesses that were answered with an error."""
        return int(self._box.faults)

    def close(self) -> None:
        if self._handle is not None:
            self._leave_stages()
            self._lib.rb_final(self._handle)
            if self._box.findings:
                self._word()
            self._box = Mailbox.from_buffer_copy(self._box)  # figures stay readable
            self._lib.rb_close(self._handle)
            self._handle = None

    def _live(self) -> int:
        if self._handle is None:
            raise EngineClosed(self._spec.name)
        return self._handle

    def _running(self) -> int:
        """For what needs its clock."""
        handle = self._live()
        if self._ending is not None:
            raise CardEnded(self._spec.name, *self._ending)
        return handle
