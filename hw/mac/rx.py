"""The receive side of the MAC: wire beats become the card's beats, and each frame's end says what the wire did to it.

The frame keeps its FCS: whether it goes to memory is decided further on (RCTL.SECRC). Nothing is dropped here.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.mac.crc import GOOD_REMAINDER, Crc32
from ringbed.hw.stream.beat import beat_path, lanes_of

__all__ = ["LONGEST", "UNCOUNTED", "MacRx", "RxFrameEnd", "WireRx"]

LONGEST = 16384  # wire bytes with FCS that any card here takes
UNCOUNTED = 32767  # lengths above it all read so
SHORTEST = 64  # IEEE 802.3, 3.2.8: below it is a runt


class WireRx(wiring.Signature):
    """A frame with FCS from the wire: `tdata`, `tkeep`, `tlast`, `tuser` (damaged, with `tlast`), `tvalid`.

    `tkeep` is ones from lane 0, all of them but with `tlast`, at least one always.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            {"tdata": Out(width), "tkeep": Out(lanes_of(width)), "tlast": Out(1), "tuser": Out(1), "tvalid": Out(1)},
        )


# Known with a frame's last beat: wire bytes with FCS (UNCOUNTED at most), and what was wrong with it.
RxFrameEnd = data.StructLayout({"length": range(UNCOUNTED + 1), "crc_ok": 1, "error": 1, "runt": 1})


class MacRx(wiring.Component):
    """Wire to beats, one each clock, frames back to back; latency 2 clocks.

    Members
    -------
    i : In(WireRx)
    o : Out, beats, FCS included; cannot be stopped
    end : Out(RxFrameEnd)
        Valid in the clock of the last beat of `o`.
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({"i": In(WireRx(width)), "o": Out(beat_path(width)), "end": Out(RxFrameEnd)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        taken = Signal(self.o.payload.shape())  # the beat off the wire
        taken_valid, inside = Signal(), Signal()
        m.d.sync += taken_valid.eq(self.i.tvalid)
        with m.If(self.i.tvalid):
            m.d.sync += [
                taken.data.eq(self.i.tdata),
                taken.count.eq(self._count(m)),
                taken.first.eq(~inside),
                taken.last.eq(self.i.tlast),
                taken.error.eq(self.i.tuser & self.i.tlast),
                inside.eq(~self.i.tlast),
            ]

        # The FCS unit and the length run beside the output register: both speak of the beat that is in it.
        m.submodules.crc = crc = Crc32(self.width)
        m.d.comb += [
            crc.data.eq(taken.data),
            crc.count.eq(taken.count),
            crc.first.eq(taken.first),
            crc.enable.eq(taken_valid),
        ]
        length, longer = Signal(range(UNCOUNTED + 1)), Signal(range(UNCOUNTED + self.lanes + 1))
        m.d.comb += longer.eq(Mux(taken.first, 0, length) + taken.count)
        m.d.sync += self.o.valid.eq(taken_valid)
        with m.If(taken_valid):
            m.d.sync += [
                self.o.payload.eq(taken),
                length.eq(Mux(longer > UNCOUNTED, UNCOUNTED, longer)),
            ]
        m.d.comb += [
            self.end.length.eq(length),
            self.end.crc_ok.eq(crc.remainder == GOOD_REMAINDER),
            self.end.error.eq(self.o.payload.error),
            self.end.runt.eq(length < SHORTEST),
        ]
        return m

    def _count(self, m: Module) -> Signal:
        """The bytes of the wire's beat: where the highest bit of `tkeep` is."""
        count = Signal(range(self.lanes + 1))
        with m.Switch(self.i.tkeep):
            for lane in reversed(range(self.lanes)):
                with m.Case("0" * (self.lanes - 1 - lane) + "1" + "-" * lane):
                    m.d.comb += count.eq(lane + 1)
        return count
