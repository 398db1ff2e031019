"""Both rings of an `em` card: made alike, replaced by others of another size, given back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.ring.rx import RxRing
from ringbed.drivers.em.ring.tx import TxRing
from ringbed.drivers.em.setup import EmSetup
from ringbed.drivers.world import Dma, QueueState, TxSum

__all__ = ["Rings"]


class Rings:
    """`rx` and `tx`, of as many descriptors; `buffer_size` and `longest` (no FCS) in bytes; the rest as TxRing's."""

    def __init__(
        self, dma: Dma, hardware: EmHardware, setup: EmSetup, rx: int, tx: int, *, buffer_size: int, longest: int,
        sums: TxSum, workarounds: Collection[str],
    ) -> None:  # fmt: skip
        self._dma, self._hardware, self._setup = dma, hardware, setup
        self._buffer_size, self._longest, self._sums, self._workarounds = buffer_size, longest, sums, tuple(workarounds)
        self.rx, self.tx = self._make_rx(rx), self._make_tx(tx)

    def _make_rx(self, size: int, counters: dict[str, int] | None = None) -> RxRing:
        return RxRing(
            self._dma, self._hardware, size, self._buffer_size, verdicts=False, wants=self._setup.filter.wants,
            counters=counters,
        )  # fmt: skip

    def _make_tx(self, size: int, counters: dict[str, int] | None = None) -> TxRing:
        return TxRing(
            self._dma, self._hardware, size, longest=self._longest, sums=self._sums, workarounds=self._workarounds,
            counters=counters,
        )  # fmt: skip

    def apply(self) -> None:
        """What the rings must know of the settings: after a change, and for new ones."""
        self.rx.set_verdicts(self._setup.features.rx_checksum)
        self.tx.tagging = self._setup.features.vlan_insert
        self.tx.delayed = self._setup.moderation.delays_tx

    def others(self, rx: int, tx: int, staged: bool) -> tuple[RxRing, TxRing]:
        """Rings of other sizes, for `replace`, that go on counting. Raises ValueError, and what `stage` raises."""
        new_rx, new_tx = self._make_rx(rx, self.rx.counters), self._make_tx(tx, self.tx.counters)
        if staged:
            try:
                new_rx.stage()
                new_tx.stage()
            except BaseException:  # whatever it is goes on, and what was staged is given back
                self.unstage((new_rx, new_tx))
                raise
        return new_rx, new_tx

    def unstage(self, others: tuple[RxRing, TxRing]) -> None:
        """Give back what `others` may have staged: they are not at work yet, or not any more."""
        for ring in others:
            ring.release()

    def replace(self, others: tuple[RxRing, TxRing]) -> None:
        self.rx, self.tx = others
        self.apply()

    def stage(self) -> None:
        """Allocate both, once for many resets."""
        self.rx.stage()
        self.tx.stage()

    def release(self) -> None:
        """Give their memory back; only after a reset, and `TxRing.abandon`."""
        self.rx.release()
        self.tx.release()

    def states(self, oactive: bool, oactives: int) -> Sequence[QueueState]:
        """`used` are descriptors filled and not yet cleaned (rxq), or given to the card (txq)."""
        rx, tx = self.rx, self.tx
        return (
            QueueState("rxq", rx.size, rx.used, counters=dict(rx.counters)),
            QueueState("txq", tx.size, tx.used, oactive, oactives, dict(tx.counters)),
        )
