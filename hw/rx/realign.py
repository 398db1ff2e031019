"""The first half of the parser: looks through the frame's link header and moves the L3 packet to lane 0 of a word.

An L3 packet begins at byte 14 (Ethernet II), 18 (one tag of the type VET), 22 (LLC/SNAP) or 26 (a tag, then LLC/SNAP).
In words of eight bytes these are lanes 6, 2, 6 and 2, so the move has two cases, and the fields that tell the four
apart lie in the frame's second, third and fourth word (M 3.2.9.2), wherever the width puts these.

A moved word needs a word and the start of the next one. Each beat therefore waits for its follower, but a frame's last
beat does not; so each beat makes exactly one step, and steps never outnumber beats.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.mac.rx_head import word_places
from ringbed.hw.stream.beat import Beat, be16, beat_path, lanes_of

__all__ = ["FCS_BYTES", "WORD", "Moved", "Realign", "words_in"]

IPV4, IPV6, VLAN = 0x0800, 0x86DD, 0x8100
LONGEST_LENGTH = 1500  # a type field up to here is a length, and LLC follows (IEEE 802.3, 3.2.6)
SNAP_SAPS, SNAP_REST = 0xAAAA, 0x00000003  # AA AA, then 03 00 00 00 as lanes: unnumbered, organisation 0 (RFC 1042)
FCS_BYTES = 4
WORD = 64  # bits
FAR, NEAR = 48, 16  # first bit of the L3 packet in a word: without a tag, with one


def words_in(width: int) -> int:
    """Words of eight bytes in a beat."""
    return lanes_of(width) * 8 // WORD


class Moved(data.StructLayout):
    """One step: a beat of the frame, and as many bytes of L3 packet, that begin in it, as words of eight.

    `body` is how many of the beat's bytes come before the FCS, `position` the frame offset of its lane 0 (multiples of
    the lanes; stays at its end from 32767 - lanes on). `begin` has a bit for the word the L3 packet begins in, when
    that is IPv4 or IPv6 by its EtherType; `vlan`, `snap` tell what came before it.
    """

    def __init__(self, width: int) -> None:
        super().__init__({
            "beat": Beat(width), "body": range(lanes_of(width) + 1), "position": 15,
            "words": width, "begin": words_in(width), "ipv4": 1, "ipv6": 1, "vlan": 1, "snap": 1,
        })  # fmt: skip


class Realign(wiring.Component):
    """Beats (FCS included) to steps, one each clock; a last beat's step comes out 2 clocks after it went in.

    Members
    -------
    i : In, beats; cannot be stopped
    vet : In(16): the type of a tag
    o : Out, a stream of Moved; cannot be stopped
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "i": In(beat_path(width)), "vet": In(16, init=VLAN),
            "o": Out(stream.Signature(Moved(width), always_ready=True)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        # `here` is the beat that makes its step, `self.i` its follower if `here` is not the last of its frame.
        m = Module()
        here, waiting, step = Signal(Beat(self.width)), Signal(), Signal()
        m.d.comb += step.eq(waiting & (here.last | self.i.valid))
        with m.If(self.i.valid):
            m.d.sync += [here.eq(self.i.payload), waiting.eq(1)]
        with m.Elif(step):
            m.d.sync += waiting.eq(0)

        position, out, shift = Signal(15), self.o.payload, self.lanes.bit_length() - 1
        m.d.sync += self.o.valid.eq(step)
        with m.If(step):
            m.d.sync += [out.beat.eq(here), out.body.eq(self._body(m, here)), out.position.eq(position)]
            with m.If(here.last):
                m.d.sync += position.eq(0)
            with m.Elif(~position[shift:].all()):
                m.d.sync += position.eq(position + self.lanes)
            self._find_l3(m, here, position)
        return m

    def _body(self, m: Module, here: Any) -> Value:
        """Bytes of `here` that are not FCS: its follower may hold only a part of the FCS."""
        following = self.i.payload
        body = Signal(range(self.lanes + 1))
        m.d.comb += body.eq(self.lanes)
        with m.If(here.last):
            m.d.comb += body.eq(Mux(here.count > FCS_BYTES, here.count - FCS_BYTES, 0))
        with m.Elif(following.count < FCS_BYTES):  # then it is the last
            m.d.comb += body.eq(following.count + self.lanes - FCS_BYTES)
        return body

    def _find_l3(self, m: Module, here: Any, position: Value) -> None:
        """Follow tag and LLC/SNAP headers to the L3 packet and write the step's words.

        What an earlier word said is looked at where a later one comes, in the same beat or in another: each finding
        is a signal for this beat, and a register for those behind it.
        """
        out, both = self.o.payload, Cat(here.data, self.i.payload.data)
        places = word_places(self.width, range(1, 4))
        second, third, fourth = (here.data[at : at + WORD] for _, at in places)
        at_second, at_third, at_fourth = (position == beat * self.lanes for beat, _ in places)
        vlan = self._finding(m, "vlan", at_second, be16(second, 4) == self.vet)
        saps = self._finding(
            m, "saps", at_second, (be16(second, 4) <= LONGEST_LENGTH) & (second[48:64] == SNAP_SAPS) & ~vlan
        )
        tagged_snap = self._finding(
            m, "tagged_snap", at_third,
            (be16(third, 0) <= LONGEST_LENGTH) & (third[16:32] == SNAP_SAPS) & (third[32:64] == SNAP_REST),
        )  # fmt: skip
        snap = saps & (third[0:32] == SNAP_REST)
        begins = (at_second & ~vlan, at_third & (vlan | snap), at_fourth & vlan & tagged_snap)
        begin, ipv4, ipv6 = Signal(words_in(self.width)), Signal(), Signal()
        for (_, first_bit), here_it_is, word in zip(places, begins, (second, third, fourth), strict=True):
            kind = Mux(vlan, be16(word, 0), be16(word, 4))
            with m.If(here_it_is & ((kind == IPV4) | (kind == IPV6))):
                m.d.comb += [begin[first_bit // WORD].eq(1), ipv4.eq(kind == IPV4), ipv6.eq(kind == IPV6)]
        m.d.sync += [
            out.words.eq(Mux(vlan, both[NEAR : NEAR + self.width], both[FAR : FAR + self.width])),
            out.begin.eq(begin), out.ipv4.eq(ipv4), out.ipv6.eq(ipv6),
            out.vlan.eq(vlan), out.snap.eq((begins[1] & ~vlan) | begins[2]),
        ]  # fmt: skip

    def _finding(self, m: Module, name: str, where: Value, value: Value) -> Signal:
        """`value` in the beat `where` it can be seen, and kept for those after it."""
        now, kept = Signal(name=name), Signal(name=f"{name}_kept")
        m.d.comb += now.eq(Mux(where, value, kept))
        m.d.sync += kept.eq(now)  # within a step
        return now
