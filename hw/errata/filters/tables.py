"""Addresses and groups let in or kept out against what software wrote."""

from __future__ import annotations

from amaranth import Module, Mux, Signal

from ringbed.hw.errata.erratum import Erratum
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]


def _odd_write(m: Module, here: Here) -> None:
    """A clock behind a write to an odd word, its even neighbour gets the same."""
    again, at, value = Signal(), Signal(7), Signal(32)
    m.d.sync += again.eq(here.fires(m, here.payload.at[0], here.payload.en))
    with m.If(here.payload.en):
        m.d.sync += [at.eq(here.payload.at ^ 1), value.eq(here.payload.data)]
    with m.If(again & ~here.payload.en):
        m.d.comb += [here.out.en.eq(1), here.out.at.eq(at), here.out.data.eq(value)]


def _during_rx(m: Module, here: Here) -> None:
    with m.If(here.fires(m, here.receiving, here.payload.en)):
        m.d.comb += here.out.data.eq(~here.payload.data)


def _promiscuous_vlan(m: Module, here: Here) -> None:
    """The filters' answer stands from the clock behind `told` to the next frame's, and so does this one."""
    fresh, kept, fires = Signal(), Signal(), Signal()
    m.d.sync += fresh.eq(here.told)
    m.d.comb += fires.eq(here.fires(m, here.control.upe & ~here.payload.vlan, fresh))
    with m.If(fresh):
        m.d.sync += kept.eq(fires)
    with m.If(Mux(fresh, fires, kept)):
        m.d.comb += here.out.vlan.eq(1)


ERRATA = (
    Erratum(
        id="filter-mta-odd-write-clobbers-even", category="filters", parts={"mta.write": _odd_write},
        description="A write to an odd word of the multicast table is written to the even word before it too.",
        trigger="a write to an odd word of MTA",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000/e1000_main.c, e1000_set_rx_mode (82544)",
    ),
    Erratum(
        id="filter-mac-regs-during-rx", category="filters", parts={"mta.write": _during_rx},
        description="A write to the multicast table while a frame comes in has undefined effect: here the word is "
        "written with every bit turned over.",
        trigger="a write to MTA in a clock in which a beat of a frame comes in",
        source="Linux 5.16.10 drivers/net/ethernet/smsc/smsc911x.c",
    ),
    Erratum(
        id="filter-vf-promisc-leaks-vlan", category="filters", parts={"rx.filter": _promiscuous_vlan},
        description="In promiscuous mode the VLAN filter lets everything in too.",
        trigger="a tagged frame that VFTA keeps out, with RCTL.UPE set",
        source="DPDK commit 15ce76460a (ixgbe VF)", nature="driver",
    ),
)  # fmt: skip
