"""A driver on the fake card: what the driver's tests share."""

from __future__ import annotations

import random

from ringbed.drivers.em.driver import Em
from ringbed.drivers.world import PciIdentity, RxFrame, TxFrame
from tests.drivers.fake_card import MAC, PCI, FakeCard
from tests.drivers.fake_dma import FakeDma
from tests.drivers.fake_pins import FakeEeprom

__all__ = ["Bench", "frame"]


def frame(length: int, seed: int = 0, to: bytes = MAC) -> bytes:
    """`length` bytes of no protocol, addressed to the card, different for every seed."""
    return (to + random.Random(seed).randbytes(max(0, length - 6)))[:length]


class Sink:
    """The FrameSink Protocol, remembering."""

    def __init__(self) -> None:
        self.frames: list[RxFrame] = []
        self.batches: list[int] = []
        self.restarts = 0
        self.links: list[bool] = []

    def input(self, queue: int, frames: list[RxFrame]) -> None:
        assert queue == 0
        assert frames
        self.frames += frames
        self.batches.append(len(frames))

    def restart(self, queue: int) -> None:
        assert queue == 0
        self.restarts += 1

    def link(self, up: bool) -> None:
        self.links.append(up)


class Bench:
    """One card, one driver, one sink; `offered` counts frames that `transmit` took."""

    def __init__(
        self,
        *,
        skew: int = 0,
        chip: FakeEeprom | None = None,
        pci: PciIdentity = PCI,
        up: bool = True,
        **options: object,
    ) -> None:
        self.dma = FakeDma(skew)
        self.card = FakeCard(self.dma, chip, pci)
        self.sink = Sink()
        self.driver = Em(self.card, self.dma, self.sink, **options)  # type: ignore[arg-type]
        self.taken = 0
        if up:
            self.driver.up()

    def send(self, *frames: bytes | TxFrame) -> int:
        taken = self.driver.transmit(0, [TxFrame([item]) if isinstance(item, bytes) else item for item in frames])
        self.taken += taken
        return taken

    def interrupts(self) -> None:
        while self.card.irq:
            self.driver.interrupt(0)

    def run(self) -> None:
        """Card and driver in turns until nothing moves."""
        for _ in range(1000):
            before = dict(self.card.rb), self.card["TDH"], self.card["RDH"]
            self.card.drain()
            self.interrupts()
            if before == (dict(self.card.rb), self.card["TDH"], self.card["RDH"]):
                return
        raise AssertionError("the card does not come to rest")

    @property
    def received(self) -> list[bytes]:
        return [item.data for item in self.sink.frames]

    def check_account(self) -> None:
        """Every frame is somewhere, once; call when the card is at rest and the rings are clean."""
        counters, rb = self.driver.counters(), self.card.rb
        refused = sum(counters[name] for name in Em.TX_DROPS if name != "tx_reset")
        assert self.taken == counters["tx_frames"] + refused
        assert counters["tx_frames"] == rb["RB_TXFRAME"] + counters["tx_reset"]
        assert rb["RB_TXFRAME"] - rb["RB_TXTSO"] + rb["RB_TXSEG"] == rb["RB_TXWIRE"] + rb["RB_TXFLUSH"]
        assert rb["RB_RXDONE"] == counters["rx_frames"] + sum(counters[name] for name in Em.RX_DROPS)
        assert counters["rx_frames"] == len(self.sink.frames)
        drops = ("OFF", "CRC", "RUNT", "GIANT", "FILTER", "MISS", "FLUSH", "VLAN")
        assert rb["RB_RXWIRE"] == rb["RB_RXDONE"] + sum(rb["RB_RX" + name] for name in drops)
