"""The front of `em`'s receive half: from the wire to kept frames that wait for descriptors.

wire -> MacRx -> tap rx.data -> RxHead -> RxFilter, PauseRx
                             -> VlanStrip -> RxAdmit -> FrameStore
                                          -> Parse -> ChecksumRx -> tap rx.verdict
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, ResetInserter, Signal, Value
from amaranth.hdl import Assert
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.formats import em
from ringbed.hw.mac.pause_rx import PauseRx
from ringbed.hw.mac.rx import MacRx, WireRx
from ringbed.hw.mac.rx_head import RxHead
from ringbed.hw.rx.admit import DROPS, Admitted, RxAdmit
from ringbed.hw.rx.checksum import ChecksumRx, RxChecksums
from ringbed.hw.rx.filter import ADDRESSES, RxFilter
from ringbed.hw.rx.parse import Parse, Parsed
from ringbed.hw.rx.ring import RxFrame
from ringbed.hw.rx.vlan_strip import VlanStrip
from ringbed.hw.station.counters import Pending
from ringbed.hw.station.statistics import RxStat
from ringbed.hw.stream.fifo import Fifo
from ringbed.hw.stream.frame_facts import FrameFacts
from ringbed.hw.stream.frame_store import FrameStore
from ringbed.hw.stream.packet_buffer import BufferPort
from ringbed.hw.stream.taps import Taps

__all__ = ["FRONT_MEMBERS", "EmRxFront", "front_streams"]

RCTL, RXCSUM = em.REGISTERS["RCTL"], em.REGISTERS["RXCSUM"]
STATUS = {name: 1 << em.RX_LEGACY[name].lsb - em.RX_LEGACY["DD"].lsb for name in
          ("DD", "EOP", "IXSM", "VP", "TCPCS", "IPCS", "PIF")}  # fmt: skip
FRAMES = 1024  # kept frames, at most: as many as the packet buffer can hold at 64 bytes each
IN_FLIGHT = 32  # frames between their last beat and their sums, at most

# What the front looks at and says; the half has the same members and hands them through. `rctl`, `rxcsum`: the
# registers; `link`; `flush`: reset is draining; `clear`: and done; `fill`: bytes in the packet buffer; the others are
# those of the blocks in this file.
FRONT_MEMBERS = {
    "rctl": In(32), "rxcsum": In(32), "link": In(1), "flush": In(1), "clear": In(1), "no_buffer": In(1),
    "vet": In(16, init=0x8100), "vme": In(1), "pause_da": In(48), "fct": In(16), "rfce": In(1),
    "addresses": In(data.ArrayLayout(48, ADDRESSES)), "address_valid": In(ADDRESSES), "address_source": In(ADDRESSES),
    "mta_index": Out(12), "mta_hit": In(1), "vfta_index": Out(12), "vfta_hit": In(1),
    "began": Out(1), "dropped": Out(len(DROPS)), "fill": Out(17),
}  # fmt: skip


def front_streams(width: int) -> dict[str, Any]:
    """The streams that both have: wire, packet buffer and its size in beats, statistics, pauses that are honoured."""
    beats = 65536 // (width // 8)
    return {
        "wire": In(WireRx(width)),
        "buffer": Out(BufferPort(width)),
        "size": In(beats.bit_length()),
        "stat": Out(stream.Signature(RxStat, always_ready=True)),
        "pause": Out(stream.Signature(16, always_ready=True)),
    }


class EmRxFront(wiring.Component):
    """Members: FRONT_MEMBERS, front_streams, and those towards the ring:

    frames : stream of RxFrame; beats : stream of their beats
    left : In(8): frames that are done; lost : Out(16): frames a reset ended in this clock
    kept, drop_reset : Out(1): a frame ended so, for `stages.py`
    in_flight : Out(1): a frame has left the wire and has no sums yet
    """

    def __init__(self, width: int, taps: Taps, sums: bool) -> None:
        self.width, self.taps, self.sums = width, taps, sums
        self.facts: FrameFacts | None = None  # for taps that want it
        super().__init__(FRONT_MEMBERS | front_streams(width) | {
            "frames": Out(stream.Signature(RxFrame())), "beats": Out(stream.Signature(width)),
            "left": In(8), "lost": Out(16), "kept": Out(1), "drop_reset": Out(1), "in_flight": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.mac = mac = MacRx(self.width)
        m.submodules.admit = self.admit = RxAdmit(self.width)
        connect(m, flipped(self.wire), mac.i)
        beats = self.taps.insert(m, "rx.data", mac.o, {"end": mac.end})
        stripped = self._look(m, mac, beats)
        sums = self._sums(m, stripped) if self.sums else self._no_sums(m)
        self._keep(m, sums)
        self._account(m)
        return m

    def _bit(self, name: str) -> Any:
        field = RCTL[name]
        return self.rctl[field.lsb : field.lsb + field.width]

    def _look(self, m: Module, mac: MacRx, beats: Any) -> Any:
        """Head, filters, pause, tag: these see every frame, the card's own reset included. Gives the stripped beats."""
        m.submodules.head = head = RxHead(self.width)
        m.submodules.filter = filters = RxFilter()
        m.submodules.mac_control = control = PauseRx()
        m.submodules.strip = strip = VlanStrip(self.width)
        for sink in (head.i, strip.i):
            m.d.comb += [sink.payload.eq(beats.payload), sink.valid.eq(beats.valid)]
        for name in ("addresses", "address_valid", "address_source", "mta_hit", "vfta_hit"):
            m.d.comb += getattr(filters, name).eq(getattr(self, name))
        for name, _ in filters.control.shape():
            m.d.comb += filters.control[name].eq(self._bit(name.upper()))
        for block in (filters, control):
            m.d.comb += [block.head.eq(head.o), block.told.eq(head.told)]
        m.d.comb += [
            head.vet.eq(self.vet), head.vme.eq(self.vme),
            self.mta_index.eq(filters.mta_index), self.vfta_index.eq(filters.vfta_index),
            control.timed.eq(head.timed), control.fct.eq(self.fct), control.pause_da.eq(self.pause_da),
            control.station.eq(self.addresses[0]), control.station_valid.eq(self.address_valid[0]),
            strip.end.eq(mac.end), strip.strip.eq(head.o.strip), strip.tag.eq(head.o.tci),
        ]  # fmt: skip
        admit = self.admit
        verdict = self.taps.alter(m, "rx.filter", filters.o, {
            "head": head.o, "told": head.told, "control": filters.control,
        })  # fmt: skip
        end = self.taps.alter(m, "rx.end", strip.o_end, {
            "stripped": strip.stripped, "last": lambda: strip.o.valid & strip.o.payload.last,
        })  # fmt: skip
        m.d.comb += [
            admit.i.payload.eq(strip.o.payload), admit.i.valid.eq(strip.o.valid), admit.end.eq(end),
            admit.stripped.eq(strip.stripped), admit.tag.eq(strip.o_tag),
            admit.verdict.eq(verdict), admit.mac.eq(control.o),
        ]  # fmt: skip
        return strip.o

    def _sums(self, m: Module, beats: Any) -> Any:
        m.submodules.parse = parse = Parse(self.width)
        m.submodules.checksum = checksum = ChecksumRx(self.width)
        parsed = self.taps.insert(m, "rx.parsed", parse.o)
        if self.taps.used("rx.verdict", "rx.frame"):
            self.facts = self._facts(m, parsed)
        for sink, source in ((parse.i, beats), (checksum.i, parsed)):
            m.d.comb += [sink.payload.eq(source.payload), sink.valid.eq(source.valid)]
        m.d.comb += parse.vet.eq(self.vet)
        control = checksum.control
        for name in ("PCSS", "IPOFL", "TUOFL", "IPV6OFL"):
            field = RXCSUM[name]
            m.d.comb += control[name.lower()].eq(self.rxcsum[field.lsb : field.lsb + field.width])
        m.d.comb += control.secrc.eq(self._bit("SECRC"))
        return checksum.o

    def _facts(self, m: Module, parsed: Any) -> FrameFacts:
        """What the verdicts' taps are told of each frame."""
        m.submodules.facts = facts = FrameFacts(self.width, IN_FLIGHT, 1, Parsed)
        m.d.comb += [
            facts.i.payload.eq(parsed.payload.beat), facts.i.valid.eq(parsed.valid),
            Value.cast(facts.end).eq(Value.cast(parsed.payload.parsed)),
        ]  # fmt: skip
        return facts

    def _no_sums(self, m: Module) -> Any:
        """A card without receive engines: every frame says 'ignore the checksum bits'."""
        result = stream.Signature(RxChecksums, always_ready=True).create()
        m.d.comb += result.payload.ixsm.eq(1)
        m.d.sync += result.valid.eq(self.admit.o_valid)  # in step with the queue of ended frames
        return result

    def _keep(self, m: Module, sums: Any) -> None:
        """Kept frames wait for their sums, which come a few clocks after the end, in order."""
        admit = self.admit
        m.submodules.ended = ended = Fifo(
            Admitted, IN_FLIGHT, has_room="rx_front: no more than IN_FLIGHT frames that ended wait for their sums",
            has_item="rx_front: sums come of a frame that ended",
        )  # fmt: skip
        side = self._known(m, sums, ended) if self.facts is not None else {}
        sums = self.taps.insert(m, "rx.verdict", sums, side)
        m.submodules.frames = frames = ResetInserter(self.clear)(Fifo(
            RxFrame(), FRAMES, has_room="rx_front: no more than IN_FLIGHT frames come after the queue was crowded"
        ))  # fmt: skip
        m.submodules.store = self.store = store = ResetInserter(self.clear)(FrameStore(self.width))
        crowded = frames.level >= FRAMES - IN_FLIGHT  # short frames kept by SBP could outnumber the places
        m.d.comb += [
            admit.on.eq(self._bit("EN") & self.link), admit.flush.eq(self.flush), admit.no_buffer.eq(self.no_buffer),
            admit.control.sbp.eq(self._bit("SBP")), admit.control.lpe.eq(self._bit("LPE")),
            admit.control.strip.eq(self._bit("SECRC")),
            admit.control.dpf.eq(self._bit("DPF")), admit.control.pmcf.eq(self._bit("PMCF")),
            admit.free.eq(Mux(crowded, 0, store.free)),
            store.w_en.eq(admit.w_en), store.w_data.eq(admit.w_data),
            store.end.eq(admit.finish), store.keep.eq(admit.keep),
            store.origin.eq(0), store.size.eq(self.size),
            ended.i.payload.eq(admit.o), ended.i.valid.eq(admit.o_valid), ended.o.ready.eq(sums.valid),
        ]  # fmt: skip
        connect(m, store.memory, flipped(self.buffer))
        connect(m, store.o, flipped(self.beats))
        connect(m, frames.o, flipped(self.frames))
        queued = self._queued(m, frames, side)
        kept, found, frame = ended.o.payload, sums.payload, queued.payload
        marks = {"IXSM": found.ixsm, "TCPCS": found.tcpcs, "IPCS": found.ipcs, "VP": kept.vp, "PIF": kept.pif}
        status: Any = STATUS["DD"] | STATUS["EOP"]
        for name, mark in marks.items():
            status = status | Mux(mark, STATUS[name], 0)
        m.d.comb += [
            queued.valid.eq(sums.valid & kept.kept),
            frame.length.eq(kept.length), frame.checksum.eq(found.packet_checksum), frame.special.eq(kept.tag),
            frame.status.eq(status),
            frame.errors.eq(kept.ce | (found.tcpe << 5) | (found.ipe << 6) | (kept.rxe << 7)),
        ]  # fmt: skip
        behind = Signal(range(IN_FLIGHT + 1))  # kept frames that wait for their sums
        flying = Signal(range(2 * IN_FLIGHT))
        m.d.sync += flying.eq(flying + (self.wire.tvalid & self.wire.tlast) - sums.valid)
        m.d.comb += self.in_flight.eq(flying != 0)
        m.d.sync += behind.eq(behind + (ended.i.valid & admit.o.kept) - frames.i.valid)
        m.d.sync += Assert(~self.clear | (behind == 0), "rx_front: a reset finds all kept frames queued after SETTLE")

    def _known(self, m: Module, sums: Any, ended: Fifo) -> dict[str, Any]:
        """The side information of a frame's verdict and descriptor; it leaves with its sums."""
        assert self.facts is not None
        m.d.comb += self.facts.o.ready.eq(sums.valid)
        known = self.facts.o.payload
        return {"facts": known, "parsed": known.end, "admitted": ended.o.payload}

    def _queued(self, m: Module, frames: Fifo, side: dict[str, Any]) -> Any:
        """Where a kept frame is written: the queue itself, or the tap in front of it."""
        if not self.taps.used("rx.frame"):
            return frames.i
        queued = stream.Signature(RxFrame(), always_ready=True).create()
        out = self.taps.insert(m, "rx.frame", queued, side)
        m.d.comb += [frames.i.payload.eq(out.payload), frames.i.valid.eq(out.valid)]
        return queued

    def _account(self, m: Module) -> None:
        admit, lanes = self.admit, self.width // 8
        m.submodules.pending = pending = Pending()
        stat = admit.stat.payload
        m.d.comb += [
            self.kept.eq(admit.finish & (admit.keep != 0)), self.drop_reset.eq(admit.flushed),
            self.began.eq(admit.began), self.dropped.eq(admit.dropped),
            pending.came.eq(self.kept), pending.left.eq(self.left), pending.flush.eq(self.clear),
            self.lost.eq(pending.lost + admit.flushed),
            self.stat.payload.eq(stat), self.stat.valid.eq(admit.stat.valid),
            self.pause.payload.eq(admit.pause_time),
            self.pause.valid.eq(admit.stat.valid & (stat.xon | stat.xoff) & self.rfce),
            self.fill.eq((self.size - self.store.free) << (lanes.bit_length() - 1)),
        ]  # fmt: skip
