"""The first half of the parser: looks through the frame's link header and moves the L3 packet to lane 0.

An L3 packet begins at byte 14 (Ethernet II), 18 (one 802.1Q tag), 22 (LLC/SNAP) or 26 (a tag, then LLC/SNAP). In lanes
of a 64-bit beat these are 6, 2, 6 and 2, so the move has two cases, and the fields that tell the four apart lie in the
frame's second, third and fourth beat (M 3.2.9.2).

A moved word needs a beat and the start of the next one. Each beat therefore waits for its follower, but a frame's last
beat does not; so each beat makes exactly one step, and words never outnumber beats.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.beat import Beat, be16, beat_path, lanes_of

__all__ = ["FCS_BYTES", "Moved", "Realign", "check_width"]

IPV4, IPV6, VLAN = 0x0800, 0x86DD, 0x8100
LONGEST_LENGTH = 1500  # a type field up to here is a length, and LLC follows (IEEE 802.3, 3.2.6)
SNAP_SAPS, SNAP_REST = 0xAAAA, 0x00000003  # AA AA, then 03 00 00 00 as lanes: unnumbered, organisation 0 (RFC 1042)
FCS_BYTES = 4


def check_width(width: int) -> None:
    """Raises ValueError: on a wider path the lanes where L3 begins are others, and a beat holds more than one field."""
    if width != 64:
        raise ValueError(f"the parser is for a data path of 64 bits, not {width!r}")


class Moved(data.StructLayout):
    """One step: a beat of the frame, and the eight bytes of L3 packet that begin in it.

    `body` is how many of the beat's bytes come before the FCS, `position` the frame offset of its lane 0 (multiples of
    8; stays at its end from 32760 on). `begin` is set in the step of the L3 packet's first word, `ipv4`/`ipv6` then
    tell its EtherType, and `vlan`, `snap` what came before it.
    """

    def __init__(self, width: int) -> None:
        super().__init__({
            "beat": Beat(width), "body": range(lanes_of(width) + 1), "position": 15,
            "word": width, "begin": 1, "ipv4": 1, "ipv6": 1, "vlan": 1, "snap": 1,
        })  # fmt: skip


class Realign(wiring.Component):
    """Beats (FCS included) to steps, one each clock; a last beat's step comes out 2 clocks after it went in.

    Members
    -------
    i : In, beats; cannot be stopped
    o : Out, a stream of Moved; cannot be stopped
    """

    def __init__(self, width: int) -> None:
        check_width(width)
        super().__init__({"i": In(beat_path(width)), "o": Out(stream.Signature(Moved(width), always_ready=True))})

    def elaborate(self, platform: Any) -> Module:
        # `here` is the beat that makes its step, `self.i` its follower if `here` is not the last of its frame.
        m = Module()
        here, waiting, step = Signal(Beat(64)), Signal(), Signal()
        m.d.comb += step.eq(waiting & (here.last | self.i.valid))
        with m.If(self.i.valid):
            m.d.sync += [here.eq(self.i.payload), waiting.eq(1)]
        with m.Elif(step):
            m.d.sync += waiting.eq(0)

        position, out = Signal(15), self.o.payload
        m.d.sync += self.o.valid.eq(step)
        with m.If(step):
            m.d.sync += [out.beat.eq(here), out.body.eq(self._body(m, here)), out.position.eq(position)]
            with m.If(here.last):
                m.d.sync += position.eq(0)
            with m.Elif(~position[3:].all()):
                m.d.sync += position.eq(position + 8)
            self._find_l3(m, here, position)
        return m

    def _body(self, m: Module, here: Any) -> Value:
        """Bytes of `here` that are not FCS: its follower may hold only a part of the FCS."""
        following = self.i.payload
        body = Signal(4)
        m.d.comb += body.eq(8)
        with m.If(here.last):
            m.d.comb += body.eq(Mux(here.count > FCS_BYTES, here.count - FCS_BYTES, 0))
        with m.Elif(following.count < FCS_BYTES):  # then it is the last
            m.d.comb += body.eq(following.count + 8 - FCS_BYTES)
        return body

    def _find_l3(self, m: Module, here: Any, position: Value) -> None:
        """Follow tag and LLC/SNAP headers to the L3 packet and write the step's word."""
        out, both = self.o.payload, Cat(here.data, self.i.payload.data)
        far, near = be16(here.data, 4), be16(here.data, 0)  # the type field where L3 begins in lane 6, in lane 2
        seen_vlan, seen_saps, seen_snap = Signal(), Signal(), Signal()
        begin, kind, at_lane_2 = Signal(), Signal(16), Signal()
        m.d.comb += [kind.eq(Mux(at_lane_2, near, far)), at_lane_2.eq(seen_vlan)]
        with m.Switch(position):
            with m.Case(8):
                m.d.comb += begin.eq(1)
                m.d.sync += seen_vlan.eq(far == VLAN)
                m.d.sync += seen_saps.eq((far <= LONGEST_LENGTH) & (here.data[48:64] == SNAP_SAPS))
                m.d.comb += at_lane_2.eq(0)
            with m.Case(16):
                snap_here = seen_saps & (here.data[0:32] == SNAP_REST)
                m.d.comb += begin.eq(seen_vlan | snap_here)
                m.d.sync += seen_snap.eq(
                    (near <= LONGEST_LENGTH) & (here.data[16:32] == SNAP_SAPS) & (here.data[32:64] == SNAP_REST)
                )
            with m.Case(24):
                m.d.comb += begin.eq(seen_vlan & seen_snap)
        m.d.sync += [
            out.word.eq(Mux(at_lane_2, both[16:80], both[48:112])),
            out.begin.eq(begin & ((kind == IPV4) | (kind == IPV6))),
            out.ipv4.eq(kind == IPV4),
            out.ipv6.eq(kind == IPV6),
            out.vlan.eq(at_lane_2),
            out.snap.eq(Mux(at_lane_2, position == 24, position == 16)),
        ]
