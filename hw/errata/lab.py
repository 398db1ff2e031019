"""The lab build: a card with every erratum of the list at its taps, each behind registers of the configuration bus."""

from __future__ import annotations

from typing import Any

from ringbed.hw.errata.dma.addresses import ERRATA as DMA
from ringbed.hw.errata.endian.bytes import ERRATA as ENDIAN
from ringbed.hw.errata.erratum import CATEGORIES, Erratum
from ringbed.hw.errata.filters.tables import ERRATA as FILTERS
from ringbed.hw.errata.hang.transmit import ERRATA as HANG
from ringbed.hw.errata.interrupts.causes import ERRATA as INTERRUPTS
from ringbed.hw.errata.order.early import ERRATA as ORDER
from ringbed.hw.errata.pause.frames import ERRATA as PAUSE
from ringbed.hw.errata.saboteur import Act, Saboteur, Switch
from ringbed.hw.errata.segmentation.requests import ERRATA as SEGMENTATION
from ringbed.hw.errata.short_frames.edges import ERRATA as SHORT_FRAMES
from ringbed.hw.errata.stall.receive import ERRATA as STALL
from ringbed.hw.errata.station.parts import ERRATA as STATION
from ringbed.hw.errata.stats.counts import ERRATA as STATS
from ringbed.hw.errata.tx_data.changed import ERRATA as TX_DATA
from ringbed.hw.errata.tx_sums.content import ERRATA as TX_CONTENT
from ringbed.hw.errata.tx_sums.length import ERRATA as TX_LENGTH
from ringbed.hw.errata.tx_sums.unasked import ERRATA as TX_UNASKED
from ringbed.hw.errata.verdicts.false_bad import ERRATA as FALSE_BAD
from ringbed.hw.errata.verdicts.false_good import ERRATA as FALSE_GOOD
from ringbed.hw.errata.vlan.tags import ERRATA as VLAN
from ringbed.hw.nics.em.card import Em

__all__ = ["EM_ERRATA", "lab_em"]

EM_ERRATA: tuple[Erratum, ...] = tuple(sorted(
    (
        *FALSE_BAD, *FALSE_GOOD, *TX_LENGTH, *TX_CONTENT, *TX_UNASKED, *TX_DATA, *SEGMENTATION, *VLAN, *DMA, *ORDER,
        *INTERRUPTS, *HANG, *STALL, *STATS, *FILTERS, *SHORT_FRAMES, *ENDIAN, *STATION, *PAUSE,
    ),
    key=lambda erratum: list(CATEGORIES).index(erratum.category),
))  # fmt: skip


def lab_em(width: int = 64, errata: tuple[Erratum, ...] = EM_ERRATA) -> Any:
    """The `em` card with all these saboteurs in place; while none is switched on it behaves as the clean card does.

    The registers of its configuration bus are each erratum's switch and then its conditions, in their order.
    """
    rows: dict[str, list[Any]] = {}
    registers = []
    for erratum in errata:
        switch = erratum.switch()
        registers += [switch.on, *switch.values.values()]
        for tap, act in erratum.parts.items():
            rows.setdefault(tap, []).append(_maker(act, switch))
    return Em(rows, registers=registers, width=width)


def _maker(act: Act, switch: Switch) -> Any:
    return lambda signature, side: Saboteur(act, switch, signature, side)
