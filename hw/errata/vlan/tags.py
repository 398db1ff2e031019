"""Tags put in where none was asked for, left out where one was, not seen, and a filter that is not written."""

from __future__ import annotations

from amaranth import Module, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import header_words, is_ipv4, number
from ringbed.hw.errata.saboteur import Here
from ringbed.hw.formats import em

__all__ = ["ERRATA"]

VP = em.RX_LEGACY["VP"].lsb - em.RX_LEGACY["DD"].lsb
PLAIN_HEADER, UDP, VXLAN, VXLAN_BYTES = 5, 17, 4789, 65


def _on_every_packet(m: Module, here: Here) -> None:
    tci, known = Signal(16), Signal()
    with m.If(here.moves & here.payload.tag):
        m.d.sync += [tci.eq(here.payload.tci), known.eq(1)]
    with m.If(here.fires(m, ~here.payload.tag & known)):
        m.d.comb += [here.out.tag.eq(1), here.out.tci.eq(tci)]


def _short_tunnel(m: Module, here: Here) -> None:
    head = here.facts.head
    tunnel = is_ipv4(head) & (header_words(head) == PLAIN_HEADER) & (number(head, 23, 1) == UDP)
    short = tunnel & (number(head, 36) == VXLAN) & (here.facts.length < here.set["length"])
    with m.If(here.fires(m, short & here.payload.tag)):
        m.d.comb += here.out.tag.eq(0)


def _not_detected(m: Module, here: Here) -> None:
    with m.If(here.fires(m, here.payload.status[VP])):
        m.d.comb += [here.out.status[VP].eq(0), here.out.special.eq(0)]


def _write_lost(m: Module, here: Here) -> None:
    busy = here.payload.en & here.receiving
    with m.If(here.fires(m, busy, here.payload.en)):
        m.d.comb += here.out.en.eq(0)


ERRATA = (
    Erratum(
        id="vlan-inserted-on-every-packet", category="vlan", parts={"tx.checksum": _on_every_packet},
        description="Once a frame had a tag put in, every later frame gets that tag, whether its descriptor asks for "
        "one or not.",
        trigger="a frame that asks for no tag, sent after one that did",
        source="DPDK commit a61868f19e (dpaa2)", nature="driver",
    ),
    Erratum(
        id="vlan-tag-lost-short-tunnel-frame", category="vlan", parts={"tx.checksum": _short_tunnel},
        description="A short frame of a tunnel leaves without the tag that was to be put in.",
        trigger="VXLAN over untagged IPv4 in a frame of fewer than `length` bytes, with a tag to put in",
        source="DPDK commit 2262fc2948 (hns3)",
        own=(Condition("length", "bytes", VXLAN_BYTES, 15, "of the shortest frame that is right"),),
    ),
    Erratum(
        id="vlan-detect-broken-fe-plus", category="vlan", parts={"rx.frame": _not_detected},
        description="A tag is taken out of a received frame, and the descriptor does not say so: the frame is taken "
        "for one of another network.",
        trigger="a received frame whose tag is taken out",
        source="Linux 5.16.10 drivers/net/ethernet/marvell/sky2.c",
    ),
    Erratum(
        id="vlan-filter-write-lost", category="vlan", parts={"vfta.write": _write_lost},
        description="A write to the VLAN filter table is lost when the table is being looked at.",
        trigger="a write to VFTA in a clock in which a beat of a frame comes in",
        source="Linux 5.16.10 drivers/net/ethernet/intel/igb/e1000_82575.c",
    ),
)  # fmt: skip
