"""What a naive message asks of the card's segmenter, as its `SegmentRequest`."""

from __future__ import annotations

from typing import Any

from ringbed.hw.tx.segment_header import L3, L4
from tests.hw.segment_reference import Message

__all__ = ["request"]


def request(item: bytes | Message) -> dict[str, Any]:
    """A plain frame's says that it is none; the rest of it must not matter."""
    if isinstance(item, bytes):
        return {"segment": 0, "mss": 0xEEEE, "header": 0xEE}
    return {
        "segment": 1, "mss": item.mss, "payload": item.length, "header": len(item.header),
        "l3": {None: L3.NONE, "ipv4": L3.IPV4, "ipv6": L3.IPV6}[item.l3], "l3_start": item.l3_start,
        "l4": {None: L4.NONE, "tcp": L4.TCP, "udp": L4.UDP}[item.l4], "l4_start": item.l4_start,
        "sum": item.sum_at is not None, "sum_at": item.sum_at or 0,
    }  # fmt: skip
