"""The wire: whole Ethernet frames with their FCS, the two ends that meet on it, and what may happen to a frame.

Inside a host a frame has no FCS and may be short; on the wire it has at least 60 bytes and four of FCS behind them.
`to_wire` and `from_wire` are the only crossing. Every engine is a `WireEnd`; what deals in bare frames (a TAP device, a
replay) is a `FramePort`, and `HostEnd` makes a `WireEnd` of it.

Damage is of two kinds. `Damage.WIRE` leaves the FCS bad, so the card drops the frame; `Damage.HOST` makes it right
again, as if memory or a switch had done the damage, so that only the checksums inside can tell.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from enum import Enum
from typing import Protocol

__all__ = [
    "FCS_LENGTH", "MIN_LENGTH", "Damage", "FramePort", "HostEnd", "WireEnd", "damage", "fcs", "fcs_good", "from_wire",
    "pad", "to_wire",
]  # fmt: skip

FCS_LENGTH = 4
MIN_LENGTH = 60  # frame bytes without FCS (IEEE 802.3, 64 with it)


class WireEnd(Protocol):
    """One end of a wire, at the card's clock: an engine is one. Frames are whole, with FCS."""

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        """Take a frame that arrives not before clock `at`; `error` is a symbol error seen on the way."""
        ...

    def wire_out(self) -> list[tuple[int, bytes]]:
        """Give up what left since the last call: (clock of its last beat, frame)."""
        ...


class FramePort(Protocol):
    """What a host offers: frames without FCS, in batches, never blocking."""

    def read(self, limit: int = 64) -> list[bytes]: ...

    def write(self, frames: Sequence[bytes]) -> int:
        """How many of `frames` were taken, from the first on."""
        ...


class Damage(Enum):
    """Where a frame was damaged, which decides whether its FCS tells."""

    WIRE = "wire"
    HOST = "host"


def fcs(frame: bytes) -> bytes:
    """The frame check sequence of `frame` as it goes over the wire: CRC-32, low byte first (IEEE 802.3 3.2.9)."""
    return zlib.crc32(frame).to_bytes(FCS_LENGTH, "little")


def pad(frame: bytes) -> bytes:
    """`frame` with zeros behind it up to 60 bytes."""
    return frame.ljust(MIN_LENGTH, b"\0")


def to_wire(frame: bytes) -> bytes:
    """A host's frame as it goes over the wire: padded, FCS behind it."""
    padded = pad(frame)
    return padded + fcs(padded)


def fcs_good(wire: bytes) -> bool:
    """Whether the last four bytes are the FCS of those before them."""
    return len(wire) >= FCS_LENGTH and fcs(wire[:-FCS_LENGTH]) == wire[-FCS_LENGTH:]


def from_wire(wire: bytes) -> bytes:
    """The frame without its FCS, pad included: nobody below IP can tell pad from data. The FCS is not looked at."""
    return wire[:-FCS_LENGTH]


def damage(wire: bytes, offset: int, mask: int, kind: Damage) -> bytes:
    """`wire` with byte `offset` XOR `mask`; raises ValueError when nothing would change or the place is in the FCS."""
    if not 0 <= offset < len(wire) - FCS_LENGTH:
        raise ValueError(f"byte {offset} is not in the {len(wire) - FCS_LENGTH} bytes before the FCS")
    if not 0 < mask <= 0xFF:
        raise ValueError(f"mask {mask:#x} does not change one byte")
    body = bytearray(wire[:-FCS_LENGTH])
    body[offset] ^= mask
    check = fcs(bytes(body)) if kind is Damage.HOST else wire[-FCS_LENGTH:]
    return bytes(body) + check


class HostEnd:
    """A `FramePort` as the end of a wire: pads and adds the FCS on the way in, takes it off on the way out.

    It has no clock of its own: what it gives out left at clock `now`, which the testbed keeps up to date.
    Counters, one a cause: `bad_fcs` (a frame the card sent wrong), `error` (with a symbol error), `refused` (the port
    took no more).
    """

    def __init__(self, port: FramePort, batch: int = 64) -> None:
        if batch < 1:
            raise ValueError(f"a batch of {batch} frames moves nothing")
        self.port = port
        self.batch = batch
        self.now = 0
        self.counters = {"in": 0, "out": 0, "bad_fcs": 0, "error": 0, "refused": 0}
        self._waiting: list[bytes] = []

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        """Keep `frame` for the port until `flush`; a bad one is dropped and counted."""
        if error or not fcs_good(frame):
            self.counters["error" if error else "bad_fcs"] += 1
            return
        self._waiting.append(from_wire(frame))

    def flush(self) -> None:
        """Hand what came in to the port, in one batch; what it does not take is dropped and counted."""
        taken = self.port.write(self._waiting) if self._waiting else 0
        self.counters["in"] += taken
        self.counters["refused"] += len(self._waiting) - taken
        self._waiting.clear()

    def wire_out(self) -> list[tuple[int, bytes]]:
        """At most `batch` frames that the port has ready, as wire bytes at clock `now`."""
        frames = self.port.read(self.batch)
        self.counters["out"] += len(frames)
        return [(self.now, to_wire(frame)) for frame in frames]
