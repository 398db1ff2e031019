"""ARP for IPv4 over Ethernet (RFC 826): 28 bytes, requests and replies."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from ringbed.stack.wire.view import U8, U16, U32, Buffer, Octets, View

LEN = 28
REQUEST = 1
REPLY = 2
_PACKET = Struct("!HHBBH6sI6sI")
_FORMAT = (1, 0x0800, 6, 4)  # Ethernet, IPv4, and the lengths of their addresses


class ArpView(View):
    """A packet as it came; `is_ipv4_over_ethernet` must hold before the addresses mean anything."""

    __slots__ = ()
    MIN = LEN
    hardware = U16(0)
    protocol = U16(2)
    hardware_len = U8(4)
    protocol_len = U8(5)
    operation = U16(6)
    sender_hw = Octets(8, 6)
    sender = U32(14)
    target_hw = Octets(18, 6)
    target = U32(24)

    @property
    def is_ipv4_over_ethernet(self) -> bool:
        return (self.hardware, self.protocol, self.hardware_len, self.protocol_len) == _FORMAT


@dataclass(frozen=True, slots=True)
class Arp:
    """The value of a well-formed packet. IPv4 addresses are numbers."""

    operation: int
    sender_hw: bytes
    sender: int
    target_hw: bytes
    target: int

    @classmethod
    def parse(cls, data: Buffer, offset: int = 0) -> Arp:
        """Raises `Truncated`, or ValueError for another hardware or protocol."""
        view = ArpView(data, offset)
        if not view.is_ipv4_over_ethernet:
            raise ValueError(f"ARP for hardware {view.hardware} and protocol {view.protocol:#06x}")
        return cls(view.operation, view.sender_hw, view.sender, view.target_hw, view.target)

    def emit(self) -> bytes:
        return _PACKET.pack(*_FORMAT, self.operation, self.sender_hw, self.sender, self.target_hw, self.target)
