"""tx-ospf-corrupted-by-csum-engine: the TCP/UDP engine, once on, writes into packets that are neither.

Source: H. Brauer, 'The surprising complexity of checksums in TCP/IP', section 9: an Intel 10GE chip corrupted OSPF
packets when the TCP/UDP offloading engines were turned on; OpenBSD's ix(4) kept them compiled out for years.
"""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.errata.saboteur import Erratum
from ringbed.hw.stream.beat import be16, beat_path, lanes_of
from ringbed.hw.tx.ring import SumOrder

__all__ = ["TX_OSPF", "TxOspf"]

ETHERTYPE_AT, IPV4 = 12, 0x0800
PROTOCOL_AT, OSPF = 23, 89
TCP_SUM_AT, UDP_SUM_AT = 16, 6  # from the start of TCP or UDP


class TxOspf(wiring.Component):
    """Zero clocks of latency; switched at frame boundaries.

    In an IPv4 frame of protocol 89, with a context loaded, the two bytes where the context's protocol has its checksum
    are overwritten with the sum of the words before them, whether or not the frame asked for anything.

    Members
    -------
    i, o : beats, cannot be stopped
    order : In(SumOrder), with the first beat
    enable : In(1)
    """

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        super().__init__({
            "i": In(beat_path(width)), "o": Out(beat_path(width)), "order": In(SumOrder), "enable": In(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        beat = self.i.payload
        position, after = Signal(16), Signal(16)
        armed, armed_now, ipv4, ospf, target = Signal(), Signal(), Signal(), Signal(), Signal(16)
        total, words = Signal(16), [be16(beat.data, lane) for lane in range(0, self.lanes, 2)]
        m.d.comb += [
            position.eq(Mux(beat.first, 0, after)),
            armed_now.eq(Mux(beat.first, self.enable & self.order.context, armed)),
            self.o.valid.eq(self.i.valid),
            self.o.payload.eq(beat),
        ]
        with m.If(self.i.valid):
            m.d.sync += [
                after.eq(position + self.lanes),
                armed.eq(armed_now),
                total.eq(Mux(beat.first, 0, total) + sum(words[1:], words[0])),
            ]
            with m.If(beat.first):
                m.d.sync += target.eq(self.order.l4_start + Mux(self.order.udp, UDP_SUM_AT, TCP_SUM_AT))
            with m.If(position == ETHERTYPE_AT - ETHERTYPE_AT % self.lanes):
                m.d.sync += ipv4.eq(be16(beat.data, ETHERTYPE_AT % self.lanes) == IPV4)
            with m.If(position == PROTOCOL_AT - PROTOCOL_AT % self.lanes):
                lane = 8 * (PROTOCOL_AT % self.lanes)
                m.d.sync += ospf.eq(beat.data[lane : lane + 8] == OSPF)
        # both were seen in beats before the one that holds the target: it lies behind the IP header
        with m.If(armed_now & ipv4 & ospf & (position > PROTOCOL_AT - PROTOCOL_AT % self.lanes)):
            spoiled = []
            for lane in range(self.lanes):
                byte = beat.data[8 * lane : 8 * lane + 8]
                high, low = position + lane == target, position + lane == target + 1
                spoiled.append(Mux(high, total[8:], Mux(low, total[:8], byte)))
            m.d.comb += self.o.payload.data.eq(Cat(spoiled))
        return m


TX_OSPF = Erratum(
    id="tx-ospf-corrupted-by-csum-engine",
    tap="tx.data",
    description="OSPF packets, neither TCP nor UDP, leave with two bytes overwritten where the TCP or UDP checksum "
    "would be, as soon as the driver has loaded a checksum context. OSPF's own checksum no longer holds, so routers "
    "lose their neighbours while everything else works.",
    trigger="an IPv4 frame of protocol 89 sent after any checksum context was loaded",
    source="H. Brauer, The surprising complexity of checksums in TCP/IP, section 9; OpenBSD ix(4), IX_CSUM_OFFLOAD",
    make=TxOspf,
)
