"""Right packets whose checksum is said to be wrong."""

from __future__ import annotations

from amaranth import Module

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import set_fields
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]

TCP, UDP, SCTP = 6, 17, 132
FCS_BYTES, IPV6_HEADER = 4, 40
L4_BAD = {"ixsm": 0, "tcpcs": 1, "tcpe": 1}
L3_BAD = {"ixsm": 0, "ipcs": 1, "ipe": 1}


def _udp4_zero(m: Module, here: Here) -> None:
    found = here.parsed
    set_fields(m, here, here.fires(m, found.udp & found.ipv4 & ~found.udp_sum), **L4_BAD)


def _ipv4_fragment(m: Module, here: Here) -> None:
    set_fields(m, here, here.fires(m, here.parsed.ipv4 & here.parsed.fragment), **L3_BAD)


def _udp_fragment(m: Module, here: Here) -> None:
    found = here.parsed
    set_fields(m, here, here.fires(m, found.ipv4 & found.fragment & (found.protocol == UDP)), **L4_BAD)


def _other_protocol(m: Module, here: Here) -> None:
    found = here.parsed
    other = (found.protocol != TCP) & (found.protocol != UDP)
    set_fields(m, here, here.fires(m, found.ipv4 & ~found.fragment & other), **L4_BAD)


def _short_frame(m: Module, here: Here) -> None:
    short = here.facts.length <= here.set["length"] + FCS_BYTES
    set_fields(m, here, here.fires(m, here.parsed.ipv4 & short), **L3_BAD)


def _ipv6_extension(m: Module, here: Here) -> None:
    found = here.parsed
    extended = found.l4_offset - found.l3_offset > IPV6_HEADER
    set_fields(m, here, here.fires(m, found.ipv6 & (found.tcp | found.udp) & extended), **L4_BAD)


def _sctp_shortest(m: Module, here: Here) -> None:
    sctp = (here.parsed.ipv4 | here.parsed.ipv6) & (here.parsed.protocol == SCTP)
    exact = here.facts.length == here.set["length"] + FCS_BYTES
    set_fields(m, here, here.fires(m, sctp & exact), **L4_BAD)


ERRATA = (
    Erratum(
        id="rx-udp4-zero-flagged-bad", category="verdicts", parts={"rx.verdict": _udp4_zero},
        description="UDP over IPv4 may go without a checksum; the field is then 0 (RFC 768). The card sums such a "
        "datagram all the same and says that its checksum is wrong, so VXLAN, NFS and L2TP look broken.",
        trigger="a UDP datagram over IPv4 whose checksum field is 0",
        source="Intel 82599 Specification Update, erratum 44; Linux 5.16.10 ixgbe_main.c, ixgbe_rx_checksum",
    ),
    Erratum(
        id="rx-ipv4-fragment-ipcsum-flagged-bad", category="verdicts", parts={"rx.verdict": _ipv4_fragment},
        description="The header checksum of an IPv4 fragment is said to be wrong although it is right; only the title "
        "of the erratum could be read.",
        trigger="an IPv4 fragment, first or later",
        source="Intel 82599 Specification Update, revision 3.6, erratum 66 (title)",
    ),
    Erratum(
        id="rx-fragment-checksum-treated-as-error", category="verdicts", parts={"rx.verdict": _udp_fragment},
        description="A fragment is judged as if it held a whole datagram, and the sum over what is there is wrong. The "
        "card itself dropped such frames where it was told to reject bad sums; here it says so.",
        trigger="a fragment of a UDP datagram over IPv4",
        source="Linux 5.16.10 drivers/net/ethernet/natsemi/ns83820.c",
    ),
    Erratum(
        id="rx-l4-error-on-non-tcp-udp", category="verdicts", parts={"rx.verdict": _other_protocol},
        description="The card tries to check a TCP or UDP checksum where there is neither, and says that it is wrong.",
        trigger="a whole IPv4 packet of a protocol that is neither TCP nor UDP",
        source="DPDK commits f66055c756 and 856edce2b3 (Amazon ENA)",
    ),
    Erratum(
        id="rx-short-frame-csum-invalid-aq", category="verdicts", parts={"rx.verdict": _short_frame},
        description="The padding of a short frame gets into the IPv4 header's verdict, which is wrong then.",
        trigger="an IPv4 packet in a frame of `length` bytes or fewer, its FCS not counted",
        source="Linux 5.16.10 drivers/net/ethernet/aquantia/atlantic/hw_atl/hw_atl_b0.c",
        own=(Condition("length", "bytes", 60, 15, "the longest frame that is judged wrongly"),),
    ),
    Erratum(
        id="rx-ipv6-exthdr-l4-unreliable", category="verdicts", parts={"rx.verdict": _ipv6_extension},
        description="Behind IPv6 extension headers the TCP or UDP checksum is said to be wrong, whatever it is.",
        trigger="an IPv6 packet with an extension header before TCP or UDP",
        source="Linux 5.16.10 drivers/net/ethernet/intel/i40e/i40e_txrx.c, i40e_rx_checksum",
    ),
    Erratum(
        id="rx-sctp-min-frame-flagged-bad", category="verdicts", parts={"rx.verdict": _sctp_shortest},
        description="SCTP chunks in frames of the shortest size are counted as checksum errors although their CRC32c "
        "is right. This card checks no CRC32c, so the bug is seen as a verdict where there should be none.",
        trigger="an SCTP packet in a frame of exactly `length` bytes, its FCS not counted",
        source="Linux 5.16.10 drivers/net/ethernet/intel/igb/igb_main.c, igb_rx_checksum",
        own=(Condition("length", "bytes", 60, 15, "of the frame"),),
    ),
)  # fmt: skip
