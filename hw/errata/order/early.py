"""What is told before it is true, and doorbells that come in another order than they were rung."""

from __future__ import annotations

from amaranth import Module, Mux, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import within
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]


def _early(m: Module, here: Here) -> None:
    """A descriptor is written back although its last bursts of data are not answered."""
    with m.If(here.fires(m, here.payload.eop)):
        m.d.comb += here.out.sequence.eq(here.payload.sequence - here.set["bursts"])


def _reordered(m: Module, here: Here) -> None:
    """Of two writes close together the first comes last."""
    seen, shown, undone, changed = Signal(16), Signal(16), Signal(), Signal()
    m.d.comb += changed.eq(here.payload != seen)
    m.d.sync += seen.eq(here.payload)
    fires = here.fires(m, within(m, here, changed, here.set["window"]), changed)
    with m.If(changed):
        m.d.sync += [undone.eq(fires), shown.eq(Mux(fires, seen, here.payload))]
    with m.If(fires):
        m.d.comb += here.out.eq(seen)
    with m.Elif(undone & ~changed):
        m.d.comb += here.out.eq(shown)


ERRATA = (
    Erratum(
        id="tso-premature-writeback-sentinel", category="order", parts={"tx.completion": _early},
        description="A transmit descriptor is said to be done while its data is still being read: the driver gives the "
        "buffer back, and what is read then is stale, or not there.",
        trigger="a frame's last transmit descriptor",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000/e1000_main.c, e1000_tx_map",
        own=(Condition("bursts", "bursts", 8, 7, "that do not have to be answered"),),
    ),
    Erratum(
        id="dma-dd-read-order", category="order", parts={"rx.completion": _early},
        description="The done bit is seen before the frame's data: a CPU that reads in another order than it says, "
        "restated as a card that writes the bit too early.",
        trigger="a frame's last receive descriptor",
        source="DPDK commits c4d3e8fbe4 and 778602fe57 (i40e)", nature="driver",
        own=(Condition("bursts", "bursts", 8, 7, "that do not have to be answered"),),
    ),
    Erratum(
        id="doorbell-write-reordered", category="order", parts={"tx.tail": _reordered},
        description="Of two writes of the transmit tail close together, the first comes last: the tail goes backwards, "
        "and what the second told of waits for the next.",
        trigger="a write of TDT within `window` clocks behind the one before",
        source="Linux 5.16.10 drivers/net/ethernet/broadcom/tg3.c, MBOX_WRITE_REORDER",
        own=(Condition("window", "clocks", 200, 16, "in which two writes change places"),),
    ),
)  # fmt: skip
