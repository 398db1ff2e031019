"""The look a watchdog takes at an `em` card: does a direction stand still, has the card forgotten what it was told?

A transmit ring stands still when it had work at the last look and nothing of it is done, with the link up and no
partner's pause holding it. What is done is what the head has passed: on a slow wire a second is not enough for all that
one write-back is asked for.
"""

from __future__ import annotations

from itertools import islice

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.ring.tx import TxRing
from ringbed.hw.formats import em

__all__ = ["Watchdog"]

PAUSED = em.REGISTERS["STATUS"].mask("TXOFF")
RECEIVING = em.REGISTERS["RCTL"].mask("EN")
_STOPS = (*islice(em.StopCause.NAMES, 1, None), "unknown")


class Watchdog:
    """Counts why in `counters`, which are the driver's too."""

    COUNTERS = (
        "watchdog_tx", "watchdog_rx", "watchdog_card", *(f"tx_stop_{cause}" for cause in _STOPS),
        *(f"rx_stop_{cause}" for cause in _STOPS),
    )  # fmt: skip

    def __init__(self, hardware: EmHardware, counters: dict[str, int]) -> None:
        self._hardware, self._counters = hardware, counters
        self._busy_at: tuple[int, ...] = ()  # `_progress` at the last look at work that could move; (): there was none

    def begin_again(self) -> None:
        """The link or the rings are others now."""
        self._busy_at = ()

    def trouble(self, tx: TxRing, link: bool) -> bool:
        """Whether the card must be reset."""
        return self._stands_still(tx, link) or self._has_forgotten()

    def look(self, tx: TxRing, link: bool) -> None:
        """What there is to compare with at the next look."""
        self._busy_at = self._progress(tx) if tx.used and link and not self._paused() else ()

    def _stands_still(self, tx: TxRing, link: bool) -> bool:
        """Count why, in each direction."""
        rx_stop = self._hardware.read("RB_RXSTOP")
        tx_stop = self._hardware.read("RB_TXSTOP")
        silent = link and tx.used > 0 and self._busy_at == self._progress(tx) and not self._paused()
        for letter, stop, still in (("rx", rx_stop, bool(rx_stop)), ("tx", tx_stop, bool(tx_stop) or silent)):
            if still:
                self._counters[f"watchdog_{letter}"] += 1
            if stop:
                known = stop < len(em.StopCause.NAMES)
                self._counters[f"{letter}_stop_{em.StopCause.NAMES[stop] if known else 'unknown'}"] += 1
        return bool(rx_stop) or bool(tx_stop) or silent

    def _progress(self, tx: TxRing) -> tuple[int, ...]:
        """The transmit ring's sign of life: groups given back, and the card's head."""
        return tx.completed, self._hardware.read("TDH")

    def _paused(self) -> bool:
        """A pause frame of the partner holds transmission back."""
        return bool(self._hardware.read("STATUS") & PAUSED)

    def _has_forgotten(self) -> bool:
        """A reset that was not ours: receive is off, the interrupts are masked, and the link may never come back."""
        forgotten = not self._hardware.read("RCTL") & RECEIVING
        self._counters["watchdog_card"] += forgotten
        return forgotten
