"""A bus between two clocks: each of its channels a queue of its own that is written on one clock and read on the other.

Nothing is lost or reordered within a channel, and nothing is promised between channels, as in AXI (Arm IHI 0022 A3.3).
While a side's clock domain is in reset nothing is taken from it and nothing is shown to it, so the two resets may end
in any order. Both pointers cross in Gray code (C. Cummings, SNUG 2002, style 2: Amaranth's AsyncFIFO).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.fifo import AsyncFIFO
from amaranth.lib.wiring import In, Out

from ringbed.hw.formats.dut import IN, Sig

__all__ = ["DEPTH", "Channel", "Crossing", "channels"]

DEPTH = 16  # a beat a clock needs what is under way in both synchronizers, seven or so; a power of two
PREFIXES = ("aw", "w", "b", "ar", "r", "t")


@dataclass(frozen=True, slots=True)
class Channel:
    """`into`: towards the card. `payload`: the names of what travels, beside `name` + "valid" and "ready"."""

    name: str
    into: bool
    payload: tuple[str, ...]


def channels(sigs: Iterable[Sig]) -> list[Channel]:
    """Of AXI4, AXI4-Lite or a stream with ready: no name of one channel begins as another channel's do."""
    way = {sig.name: sig.dir for sig in sigs}
    return [
        Channel(prefix, way[prefix + "valid"] == IN,
                tuple(name for name in way if name.startswith(prefix) and name[len(prefix):] not in ("valid", "ready")))
        for prefix in PREFIXES if prefix + "valid" in way
    ]  # fmt: skip


class Crossing(wiring.Component):
    """`sigs`, as the card has them, in the domain `sync` on one side and in `domain` on the other.

    Members
    -------
    near : a card's bus, for what drives it from `sync`
    far : the other way round, for the card in `domain`
    """

    def __init__(self, sigs: tuple[Sig, ...], domain: str) -> None:
        self.channels, self.domain = channels(sigs), domain
        card = wiring.Signature({sig.name: (In if sig.dir == IN else Out)(sig.width) for sig in sigs})
        super().__init__({"near": Out(card), "far": In(card)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        near, far = (self.near, "sync"), (self.far, self.domain)
        for channel in self.channels:
            source, sink = (near, far) if channel.into else (far, near)
            _queue(m, channel, *source, *sink)
        return m


def _queue(m: Module, channel: Channel, source: Any, written: str, sink: Any, read: str) -> None:
    given, shown = ([getattr(end, name) for name in channel.payload] for end in (source, sink))
    queue = AsyncFIFO(width=sum(map(len, given)), depth=DEPTH, w_domain=written, r_domain=read)
    m.submodules[channel.name] = queue
    valid, ready = channel.name + "valid", channel.name + "ready"
    awake, seen = ~ResetSignal(written), ~ResetSignal(read)  # the queue itself is reset by the first alone
    m.d.comb += [
        queue.w_data.eq(Cat(given)), queue.w_en.eq(getattr(source, valid)),
        getattr(source, ready).eq(queue.w_rdy & awake),
        Cat(shown).eq(queue.r_data), getattr(sink, valid).eq(queue.r_rdy & seen),
        queue.r_en.eq(getattr(sink, ready) & seen),
    ]  # fmt: skip
