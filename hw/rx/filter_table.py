"""A filter table: 4096 bits that software writes as 128 registers and the receiver looks up one at a time (MTA, VFTA).

It is a memory, so a reset keeps what is in it (M 14), and before software writes it, it is all zeros here.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["FilterTable"]

WORDS = 128


class FilterTable(wiring.Component):
    """Both answers come in the same clock; a write shows from the next one on.

    Members
    -------
    w_at : In(7), w_en : In(1), wdata : In(32): software's write of a word
    at : In(7): the word software looks at; value : Out(32)
    index : In(12): the bit looked up, word in 11:5, bit in 4:0; hit : Out(1)
    """

    def __init__(self) -> None:
        super().__init__({
            "w_at": In(7), "w_en": In(1), "wdata": In(32),
            "at": In(7), "value": Out(32), "index": In(12), "hit": Out(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.words = words = Memory(shape=32, depth=WORDS, init=[])
        write, show, look = words.write_port(), words.read_port(domain="comb"), words.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.w_at), write.data.eq(self.wdata), write.en.eq(self.w_en),
            show.addr.eq(self.at), self.value.eq(show.data),
            look.addr.eq(self.index[5:]), self.hit.eq(look.data.bit_select(self.index[:5], 1)),
        ]  # fmt: skip
        return m
