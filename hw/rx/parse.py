"""The second half of the parser: walks the L3 packet word by word to the TCP or UDP header.

It marks which half words are IPv4 header and which count for the TCP or UDP sum, so that `checksum` only adds, and
with the last beat it says what the frame was. The rules of the walk are in `walk.py`.

Words past a packet's end are not told apart on the way: FCS, padding and the next frame's bytes may run through the
walk, and the lengths compared at the frame's end undo what came of it.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.rx.realign import FCS_BYTES, VLAN, WORD, Realign, words_in
from ringbed.hw.rx.walk import Known, Step
from ringbed.hw.stream.beat import Beat, beat_path, lanes_of

__all__ = ["Parse", "Parsed", "ParsedBeat"]

# What a frame was. Offsets are from the frame's first byte. `ipv4`, `ipv6`: with a complete header. `tcp`, `udp`: found
# and all lengths sane; `l4_offset`, `l4_length` (the IP payload from that header on) and `udp_sum` (the field is not 0)
# are for these. `protocol` is IPv4's, or the first IPv6 next header the walk did not skip.
Parsed = data.StructLayout({
    "vlan": 1, "snap": 1, "ipv4": 1, "ipv6": 1, "l3_offset": 5, "fragment": 1, "protocol": 8,
    "tcp": 1, "udp": 1, "udp_sum": 1, "l4_offset": 15, "l4_length": 16,
})  # fmt: skip


class ParsedBeat(data.StructLayout):
    """One beat of the frame with `body` and `position` as in Moved, and the L3 words beside it.

    `header` and `payload` have two bits for each word of `words`, one a half, lowest first: it belongs to the IPv4
    header; it counts for the TCP or UDP sum (addresses, header and data), but only in the word's lowest `valid` bytes
    (four bits a word). `parsed` is valid with `beat.last`.
    """

    def __init__(self, width: int) -> None:
        words = words_in(width)
        super().__init__({
            "beat": Beat(width), "body": range(lanes_of(width) + 1), "position": 15,
            "words": width, "header": 2 * words, "payload": 2 * words, "valid": 4 * words, "parsed": Parsed,
        })  # fmt: skip


class Parse(wiring.Component):
    """Beats (FCS included) to parsed beats, one each clock; a frame's last comes out exactly 3 clocks after it came.

    Members
    -------
    i : In, beats; cannot be stopped
    vet : In(16): the type of a tag
    o : Out, a stream of ParsedBeat; cannot be stopped
    """

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__({
            "i": In(beat_path(width)), "vet": In(16, init=VLAN),
            "o": Out(stream.Signature(ParsedBeat(width), always_ready=True)),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.realign = realign = Realign(self.width)
        wiring.connect(m, wiring.flipped(self.i), realign.i)
        step, out = realign.o.payload, self.o.payload
        m.d.comb += realign.vet.eq(self.vet)

        known, steps = Known("known"), list[Step]()
        for number in range(words_in(self.width)):
            steps.append(Step(
                m, f"word{number}", steps[-1].after if steps else known,
                step.words[WORD * number : WORD * (number + 1)], step.position + 8 * number,
                first=step.beat.first if number == 0 else Const(0, 1), begin=step.begin[number], kinds=step,
            ))  # fmt: skip
        m.d.sync += self.o.valid.eq(realign.o.valid)
        with m.If(realign.o.valid):
            for name, signal in known:
                m.d.sync += signal.eq(getattr(steps[-1].after, name))
            m.d.sync += [
                out.beat.eq(step.beat), out.body.eq(step.body), out.position.eq(step.position),
                out.words.eq(step.words), out.header.eq(Cat(each.header for each in steps)),
                out.payload.eq(Cat(each.payload for each in steps)), out.valid.eq(Cat(each.valid for each in steps)),
            ]  # fmt: skip
        self._conclude(m, known)
        return m

    def _conclude(self, m: Module, known: Known) -> None:
        """With the frame's last beat: what was found, if the frame was long enough for it."""
        out, parsed = self.o.payload, self.o.payload.parsed
        length, header_end, fits = Signal(16), Signal(7), Signal()
        m.d.comb += [
            length.eq(out.position + out.beat.count),
            header_end.eq(known.l3_offset + (known.ihl << 2) + FCS_BYTES),
            fits.eq(known.needed <= length),  # the frame bytes up to the packet's end and the FCS
        ]
        final = {
            "ipv4": known.ipv4 & (header_end <= length), "ipv6": known.ipv6 & (header_end <= length),
            "tcp": known.tcp & fits, "udp": known.udp & fits,
        }  # fmt: skip
        for name, _ in Parsed:
            m.d.comb += parsed[name].eq(final.get(name, getattr(known, name)))
