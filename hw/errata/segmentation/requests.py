"""What is asked of the segmenter, misread."""

from __future__ import annotations

from typing import Any

from amaranth import Module

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import lasting
from ringbed.hw.errata.saboteur import Here
from ringbed.hw.tx.segment_header import L3, L4

__all__ = ["ERRATA"]

TCP_HEADER, IPV6_HEADER = 20, 40


def _fires(m: Module, here: Here, condition: Any) -> Any:
    """Counted once a message, with its first beat; the answer stands while that beat waits."""
    return here.fires(m, here.payload.segment & condition & here.begins)


def _mss_field(m: Module, here: Here) -> None:
    with m.If(_fires(m, here, here.payload.mss > here.set["mask"])):
        m.d.comb += here.out.mss.eq(here.payload.mss & here.set["mask"])


def _single(m: Module, here: Here) -> None:
    with m.If(_fires(m, here, here.payload.payload <= here.payload.mss)):
        m.d.comb += here.out.sum.eq(0)


def _long_header(m: Module, here: Here) -> None:
    long = (here.payload.header > here.set["header"]) & (here.payload.l3 == L3.IPV4)
    with m.If(_fires(m, here, long)):
        m.d.comb += here.out.l3.eq(L3.NONE)


def _tcp_options(m: Module, here: Here) -> None:
    options = here.payload.header - here.payload.l4_start > TCP_HEADER
    with m.If(_fires(m, here, options & (here.payload.l4 == L4.TCP) & (here.payload.l3 == L3.IPV4))):
        m.d.comb += here.out.l4.eq(L4.NONE)


def _ipv6_extension(m: Module, here: Here) -> None:
    extended = here.payload.l4_start - here.payload.l3_start > IPV6_HEADER
    with m.If(_fires(m, here, extended & (here.payload.l3 == L3.IPV6))):
        m.d.comb += here.out.l3.eq(L3.NONE)


def _small_mss(m: Module, here: Here) -> None:
    m.d.comb += here.shared("hangs").eq(_fires(m, here, here.payload.mss < here.set["least"]))


def _hang(m: Module, here: Here) -> None:
    m.d.comb += here.hold.eq(lasting(m, here.shared("hangs")))


ERRATA = (
    Erratum(
        id="tso-8139cp-mss-field", category="segmentation", parts={"tx.segment": _mss_field},
        description="The segment size is kept in too few bits: a larger one is cut, and the message leaves in many "
        "short frames.",
        trigger="a message whose MSS is larger than `mask`",
        source="Linux 5.16.10 drivers/net/ethernet/realtek/8139cp.c",
        own=(Condition("mask", "bytes", 0x7FF, 16, "the bits that are kept"),),
    ),
    Erratum(
        id="tso-single-segment-request", category="segmentation", parts={"tx.segment": _single},
        description="A message that fits one segment is not handled: here its checksum lacks the length.",
        trigger="a message whose payload is no longer than its MSS",
        source="Linux 5.16.10 drivers/net/ethernet/emulex/benet/be_main.c",
    ),
    Erratum(
        id="tso-header-over-80-bytes", category="segmentation", parts={"tx.segment": _long_header},
        description="Behind a long header the segments are broken: the IPv4 length and identification stay as they "
        "were in the message.",
        trigger="an IPv4 message whose headers are longer than `header`",
        source="Linux 5.16.10 drivers/net/ethernet/broadcom/tg3.c, tg3_tso_bug",
        own=(Condition("header", "bytes", 80, 8, "the longest that is right"),),
    ),
    Erratum(
        id="tso-ip-or-tcp-options-rtl8168evl", category="segmentation", parts={"tx.segment": _tcp_options},
        description="With TCP options the segments are bad: here all have the first one's sequence number and flags.",
        trigger="an IPv4 message with TCP options",
        source="Linux 5.16.10 drivers/net/ethernet/realtek/r8169_main.c",
    ),
    Erratum(
        id="tso6-extension-headers", category="segmentation", parts={"tx.segment": _ipv6_extension},
        description="With an IPv6 extension header before TCP the segments' payload length is not set.",
        trigger="an IPv6 message with an extension header",
        source="Linux 5.16.10 drivers/net/ethernet/emulex/benet/be_main.c",
    ),
    Erratum(
        id="tso-mss-too-small", category="segmentation", parts={"tx.segment": _small_mss, "tx.descriptor": _hang},
        description="A message with a small segment size stops the transmit side; only a reset makes it go on.",
        trigger="a message whose MSS is smaller than `least`",
        source="Linux 5.16.10 drivers/net/ethernet/intel/i40e/i40e_main.c, i40e_features_check",
        own=(Condition("least", "bytes", 64, 16, "the smallest that works"),),
    ),
)  # fmt: skip
