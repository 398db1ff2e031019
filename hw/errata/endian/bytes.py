"""Bytes in the wrong order."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import store_position, visit
from ringbed.hw.errata.saboteur import Here
from ringbed.hw.formats import em
from ringbed.hw.stream.beat import swap16

__all__ = ["ERRATA"]

VP = em.RX_LEGACY["VP"].lsb - em.RX_LEGACY["DD"].lsb
WORD, ADDRESS_WORDS = 32, 3


def _rx_tag(m: Module, here: Here) -> None:
    with m.If(here.fires(m, here.payload.status[VP])):
        m.d.comb += here.out.special.eq(swap16(here.payload.special))


def _tx_tag(m: Module, here: Here) -> None:
    with m.If(here.fires(m, here.payload.tag)):
        m.d.comb += here.out.tci.eq(swap16(here.payload.tci))


def _swapped(value: Any) -> Any:
    """Each word of four bytes turned round."""
    words = [value[at : at + WORD] for at in range(0, len(value), WORD)]
    return Cat(word[at : at + 8] for word in words for at in (24, 16, 8, 0))


def _frame_bytes(m: Module, here: Here) -> None:
    """Decided with a frame's first beat, for all of it."""
    first, kept, fires = Signal(), Signal(), Signal()
    m.d.comb += [
        first.eq(store_position(m, here) == 0),
        fires.eq(here.fires(m, first & (here.frame.length >= here.set["length"]))),
    ]
    with m.If(here.moves & first):
        m.d.sync += kept.eq(fires)
    with m.If(Mux(first, fires, kept)):
        m.d.comb += here.out.eq(_swapped(here.payload))


def _station(m: Module, here: Here) -> None:
    for word in range(ADDRESS_WORDS):
        with m.If(visit(m, here, here.address == word)):
            m.d.comb += here.out.eq(swap16(here.payload))


ERRATA = (
    Erratum(
        id="vlan-tci-byteswapped-realtek", category="endian", parts={"rx.frame": _rx_tag},
        description="The tag that was taken out stands in the descriptor with its two bytes exchanged.",
        trigger="a received frame whose tag is taken out",
        source="Linux 5.16.10 drivers/net/usb/r8152.c, rtl_rx_vlan_tag",
    ),
    Erratum(
        id="vlan-tci-byteswapped-realtek-tx", category="endian", parts={"tx.checksum": _tx_tag},
        description="The tag that is put in is read from the descriptor with its two bytes exchanged.",
        trigger="a frame with a tag to put in",
        source="Linux 5.16.10 drivers/net/usb/r8152.c, rtl_tx_vlan_tag",
    ),
    Erratum(
        id="frame-bytes-swapped-fec", category="endian", parts={"tx.store": _frame_bytes},
        description="Frames are read from memory as big-endian words of four bytes: each word leaves turned round.",
        trigger="a frame of `length` bytes or more that is sent",
        source="Linux 5.16.10 drivers/net/ethernet/freescale/fec_main.c, FEC_QUIRK_SWAP_FRAME",
        own=(Condition("length", "bytes", 0, 15, "of the shortest frame that is swapped"),),
    ),
    Erratum(
        id="mac-address-bytes-reversed-nforce", category="endian", parts={"eeprom.word": _station},
        description="The station address is read from the EEPROM in the wrong order: here the two bytes of each word "
        "are exchanged. The EEPROM's own sum does not hold then.",
        trigger="a read of the EEPROM's first three words",
        source="Linux 5.16.10 drivers/net/ethernet/nvidia/forcedeth.c",
    ),
)  # fmt: skip
