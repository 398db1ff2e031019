"""The lab build: a card with every erratum of the list at its tap, each behind one bit of the pin `errata`."""

from __future__ import annotations

from typing import Any

from ringbed.hw.errata.saboteur import Erratum
from ringbed.hw.errata.tx_ospf import TX_OSPF
from ringbed.hw.nics.em.card import Em
from ringbed.hw.stream.taps import TAPS

__all__ = ["EM_ERRATA", "errata_mask", "lab_em"]

EM_ERRATA: tuple[Erratum, ...] = tuple(sorted((TX_OSPF,), key=lambda erratum: list(TAPS).index(erratum.tap)))


def errata_mask(*ids: str) -> int:
    """The pin's value that switches the named errata on; raises KeyError for an id that is not in the lab."""
    known = {erratum.id: 1 << bit for bit, erratum in enumerate(EM_ERRATA)}
    mask = 0
    for name in ids:
        if name not in known:
            raise KeyError(f"the lab has no erratum {name!r}; it has {', '.join(known)}")
        mask |= known[name]
    return mask


def lab_em(width: int = 64) -> Any:
    """The `em` card with all saboteurs in place; with `errata` = 0 it behaves as the clean card does."""
    rows: dict[str, list[Any]] = {}
    for erratum in EM_ERRATA:
        rows.setdefault(erratum.tap, []).append(erratum.make(width))
    return Em(rows, width=width)
