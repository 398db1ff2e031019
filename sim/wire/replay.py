"""Replay: frames out of a capture file, pcap or pcapng, and into a wire.

pcap is read here (both byte orders, microseconds and nanoseconds); pcapng by python-pcapng. Times come out as integer
nanoseconds. A file that is no capture raises CaptureError; one that breaks off or turns to nonsense gives the frames
before that place, and says so in `Capture.broken`. docs/decisions/0002-captures.md tells why these readers.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pcapng import FileScanner, blocks
from pcapng.exceptions import PcapngException, TruncatedFile

from ringbed.sim.wire.capture import LINKTYPE_ETHERNET, Direction
from ringbed.sim.wire.frame import FCS_LENGTH, WireEnd, from_wire, to_wire

__all__ = ["Capture", "CaptureError", "CapturedFrame", "read_capture", "replay"]

# magic number as it stands in the file: (byte order, nanoseconds per unit of the second time field)
_PCAP = {
    b"\xa1\xb2\xc3\xd4": (">", 1000), b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1), b"\x4d\x3c\xb2\xa1": ("<", 1),
}  # fmt: skip
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_FCS_KNOWN = 1 << 26  # pcap link-type word: bits 28..31 are the FCS length in 16-bit units
_NS = 10**9
_TRIPS = (
    PcapngException,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    struct.error,
)


class CaptureError(Exception):
    """The file is no capture, or none of Ethernet; the sentence says which and where."""


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """A frame as the file has it. `length` is what it had on the wire, more than `data` when the capture cut it."""

    data: bytes
    at_ns: int
    length: int
    with_fcs: bool = False
    interface: int = 0
    direction: Direction = Direction.UNKNOWN
    comments: tuple[str, ...] = ()

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
        """As the wire has it: the FCS of the file if there is one, good or bad, else padded and a good one."""
        return self.data if self.with_fcs else to_wire(self.data)


@dataclass(slots=True)
class Capture:
    """What a file held. `broken` is empty, or one sentence on why `frames` may not be all of it."""

    path: str
    frames: list[CapturedFrame] = field(default_factory=list)
    broken: str = ""


def read_capture(path: Path | str) -> Capture:
    """Read a whole file; raises CaptureError when it is no Ethernet capture, OSError when it cannot be read."""
    data = Path(path).read_bytes()
    capture = Capture(str(path))
    read = _reader(data, capture.path)
    try:
        read(data, capture)
    except _Broken as error:
        capture.broken = f"{path} {error} after {len(capture.frames)} frames"
    return capture


def replay(capture: Capture, end: WireEnd, at: int = 0, gap: int = 0) -> int:
    """Queue the whole frames of `capture` into `end`, `gap` clocks apart from clock `at` on; how many were queued.

    Frames the capture had cut short are left out: their missing bytes would have to be invented.
    """
    whole = [frame for frame in capture.frames if frame.whole]
    for index, frame in enumerate(whole):
        end.wire_in(frame.wire, at + index * gap)
    return len(whole)


class _Broken(Exception):
    """From here on the file cannot be read."""


def _reader(data: bytes, path: str) -> Callable[[bytes, Capture], None]:
    if data[:4] in _PCAP:
        return _read_pcap
    if data[:4] == _PCAPNG:
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
            raise _Broken("breaks off in the header of a frame")
        seconds, units, size, length = struct.unpack_from(order + "4I", data, offset)
        offset += 16
        if len(data) - offset < size:
            raise _Broken(f"breaks off: a frame of {size} bytes has {len(data) - offset} left,")
        at_ns = seconds * _NS + units * unit_ns
        capture.frames.append(CapturedFrame(data[offset : offset + size], at_ns, length, with_fcs))
        offset += size


def _read_pcapng(data: bytes, capture: Capture) -> None:
    """Packets of a pcapng file (draft-ietf-opsawg-pcapng); whatever the library trips over becomes `_Broken`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library's own tables, and of what it mends in a file
        stream = io.BytesIO(data)
        end = 0  # of the last block that was whole
        try:
            for block in FileScanner(stream):
                _take_block(block, capture)
                end = stream.tell()
        except TruncatedFile as error:
            raise _Broken("breaks off") from error
        except _TRIPS as error:
            raise _Broken("has a block that makes no sense") from error
        if end < len(data):  # the library takes a file that ends between two fields of a block for a whole one
            raise _Broken("breaks off")


def _take_block(block: Any, capture: Capture) -> None:
    if isinstance(block, blocks.InterfaceDescription):
        _ethernet(block.link_type, capture.path)
    elif isinstance(block, blocks.EnhancedPacket | blocks.ObsoletePacket | blocks.SimplePacket):
        capture.frames.append(_packet(block))


def _packet(block: Any) -> CapturedFrame:
    options = block.interface.options
    length, with_fcs = block.packet_len, _get(options, "if_fcslen", 0) == FCS_LENGTH
    if isinstance(block, blocks.SimplePacket):
        return CapturedFrame(block.packet_data, 0, length, with_fcs)
    units = (block.timestamp_high << 32 | block.timestamp_low) * _NS // _units(options)
    return CapturedFrame(
        block.packet_data, units + _get(options, "if_tsoffset", 0) * _NS, length, with_fcs, block.interface_id,
        Direction(int(_get(block.options, "epb_flags", 0)) & 3), tuple(block.options.get_all("opt_comment")),
    )  # fmt: skip


def _get(options: Any, name: str, default: Any) -> Any:
    return options[name] if name in options else default


def _units(options: Any) -> int:
    """Time units in a second (if_tsresol): a power of 10, or of 2 with the top bit set; microseconds by default."""
    (code,) = _get(options, "if_tsresol", b"\x06")[:1]
    return int(2 ** (code & 0x7F) if code & 0x80 else 10**code)


def _ethernet(link_type: int, path: str) -> None:
    if link_type != LINKTYPE_ETHERNET:
        raise CaptureError(f"{path} has link type {link_type}, not Ethernet (1)")
