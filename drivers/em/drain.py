"""How long to wait for what a transmit ring holds, and the card's buffer behind it, to be on the wire.

A descriptor is done when its data has been fetched, and a link may take its time with that: no fixed wait is right.
There is an end where the card's own count says that nothing is inside; where a card has no such count, and where it
stands still, when nothing moved for as long as one frame may take.
"""

from __future__ import annotations

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.ring.tx import TxRing
from ringbed.drivers.em.stats import Statistics
from ringbed.hw.formats import em
from ringbed.hw.formats.window import Part

__all__ = ["Drain"]

LOOK_NS = 100_000  # the first look after something moved
PATIENCE_NS = 40_000_000  # the longest frame at 10 Mb/s takes 13 ms, the longest pause at 1 Gb/s 34 ms
LIMIT_NS = 10_000_000_000  # for all of it: 4,096 full frames at 10 Mb/s take 5 s
LINK_UP = em.REGISTERS["STATUS"].mask("LU")
_IN = tuple(count.name for part in (Part.BEGUN, Part.MADE) for count in em.WINDOW.of("tx", part))
_OUT = tuple(count.name for part in (Part.DONE, Part.ENDED) for count in em.WINDOW.of("tx", part))


class Drain:
    """Of one ring, that nothing is put into any more."""

    def __init__(self, hardware: EmHardware, statistics: Statistics, tx: TxRing) -> None:
        self._hardware, self._statistics, self._tx = hardware, statistics, tx
        self._signs: tuple[int, ...] = ()  # of life, at the last look
        self._wait = self._still = self._spent = 0

    def wait(self) -> int:
        """How many ns to wait before the next call; 0: all is out, or what is not will not come out."""
        self._tx.clean()
        if not self._may_move() or self._is_out():
            return 0
        signs = self._tx.completed, self._hardware.read("TDH"), self._statistics.sent()
        moved, self._signs = signs != self._signs, signs
        self._wait = LOOK_NS if moved else 2 * self._wait
        self._still = 0 if moved else self._still + self._wait
        self._spent += self._wait
        return self._wait if self._still <= PATIENCE_NS and self._spent <= LIMIT_NS else 0

    def _may_move(self) -> bool:
        return bool(self._hardware.read("STATUS") & LINK_UP) and not self._hardware.read("RB_TXSTOP")

    def _is_out(self) -> bool:
        """A card without the RB window reads 0 there: then nobody knows."""
        if self._tx.used or not self._tx.posted:
            return not self._tx.used
        counts = {name: self._hardware.read(name) for name in (*_IN, *_OUT)}
        inside = sum(counts[name] for name in _IN) - sum(counts[name] for name in _OUT)
        return any(counts.values()) and not inside & 0xFFFF_FFFF
