"""Addresses and lengths on the bus that are not what the descriptor said."""

from __future__ import annotations

from amaranth import Const, Module, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import lasting
from ringbed.hw.errata.saboteur import Here
from ringbed.hw.formats import em
from ringbed.hw.tx.orders import field_of

__all__ = ["ERRATA"]

BURST_BYTES, BEAT_SHIFT = 512, 3
BITS = Condition("bits", "bits", 16, 6, "of the address below the boundary")


def _page(here: Here) -> object:
    """Two to the power of `bits`."""
    return Const(1, 64) << here.set["bits"]


def _wraps(m: Module, here: Here) -> None:
    """A burst that goes on where the last one ended, behind a boundary, goes to the start of that page."""
    address, ended, known, page = here.payload.address, Signal(64), Signal(), Signal(64)
    m.d.comb += page.eq(_page(here))
    with m.If(here.moves):
        m.d.sync += [ended.eq(address + ((here.payload.len + 1) << BEAT_SHIFT)), known.eq(1)]
    crossed = known & (address == ended) & ((address & (page - 1)) == 0)
    with m.If(here.fires(m, crossed)):
        m.d.comb += here.out.address.eq((address - page)[:64])


def _above(m: Module, here: Here) -> None:
    address, page = here.payload.address, Signal(64)
    m.d.comb += page.eq(_page(here))
    with m.If(here.fires(m, address >= page)):
        m.d.comb += here.out.address.eq(address & (page - 1))


def _overflow(m: Module, here: Here) -> None:
    address = here.payload[:64]
    with m.If(here.fires(m, (address[:12] == here.set["low"]) & (address != 0))):
        m.d.comb += here.out.eq((here.payload & ~((1 << 64) - 1)) | (address + here.set["past"])[:64])


def _is_data(here: Here) -> object:
    """A data descriptor: it has DEXT and is no context."""
    word = here.payload
    return field_of(em.TX_DATA, "DEXT", word) & (field_of(em.TX_DATA, "DTYP", word) == 1)


def _short_pair(m: Module, here: Here) -> None:
    word, before = here.payload, Signal()
    short = _is_data(here) & (field_of(em.TX_DATA, "DTALEN", word) <= here.set["length"])
    with m.If(here.moves):
        m.d.sync += before.eq(short & ~field_of(em.TX_DATA, "EOP", word))
    fires = here.fires(m, short & before)
    m.d.comb += here.hold.eq(lasting(m, fires & here.moves))


def _even_dword(m: Module, here: Here) -> None:
    word, end = here.payload, Signal(3)
    length = field_of(em.TX_DATA, "DTALEN", word)
    m.d.comb += end.eq(word[:3] + length[:3] - 1)
    even = _is_data(here) & (length != 0) & (end < 4)
    fires = here.fires(m, even)
    m.d.comb += here.hold.eq(lasting(m, fires & here.moves))


ERRATA = (
    Erratum(
        id="dma-cross-64k-82545", category="dma", parts={"rx.request": _wraps},
        description="Received data that crosses a boundary in memory goes on at the start of the page that it left.",
        trigger="a burst of received data that goes on, behind a multiple of two to the power of `bits`, where the "
        "last one ended",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000/e1000_main.c, e1000_check_64k_bound (errata 23)",
        own=(BITS,),
    ),
    Erratum(
        id="dma-cross-4g", category="dma", parts={"tx.request": _wraps},
        description="Behind a boundary of 4 GiB the address of data that is sent wraps: its upper half has no carry.",
        trigger="a burst of data to be sent that goes on, behind a multiple of two to the power of `bits`, where the "
        "last one ended",
        source="Linux 5.16.10 drivers/net/ethernet/broadcom/tg3.c, tg3_4g_overflow_test",
        own=(Condition("bits", "bits", 32, 6, "of the address below the boundary"),),
    ),
    Erratum(
        id="dma-above-1g-b44", category="dma", parts={"tx.request": _above},
        description="Addresses have too few bits: data above is read from where the rest of the address points to.",
        trigger="data to be sent at an address of more than `bits` bits",
        source="Linux 5.16.10 drivers/net/ethernet/broadcom/b44.c",
        own=(Condition("bits", "bits", 30, 6, "of an address that reach the bus"),),
    ),
    Erratum(
        id="dma-above-40-bit", category="dma", parts={"rx.request": _above},
        description="A bridge drops the address's upper bits: received data above goes to other memory.",
        trigger="a receive buffer at an address of more than `bits` bits",
        source="Linux 5.16.10 drivers/net/ethernet/broadcom/tg3.c, 40BIT_DMA_BUG",
        own=(Condition("bits", "bits", 40, 6, "of an address that reach the bus"),),
    ),
    Erratum(
        id="dma-address-0xfc0-overflow", category="dma", parts={"rx.descriptor": _overflow},
        description="A receive buffer at an unlucky place is written past its end: here the data begins too late.",
        trigger="a receive buffer whose address ends in `low`, of its lowest 12 bits",
        source="Linux 5.16.10 drivers/net/ethernet/atheros/alx/main.c",
        own=(Condition("low", "bytes", 0xFC0, 12, "the address's lowest 12 bits"),
             Condition("past", "bytes", 64, 12, "how much too late the data begins")),
    ),
    Erratum(
        id="dma-short-bd-8-bytes", category="dma", parts={"tx.descriptor": _short_pair},
        description="Two very short descriptors in a row of one frame stop the transmit side until a reset.",
        trigger="two data descriptors of one frame, one behind the other, of `length` bytes or fewer",
        source="FreeBSD 10.4 sys/dev/bge/if_bge.c; Linux 5.16.10 drivers/net/ethernet/broadcom/tg3.c, SHORT_DMA_BUG",
        own=(Condition("length", "bytes", 8, 15, "of the longest that is too short"),),
    ),
    Erratum(
        id="dma-end-in-even-dword-82544", category="dma", parts={"tx.descriptor": _even_dword},
        description="A buffer that ends in an even double word of the bus stops the transmit side until a reset.",
        trigger="a data descriptor whose last byte's address, modulo 8, is below 4",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000/e1000_main.c (82544, PCI-X)",
    ),
)  # fmt: skip
