"""What a long message must become on the wire: a header and at most MSS bytes of payload a frame.

RFC 9293 (sequence numbers, FIN, PSH), RFC 3168 6.1.2 (CWR in the first alone), RFC 6864 (IPv4 identification), RFC
8200, RFC 768; Linux segmentation-offloads. The lengths in the message's own header are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringbed.conformance.references.anatomy import TCP, UDP, Anatomy
from ringbed.conformance.references.checksum import SUM_AT, pseudo_sum, raw_sum

__all__ = ["CWR", "FIN", "PSH", "Message", "segments"]

FIN, PSH, CWR = 0x01, 0x08, 0x80  # TCP flags, byte 13 of the header


@dataclass(frozen=True)
class Message:
    """A message as software hands it over: its headers, where IP and TCP or UDP begin in them, and the payload."""

    header: bytes
    payload: bytes
    mss: int
    l3: int
    l4: int
    ipv6: bool = False
    udp: bool = False

    @property
    def data(self) -> bytes:
        return self.header + self.payload

    @property
    def protocol(self) -> int:
        return UDP if self.udp else TCP

    def parts(self, end: int) -> Anatomy:
        """The anatomy of one of its segments, which is `end` bytes long."""
        return Anatomy("", False, False, 6 if self.ipv6 else 4, (self.l3, self.l4), (self.l4, end), self.protocol, end)


def segments(message: Message, sums: str = "kept") -> list[bytes]:
    """The frames; `sums` is kept, pseudo or full, as the contract of `segment` blocks names them."""
    starts = range(0, len(message.payload) or 1, message.mss)
    return [_segment(message, number, at, sums) for number, at in enumerate(starts)]


def _segment(message: Message, number: int, at: int, sums: str) -> bytes:
    frame = bytearray(message.header + message.payload[at : at + message.mss])
    l3, l4, size = message.l3, message.l4, len(frame)
    if message.ipv6:
        _put(frame, l3 + 4, size - l3 - 40)
    else:
        _put(frame, l3 + 2, size - l3)
        _put(frame, l3 + 4, int.from_bytes(frame[l3 + 4 : l3 + 6], "big") + number)
    if message.udp:
        _put(frame, l4 + 4, size - l4)
    else:
        _put(frame, l4 + 4, int.from_bytes(frame[l4 + 4 : l4 + 8], "big") + at, 4)
        last = at + message.mss >= len(message.payload)
        frame[l4 + 13] &= 0xFF & ~((0 if last else FIN | PSH) | (CWR if number else 0))
    for offset, value in _sums(message, bytes(frame), sums):
        _put(frame, offset, value)
    return bytes(frame)


def _sums(message: Message, frame: bytes, sums: str) -> Iterator[tuple[int, int]]:
    """Where sums are written, and which."""
    offset, parts = message.l4 + SUM_AT[message.protocol], message.parts(len(frame))
    if sums == "pseudo":
        came, length = frame[offset : offset + 2], len(frame) - message.l4
        yield offset, raw_sum(came + length.to_bytes(2, "big"), 0)
    if sums == "full":
        if not message.ipv6:
            yield message.l3 + 10, 0xFFFF ^ raw_sum(_without(frame, message.l3 + 10)[message.l3 : message.l4], 0)
        seeded = bytearray(frame)
        _put(seeded, offset, pseudo_sum(frame, parts))
        value = 0xFFFF ^ raw_sum(bytes(seeded[message.l4 :]), 0)
        yield offset, 0xFFFF if message.udp and not value else value


def _put(frame: bytearray, at: int, value: int, size: int = 2) -> None:
    frame[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, "big")


def _without(frame: bytes, at: int) -> bytes:
    return frame[:at] + b"\0\0" + frame[at + 2 :]
