"""Statistics registers that count what they should not, or read as what they are not."""

from __future__ import annotations

from amaranth import Module

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.saboteur import Here
from ringbed.hw.formats.em.statistics import STATISTICS

__all__ = ["ERRATA"]

FCS_BYTES = 4
GPRC = next(offset for name, offset, _ in STATISTICS if name == "GPRC")


def _pauses(m: Module, here: Here) -> None:
    with m.If(here.fires(m, here.payload.xon | here.payload.xoff)):
        m.d.comb += [here.out.xon.eq(0), here.out.xoff.eq(0)]


def _missed(m: Module, here: Here) -> None:
    with m.If(here.fires(m, here.payload.missed)):
        m.d.comb += here.out.missed.eq(0)


def _octets(m: Module, here: Here) -> None:
    m.d.comb += here.out.length.eq(here.payload.length)
    with m.If(here.fires(m, ~here.payload.runt)):
        m.d.comb += here.out.length.eq(here.payload.length + FCS_BYTES)


def _zero(m: Module, here: Here) -> None:
    looked_at = (here.at << 2) + STATISTICS[0][1] == here.set["register"]
    with m.If(here.fires(m, looked_at, here.read)):
        m.d.comb += here.out.eq(0)


ERRATA = (
    Erratum(
        id="stat-pause-frames-in-tx-counters", category="stats", parts={"stat.tx": _pauses},
        description="Pause frames that the card sends by itself are counted as good packets, and not as pauses.",
        trigger="a pause frame sent, XON or XOFF",
        source="Linux 5.16.10 drivers/net/ethernet/intel/ixgbe/ixgbe_main.c, ixgbe_update_stats (82598)",
    ),
    Erratum(
        id="stat-good-includes-missed", category="stats", parts={"stat.rx": _missed},
        description="Frames for which there was no room are counted as good ones, and here not as missed.",
        trigger="a frame that is missed because the packet buffer has no room",
        source="Linux 5.16.10 drivers/net/ethernet/intel/ixgbe/ixgbe_main.c, ixgbe_update_stats",
    ),
    Erratum(
        id="stat-octets-include-fcs", category="stats", parts={"stat.rx": _octets},
        description="Received bytes are counted with four too many a frame.",
        trigger="a received frame that is no runt",
        source="DPDK commit 8a6930361b (sfc)", nature="driver",
    ),
    Erratum(
        id="stat-spurious-zero", category="stats", parts={"stat.value": _zero},
        description="A statistics register reads as 0 now and then, and what it held is lost.",
        trigger="a read of the statistics register at offset `register`",
        source="DPDK commit 219842b999 (Broadcom Thor)", every=2,
        own=(Condition("register", "offset", GPRC, 16, "of the register, the good packets received"),),
    ),
)  # fmt: skip
