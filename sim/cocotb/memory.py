"""Memory behind the card's AXI4 master inside a cocotb simulation, on cocotbext-axi's channels."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Event as CocotbEvent
from cocotb.triggers import First
from cocotbext.axi import AxiBus
from cocotbext.axi.axi_channels import AxiARSink, AxiAWSink, AxiBSource, AxiRSource, AxiWSink

from ringbed.sim.bus.bursts import DEPTH, Bursts, Queued, pick
from ringbed.sim.bus.ports import Pattern
from ringbed.sim.cocotb.bus import DutPorts, known, paused
from ringbed.sim.cocotb.clock import CardClock
from ringbed.sim.faults.bus import BusEffect
from ringbed.sim.memory.regions import DeviceMemory
from ringbed.sim.seam.axi_checker import Command, Findings
from ringbed.sim.seam.portmap import Dma
from ringbed.sim.seam.settings import Settings

__all__ = ["CocotbMemory"]


class CocotbMemory(Bursts):
    """Memory behind the card's AXI4 master: the rules of `Bursts`, on cocotbext-axi's channels."""

    def __init__(
        self, dut: Any, part: Dma, clock: CardClock, memory: DeviceMemory | None, settings: Settings,
        findings: Findings,
    ) -> None:  # fmt: skip
        latencies = (settings.read_latency, settings.write_latency)
        super().__init__(part.prefix, part.data_width // 8, memory, latencies, settings.seed, settings.pattern_level)
        self._clock, self._findings = clock, findings
        bus, models = AxiBus.from_prefix(dut, part.prefix, bus_separator=""), clock.models
        self._ar, self._r = AxiARSink(bus.read.ar, *models), known(AxiRSource(bus.read.r, *models))
        self._aw, self._w = AxiAWSink(bus.write.aw, *models), AxiWSink(bus.write.w, *models)
        self._b = known(AxiBSource(bus.write.b, *models))
        self._reading, self._writing, self._room = CocotbEvent(), CocotbEvent(), CocotbEvent()
        for channel in (self._ar, self._aw, self._w, self._r, self._b):
            channel.queue_occupancy_limit = 2
        if settings.pattern_level:
            self._hold_off()
        for task in (self._take_ar(), self._take_aw(), self._take_w(), self._answer_r(), self._answer_b()):
            cocotb.start_soon(task)

    def _hold_off(self) -> None:
        for channel, pattern, opens in (
            (self._ar, self.ar_hold, lambda: self.ar_open), (self._aw, self.aw_hold, lambda: self.w_open),
            (self._w, self.w_hold, lambda: self.w_open), (self._r, self.r_hold, lambda: 0),
            (self._b, self.b_hold, lambda: 0),
        ):  # fmt: skip
            channel.set_pause_generator(paused(pattern, self._clock, opens))

    def still(self, ports: DutPorts) -> bool:
        """Nothing under way on this bus."""
        return self.quiet(ports) and self._r.idle() and self._b.idle()

    def _told(self) -> Findings:
        self._findings.now = self._clock.now
        return self._findings

    async def _take_ar(self) -> None:
        while True:
            ar = await self._ar.recv()
            n = Command(int(ar.araddr), int(ar.arid), int(ar.arlen), int(ar.arsize), int(ar.arburst))
            f = self._told()
            self.take_read(n, f)
            self._reading.set()
            await self._closed(self.ar_open > f.now + 1, self.ar_open, self._ar)
            await self._while_full(self.reads)

    async def _closed(self, hold: bool, opens: int, *channels: Any) -> None:
        """A fault withholds ready; where a pattern runs, it does so itself."""
        if not hold or self.ar_hold.level:
            return
        for channel in channels:
            channel.pause = True
        await self._clock.reach(opens)
        for channel in channels:
            channel.pause = False

    async def _while_full(self, queue: list[Any]) -> None:
        while len(queue) >= DEPTH:
            self._room.clear()
            await self._room.wait()

    async def _take_aw(self) -> None:
        while True:
            aw = await self._aw.recv()
            n = Command(int(aw.awaddr), int(aw.awid), int(aw.awlen), int(aw.awsize), int(aw.awburst))
            self.take_write(n, self._told())
            await self._pair()
            await self._while_full(self.resps)

    async def _take_w(self) -> None:
        while True:
            w = await self._w.recv()
            self.write_beats += 1
            self.take_word((int(w.wdata), int(w.wstrb)), bool(int(w.wlast)), self._told())
            await self._pair()

    async def _pair(self) -> None:
        """Bursts whose request and data are both there wait for their answer from now on."""
        f, before = self._told(), len(self.resps)
        while self.done and self.awaiting:
            self.match(f)
        if len(self.resps) > before:
            self._writing.set()
            await self._closed(self.w_open > f.now + 1, self.w_open, self._aw, self._w)

    async def _next(self, queue: list[Queued], pattern: Pattern, more: CocotbEvent) -> Queued:
        """The entry to answer next, once its time has come."""
        while (index := pick(queue, self._clock.now, pattern)) < 0:
            more.clear()
            coming = [entry.ready_at for entry in queue if entry.ready_at > self._clock.now]
            if coming:
                await First(self._clock.timer(min(coming)), more.wait())
            else:
                await more.wait()
        self._room.set()
        return queue.pop(index)

    async def _answer_r(self) -> None:
        while True:
            entry = await self._next(self.reads, self.r_pick, self._reading)
            self.rcmd, self.reffect = entry.command, entry.effect
            for self.rbeat in range(entry.command.len + 1):
                self.look_up(entry.command, self._told())
                r = self._r._transaction_obj()
                r.rid, r.rdata, r.rresp = entry.command.id, self.rdata, int(self.rresp)
                r.rlast = int(self.rbeat == entry.command.len)
                await self._r.send(r)
                self.read_beats += 1
            self.rcmd, self.reffect = None, BusEffect()

    async def _answer_b(self) -> None:
        while True:
            entry = self.bcmd = await self._next(self.resps, self.b_pick, self._writing)
            self.commit(entry, self._told())
            b = self._b._transaction_obj()
            b.bid, b.bresp = entry.command.id, int(entry.resp)
            await self._b.send(b)
            self.bcmd = None
            self.slots -= 1
