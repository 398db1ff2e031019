"""What a card must say about a frame: scapy's sums, seen through the card's verdict table.

Two opinions are put together. Which sums the card looks at is RX_TABLE's, with the enables of RXCSUM; whether a sum is
right is scapy's, over the bytes between the offsets that `anatomy` found. So 'not checked' is an answer to get right
like the other two, and no code of ours or of the card computes a checksum here.
The addresses of a pseudo-header are those in the IP header: what options or extension headers make of them (source
routes, home addresses) is not the card's knowledge. Where the manual is silent the oracle says what docs/nics/em.md
does: TUOFL alone checks TCP and UDP over IPv4, the packet checksum is the plain sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from ringbed.conformance.references.anatomy import LONGEST_EXTENSION, Anatomy, dissect
from ringbed.hw.formats.em import RX_TABLE, RxRow
from ringbed.hw.formats.verdict import Verdict
from ringbed.sim.needs import require
from ringbed.sim.wire.frame import fcs

__all__ = ["Expected", "Oracle", "require_scapy"]


@dataclass(frozen=True, slots=True)
class Expected:
    """`kind` is the frame's row with what comes before it; `checksum` the packet checksum from byte PCSS on."""

    kind: str
    verdict: Verdict
    checksum: int


@dataclass(frozen=True)
class Oracle:
    """Judges frames as a card set up like this must: the fields of RXCSUM, and RCTL.SECRC for the packet checksum."""

    pcss: int = 0
    ipofl: bool = True
    tuofl: bool = True
    ipv6ofl: bool = True
    secrc: bool = True
    table: tuple[RxRow, ...] = RX_TABLE
    longest: int = LONGEST_EXTENSION  # bytes of an IPv6 extension header that is followed

    def __post_init__(self) -> None:
        if not 0 <= self.pcss < 256:
            raise ValueError(f"PCSS is a field of 8 bits, {self.pcss} does not fit")

    def __call__(self, frame: bytes) -> Expected:
        """`frame` is as long as on the wire, without its FCS; raises LookupError when the table has no row for it."""
        parts = dissect(frame, self.longest)
        row = self._row(parts.kind)
        verdict = Verdict.NONE
        if row.l3 and parts.version == 4 and self.ipofl:
            verdict |= Verdict.L3_GOOD if l3_right(frame, parts) else Verdict.L3_BAD
        if row.l4 and self.tuofl and (parts.version == 4 or self.ipv6ofl):
            verdict |= Verdict.L4_GOOD if l4_right(frame, parts) else Verdict.L4_BAD
        summed = frame if self.secrc else frame + fcs(frame)
        return Expected(parts.name, verdict, packet_checksum(summed, self.pcss))

    def _row(self, kind: str) -> RxRow:
        for row in self.table:
            if row.kind == kind:
                return row
        raise LookupError(f"the verdict table has no row {kind!r}")


def require_scapy() -> None:
    """Raises Missing with a sentence when scapy is not there; better asked before a card is built."""
    require("scapy")


@cache
def _scapy() -> Any:
    """scapy's functions; imported at the first frame, for the import takes longer than most runs."""
    from scapy import utils
    from scapy.layers import inet, inet6

    class Functions:
        checksum = staticmethod(utils.checksum)
        in4_chksum = staticmethod(inet.in4_chksum)
        in6_chksum = staticmethod(inet6.in6_chksum)
        IP = inet.IP
        IPv6 = inet6.IPv6

    return Functions


def l3_right(frame: bytes, parts: Anatomy) -> bool:
    """Whether the IPv4 header with its sum adds up (RFC 791)."""
    begin, end = parts.ip
    return bool(_scapy().checksum(frame[begin:end]) == 0)


def l4_right(frame: bytes, parts: Anatomy) -> bool:
    """Whether TCP or UDP with its sum and pseudo-header adds up (RFC 9293, 768, 8200 section 8.1)."""
    scapy, (begin, end), at = _scapy(), parts.l4, parts.ip[0]
    segment, protocol = frame[begin:end], parts.protocol
    if parts.version == 4:
        below = scapy.IP(src=_dotted(frame[at + 12 : at + 16]), dst=_dotted(frame[at + 16 : at + 20]), proto=protocol)
        return bool(scapy.in4_chksum(protocol, below, segment) == 0)
    below = scapy.IPv6(src=_coloned(frame[at + 8 : at + 24]), dst=_coloned(frame[at + 24 : at + 40]), nh=protocol)
    return bool(scapy.in6_chksum(protocol, below, segment) == 0)


def packet_checksum(summed: bytes, pcss: int) -> int:
    """The plain one's complement sum of big-endian words from byte `pcss` on, an odd last byte being a high half."""
    return int(0xFFFF ^ _scapy().checksum(summed[pcss:]))


def _dotted(address: bytes) -> str:
    return ".".join(str(byte) for byte in address)


def _coloned(address: bytes) -> str:
    return ":".join(address[index : index + 2].hex() for index in range(0, 16, 2))
