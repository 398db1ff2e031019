"""A packet on its way: bytes in segments, where its headers start, what is known of its checksums.

* A received frame is one segment, the whole frame without FCS. A packet built here is `[L2, L3 and L4 headers,
  payload...]`: the first segment is room for the link header, which the next hop fills, so nothing is ever shifted.
* Offsets count from the first byte of the frame. `ifl_index` says where it came from (0: this host) and is a name,
  never a pointer, so that an interface may go away while packets are under way.
* Checksum flags are set early and acted on late (seed 002, section 10). What is still set in `OUT_MASK` when the driver
  takes the packet is what the card is asked to do.
* The fields after `journey` exist once IP has read or written the header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import Message
from ringbed.stack.wire.view import Buffer

if TYPE_CHECKING:
    from ringbed.stack.kern.journey import Journey

# Plain numbers, not an IntFlag: these are tested for every packet, and an IntFlag's `&` costs more than a header parse.
IPV4_CSUM_OUT: Final = 0x0001  # wanted: somebody below must put it in
TCP_CSUM_OUT: Final = 0x0002
UDP_CSUM_OUT: Final = 0x0004
ICMP_CSUM_OUT: Final = 0x0008
OUT_MASK: Final = 0x000F
IPV4_CSUM_IN_OK: Final = 0x0010  # the card's verdict; neither of a pair: not checked
IPV4_CSUM_IN_BAD: Final = 0x0020
L4_CSUM_IN_OK: Final = 0x0040
L4_CSUM_IN_BAD: Final = 0x0080
IN_MASK: Final = 0x00F0
BROADCAST: Final = 0x0100  # came as a link broadcast
MULTICAST: Final = 0x0200  # came as a link multicast
FRAGMENT: Final = 0x0400
DONTROUTE: Final = 0x0800  # only to a neighbour (SO_DONTROUTE)
MAY_BROADCAST: Final = 0x1000  # the sender may broadcast (SO_BROADCAST)


class Packet(Message):
    """See the module's text. `length` is in bytes, of what the segments hold."""

    __slots__ = (
        "segments", "length", "flags", "ifl_index", "output_ifl", "l2", "l3", "l4", "tick", "journey",
        "end", "proto", "src", "dst",
    )  # fmt: skip

    src: int
    dst: int
    proto: int
    end: int  # where the datagram ends; what follows is padding

    def __init__(self, segments: list[Buffer], flags: int = 0, tick: int = 0, journey: Journey | None = None) -> None:
        self.segments = segments
        self.length = len(segments[0])
        self.flags = flags
        self.ifl_index = 0
        self.output_ifl = 0
        self.l2 = 0
        self.l3 = 0
        self.l4 = 0
        self.tick = tick
        self.journey = journey

    def drop(self, reason: Counter) -> None:
        """The packet ends here, counted under its one cause."""
        reason.value += 1
        if self.journey is not None:
            self.journey.step("drop", reason.text.format(s="s"))

    def bytes(self) -> bytes:
        """All segments in one piece, as they are now: sums that the card is to do are not in yet."""
        return b"".join(self.segments)
