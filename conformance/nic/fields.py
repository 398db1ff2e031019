"""The names of a frame's bytes, and which of them differ between two frames, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringbed.conformance.references.anatomy import TCP, UDP, dissect

__all__ = ["FieldDifference", "differing", "fields_of"]

SHOWN = 8  # bytes of a difference that are written out
Span = tuple[str, int, int]

_IPV4 = (("version and IHL", 1), ("TOS", 1), ("total length", 2), ("identification", 2), ("flags and offset", 2),
         ("TTL", 1), ("protocol", 1), ("header checksum", 2), ("source", 4), ("destination", 4))  # fmt: skip
_IPV6 = (("version, class and flow", 4), ("payload length", 2), ("next header", 1), ("hop limit", 1), ("source", 16),
         ("destination", 16))  # fmt: skip
_TCP = (("source port", 2), ("destination port", 2), ("sequence number", 4), ("acknowledgment", 4), ("data offset", 1),
        ("flags", 1), ("window", 2), ("checksum", 2), ("urgent pointer", 2))  # fmt: skip
_UDP = (("source port", 2), ("destination port", 2), ("length", 2), ("checksum", 2))


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """Bytes of one field that differ, as hex; `at` counts from the frame's first byte."""

    name: str
    at: int
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.name} (byte {self.at}) is {self.got}, must be {self.expected}"


def fields_of(frame: bytes) -> list[Span]:
    """Name, begin and end of every field, in order and without a gap."""
    found = list(_named(frame))
    spans, at = list[Span](), 0
    for name, begin, end in found:
        if at < min(begin, len(frame)):
            spans.append(("payload", at, min(begin, len(frame))))
        if begin < len(frame):
            spans.append((name, max(begin, at), min(end, len(frame))))
        at = max(at, end)
    if at < len(frame):
        spans.append(("payload", at, len(frame)))
    return [span for span in spans if span[1] < span[2]]


def _named(frame: bytes) -> Iterator[Span]:
    parts = dissect(frame, 2048)
    yield "Ethernet destination", 0, 6
    yield "Ethernet source", 6, 12
    at = 12
    while frame[at : at + 2] in (b"\x81\0", b"\x88\xa8"):
        yield "VLAN tag", at, at + 4
        at += 4
    yield "EtherType", at, at + 2
    begin, end = parts.ip
    if parts.snap:
        yield "LLC/SNAP", at + 2, begin or at + 10
    if not parts.version:
        return
    layout, name = (_IPV4, "IPv4") if parts.version == 4 else (_IPV6, "IPv6")
    yield from _laid_out(name, layout, begin)
    fixed = begin + sum(size for _, size in layout)
    if fixed < end:
        yield "IPv4 options" if parts.version == 4 else "IPv6 extension headers", fixed, end
    yield from _l4(frame, parts.protocol if "fragment" not in parts.kind else -1, *parts.l4)
    if parts.end < len(frame):
        yield "pad", parts.end, len(frame)


def _l4(frame: bytes, protocol: int, begin: int, end: int) -> Iterator[Span]:
    if protocol == UDP and end - begin >= 8:
        yield from _laid_out("UDP", _UDP, begin)
    if protocol == TCP and end - begin >= 20:
        yield from _laid_out("TCP", _TCP, begin)
        options = begin + 4 * (frame[begin + 12] >> 4)
        if begin + 20 < options <= end:
            yield "TCP options", begin + 20, options


def _laid_out(of: str, layout: tuple[tuple[str, int], ...], at: int) -> Iterator[Span]:
    for name, size in layout:
        yield f"{of} {name}", at, at + size
        at += size


def differing(right: bytes, came: bytes) -> list[FieldDifference]:
    """Each field of `right` in which `came` differs, and what is missing or too much at the end."""
    found = list[FieldDifference]()
    for name, begin, end in fields_of(right):
        if right[begin:end] != came[begin:end]:
            found.append(_difference(name, begin, right[begin:end], came[begin:end]))
    if len(came) > len(right):
        found.append(FieldDifference("behind its end", len(right), "nothing", _hex(came[len(right) :])))
    return found


def _difference(name: str, begin: int, right: bytes, came: bytes) -> FieldDifference:
    """From the first byte that differs on; a short field is shown whole."""
    step = 0
    if len(right) > SHOWN:
        step = next((at for at, (one, other) in enumerate(zip(right, came, strict=False)) if one != other), len(came))
    return FieldDifference(name, begin + step, _hex(right[step:]), _hex(came[step:]) or "not there")


def _hex(data: bytes) -> str:
    return data[:SHOWN].hex(" ") + (f" ... {len(data)} bytes" if len(data) > SHOWN else "")
