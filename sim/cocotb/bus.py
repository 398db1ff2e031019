"""The bus partners of a card inside a cocotb simulation: cocotbext-axi drives, ringbed's rules decide.

Ready, valid and what travels with them are cocotbext-axi's: its AXI4-Lite master, its channels of an AXI4 slave, its
streams. What memory answers, which faults befall a burst, how a link is paced and what a checker says are the classes
of `sim/pysim/` and `sim/seam/axi_checker.py`, the same as on the other engines. Clocks of latency are kept by timers,
so a bus that waits costs nothing; `BusChecker` is the one that looks at every clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import cocotb
from cocotb.triggers import Event as CocotbEvent
from cocotb.triggers import First
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster
from cocotbext.axi.axi_channels import AxiARSink, AxiAWSink, AxiBSource, AxiRSource, AxiWSink
from cocotbext.axi.stream import define_stream

from ringbed.sim.cocotb.clock import CardClock
from ringbed.sim.faults.bus import BusEffect
from ringbed.sim.memory.regions import DeviceMemory
from ringbed.sim.pysim.bus import Pattern
from ringbed.sim.pysim.dma import DEPTH, AxiMemory, Queued, pick
from ringbed.sim.pysim.wire import Garbage, LinkTime, WireOut
from ringbed.sim.seam.axi_checker import Command, Findings, check_keep, check_request
from ringbed.sim.seam.clock import GAP, PREAMBLE, Pacing
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.seam.portmap import Dma, Registers, Wire
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.words import seen
from ringbed.sim.wire.frame import FCS_LENGTH

__all__ = ["CocotbMemory", "CocotbRegisters", "CocotbRx", "CocotbTx", "DutPorts"]

# A wire's beats one by one: AxiStreamSource and AxiStreamSink take whole frames, and read a signal once for each byte.
_, RxBeat, RxSource, _, _ = define_stream(
    "Rx", signals=["tdata", "tkeep", "tlast", "tvalid"], optional_signals=["tuser", "tready"]
)
_, _, _, TxSink, _ = define_stream("Tx", signals=["tdata", "tkeep", "tlast", "tvalid"], optional_signals=["tready"])


class DutPorts:
    """The card's ports by name; `Ports` of `sim/pysim/bus.py`."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._handles: dict[str, Any] = {}

    def handle(self, name: str) -> Any:
        found = self._handles.get(name)
        if found is None:
            found = self._handles[name] = getattr(self._dut, name)
        return found

    def put(self, name: str, value: int) -> None:
        self.handle(name).value = int(value)

    def get(self, name: str) -> int:
        return int(self.handle(name).value)

    def bit(self, name: str) -> bool:
        return int(self.handle(name).value) != 0


def _paused(pattern: Pattern, clock: CardClock, opens: Callable[[], int]) -> Iterator[bool]:
    """For cocotbext-axi's pause generators: held off by `pattern`, and before clock `opens()`."""
    while True:
        yield pattern.hold() or clock.now + 1 < opens()


def _known(source: Any) -> Any:
    """cocotbext-axi begins with X on what valid does not cover; X spreads further in Verilog than in hardware."""
    for name, handle in source.bus._signals.items():
        if name not in (source._valid_signal, source._ready_signal):
            handle.value = 0
    return source


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
            _known(source)
        if settings.pattern_level:
            for number, channel in enumerate(channels, 8):
                pattern = Pattern(settings.seed, number, settings.pattern_level)
                channel.set_pause_generator(_paused(pattern, clock, lambda: 0))
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


