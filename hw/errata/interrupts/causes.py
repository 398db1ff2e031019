"""Interrupts lost, early, spurious and stuck."""

from __future__ import annotations

from amaranth import Module, Mux, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import within
from ringbed.hw.errata.saboteur import Here
from ringbed.hw.formats import em

__all__ = ["ERRATA"]

CAUSE = {field.name: field.mask for field in em.CAUSES}
RX_EVENTS = CAUSE["RXT0"] | CAUSE["SRPD"]


def _rx_event_missing(m: Module, here: Here) -> None:
    came = (here.payload & RX_EVENTS) != 0
    with m.If(here.fires(m, came, came)):
        m.d.comb += here.out.eq(here.payload & ~RX_EVENTS)


def _missed(m: Module, here: Here) -> None:
    """Causes that come within the window behind a read of ICR are lost."""
    came = (here.payload & here.set["cause"]) != 0
    busy = within(m, here, here.read, here.set["window"])
    with m.If(here.fires(m, busy, came)):
        m.d.comb += here.out.eq(here.payload & ~here.set["cause"])


def _never_cleared(m: Module, here: Here) -> None:
    stuck = (here.causes & here.set["cause"]) != 0
    with m.If(here.fires(m, stuck, here.read)):
        m.d.comb += here.out.eq(here.payload | here.set["cause"])


def _spurious(m: Module, here: Here) -> None:
    """One more rise behind an interrupt that was served, until the read that finds nothing."""
    again = Signal()
    fires = here.fires(m, (here.causes & here.mask) != 0, here.read)
    with m.If(here.read):
        m.d.sync += again.eq(fires)
    m.d.comb += here.out.eq(here.payload | again)


def _msi_lost(m: Module, here: Here) -> None:
    was = Signal()
    rises, dropped = here.payload & ~was, Signal()
    m.d.sync += was.eq(here.payload)
    fires = here.fires(m, rises, rises)
    with m.If(~here.payload):
        m.d.sync += dropped.eq(0)
    with m.Elif(fires):
        m.d.sync += dropped.eq(1)
    m.d.comb += here.out.eq(Mux(fires | (dropped & was), 0, here.payload))


def _early(m: Module, here: Here) -> None:
    """RXT0 as the frame is given its buffer, and none when it is there."""
    early, owed = here.fires(m, here.placed, here.placed), Signal(8)
    came = (here.payload & RX_EVENTS) != 0
    m.d.sync += owed.eq(owed + early - (came & (owed != 0)))
    kept = Mux(came & (owed != 0), here.payload & ~RX_EVENTS, here.payload)
    m.d.comb += here.out.eq(kept | Mux(early, CAUSE["RXT0"], 0))


ERRATA = (
    Erratum(
        id="irq-rx-event-missing", category="interrupts", parts={"irq.event": _rx_event_missing},
        description="A frame is written back and no cause is raised for it: it waits until another one interrupts.",
        trigger="a receive cause, RXT0 or SRPD",
        source="Linux 5.16.10 drivers/net/ethernet/sfc/falcon/farch.c (bug 5676)",
    ),
    Erratum(
        id="irq-missed-msi-bnx2-tg3", category="interrupts", parts={"irq.event": _missed},
        description="What happens while the handler is at work raises no interrupt any more, and the work waits.",
        trigger="one of the causes in `cause` within `window` clocks behind a read of ICR",
        source="Linux 5.16.10 drivers/net/ethernet/broadcom/bnx2.c, bnx2_chk_missed_msi",
        own=(Condition("window", "clocks", 500, 16, "behind a read of ICR"),
             Condition("cause", "bits of ICR", CAUSE["RXT0"], 32, "that are lost")),
    ),
    Erratum(
        id="irq-cause-never-cleared-82599", category="interrupts", parts={"irq.event": _never_cleared},
        description="A cause stays set although software read and cleared it: the line never falls.",
        trigger="a read of ICR with one of the causes in `cause` set",
        source="Intel 82599 Specification Update, erratum 1",
        own=(Condition("cause", "bits of ICR", CAUSE["LSC"], 32, "that are raised again"),),
    ),
    Erratum(
        id="irq-spurious-msix-82574", category="interrupts", parts={"irq.line": _spurious},
        description="Behind an interrupt that was served the line rises once more, with no cause.",
        trigger="a read of ICR with a cause set that is not masked",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000e/netdev.c (82574)",
    ),
    Erratum(
        id="irq-msi-lost-e1000e", category="interrupts", parts={"irq.line": _msi_lost},
        description="The line does not rise, whatever the cause: no interrupt comes at all.",
        trigger="a rise of the interrupt line",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000e/netdev.c, e1000_test_msi",
    ),
    Erratum(
        id="irq-before-writeback", category="interrupts", parts={"irq.event": _early},
        description="The interrupt comes when a frame is given its buffer, not when it is there: the handler finds "
        "nothing done, and nothing is raised when it is.",
        trigger="a frame that is given its first descriptor",
        source="DPDK commit c4d3e8fbe4 (i40e: the done bit is read before the data), told one step earlier",
        nature="restated",
    ),
)  # fmt: skip
