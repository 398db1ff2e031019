"""Context descriptors of the `em` card: what it is told to sum and to cut, and the headers of a message to be cut.

The card has two contexts, one for single frames and one for segmentation, and keeps each until it is loaded again
(M 3.3.5). Sums start from what is in the field: the pseudo-header's sum, not inverted; in a segmentation without the
length, which the card adds for each piece (M 3.5, 3.6).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ringbed.drivers.em.ring.memory import HIGH
from ringbed.drivers.world import Segmentation, TxFrame, TxSum
from ringbed.hw.formats import em

__all__ = ["MAX_MESSAGE", "Context", "build_context", "build_segmentation", "message_header"]

LOW_WORD = (1 << HIGH) - 1
IP_SUM_OFFSET, IP_HEADER, IPV6_HEADER = 10, 20, 40  # RFC 791, RFC 8200
L4_SUMS = {TxSum.TCP: (16, 20), TxSum.UDP: (6, 8)}  # offset of the sum, bytes of the header: RFC 9293, RFC 768
TCP, UDP = 6, 17  # IP protocol numbers
MAX_MESSAGE = 65536  # QEMU's model and our card take no more; Linux offers none longer
MAX_HEADER = 240  # bytes kept on chip (M 3.5)
TX_FIFO, TX_FIFO_SPARE = 1024 * em.REGISTERS["PBA"]["TXA"].reset, 80  # a piece leaves so much free (M 3.5)


@dataclass(frozen=True, slots=True)
class Context:
    """A context descriptor, what the data descriptors add to theirs, and the shortest frame it suits."""

    low: int
    high: int
    options: int
    shortest: int


def build_context(sums: TxSum, l3_offset: int, l4_offset: int) -> Context | None:
    """The context for these sums, or None when the card cannot make them: its offsets are bytes (M 3.3.5).

    TUCSE stays 0: the TCP or UDP sum runs to the frame's end; IPCSE is the IP header's last byte.
    """
    l4_sum, l4_header = L4_SUMS.get(sums & ~TxSum.IPV4, (0, 0))
    if sums & ~TxSum.IPV4 and not l4_header:
        return None  # TCP and UDP at once
    fields = {"DEXT": 1, "TCP": int(TxSum.TCP in sums), "TUCSS": l4_offset, "TUCSO": l4_offset + l4_sum}
    if TxSum.IPV4 in sums:
        if l4_offset < l3_offset + IP_HEADER:
            return None
        fields |= {"IP": 1, "IPCSS": l3_offset, "IPCSO": l3_offset + IP_SUM_OFFSET, "IPCSE": l4_offset - 1}
    try:
        word = em.TX_CONTEXT.pack(**fields)
    except ValueError:
        return None
    options = em.TX_DATA.pack(IXSM=int(TxSum.IPV4 in sums), TXSM=int(bool(l4_header))) >> HIGH
    return Context(word & LOW_WORD, word >> HIGH, options, l4_offset + l4_header)


def build_segmentation(frame: TxFrame, cut: Segmentation, length: int, longest: int) -> Context | None:
    """The context for a message of `length` bytes in pieces of `longest` bytes at most; None when it cannot be.

    UDP over IPv6 cannot be: those two bits at 0 mean to the card that no header is to be changed (M 3.5).
    """
    l3, l4 = frame.l3_offset, frame.l4_offset
    l4_sum, l4_header = L4_SUMS[TxSum.TCP if cut.tcp else TxSum.UDP]
    if not cut.tcp and cut.ipv6:
        return None
    if l4 < l3 + (IPV6_HEADER if cut.ipv6 else IP_HEADER) or not l4 + l4_header <= cut.header <= MAX_HEADER:
        return None
    piece = cut.header + cut.mss
    if cut.mss < 1 or piece > min(longest, TX_FIFO - TX_FIFO_SPARE) or not cut.header < length <= MAX_MESSAGE:
        return None
    ip = {"IP": 0 if cut.ipv6 else 1, "IPCSS": l3, "IPCSO": l3 + IP_SUM_OFFSET, "IPCSE": l4 - 1}
    l4_fields = {"TCP": int(cut.tcp), "TUCSS": l4, "TUCSO": l4 + l4_sum}
    message = {"PAYLEN": length - cut.header, "HDRLEN": cut.header, "MSS": cut.mss}
    word = em.TX_CONTEXT.pack(DEXT=1, TSE=1, **ip, **l4_fields, **message)
    options = em.TX_DATA.pack(TSE=1, IXSM=int(not cut.ipv6), TXSM=1) >> HIGH
    return Context(word & LOW_WORD, word >> HIGH, options, cut.header + 1)


def message_header(header: bytes, frame: TxFrame, cut: Segmentation) -> bytes:
    """The prototype header as the card wants it: IP length 0, IP sum 0, the pseudo-header's sum without a length."""
    made = bytearray(header)
    l3, l4 = frame.l3_offset, frame.l4_offset
    protocol = TCP if cut.tcp else UDP
    if cut.ipv6:
        made[l3 + 4 : l3 + 6] = b"\0\0"
        addresses = made[l3 + 8 : l3 + 40]
    else:
        made[l3 + 2 : l3 + 4] = made[l3 + IP_SUM_OFFSET : l3 + IP_SUM_OFFSET + 2] = b"\0\0"
        addresses = made[l3 + 12 : l3 + 20]
    place = l4 + L4_SUMS[TxSum.TCP if cut.tcp else TxSum.UDP][0]
    struct.pack_into("!H", made, place, _fold(sum(struct.unpack(f"!{len(addresses) // 2}H", addresses)) + protocol))
    return bytes(made)


def _fold(total: int) -> int:
    """A one's complement sum's carries added back in (RFC 1071)."""
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