class CocotbMemory(AxiMemory):
    """Memory behind the card's AXI4 master: the rules of `AxiMemory`, on cocotbext-axi's channels."""

    def __init__(
        self, dut: Any, part: Dma, clock: CardClock, memory: DeviceMemory | None, settings: Settings,
        findings: Findings,
    ) -> None:  # fmt: skip
        latencies = (settings.read_latency, settings.write_latency)
        super().__init__(part.prefix, part.data_width // 8, memory, latencies, settings.seed, settings.pattern_level)
        self._clock, self._findings = clock, findings
        bus, models = AxiBus.from_prefix(dut, part.prefix, bus_separator=""), clock.models
        self._ar, self._r = AxiARSink(bus.read.ar, *models), _known(AxiRSource(bus.read.r, *models))
        self._aw, self._w = AxiAWSink(bus.write.aw, *models), AxiWSink(bus.write.w, *models)
        self._b = _known(AxiBSource(bus.write.b, *models))
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
            channel.set_pause_generator(_paused(pattern, self._clock, opens))

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
            if f.check:
                check_request("AR", n, self.bus, f)
            effect = self._effect(n, False, f.now)
            self.reads.append(Queued(n, f.now + self.read_latency, [], effect))
            self._reading.set()
            self.ar_open = f.now + 1 + effect.hold
            await self._closed(effect.hold, self.ar_open, self._ar)
            await self._while_full(self.reads)

    async def _closed(self, hold: int, opens: int, *channels: Any) -> None:
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
            f = self._told()
            if f.check:
                check_request("AW", n, self.bus, f)
            self.awaiting.append(n)
            await self._pair()
            await self._while_full(self.resps)

    async def _take_w(self) -> None:
        while True:
            w = await self._w.recv()
            self.write_beats += 1
            self._take_word((int(w.wdata), int(w.wstrb)), bool(int(w.wlast)), self._told())
            await self._pair()

    async def _pair(self) -> None:
        """Bursts whose request and data are both there wait for their answer from now on."""
        f, before = self._told(), len(self.resps)
        while self.done and self.awaiting:
            self._match(f)
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
                self._look_up(entry.command, self._told())
                r = self._r._transaction_obj()
                r.rid, r.rdata, r.rresp = entry.command.id, self.rdata, int(self.rresp)
                r.rlast = int(self.rbeat == entry.command.len)
                await self._r.send(r)
                self.read_beats += 1
            self.rcmd, self.reffect = None, BusEffect()

    async def _answer_b(self) -> None:
        while True:
            entry = self.bcmd = await self._next(self.resps, self.b_pick, self._writing)
            self._commit(entry, self._told())
            b = self._b._transaction_obj()
            b.bid, b.bresp = entry.command.id, int(entry.resp)
            await self._b.send(b)
            self.bcmd = None
            self.slots -= 1


class CocotbRx:
    """The receive wire: beats of queued frames, back to back or paced, into cocotbext-axi's source.

    Lanes beyond a frame's end hold garbage; between two beats the source leaves the one before.
    """

    def __init__(self, dut: Any, part: Wire, clock: CardClock, pace: Pacing | None, seed: int) -> None:
        self._garbage = Garbage(seed, part.data_width // 8)
        bus = RxSource._bus_obj(dut, part.prefix, bus_separator="")
        self._source, self._clock, self._bytes = _known(RxSource(bus, *clock.models)), clock, part.data_width // 8
        self._behind = 0 if part.fcs else FCS_LENGTH  # on the link, and not in the stream
        self._pace, self._free = pace, LinkTime(pace or Pacing(0, 1))
        self._frames: deque[tuple[bytes, int, bool]] = deque()
        self._wake, self._beat_at = CocotbEvent(), NEVER
        cocotb.start_soon(self._run())

    def put(self, frame: bytes, at: int, error: bool) -> None:
        self._frames.append((frame, at, error))
        self._wake.set()

    def waiting(self) -> int:
        """Frames that the card has not taken whole; on no more clocks than a beat the source counts for the card."""
        return len(self._frames)

    def idle(self) -> bool:
        """No beat is on the wire or about to be."""
        return bool(self._source.idle())

    def due(self) -> int:
        if self._beat_at != NEVER:
            return self._beat_at
        return self._begin() if self._frames else NEVER

    def _begin(self) -> int:
        return max(self._frames[0][1], self._free.ceil() if self._pace else 0)

    async def _run(self) -> None:
        while True:
            if not self._frames:
                self._wake.clear()
                await self._wake.wait()
            await self._clock.reach(self._begin())
            await self._send(*self._frames[0])
            self._frames.popleft()

    async def _send(self, frame: bytes, at: int, error: bool) -> None:
        position = self._free
        self._garbage.next()
        if self._pace:
            position.at_least(max(at, self._clock.now))
            position.add(PREAMBLE)
        for offset in range(0, len(frame), self._bytes):
            beat = frame[offset : offset + self._bytes]
            last = offset + len(beat) == len(frame)
            if self._pace:
                position.add(len(beat) + (self._behind if last else 0))
                self._beat_at = position.ceil()
                await self._clock.reach(self._beat_at)
            shown = RxBeat(tdata=self._garbage.fill(beat), tkeep=(1 << len(beat)) - 1, tlast=int(last))
            shown.tuser = int(last and error)
            self._source.send_nowait(shown)
        self._beat_at = NEVER
        if self._pace:
            position.add(GAP)


class CocotbTx(WireOut):
    """The transmit wire: cocotbext-axi's sink, ready always, paced, or by a pattern."""

    def __init__(self, dut: Any, part: Wire, clock: CardClock, settings: Settings, findings: Findings) -> None:
        level = settings.pattern_level
        pace, seed = settings.pacing, settings.seed
        super().__init__(part.prefix, part.data_width // 8, pace, seed, level, stops=part.ready, fcs=part.fcs)
        self._sink = TxSink(TxSink._bus_obj(dut, part.prefix, bus_separator=""), *clock.models)
        self._clock, self._findings = clock, findings
        if self.hold.level:
            self._sink.set_pause_generator(_paused(self.hold, clock, self.pos.ceil))
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        while True:
            beat = await self._sink.recv()
            keep, last, f = int(beat.tkeep), bool(int(beat.tlast)), self._findings
            f.now = self._clock.now
            count = (~keep & keep + 1).bit_length() - 1  # lanes from lane 0 on
            if f.check:
                check_keep(keep, count, last, self.bus, f)
            self._store(int(beat.tdata).to_bytes(self.bus, "little")[:count], last, f)
            if self.paced and not self.hold.level and self.pos.ceil() > f.now + 1:
                self._sink.pause = True
                await self._clock.reach(self.pos.ceil())
                self._sink.pause = False
