"""Replay: frames out of a capture file, pcap or pcapng, and into a wire.

pcap is read here (both byte orders, microseconds and nanoseconds), pcapng in pcapng.py. Times come out as integer
nanoseconds. A file that is no capture raises CaptureError; one that breaks off or turns to nonsense gives the frames
before that place, and says so in `Capture.broken`. docs/decisions/0002-captures.md tells why these readers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ringbed.sim.files import read_file
from ringbed.sim.wire import pcapng
from ringbed.sim.wire.capture import CRC_ERROR, LINKTYPE_ETHERNET, SYMBOL_ERROR, Direction
from ringbed.sim.wire.frame import FCS_LENGTH, MIN_LENGTH, WireEnd, fcs_good, from_wire, to_wire

__all__ = ["Capture", "CaptureError", "CapturedFrame", "read_capture", "replay"]

# magic number as it stands in the file: (byte order, nanoseconds per unit of the second time field)
_PCAP = {
    b"\xa1\xb2\xc3\xd4": (">", 1000), b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1), b"\x4d\x3c\xb2\xa1": ("<", 1),
}  # fmt: skip
_FCS_KNOWN = 1 << 26  # pcap link-type word: bits 28..31 are the FCS length in 16-bit units
_NS = 10**9


class CaptureError(Exception):
    """The file is no capture, or none of Ethernet; the sentence says which and where."""


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """A frame as the file has it. `length` is what it had on the wire, more than `data` when the capture cut it.

    `number` is its place among all packets of the file, from 1 on, as Wireshark counts. `crc_error` and `symbol_error`
    are what the file says of it.
    """

    data: bytes
    at_ns: int
    length: int
    with_fcs: bool = False
    interface: int = 0
    direction: Direction = Direction.UNKNOWN
    comments: tuple[str, ...] = ()
    number: int = 0
    crc_error: bool = False
    symbol_error: bool = False

    @property
    def whole(self) -> bool:
        """Whether the file has all of it."""
        return len(self.data) >= self.length

    @property
    def frame(self) -> bytes:
        """As a host has it: without FCS."""
        return from_wire(self.data) if self.with_fcs else self.data

    @property
    def wire(self) -> bytes:
        """As the wire had it: with the FCS of the file, good or bad; if it has none padded, and bad if it says so."""
        if self.with_fcs:
            return self.data
        wire = to_wire(self.data)
        return wire[:-1] + bytes([wire[-1] ^ 0xFF]) if self.crc_error else wire

    @property
    def sound(self) -> bool:
        """Whether it is a frame for a host: whole on the wire, 64 bytes or more, its FCS good, no symbol error seen."""
        wire = self.wire
        return len(wire) >= MIN_LENGTH + FCS_LENGTH and fcs_good(wire) and not self.symbol_error


@dataclass(slots=True)
class Capture:
    """What a file held. `broken` is empty, or one sentence on why `frames` may not be all of it.

    `others` counts packets of interfaces that are not Ethernet, by their link type: they are not among `frames`.
    """

    path: str
    frames: list[CapturedFrame] = field(default_factory=list)
    broken: str = ""
    others: dict[int, int] = field(default_factory=dict)


def read_capture(path: Path | str) -> Capture:
    """Read a whole file; raises CaptureError when it is no Ethernet capture, OSError when it cannot be read."""
    data = read_file(path)
    capture = Capture(str(path))
    read = _reader(data, capture.path)
    try:
        read(data, capture)
    except pcapng.Broken as error:
        capture.broken = f"{path} {error} after {len(capture.frames)} frames"
    return capture


def replay(capture: Capture, end: WireEnd, at: int = 0, gap: int = 0) -> int:
    """Queue the whole frames of `capture` into `end`, `gap` clocks apart from clock `at` on; how many were queued.

    Frames the capture had cut short are left out: their missing bytes would have to be invented.
    """
    whole = [frame for frame in capture.frames if frame.whole]
    for index, frame in enumerate(whole):
        end.wire_in(frame.wire, at + index * gap, frame.symbol_error)
    return len(whole)


def _reader(data: bytes, path: str) -> Callable[[bytes, Capture], None]:
    if data[:4] in _PCAP:
        return _read_pcap
    if data[:4] == pcapng.SECTION:
        return _read_pcapng
    if not data:
        raise CaptureError(f"{path} is empty, not a capture")
    raise CaptureError(f"{path} is neither pcap nor pcapng: it begins with {data[:4].hex(' ')}")


def _read_pcap(data: bytes, capture: Capture) -> None:
    """Records of a classic pcap file (draft-ietf-opsawg-pcap)."""
    order, unit_ns = _PCAP[data[:4]]
    if len(data) < 24:
        raise CaptureError(f"{capture.path} breaks off within the 24 bytes of its pcap header")
    (link,) = struct.unpack_from(order + "I", data, 20)
    _ethernet(link & 0xFFFF, capture.path)
    with_fcs = bool(link & _FCS_KNOWN) and (link >> 28) * 2 == FCS_LENGTH
    offset = 24
    while offset < len(data):
        if len(data) - offset < 16:
            raise pcapng.Broken("breaks off in the header of a frame")
        seconds, units, size, length = struct.unpack_from(order + "4I", data, offset)
        offset += 16
        if len(data) - offset < size:
            raise pcapng.Broken(f"breaks off: a frame of {size} bytes has {len(data) - offset} left,")
        at_ns = seconds * _NS + units * unit_ns
        capture.frames.append(
            CapturedFrame(data[offset : offset + size], at_ns, length, with_fcs, number=len(capture.frames) + 1)
        )
        offset += size


def _read_pcapng(data: bytes, capture: Capture) -> None:
    """The Ethernet packets of a pcapng file. One that has interfaces, none of them Ethernet, is none for us."""
    links: list[int] = []
    number = 0
    try:
        for found in pcapng.packets(data):
            if isinstance(found, pcapng.Interface):
                links.append(found.link)
                continue
            number += 1
            link = found.interface.link
            if link == LINKTYPE_ETHERNET:
                capture.frames.append(_captured(found, number))
            else:
                capture.others[link] = capture.others.get(link, 0) + 1
    finally:
        if links and LINKTYPE_ETHERNET not in links:
            _ethernet(links[0], capture.path)


def _captured(packet: pcapng.Packet, number: int) -> CapturedFrame:
    flags = packet.flags
    fcs_length = flags >> 5 & 15 or packet.interface.fcs
    direction = Direction(flags & 3) if flags & 3 <= Direction.OUT else Direction.UNKNOWN  # 3 is reserved
    return CapturedFrame(
        packet.data, packet.at_ns, packet.length, fcs_length == FCS_LENGTH, packet.number, direction, packet.comments,
        number, bool(flags & CRC_ERROR), bool(flags & SYMBOL_ERROR),
    )  # fmt: skip


def _ethernet(link_type: int, path: str) -> None:
    if link_type != LINKTYPE_ETHERNET:
        raise CaptureError(f"{path} has link type {link_type}, not Ethernet (1)")
