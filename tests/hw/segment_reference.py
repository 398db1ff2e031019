"""A segmenter that anyone can check by reading it: what TCP segmentation must put on the wire (M 3.5, RFC 793, 8200).

`tests/hw/tx/test_segment.py` holds it against scapy's reading of its frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Message", "segments"]

FIN_PSH = 0x09


@dataclass(frozen=True)
class Message:
    """A header as software wrote it, the payload, and where in the header the fields are; `l3`, `l4` None: untouched.

    `payload_length`: what the request says, if it is not the truth. `sum_at` None: no checksum field to prepare.
    """

    header: bytes
    payload: bytes
    mss: int
    l3: str | None = None
    l3_start: int = 14
    l4: str | None = None
    l4_start: int = 34
    sum_at: int | None = None
    payload_length: int | None = None

    @property
    def data(self) -> bytes:
        return self.header + self.payload

    @property
    def length(self) -> int:
        return len(self.payload) if self.payload_length is None else self.payload_length


def _set(header: bytearray, at: int, value: int, size: int) -> None:
    """Bytes that would lie beyond the header stay away."""
    for place, byte in enumerate((value % (1 << 8 * size)).to_bytes(size, "big"), at):
        if place < len(header):
            header[place] = byte


def _get(header: bytes, at: int, size: int) -> int:
    return int.from_bytes(header.ljust(600, b"\0")[at : at + size], "big")


def _segment(message: Message, number: int, payload: bytes, final: bool) -> bytes:
    header, at3, at4 = bytearray(message.header), message.l3_start, message.l4_start
    whole = len(header) + len(payload)
    if message.l3 == "ipv4":
        _set(header, at3 + 2, whole - at3, 2)
        _set(header, at3 + 4, _get(message.header, at3 + 4, 2) + number, 2)
    if message.l3 == "ipv6":
        _set(header, at3 + 4, whole - at3 - 40, 2)
    if message.l4 == "udp":
        _set(header, at4 + 4, whole - at4, 2)
    if message.l4 == "tcp":
        _set(header, at4 + 4, _get(message.header, at4 + 4, 4) + number * message.mss, 4)
        if not final:
            _set(header, at4 + 13, _get(message.header, at4 + 13, 1) & ~FIN_PSH, 1)
    if message.sum_at is not None:
        total = _get(message.header, message.sum_at, 2) + (whole - at4) % 65536
        _set(header, message.sum_at, (total & 0xFFFF) + (total >> 16), 2)
    return bytes(header) + payload


def segments(message: Message) -> list[bytes]:
    """The frames, without the sums that a checksum engine puts in; as many as are whole if the payload is too short."""
    if message.length != len(message.payload):
        right = replace(message, payload=message.payload.ljust(message.length, b"\0")[: message.length],
                        payload_length=None)  # fmt: skip
        whole = [min(at + message.mss, message.length) for at in range(0, message.length, message.mss)]
        return segments(right)[: sum(end <= len(message.payload) for end in whole)]
    starts = range(0, len(message.payload), message.mss)
    return [
        _segment(message, number, message.payload[at : at + message.mss], at + message.mss >= len(message.payload))
        for number, at in enumerate(starts)
    ]
