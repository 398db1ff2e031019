"""The second opinion on segments: a judge that reads them one by one, and makes none.

RFC 9293 3.1 (sequence numbers, FIN), RFC 3168 6.1.2 (CWR), RFC 791 and 6864 (identification), RFC 768. It shares no
code with `segmentation`, which makes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringbed.conformance.references.rfc import words

__all__ = ["wrong_with"]

FIN, PSH, CWR = 0x01, 0x08, 0x80


def wrong_with(
    header: bytes, payload: bytes, mss: int, l3: int, l4: int, frames: Sequence[bytes], *, ipv6: bool, udp: bool
) -> str:  # fmt: skip
    """The first thing that is wrong with these `frames` of a message; "" if nothing is."""
    size = len(header)
    if b"".join(frame[size:] for frame in frames) != payload:
        return "the data of all frames, put together, are not the message's"
    if any(len(frame) - size != mss for frame in frames[:-1]) or not 0 < len(frames[-1]) - size <= mss:
        return "a frame has not MSS bytes of data"
    done = 0
    for number, frame in enumerate(frames):
        last = number == len(frames) - 1
        for what in _of_one(header, frame, l3, l4, number, done, last, ipv6, udp):
            return f"frame {number + 1}: {what}"
        done += len(frame) - size
    return ""


def _of_one(
    header: bytes, frame: bytes, l3: int, l4: int, number: int, done: int, last: bool, ipv6: bool, udp: bool
) -> Iterator[str]:  # fmt: skip
    edited = set[int]()

    def field(at: int, size: int, value: int) -> bool:
        edited.update(range(at, at + size))
        return frame[at : at + size] == (value % (1 << 8 * size)).to_bytes(size, "big")

    if ipv6:
        if not field(l3 + 4, 2, len(frame) - l3 - 40):
            yield "IPv6's payload length"
    else:
        first = int.from_bytes(header[l3 + 4 : l3 + 6], "big")
        if not field(l3 + 2, 2, len(frame) - l3):
            yield "IPv4's total length"
        if not field(l3 + 4, 2, first + number):
            yield "the identification"
        edited.update((l3 + 10, l3 + 11))
        if words(frame[l3:l4]) % 65535:
            yield "the header's sum"
    at = l4 + (6 if udp else 16)
    edited.update((at, at + 1))
    if udp:
        if not field(l4 + 4, 2, len(frame) - l4):
            yield "UDP's length"
    else:
        before = int.from_bytes(header[l4 + 4 : l4 + 8], "big")
        flags = header[l4 + 13] & ~(0 if last else FIN | PSH) & ~(CWR if number else 0)
        if not field(l4 + 4, 4, before + done):
            yield "the sequence number"
        if not field(l4 + 13, 1, flags & 0xFF):
            yield "the flags"
    addresses = frame[l3 + 8 : l3 + 40] if ipv6 else frame[l3 + 12 : l3 + 20]
    if (words(addresses) + (17 if udp else 6) + len(frame) - l4 + words(frame[l4:])) % 65535:
        yield "the sum of TCP or UDP"
    if udp and frame[at : at + 2] == b"\0\0":
        yield "UDP's sum is 0x0000"
    if any(frame[n] != header[n] for n in range(len(header)) if n not in edited):
        yield "a byte of the header that is to stay"
