"""The statistics block: what the two halves tell about each frame, and the counters software reads (M 13.7).

Each register is cleared by the read that returns it; an event of that very clock is counted behind it. 32 bits stick at
all ones. A pair of 64 bits is read low word first: that read keeps the whole number, the read of the high word returns
its upper half and takes the kept number off the counter, so that what came in between stays counted. The high word read
alone returns and clears what is there. A pair sticks at all ones too.

'Passed' and 'good' are the manual's: an error counter counts frames that the address filter let in; a good frame is
one of those without error, of legal length, with room in the packet buffer, and no pause frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.formats.em.statistics import PAIRS, STATISTICS

__all__ = ["BUCKETS", "RxStat", "Statistics", "TxStat"]

# One for every frame that ended on the receive MAC while RCTL.EN was 1 and the link up.
RxStat = data.StructLayout({
    "length": 15,  # wire bytes with FCS
    "crc": 1,  # the FCS does not match
    "rxe": 1,  # the wire's error flag came with it
    "passed": 1,  # address, VLAN and CFI filters let it in
    "missed": 1,  # no room in the packet buffer
    "runt": 1, "giant": 1,
    "multicast": 1, "broadcast": 1,  # of the destination; not both
    "xon": 1, "xoff": 1,  # a valid pause frame of time 0, of another time; honoured or not
    "control": 1,  # MAC control with another opcode
    "no_buffer": 1,  # RDH == RDT at the time
})  # fmt: skip

# One for every frame sent, when its last byte is on the wire.
TxStat = data.StructLayout({
    "length": 15,  # wire bytes with FCS
    "multicast": 1, "broadcast": 1,  # of the destination; not both
    "xon": 1, "xoff": 1,
})  # fmt: skip

# shortest length of PRC64, PRC127, ... and PTC64, PTC127, ...; the last has no upper bound of its own
BUCKETS = {"64": 64, "127": 65, "255": 128, "511": 256, "1023": 512, "1522": 1024}
BASE = STATISTICS[0][1]


def _word(name: str) -> int:
    """The register's place in the block, in words."""
    return next((offset - BASE) >> 2 for found, offset, _ in STATISTICS if found == name)


def _buckets(prefix: str, length: Any, counts: Any) -> dict[str, Any]:
    """Which of the six lengths counters counts; a frame under 64 bytes is in none."""
    edges = list(BUCKETS.values())
    over = [length >= edge for edge in edges] + [0]
    return {prefix + name: counts & over[k] & ~over[k + 1] for k, name in enumerate(BUCKETS)}


def _rx_events(stat: Any) -> dict[str, Any]:
    pause = stat.xon | stat.xoff
    sized = ~stat.runt & ~stat.giant
    good = stat.passed & ~stat.crc & ~stat.rxe & ~stat.missed & sized & ~pause
    return {
        "TPR": stat.passed | pause, "TOR": stat.passed | pause, "GPRC": good, "GORC": good,
        "MPC": stat.missed, "CRCERRS": stat.passed & stat.crc & ~stat.runt,
        "RXERRC": stat.passed & stat.rxe & ~stat.runt,
        "RLEC": stat.passed & ~sized,
        "RUC": stat.passed & stat.runt & ~stat.crc, "RFC": stat.passed & stat.runt & stat.crc,
        "ROC": stat.passed & stat.giant & ~stat.crc, "RJC": stat.passed & stat.giant & stat.crc,
        "XONRXC": stat.xon, "XOFFRXC": stat.xoff, "FCRUC": stat.control,
        "BPRC": good & stat.broadcast, "MPRC": good & stat.multicast, "RNBC": good & stat.no_buffer,
    } | _buckets("PRC", stat.length, good)  # fmt: skip


