"""Packets whose checksum is said to be right though it is wrong, or was not looked at."""

from __future__ import annotations

from amaranth import Module

from ringbed.hw.errata.erratum import Erratum
from ringbed.hw.errata.fields import header_words, set_fields
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]

PLAIN_HEADER, UNTAGGED = 5, 14


def _not_computed(m: Module, here: Here) -> None:
    unchecked = here.payload.ixsm & (here.parsed.ipv4 | here.parsed.ipv6)
    set_fields(m, here, here.fires(m, unchecked), ixsm=0, ipcs=1, tcpcs=1, ipe=0, tcpe=0)


def _ip_options(m: Module, here: Here) -> None:
    found = here.parsed
    options = found.ipv4 & (found.l3_offset == UNTAGGED) & (header_words(here.facts.head) > PLAIN_HEADER)
    set_fields(m, here, here.fires(m, options & here.payload.tcpe), tcpe=0)


def _masked(m: Module, here: Here) -> None:
    set_fields(m, here, here.fires(m, here.payload.ipe & here.payload.tcpe), tcpe=0)


def _ipv6_udp_zero(m: Module, here: Here) -> None:
    found = here.parsed
    set_fields(m, here, here.fires(m, found.ipv6 & found.udp & ~found.udp_sum), ixsm=0, tcpcs=1, tcpe=0)


ERRATA = (
    Erratum(
        id="rx-csum-not-computed-reported-good", category="verdicts", parts={"rx.verdict": _not_computed},
        description="Where the card checked nothing, the table of verdicts says 'all good' in place of 'unknown'.",
        trigger="an IP packet of which no checksum is checked, such as an IPv6 fragment",
        source="DPDK commit 7b388f62ab (bnxt, AVX2 path)", nature="driver",
    ),
    Erratum(
        id="rx-ip-options-always-good", category="verdicts", parts={"rx.verdict": _ip_options},
        description="With options in the IPv4 header the TCP or UDP checksum is said to be right, whatever it is.",
        trigger="an untagged IPv4 packet with options and a wrong TCP or UDP checksum",
        source="DPDK commit a46bd97f60 (net/tap)", nature="driver",
    ),
    Erratum(
        id="rx-l3-error-masks-l4-error", category="verdicts", parts={"rx.verdict": _masked},
        description="Of two wrong checksums only the IPv4 header's is told: the checks were chained with 'else'.",
        trigger="a packet whose IPv4 header checksum and TCP or UDP checksum are both wrong",
        source="DPDK commits 6435a1d00a and 7d83632b28 (net/dpaa2)", nature="driver",
    ),
    Erratum(
        id="rx-udp6-zero-reported-good", category="verdicts", parts={"rx.verdict": _ipv6_udp_zero},
        description="UDP over IPv6 must have a checksum, and a field of 0 is an error (RFC 8200, 8.1). The rule of "
        "IPv4, 'no sum is a good sum', is used for both.",
        trigger="a UDP datagram over IPv6 whose checksum field is 0",
        source="RFC 8200, section 8.1, read as RFC 768", nature="restated",
    ),
)  # fmt: skip
