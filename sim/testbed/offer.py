"""What a driver is offered to send, for rooms that do not know the words of `drivers/world.py`; more of its words too.

All three functions take a frame without FCS. Sums are asked for as a stack asks: what the fields hold before is the
caller's.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringbed.drivers.ethtool import Coalesce, Features, RingSizes
from ringbed.drivers.world import AttachError, Direction, Mapping, Segmentation, TxFrame, TxSum

__all__ = [
    "AttachError", "Coalesce", "Direction", "Features", "Mapping", "RingSizes", "TxFrame", "message", "plain", "summed",
]  # fmt: skip


def plain(*segments: bytes | bytearray | memoryview, vlan: int | None = None) -> TxFrame:
    """A frame as it is, in pieces; with `vlan` the card shall put that tag in."""
    return TxFrame(segments, vlan=vlan)


def summed(
    segments: Sequence[bytes], l3: int, l4: int, *, ipv4: bool, tcp: bool | None, vlan: int | None = None
) -> TxFrame:  # fmt: skip
    """One whose sums the card shall make: of its IPv4 header, and of TCP, of UDP (False), or of neither (None)."""
    sums = TxSum.IPV4 if ipv4 else TxSum.NONE
    if tcp is not None:
        sums |= TxSum.TCP if tcp else TxSum.UDP
    return TxFrame(segments, sums, l3, l4, vlan)


def message(
    segments: Sequence[bytes], l3: int, l4: int, *, header: int, mss: int, ipv6: bool, vlan: int | None = None,
    tcp: bool = True,
) -> TxFrame:  # fmt: skip
    """A message of TCP, or of UDP, that the card shall cut: `header` bytes in front of each `mss` bytes of payload."""
    return TxFrame(segments, l3_offset=l3, l4_offset=l4, vlan=vlan, segmentation=Segmentation(mss, header, tcp, ipv6))