def _tx_events(stat: Any) -> dict[str, Any]:
    pause = stat.xon | stat.xoff
    good = ~pause & (stat.length >= BUCKETS["64"])
    return {
        "TPT": 1, "TOT": 1, "GPTC": good, "GOTC": good, "XONTXC": stat.xon, "XOFFTXC": stat.xoff,
        "MPTC": stat.multicast & ~pause, "BPTC": stat.broadcast & ~pause,
    } | _buckets("PTC", stat.length, 1)  # fmt: skip


class Statistics(wiring.Component):
    """An event a clock each way. It is in its counters two clocks later.

    Members
    -------
    rx : stream of RxStat, tx : stream of TxStat; tso_done, tso_failed : In(1)
    at : In(6): the word software looks at; value : Out(32), in the same clock; read : In(1): it reads it
    clear : In(1): device reset
    """

    def __init__(self) -> None:
        super().__init__({
            "rx": In(stream.Signature(RxStat, always_ready=True)),
            "tx": In(stream.Signature(TxStat, always_ready=True)),
            "tso_done": In(1), "tso_failed": In(1),
            "at": In(6), "value": Out(32), "read": In(1), "clear": In(1),
        })  # fmt: skip
        self.totals: dict[str, Signal] = {}  # of those that count anything, by name; pairs whole

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shown: dict[int, Any] = {}
        for source, events in ((self.rx, _rx_events(self.rx.payload)), (self.tx, _tx_events(self.tx.payload))):
            self._half(m, source, events, shown)
        for name, event in (("TSCTC", self.tso_done), ("TSCTFC", self.tso_failed)):
            self._counter(m, name, event, event, shown)
        with m.Switch(self.at):
            for word, value in shown.items():
                with m.Case(word):
                    m.d.comb += self.value.eq(value)
        return m

    def _half(self, m: Module, source: Any, events: Mapping[str, Any], shown: dict[int, Any]) -> None:
        """One direction: what the frame counts in is found in the first clock, and counted in the second."""
        valid, length, counts = Signal(), Signal(15), Signal(len(events))
        m.d.sync += valid.eq(source.valid)
        with m.If(source.valid):
            m.d.sync += [length.eq(source.payload.length), counts.eq(Cat(events.values()))]
        for flag, name in zip(counts, events, strict=True):
            if name in PAIRS:
                self._pair(m, name, valid, flag, length, shown)
            else:
                self._counter(m, name, valid, flag, shown)

    def _counter(self, m: Module, name: str, valid: Any, counts: Any, shown: dict[int, Any]) -> None:
        total, word = Signal(32, name=name), _word(name)
        with m.If(valid | self.read | self.clear):
            with m.If(self.clear | (self.read & (self.at == word))):
                m.d.sync += total.eq(valid & counts & ~self.clear)
            with m.Elif(valid & counts & ~total.all()):
                m.d.sync += total.eq(total + 1)
        shown[word] = self.totals[name] = total

    def _pair(self, m: Module, name: str, valid: Any, counts: Any, length: Any, shown: dict[int, Any]) -> None:
        """`kept` is the number as the read of the low word found it, while `open_`.

        No sum here is wider than a pair: a model computes up to 64 bits in one machine word.
        """
        total, kept, open_ = Signal(64, name=name), Signal(64, name=f"{name}_kept"), Signal(name=f"{name}_open")
        low, high = _word(name + "L"), _word(name + "H")
        with m.If(self.clear):
            m.d.sync += [total.eq(0), open_.eq(0)]
        with m.Elif(self.read & (self.at == high)):
            left = Mux(open_, (total - kept)[:64], 0)
            m.d.sync += [total.eq((left + Mux(valid & counts, length, 0))[:64]), open_.eq(0)]
        with m.Else():
            with m.If(valid & counts):
                m.d.sync += total.eq(Mux((~total) < length, (1 << 64) - 1, (total + length)[:64]))
            with m.If(self.read & (self.at == low)):
                m.d.sync += [kept.eq(total), open_.eq(1)]
        self.totals[name], shown[low] = total, total[:32]
        shown[high] = Mux(open_, kept[32:], total[32:])
