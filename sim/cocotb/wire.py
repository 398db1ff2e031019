"""Both directions of the card's wire inside a cocotb simulation, on cocotbext-axi's streams."""

from __future__ import annotations

from collections import deque
from typing import Any

import cocotb
from cocotb.triggers import Event as CocotbEvent
from cocotbext.axi.stream import define_stream

from ringbed.sim.bus.link import FramesOut, Garbage, LinkTime
from ringbed.sim.bus.ports import Pattern
from ringbed.sim.cocotb.bus import known, paused
from ringbed.sim.cocotb.clock import CardClock
from ringbed.sim.seam.axi_checker import Findings, check_keep
from ringbed.sim.seam.clock import GAP, PREAMBLE, Pacing
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.seam.portmap import Wire
from ringbed.sim.seam.settings import Settings
from ringbed.sim.wire.frame import FCS_LENGTH

__all__ = ["CocotbRx", "CocotbTx"]

# A wire's beats one by one: AxiStreamSource and AxiStreamSink take whole frames, and read a signal once for each byte.
_, RxBeat, RxSource, _, _ = define_stream(
    "Rx", signals=["tdata", "tkeep", "tlast", "tvalid"], optional_signals=["tuser", "tready"]
)
_, _, _, TxSink, _ = define_stream("Tx", signals=["tdata", "tkeep", "tlast", "tvalid"], optional_signals=["tready"])


class CocotbRx:
    """The receive wire: beats of queued frames, back to back or paced, into cocotbext-axi's source.

    Lanes beyond a frame's end hold garbage; between two beats the source leaves the one before.
    """

    def __init__(self, dut: Any, part: Wire, clock: CardClock, pace: Pacing | None, seed: int) -> None:
        self._garbage = Garbage(seed, part.data_width // 8)
        bus = RxSource._bus_obj(dut, part.prefix, bus_separator="")
        self._source, self._clock, self._bytes = known(RxSource(bus, *clock.models)), clock, part.data_width // 8
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


class CocotbTx(FramesOut):
    """The transmit wire: cocotbext-axi's sink, ready always, paced, or by a pattern."""

    def __init__(self, dut: Any, part: Wire, clock: CardClock, settings: Settings, findings: Findings) -> None:
        super().__init__(settings.pacing, fcs=part.fcs)
        self.bus, self.hold = part.data_width // 8, Pattern(settings.seed, 13, settings.pattern_level)
        self._sink = TxSink(TxSink._bus_obj(dut, part.prefix, bus_separator=""), *clock.models)
        self._clock, self._findings = clock, findings
        if self.hold.level:
            self._sink.set_pause_generator(paused(self.hold, clock, self.pos.ceil))
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        while True:
            beat = await self._sink.recv()
            keep, last, f = int(beat.tkeep), bool(int(beat.tlast)), self._findings
            f.now = self._clock.now
            count = (~keep & keep + 1).bit_length() - 1  # lanes from lane 0 on
            if f.check:
                check_keep(keep, count, last, self.bus, f)
            self.store(int(beat.tdata).to_bytes(self.bus, "little")[:count], last, f)
            if self.paced and not self.hold.level and self.pos.ceil() > f.now + 1:
                self._sink.pause = True
                await self._clock.reach(self.pos.ceil())
                self._sink.pause = False
