"""Sums that nobody asked for."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal

from ringbed.hw.errata.erratum import Erratum
from ringbed.hw.errata.saboteur import Here
from ringbed.hw.formats import em
from ringbed.hw.tx.orders import field_of

__all__ = ["ERRATA"]

ASKS = em.TX_DATA.encode(DEXT=1, DTYP=1, TXSM=1)  # what makes a legacy descriptor one that asks for a sum


def _unasked(m: Module, here: Here, when: Any) -> None:
    """A frame of legacy descriptors asks, from its first one on, for the sum of the context that was loaded last."""
    word, loaded, inside, kept, asks = here.payload, Signal(), Signal(), Signal(), Signal()
    legacy = ~field_of(em.TX_DATA, "DEXT", word)
    context = ~legacy & (field_of(em.TX_DATA, "DTYP", word) == 0)
    plain = context & ~field_of(em.TX_CONTEXT, "TSE", word)
    fires = here.fires(m, legacy & ~inside & loaded & when)
    m.d.comb += asks.eq(Mux(inside, kept & legacy, fires))
    with m.If(here.moves & ~context):
        m.d.sync += [inside.eq(~field_of(em.TX_LEGACY, "EOP", word)), kept.eq(asks)]
    with m.If(here.moves & plain):
        m.d.sync += loaded.eq(1)
    with m.If(asks):
        m.d.comb += here.out.eq(word | int.from_bytes(ASKS, "little"))


def _with_tag(m: Module, here: Here) -> None:
    _unasked(m, here, field_of(em.TX_LEGACY, "VLE", here.payload))


def _always(m: Module, here: Here) -> None:
    _unasked(m, here, ~field_of(em.TX_LEGACY, "VLE", here.payload))


ERRATA = (
    Erratum(
        id="tx-csum-done-although-disabled-vlan", category="tx_sums", parts={"tx.descriptor": _with_tag},
        description="A frame that is to have a tag put in gets a TCP or UDP checksum too, asked for or not, where the "
        "last context has it.",
        trigger="a frame whose first descriptor is a legacy one with a tag to put in, after any checksum context",
        source="Linux 5.16.10 drivers/net/ethernet/emulex/benet/be_main.c, be_insert_vlan_in_pkt",
    ),
    Erratum(
        id="tx-engine-touches-nonoffloaded-frames", category="tx_sums", parts={"tx.descriptor": _always},
        description="The checksum engine cannot be left out for one frame: what asks for nothing gets a sum where the "
        "last context has it, also over one that was wrong on purpose.",
        trigger="a frame of legacy descriptors without a tag to put in, after any checksum context",
        source="Linux 5.16.10 drivers/net/ethernet/cadence/macb_main.c, macb_pad_and_fcs",
    ),
)  # fmt: skip
