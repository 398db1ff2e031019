"""What `em` tells software: interrupts, exclusive counters, statistics."""

from __future__ import annotations

from typing import Any

from amaranth import Module
from amaranth.lib.wiring import connect

from ringbed.hw.formats import em
from ringbed.hw.interrupt.causes import Interrupt
from ringbed.hw.interrupt.throttle import Throttle
from ringbed.hw.nics.em.parts import CORE_HZ, Parts
from ringbed.hw.nics.em.station import Line
from ringbed.hw.rx.admit import DROPS
from ringbed.hw.station.counters import Counters
from ringbed.hw.station.statistics import Statistics
from ringbed.hw.stream.taps import Taps
from ringbed.hw.tx.ring import REFUSALS

__all__ = ["join_counters", "join_interrupt", "join_statistics"]

ITR_CLOCKS = 256 * CORE_HZ // 10**9  # a count of ITR
RX_COUNTERS = {"off": "RB_RXOFF", "runt": "RB_RXRUNT", "giant": "RB_RXGIANT", "crc": "RB_RXCRC",
               "filter": "RB_RXFILTER", "miss": "RB_RXMISS", "vlan": "RB_RXVLAN", "pause": "RB_RXPAUSE"}  # fmt: skip
TX_COUNTERS = {"null": "RB_TXNULL", "long": "RB_TXLONG", "tse": "RB_TXTSE", "mix": "RB_TXMIX"}


def join_interrupt(m: Module, parts: Parts, line: Line, taps: Taps) -> tuple[Any, Throttle]:
    """Causes of all parts, their mask, and the line, which ITR may hold down; gives the line."""
    causes = {field.name: field for field in em.CAUSES}
    m.submodules.interrupt = interrupt = Interrupt(sum(field.mask for field in em.CAUSES))
    m.submodules.throttle = throttle = Throttle(ITR_CLOCKS)
    file = parts.file
    raised = (
        parts.receive.event | parts.transmit.event
        | (line.up << causes["LSC"].lsb) | (line.mdic.done << causes["MDAC"].lsb)
    )  # fmt: skip
    side = {"causes": interrupt.causes, "mask": interrupt.mask, "read": file.ICR_r, "timebase": parts.timebase}
    event = taps.alter(m, "irq.event", raised, side | {"placed": parts.receive.stages.placed})
    m.d.comb += [
        interrupt.event.eq(event),
        interrupt.wdata.eq(file.wdata), interrupt.clear.eq(parts.reset.clear),
        interrupt.icr_r.eq(file.ICR_r), interrupt.icr_w.eq(file.ICR_w), interrupt.ics_w.eq(file.ICS_w),
        interrupt.ims_w.eq(file.IMS_w), interrupt.imc_w.eq(file.IMC_w),
        file.ICR.eq(interrupt.causes), file.ICS.eq(interrupt.causes), file.IMS.eq(interrupt.mask),
        throttle.request.eq(interrupt.irq), throttle.interval.eq(parts.field("ITR", "INTERVAL")),
        throttle.timebase.eq(parts.timebase), throttle.clear.eq(parts.reset.clear),
    ]  # fmt: skip
    return taps.alter(m, "irq.line", throttle.irq, side), throttle


def join_counters(m: Module, parts: Parts, line: Line) -> None:
    """The `RB_` window: every frame ends in one of these."""
    receive, transmit = parts.receive, parts.transmit
    events = {
        "RB_RXWIRE": receive.began, "RB_RXDONE": receive.delivered,
        "RB_RXFLUSH": receive.flushed, "RB_RXLOOP": line.loop.ignored,
        "RB_TXFRAME": transmit.taken, "RB_TXWIRE": transmit.sent, "RB_TXFLUSH": transmit.flushed,
        "RB_TXLOOP": line.loop.looped, "RB_TXTSO": transmit.segmented, "RB_TXSEG": transmit.segments,
        "RB_TXPAUSE": transmit.pauses,
    }  # fmt: skip
    events |= {RX_COUNTERS[drop]: receive.dropped[bit] for bit, drop in enumerate(DROPS)}
    events |= {TX_COUNTERS[refusal]: transmit.refused[bit] for bit, refusal in enumerate(REFUSALS)}
    m.submodules.counters = counters = Counters({name: len(event) for name, event in events.items()})
    for name, event in events.items():
        m.d.comb += [
            getattr(counters, name + "_add").eq(event),
            getattr(parts.file, name).eq(getattr(counters, name)),
        ]


def join_statistics(m: Module, parts: Parts, taps: Taps) -> None:
    """4000h to 40FCh."""
    m.submodules.statistics = statistics = Statistics()
    file = parts.file
    connect(m, taps.insert(m, "stat.rx", parts.receive.stat), statistics.rx)
    connect(m, taps.insert(m, "stat.tx", parts.transmit.stat), statistics.tx)
    side = {"at": statistics.at, "read": statistics.read}
    value = taps.alter(m, "stat.value", statistics.value, side)
    m.d.comb += [
        statistics.tso_done.eq(parts.transmit.tso_done), statistics.tso_failed.eq(parts.transmit.tso_failed),
        statistics.at.eq(file.STATISTICS_at), statistics.read.eq(file.STATISTICS_r),
        statistics.clear.eq(parts.reset.clear), file.STATISTICS.eq(value),
    ]  # fmt: skip
