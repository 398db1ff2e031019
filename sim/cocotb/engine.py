"""The cocotb engines: a card in Verilator or Icarus under cocotb, cocotbext-axi on its buses, driven from here.

The simulator is a process of its own that ends with the engine, or with this process however that ends. It is built
by cocotb's own runner and cached (`sim/cocotb/build.py`); what runs in it is `sim/cocotb/core.py`. Host memory is
shared. Each call that waits for an answer is one message each way; the simulator stands still meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, ClassVar

from ringbed.sim.cocotb.build import WAVES, build, spawn
from ringbed.sim.cocotb.face import Box, Call, CocotbFace
from ringbed.sim.cocotb.link import SOCKET, Link
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.verilog_said import Heard, printed, said
from ringbed.sim.seam.engine import CardEnded
from ringbed.sim.seam.progress import Progress
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec

__all__ = ["CocotbEngine", "CocotbIcarus", "CocotbVerilator", "SimulatorEnded", "last_words"]

# What a simulator says as it falls, and why that is: of cocotb 2.1 on Icarus 12.
KNOWN_ENDS = (
    ("basic_string::compare: __pos", "cocotb falls at a package whose name is one letter; give it a longer name"),
)

PATIENCE_S = 20  # for a simulator that was told to end


class SimulatorEnded(RuntimeError):
    """The simulator's process is gone; the sentence ends with the last it said."""


class CocotbEngine(CocotbFace):
    """See `sim/seam/engine.py` for the contract and `sim/seam/settings.py` for the options.

    Raises CocotbMissing, BuildError, and ValueError for clocks that have no common picoseconds (`PortMap.period_ps`).

    `trace` starts the simulator anew and is possible while its clock has not run; the waveform, VCD of Verilator and
    FST of Icarus, goes on to `close`. `waves` is taken and not needed.
    """

    simulator: ClassVar[str]

    def __init__(
        self, spec: NicSpec, memory: HostMemory | None = None, *, waves: str = "", progress: Progress | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(spec, spec.portmap, Settings.of(options, "waves"))
        spec.portmap.period_ps(self.settings.frequency)  # raises here what it would in the simulator
        self._spec, self._memory, self._progress = spec, memory, progress
        self._kept_pins: dict[str, int] = {}
        self._traced = False
        self._start(None)

    def _start(self, wave: Path | None) -> None:
        folder = build(self._spec, self.simulator, wave is not None, self._progress)
        ours, theirs = socket.socketpair()
        self._said: IO[bytes] = tempfile.TemporaryFile()
        with theirs:
            env = {
                SOCKET: str(theirs.fileno()), "COCOTB_LOG_LEVEL": "WARNING", "COCOTB_RESOLVE_X": "ZEROS",
                "COCOTB_RESULTS_FILE": os.devnull, "COCOTB_ANSI_OUTPUT": "0",
            }  # fmt: skip
            self._process = spawn(
                folder, self._spec, self.simulator, "ringbed.sim.cocotb.child", env=env, keep=[theirs.fileno()],
                wave=wave, output=self._said, plusargs=self.settings.plusargs,
            )  # fmt: skip
        self._link = Link(ours)
        self._end = weakref.finalize(self, _end, self._link, self._process, self._said)
        self._regions = 0
        self._heard = Heard(self._said.fileno(), inside=False)
        self._link.send((self._map, self.settings, self._memory is not None))
        with contextlib.suppress(CardEnded):  # in its reset: said at the first call
            self.take(self._receive()[1])

    # Calls ------------------------------------------------------------------------------------------------------

    def _send(self, call: Call) -> tuple[Any, Box]:
        try:
            if self._memory is not None and self._memory.version != self._regions:
                self._link.send_regions(self._memory)
                self._regions = self._memory.version
            self._link.send(("call", call))
        except EOFError:
            raise self._ended() from None
        return self._receive()

    def _receive(self) -> tuple[Any, Box]:
        while True:
            try:
                kind, value, *rest = self._link.receive()
            except EOFError:
                raise self._ended() from None
            if kind == "locate":
                self._link.send(tuple(self._memory.locate(*value)) if self._memory is not None else ("",))
                continue
            sys.stdout.write(printed(self._heard.text()))  # the rest is among the findings of the box
            if kind == "ended":
                self._ending = value
                self.take(rest[0])
                self._live()
            if kind == "raised":
                self.take(rest[0])
                raise value
            return value, rest[0]

    def _ended(self) -> SimulatorEnded:
        self._closed = True
        self._process.wait(PATIENCE_S)
        self._said.seek(0)
        words = last_words(self._said.read())
        self._end()
        return SimulatorEnded(f"{self.kind}: the simulator has ended{words}")

    # Pins and waveforms -----------------------------------------------------------------------------------------

    def set_pin(self, name: str, value: int) -> None:
        super().set_pin(name, value)
        self._kept_pins[name] = value

    def trace(self, path: Path | str | None) -> None:
        """From clock 0 to `close`; None is for what is not being recorded. Raises ValueError when it is too late."""
        self._live()
        if path is None:
            return
        path = Path(path)
        wanted = f".{WAVES[self.simulator]}"
        if path.suffix != wanted:
            raise ValueError(f"a waveform of {self.kind} is a {wanted} file, not {path.name}")
        if self.now or any(name != "set_pin" for name, _ in self._posted):
            raise ValueError(f"a waveform of {self.kind} begins at clock 0, and clocks have run")
        self._end()
        self._posted.clear()
        self._start(path.absolute())
        for name, value in self._kept_pins.items():
            self.set_pin(name, value)

    def close(self) -> None:
        """The simulator has ended, its waveform written, when this returns."""
        if self._closed:
            return
        super().close()
        self._link.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE_S)
        text = self._heard.text()  # of `final` blocks
        sys.stdout.write(printed(text))
        last = [each.finding(self.now) for each in said(text)]
        self.take(replace(self._box, frames=[], findings=list(filter(None, last)), lost=0, bus_log=[]))
        self._end()


def last_words(output: bytes) -> str:
    """Of a simulator that has ended, with the reason where it is known."""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    known = next((f": {why}" for sign, why in KNOWN_ENDS if any(sign in line for line in lines[-20:])), "")
    return f"{known}; its last words:\n" + "\n".join(lines[-20:])


class CocotbVerilator(CocotbEngine):
    kind = "cocotb-verilator"
    simulator = "verilator"


class CocotbIcarus(CocotbEngine):
    kind = "cocotb-icarus"
    simulator = "icarus"


def _end(link: Link, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    """The socket's end is the simulator's."""
    link.close()
    said.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
    if process.poll() is None:
        process.kill()
        process.wait()
