"""Ethernet II and IEEE 802.3 framing: 6 bytes destination, 6 source, 2 type or length. No FCS reaches the stack."""

from __future__ import annotations

from dataclasses import dataclass

from ringbed.stack.wire.view import U16, Buffer, Octets, View

HEADER_LEN = 14
BROADCAST = b"\xff" * 6

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_ARP = 0x0806
ETHERTYPE_IPV6 = 0x86DD
ETHERTYPE_VLAN = 0x8100  # IEEE 802.1Q
ETHERTYPE_QINQ = 0x88A8  # IEEE 802.1ad
ETHERTYPE_QINQ_OLD = 0x9100  # the form before the standard
ETHERTYPE_PPPOE = 0x8864  # RFC 2516, session stage
ETHERTYPE_MIN = 0x0600  # below it the field is a length, and LLC follows


class EthernetView(View):
    """The header of an untagged frame."""

    __slots__ = ()
    MIN = HEADER_LEN
    dst = Octets(0, 6)
    src = Octets(6, 6)
    ethertype = U16(12)


@dataclass(frozen=True, slots=True)
class Ethernet:
    """The header as a value; `emit` gives the bytes a next hop keeps ready."""

    dst: bytes
    src: bytes
    ethertype: int

    @classmethod
    def parse(cls, data: Buffer, offset: int = 0) -> Ethernet:
        """Raises `Truncated`."""
        view = EthernetView(data, offset)
        return cls(view.dst, view.src, view.ethertype)

    def emit(self) -> bytes:
        return self.dst + self.src + self.ethertype.to_bytes(2, "big")
