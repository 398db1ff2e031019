"""Sums that go wrong by a frame's length."""

from __future__ import annotations

from amaranth import Module

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import is_ipv4, number
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]

WRONG = 0x0100  # what a wrong sum differs by
FRAGMENT = 0x3FFF  # offset and 'more' of IPv4's flags


def _spoil(m: Module, here: Here, slot: int, when: object) -> None:
    """The sum of that slot is another."""
    with m.If(when):
        m.d.comb += here.out.slots[slot].value.eq(here.payload.slots[slot].value ^ WRONG)


def _hme(m: Module, here: Here) -> None:
    short = here.facts.length < here.set["length"]
    _spoil(m, here, 1, here.fires(m, short & here.payload.slots[1].enable))


def _pch(m: Module, here: Here) -> None:
    slots = here.payload.slots
    short = (here.facts.length < here.set["length"]) & (slots[0].enable | slots[1].enable)
    with m.If(here.fires(m, short)):
        m.d.comb += [here.out.slots[place].enable.eq(0) for place in range(2)]


def _yukon(m: Module, here: Here) -> None:
    short = (here.facts.length < here.set["length"]) & ~here.facts.begin.udp
    _spoil(m, here, 1, here.fires(m, short & here.payload.slots[1].enable))


def _fifo(m: Module, here: Here) -> None:
    long = here.facts.length > here.set["length"]
    with m.If(here.fires(m, long & here.payload.slots[1].enable)):
        m.d.comb += here.out.slots[1].enable.eq(0)


def _last_bytes(m: Module, here: Here) -> None:
    slot = here.payload.slots[1]
    late = slot.offset + here.set["tail"] >= here.facts.length
    with m.If(here.fires(m, late & slot.enable)):
        m.d.comb += here.out.slots[1].enable.eq(0)


def _tiny_fragment(m: Module, here: Here) -> None:
    head = here.facts.head
    tiny = is_ipv4(head) & ((number(head, 20) & FRAGMENT) != 0) & (here.facts.length < here.set["length"])
    _spoil(m, here, 0, here.fires(m, tiny & here.payload.slots[0].enable))


ERRATA = (
    Erratum(
        id="tx-csum-fails-below-64-hme", category="tx_sums", parts={"tx.checksum": _hme},
        description="The checksum of a short packet is wrong, also of some that need no padding.",
        trigger="a frame of fewer than `length` bytes, its FCS not counted, whose TCP or UDP checksum is asked for",
        source="FreeBSD 10.4 sys/dev/hme/if_hme.c; G. D'Amore, HME checksum limitations, 2007",
        own=(Condition("length", "bytes", 64, 15, "of the shortest frame that is right"),),
    ),
    Erratum(
        id="tx-csum-unsupported-below-64", category="tx_sums", parts={"tx.checksum": _pch},
        description="Short frames leave with whatever software put into the checksum fields.",
        trigger="a frame of fewer than `length` bytes, its FCS not counted, with a checksum asked for",
        source="Linux 5.16.10 drivers/net/ethernet/oki-semi/pch_gbe/pch_gbe_main.c",
        own=(Condition("length", "bytes", 64, 15, "of the shortest frame that is right"),),
    ),
    Erratum(
        id="tx-short-tcp-csum-wrong-yukon2", category="tx_sums", parts={"tx.checksum": _yukon},
        description="The TCP checksum of a short frame is wrong; short UDP is right.",
        trigger="a frame of fewer than `length` bytes whose TCP checksum is asked for",
        source="FreeBSD 10.4 sys/dev/msk/if_msk.c, msk_encap",
        own=(Condition("length", "bytes", 60, 15, "of the shortest frame that is right"),),
    ),
    Erratum(
        id="tx-csum-limited-by-fifo-mvneta", category="tx_sums", parts={"tx.checksum": _fifo},
        description="A sum needs the whole frame in a FIFO; a longer frame leaves without.",
        trigger="a frame of more than `length` bytes whose TCP or UDP checksum is asked for",
        source="Linux 5.16.10 drivers/net/ethernet/marvell/mvneta.c",
        own=(Condition("length", "bytes", 1600, 15, "of the longest frame that is right"),),
    ),
    Erratum(
        id="tx-csum-field-in-last-4-bytes", category="tx_sums", parts={"tx.checksum": _last_bytes},
        description="A checksum field near the end of the frame is not written.",
        trigger="a TCP or UDP checksum asked for whose field begins within the frame's last `tail` bytes",
        source="Linux 5.16.10 drivers/net/usb/smsc95xx.c",
        own=(Condition("tail", "bytes", 4, 8, "from the end of the frame"),),
    ),
    Erratum(
        id="tx-ipcsum-botched-tiny-fragment", category="tx_sums", parts={"tx.checksum": _tiny_fragment},
        description="An IPv4 fragment with one to three bytes of data leaves with a wrong header checksum.",
        trigger="an untagged IPv4 fragment in a frame of fewer than `length` bytes with a header checksum asked for",
        source="FreeBSD 10.4 sys/dev/fxp/if_fxp.c, FXP_IP_CSUM_WAR",
        own=(Condition("length", "bytes", 38, 15, "of the shortest frame that is right"),),
    ),
)  # fmt: skip
