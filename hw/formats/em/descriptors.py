"""The descriptors of `em`, and which sums the card checks in which frame."""

from __future__ import annotations

from dataclasses import dataclass

from ringbed.hw.formats.field import Field, Layout
from ringbed.hw.formats.verdict import Verdict

__all__ = ["RX_LEGACY", "RX_TABLE", "TX_CONTEXT", "TX_DATA", "TX_LEGACY", "RxRow", "verdict"]

RX_LEGACY = Layout("RX legacy", 16, (
    Field("address", 0, 64, doc="buffer, any alignment; 0 stores nothing and uses the descriptor up"),
    Field("length", 64, 16, doc="bytes in this buffer"),
    Field("checksum", 80, 16, doc="packet checksum, first descriptor of the frame only"),
    Field("DD", 96), Field("EOP", 97), Field("IXSM", 98, doc="ignore the checksum bits"), Field("VP", 99),
    Field("TCPCS", 101, doc="TCP or UDP checked"), Field("IPCS", 102, doc="IPv4 header checked"), Field("PIF", 103),
    Field("CE", 104, doc="FCS error (RCTL.SBP)"), Field("SE", 105), Field("SEQ", 106), Field("CXE", 108),
    Field("TCPE", 109, doc="TCP or UDP bad"), Field("IPE", 110, doc="IPv4 header bad"),
    Field("RXE", 111, doc="data error (RCTL.SBP)"),
    Field("special", 112, 16, doc="the tag stripped: PRI, CFI, VID; else 0"),
), "M Tables 3-1 to 3-4")  # fmt: skip

TX_LEGACY = Layout("TX legacy", 16, (
    Field("address", 0, 64), Field("length", 64, 16), Field("CSO", 80, 8, doc="where the checksum goes"),
    Field("EOP", 88), Field("IFCS", 89), Field("IC", 90, doc="insert checksum"), Field("RS", 91), Field("RPS", 92),
    Field("DEXT", 93, doc="0"), Field("VLE", 94), Field("IDE", 95),
    Field("DD", 96), Field("EC", 97), Field("LC", 98),
    Field("CSS", 104, 8, doc="first byte summed"), Field("special", 112, 16),
), "M Table 3-8")  # fmt: skip

TX_CONTEXT = Layout("TX context", 16, (
    Field("IPCSS", 0, 8), Field("IPCSO", 8, 8), Field("IPCSE", 16, 16, doc="last byte summed; 0: the frame's last"),
    Field("TUCSS", 32, 8), Field("TUCSO", 40, 8), Field("TUCSE", 48, 16),
    Field("PAYLEN", 64, 20), Field("DTYP", 84, 4, doc="0"),
    Field("TCP", 88, doc="1 TCP, 0 UDP"), Field("IP", 89, doc="1 IPv4, 0 IPv6"), Field("TSE", 90), Field("RS", 91),
    Field("DEXT", 93, doc="1"), Field("IDE", 95), Field("DD", 96),
    Field("HDRLEN", 104, 8), Field("MSS", 112, 16),
), "M Tables 3-13 to 3-16")  # fmt: skip

TX_DATA = Layout("TX data", 16, (
    Field("address", 0, 64), Field("DTALEN", 64, 20), Field("DTYP", 84, 4, doc="1"),
    Field("EOP", 88), Field("IFCS", 89), Field("TSE", 90), Field("RS", 91), Field("RPS", 92),
    Field("DEXT", 93, doc="1"), Field("VLE", 94), Field("IDE", 95),
    Field("DD", 96), Field("EC", 97), Field("LC", 98),
    Field("IXSM", 104, doc="insert the IPv4 header sum"), Field("TXSM", 105, doc="insert the TCP or UDP sum"),
    Field("special", 112, 16),
), "M Tables 3-17 to 3-20")  # fmt: skip


def verdict(status: int, errors: int) -> Verdict:
    """The truth table of M 3.2.3.1-2: `status` and `errors` are bytes 12 and 13 of a written-back RX descriptor."""
    if status & 0x04:  # IXSM
        return Verdict.NONE
    found = Verdict.NONE
    if status & 0x40:
        found |= Verdict.L3_BAD if errors & 0x40 else Verdict.L3_GOOD
    if status & 0x20:
        found |= Verdict.L4_BAD if errors & 0x20 else Verdict.L4_GOOD
    return found


@dataclass(frozen=True, slots=True)
class RxRow:
    """One kind of frame and which sums the card checks in it, with every RXCSUM enable on (M Table 3-5)."""

    kind: str
    l3: bool
    l4: bool
    source: str


RX_TABLE = (
    RxRow("ipv4 tcp", True, True, "M Table 3-5"),
    RxRow("ipv4 udp", True, True, "M Table 3-5"),
    RxRow("ipv4 udp without a sum", True, False, "open in the manual; field 0 is 'no sum' (RFC 768): not checked"),
    RxRow("ipv4 options tcp or udp", True, True, "M Table 3-5"),
    RxRow("ipv4 other protocol", True, False, "M Table 3-5"),
    RxRow("ipv4 fragment", True, False, "M Table 3-6; first and later fragments alike"),
    RxRow("ipv4 in ipv4", True, False, "outer header only"),
    RxRow("ipv6 in ipv4", True, False, "outer header only: the 82540 row is not at hand, the careful reading"),
    RxRow("ipv6 tcp", False, True, "M Table 3-5"),
    RxRow("ipv6 udp", False, True, "M Table 3-5"),
    RxRow("ipv6 udp without a sum", False, False, "as for IPv4: field 0 is not checked"),
    RxRow("ipv6 hop-by-hop, destination options, tcp or udp", False, True, "M 3.2.9.4, each header <= 64 bytes"),
    RxRow("ipv6 routing header, tcp or udp", False, True,
          "M 3.2.9.4; only with segments left 0: else the destination in the sum is not the one in the header"),
    RxRow("ipv6 routing header with segments left", False, False, "as above"),
    RxRow("ipv6 longer extension header", False, False, "M 3.2.9.4"),
    RxRow("ipv6 fragment header", False, False, "M Table 3-6, atomic fragments too"),
    RxRow("ipv6 other protocol", False, False, "M Table 3-5; ICMPv6 among them"),
    RxRow("ipv4 or ipv6 in ipv6", False, False, "M Table 3-5"),
    RxRow("one 802.1Q tag before any of these", True, True, "M 3.2.9.2: as the frame would be without it"),
    RxRow("LLC/SNAP before any of these", True, True, "M 3.2.9.2"),
    RxRow("other EtherType", False, False, "IXSM"),
    RxRow("ipv4, total length beyond the frame or below its header", True, False, "malformed: a header, no more"),
    RxRow("ipv4 header cut short, IHL below 5 or another version", False, False, "M 3.2.9.3: not IPv4 to the filter"),
    RxRow("ipv6 cut short, another version, or payload length beyond the frame", False, False, "malformed"),
    RxRow("udp length other than the ip payload's, tcp below 20 bytes, udp below 8", True, False,
          "malformed L4; over IPv6 there is no L3 sum"),
)  # fmt: skip
