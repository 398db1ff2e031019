"""The far end of a wire for frames with a VLAN tag, where the kernel at hand knows none: it answers in the VLAN.

In any VLAN every IPv4 address answers ARP and ping. Frames without a tag go on to whoever is there. Sources: IEEE
802.1Q 9.3, RFC 826, RFC 792, RFC 1071.
"""

from __future__ import annotations

import struct

from ringbed.sim.wire.frame import WireEnd, fcs_good, from_wire, to_wire

__all__ = ["LLADDR", "TaggedEnd", "answer"]

LLADDR = bytes.fromhex("020000009905")
TAGGED, ARP, IPV4 = b"\x81\x00", b"\x08\x06", b"\x08\x00"
HEAD = 18  # addresses, tag, type


class TaggedEnd:
    """A `WireEnd` around `end`; `answered` counts."""

    def __init__(self, end: WireEnd) -> None:
        self.answered = 0
        self._end = end

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self._end.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        others = []
        for clock, frame in self._end.wire_out():
            if frame[12:14] != TAGGED:
                others.append((clock, frame))
            elif fcs_good(frame) and (back := answer(from_wire(frame))):
                self._end.wire_in(to_wire(back), clock)
                self.answered += 1
        return others


def answer(frame: bytes) -> bytes:
    """To a request with a tag, with the same tag; empty to anything else."""
    kind, body = frame[16:HEAD], frame[HEAD:]
    head = frame[6:12] + LLADDR + frame[12:HEAD]
    if kind == ARP and body[6:8] == b"\0\1":
        return head + body[:6] + b"\0\2" + LLADDR + body[24:28] + body[8:18]
    ping = kind == IPV4 and len(body) >= 28 and body[0] == 0x45 and body[9] == 1 and body[20] == 8
    return head + _ponged(body) if ping else b""


def _ponged(packet: bytes) -> bytes:
    """The addresses change places, which leaves the header's sum; the type loses 8, which the message's gains."""
    total = int.from_bytes(packet[22:24], "big") + 0x0800
    total = (total & 0xFFFF) + (total >> 16)
    return packet[:12] + packet[16:20] + packet[12:16] + b"\0\0" + struct.pack("!H", total) + packet[24:]
