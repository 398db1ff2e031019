"""Frames for the lab's table, and a reference that judges what left the card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from ringbed.drivers.world import TxFrame, TxSum

__all__ = ["MAC", "PEER", "bad_sum", "ether", "ip4", "ip6", "judge", "tcp4", "udp4", "udp6", "wanting"]

MAC, PEER = "02:00:00:00:00:01", "02:00:00:00:00:99"
IP4 = ("10.0.0.2", "10.0.0.1")
IP6 = ("2001:db8::2", "2001:db8::1")


def ether(kind: int, payload: bytes, to: str = MAC) -> bytes:
    return bytes(Ether(src=PEER, dst=to, type=kind) / Raw(payload))


def _bytes(packet: Any) -> bytes:
    return bytes(Ether(src=PEER, dst=MAC) / packet)


def ip4(protocol: int, payload: bytes, **fields: Any) -> bytes:
    return _bytes(IP(src=IP4[0], dst=IP4[1], proto=protocol, **fields) / Raw(payload))


def udp4(size: int = 40, options: bytes = b"", tos: int = 0, **fields: Any) -> bytes:
    """UDP over IPv4 with `size` bytes of payload; `fields` are UDP's."""
    layer = UDP(sport=fields.pop("sport", 7), dport=fields.pop("dport", 9), **fields)
    packet = IP(src=IP4[0], dst=IP4[1], tos=tos, options=_options(options)) / layer
    return _bytes(packet / Raw(bytes(at % 251 for at in range(size))))


def tcp4(size: int = 40, options: bytes = b"", **fields: Any) -> bytes:
    layer = TCP(
        sport=fields.pop("sport", 7), dport=fields.pop("dport", 9), seq=1000, flags=fields.pop("flags", "PA"), **fields
    )
    return _bytes(
        IP(src=IP4[0], dst=IP4[1], options=_options(options)) / layer / Raw(bytes(at % 251 for at in range(size)))
    )


def _options(raw: bytes) -> list[Any]:
    from scapy.layers.inet import IPOption

    return [IPOption(raw)] if raw else []


def ip6(next_header: int, payload: bytes, plen: int | None = None) -> bytes:
    return _bytes(IPv6(src=IP6[0], dst=IP6[1], nh=next_header, plen=plen) / Raw(payload))


def udp6(size: int = 40, extension: Any = None, **fields: Any) -> bytes:
    layer = UDP(sport=7, dport=fields.pop("dport", 9), **fields) / Raw(bytes(at % 251 for at in range(size)))
    head = IPv6(src=IP6[0], dst=IP6[1])
    return _bytes(head / layer if extension is None else head / extension / layer)


def bad_sum(frame: bytes, at: int) -> bytes:
    """The 16-bit field at `at` is another, and none that means 'no sum'."""
    value = int.from_bytes(frame[at : at + 2], "big") ^ 0x0F00
    return frame[:at] + value.to_bytes(2, "big") + frame[at + 2 :]


def ones_sum(data: bytes) -> int:
    """The sum of RFC 1071, not complemented."""
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _l3(frame: bytes) -> tuple[int, int, bytes, int]:
    """Protocol, offset of L4, what the pseudo-header has of addresses, length of L4; of an untagged frame."""
    if frame[12:14] == b"\x08\x00":
        length = int.from_bytes(frame[16:18], "big")
        at = 14 + 4 * (frame[14] & 15)
        return frame[23], at, frame[26:34], length - (at - 14)
    protocol, at, end = frame[20], 54, 54 + int.from_bytes(frame[18:20], "big")
    while protocol in (0, 43, 60):
        protocol, at = frame[at], at + 8 * (frame[at + 1] + 1)
    return protocol, at, frame[22:54], end - at


def wanting(frame: bytes, sums: TxSum | None = None, segments: Sequence[int] = (), **more: Any) -> TxFrame:
    """The frame with all its sums left to the card, as `em` wants it; `segments` are offsets to cut it at."""
    protocol, at, addresses, length = _l3(frame)
    four = frame[12:14] == b"\x08\x00"
    if sums is None:
        sums = (TxSum.IPV4 if four else TxSum.NONE) | {6: TxSum.TCP, 17: TxSum.UDP}.get(protocol, TxSum.NONE)
    given = bytearray(frame)
    if four and sums & TxSum.IPV4:
        given[24:26] = bytes(2)
    if sums & (TxSum.TCP | TxSum.UDP):
        field = at + (16 if protocol == 6 else 6)
        given[field : field + 2] = ones_sum(addresses + bytes([0, protocol]) + length.to_bytes(4, "big")).to_bytes(
            2, "big"
        )
    cuts = [0, *segments, len(given)]
    pieces = [bytes(given[begin:end]) for begin, end in zip(cuts, cuts[1:], strict=False)]
    return TxFrame(pieces, sums, 14, at, **more)


def judge(wire: bytes, given: bytes) -> str:
    """What is to be said of a frame that left the card, beside the one with right sums that was meant."""
    body, said = wire[:-4], []
    if body[12:14] in (b"\x81\x00", b"\x00\x81") and given[12:14] != b"\x81\x00":
        said.append(f"tag {body[14:16].hex()}")
        body = body[:12] + body[16:]
    padded = given + bytes(max(0, len(body) - len(given)))
    differ = [at for at in range(min(len(body), len(padded))) if body[at] != padded[at]]
    if len(body) < len(given):
        said.append(f"{len(given) - len(body)} bytes short")
    return "; ".join([*said, f"bytes {differ}" if differ else "as it should be"])
