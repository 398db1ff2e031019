"""Pause frames that are not honoured, or not sent as they should be."""

from __future__ import annotations

from amaranth import Module

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]


def _xon(m: Module, here: Here) -> None:
    m.d.comb += here.drop.eq(here.fires(m, here.payload == 0))


def _flushed(m: Module, here: Here) -> None:
    m.d.comb += here.drop.eq(here.fires(m, (here.payload != 0) & (here.payload >= here.set["time"])))


ERRATA = (
    Erratum(
        id="xon-broken-sapphire", category="pause", parts={"pause.rx": _xon},
        description="A pause frame of time 0, which says 'go on', is not heard: transmission waits for the whole time "
        "of the pause before.",
        trigger="an XON that is received and honoured",
        source="DPDK commit 26e7538e00 (txgbe)",
    ),
    Erratum(
        id="pause-threshold-yukon", category="pause", parts={"pause.rx": _flushed},
        description="Pause frames, which are as short as the threshold at which a FIFO is flushed, are flushed: the "
        "card goes on sending to a partner that asked for silence.",
        trigger="an XOFF that is received and would be honoured, of `time` or more",
        source="Linux 5.16.10 drivers/net/ethernet/marvell/sky2.c",
        own=(Condition("time", "times of 64 bytes", 1, 16, "the shortest pause that is not heard"),),
    ),
)  # fmt: skip
