"""The shortest and the longest frames: judged by the wrong length, padded with the wrong bytes."""

from __future__ import annotations

from amaranth import Module, Mux, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import L3_AT, number, set_fields, store_position
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]

SHORTEST, LONGEST, FCS_BYTES, TAG_BYTES = 64, 1518, 4, 4
LONGEST_LENGTH = 1500  # of an 802.3 length field; above it is a type
SNAP = 0xAAAA


def _stripped_runt(m: Module, here: Here) -> None:
    short = here.stripped & (here.payload.length - TAG_BYTES < here.set["length"])
    with m.If(here.fires(m, short, here.last)):
        m.d.comb += here.out.runt.eq(1)


def _at_limit(m: Module, here: Here) -> None:
    limit = here.set["length"]
    at_limit = (here.payload.length == limit) | (here.payload.length == limit - 1)
    with m.If(here.fires(m, at_limit, here.last)):
        m.d.comb += here.out.error.eq(1)


def _minimum(m: Module, here: Here) -> None:
    with m.If(here.fires(m, here.payload.length < here.set["length"])):
        m.d.comb += here.out.fcs.eq(0)


def _leak_length(m: Module, here: Here) -> None:
    """The frame is sent to the end of its last beat."""
    lanes_less_one = 7
    whole = (here.payload.length + lanes_less_one) & ~lanes_less_one
    short = (here.payload.length < here.set["length"]) & (whole != here.payload.length)
    with m.If(here.fires(m, short)):
        m.d.comb += here.out.length.eq(Mux(whole > here.set["length"], here.set["length"], whole))
        m.d.comb += here.shared("leaks").eq(1)


def _leak_bytes(m: Module, here: Here) -> None:
    """Behind its own bytes the last beat has those of the frame before."""
    position, old, lanes = store_position(m, here), Signal(len(here.payload)), len(here.payload) // 8
    own = here.facts.length
    with m.If(here.moves):
        m.d.sync += old.eq(here.payload)
    for lane in range(lanes):
        with m.If(here.shared("leaks") & (position + lane >= own)):
            m.d.comb += here.out[8 * lane : 8 * lane + 8].eq(old[8 * lane : 8 * lane + 8])


def _no_snap(m: Module, here: Here) -> None:
    head = here.facts.head
    llc = (number(head, 12) <= LONGEST_LENGTH) & (number(head, L3_AT) != SNAP)
    set_fields(m, here, here.fires(m, llc), ixsm=0, ipcs=1, ipe=1)


ERRATA = (
    Erratum(
        id="vlan-stripped-frame-dropped-as-runt", category="short_frames", parts={"rx.end": _stripped_runt},
        description="The length is checked behind the stripping of the tag: a tagged frame of the shortest legal size "
        "is then a runt.",
        trigger="a frame whose tag is taken out and that has fewer than `length` bytes without it, with FCS",
        source="Linux 5.16.10 drivers/net/ethernet/natsemi/ns83820.c; FreeBSD 10.4 sys/dev/nge/if_nge.c",
        own=(Condition("length", "bytes", SHORTEST, 15, "of the shortest frame that is no runt"),),
    ),
    Erratum(
        id="jumbo-frame-at-limit-marked-truncated", category="short_frames", parts={"rx.end": _at_limit},
        description="A frame of the longest legal size, or of one byte less, is marked as truncated.",
        trigger="a received frame of `length` bytes with FCS, or one less",
        source="Linux 5.16.10 drivers/net/ethernet/freescale/gianfar.c (eTSEC 74)",
        own=(Condition("length", "bytes", LONGEST, 15, "of the longest frame, with FCS"),),
    ),
    Erratum(
        id="pad-minimum-33-bytes", category="short_frames", parts={"tx.checksum": _minimum},
        description="A very short frame is an error to the card: here it leaves padded, but without an FCS.",
        trigger="a frame of fewer than `length` bytes, before padding",
        source="Linux 5.16.10 drivers/net/ethernet/hisilicon/hns3/hns3_enet.c; DPDK commit 395b5e08ef",
        own=(Condition("length", "bytes", 33, 15, "of the shortest frame that is sent"),),
    ),
    Erratum(
        id="pad-leaks-memory-etherleak", category="short_frames",
        parts={"tx.checksum": _leak_length, "tx.store": _leak_bytes},
        description="A short frame is padded with what was in the card's memory: bytes of the frame before leave with "
        "it. Here up to the end of the last beat of eight bytes.",
        trigger="a frame of fewer than `length` bytes that does not end with a beat",
        source="CERT VU#412115; Linux 5.16.10 drivers/net/ethernet/via/via-rhine.c", nature="restated",
        own=(Condition("length", "bytes", 60, 15, "up to which frames are padded"),),
    ),
    Erratum(
        id="llc-without-snap", category="short_frames", parts={"rx.verdict": _no_snap},
        description="The parser goes astray in a frame with LLC and no SNAP header: here a verdict is given of an "
        "IPv4 header that is not there. Only the erratum's title could be read.",
        trigger="a frame with an 802.3 length and LLC that is not SNAP",
        source="Intel 82599 Specification Update, revision 3.7, erratum 67 (title)",
    ),
)  # fmt: skip
