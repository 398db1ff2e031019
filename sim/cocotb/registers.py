"""The card's registers inside a cocotb simulation, behind cocotbext-axi's AXI4-Lite master."""

from __future__ import annotations

from collections import deque
from typing import Any

import cocotb
from cocotb.triggers import Event as CocotbEvent
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

from ringbed.sim.bus.ports import Pattern
from ringbed.sim.cocotb.bus import DutPorts, known, paused
from ringbed.sim.cocotb.clock import CardClock
from ringbed.sim.seam.axi_checker import Findings
from ringbed.sim.seam.portmap import Registers
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.words import seen

__all__ = ["CocotbRegisters"]


class Answer:
    """Of a register read: `value` is there once `event` is set."""

    def __init__(self) -> None:
        self.event, self.value = CocotbEvent(), 0


class CocotbRegisters:
    """cocotbext-axi's AXI4-Lite master: one access on the bus at a time, in order."""

    def __init__(self, dut: Any, part: Registers, clock: CardClock, settings: Settings, findings: Findings) -> None:
        bus = AxiLiteBus.from_prefix(dut, part.prefix, bus_separator="")
        self._master = AxiLiteMaster(bus, *clock.models)
        self._bytes, self._clock, self._findings = part.data_width // 8, clock, findings
        self._queue: deque[tuple[int, int | None, Answer | None]] = deque()  # (offset, value or None, answer)
        self._wake, self.busy = CocotbEvent(), False
        self._prefix, self._at = part.prefix, (0, False)  # the access on the bus: its offset, whether it is a write
        write, read = self._master.write_if, self._master.read_if
        channels = (write.aw_channel, write.w_channel, read.ar_channel, write.b_channel, read.r_channel)
        for source in channels[:3]:
            known(source)
        if settings.pattern_level:
            for number, channel in enumerate(channels, 8):
                pattern = Pattern(settings.seed, number, settings.pattern_level)
                channel.set_pause_generator(paused(pattern, clock, lambda: 0))
        cocotb.start_soon(self._run())

    def quiet(self) -> bool:
        return not self.busy and not self._queue

    def write(self, offset: int, value: int) -> None:
        self._queue.append((offset, value, None))
        self._wake.set()

    def read(self, offset: int) -> Answer:
        answer = Answer()
        self._queue.append((offset, None, answer))
        self._wake.set()
        return answer

    def under_way(self, ports: DutPorts) -> int:
        """The access on the bus, by `words.seen`."""
        offset, write = self._at
        shown = any(ports.bit(f"{self._prefix}{channel}valid") for channel in ("aw", "w", "ar"))
        return seen(offset, write, not shown)

    async def _run(self) -> None:
        while True:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
            self.busy = True
            offset, value, answer = self._queue.popleft()
            self._at = offset, answer is None
            if answer is None:
                assert value is not None
                done = await self._master.write(offset, value.to_bytes(self._bytes, "little"))
                self._told(done.resp, "write", offset)
            else:
                done = await self._master.read(offset, self._bytes)
                self._told(done.resp, "read", offset)
                answer.value = int.from_bytes(done.data, "little")
                answer.event.set()
            self.busy = False

    def _told(self, resp: Any, what: str, offset: int) -> None:
        if int(resp):
            self._findings.now = self._clock.now
            self._findings.add("register.error", f"a register {what} at {offset:#x} is answered {int(resp)}")
