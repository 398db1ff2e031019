"""A packet on its way: bytes in segments, where its headers start, what is known of its checksums.

* The bytes of the first segment before `start` are headroom, and no part of the packet. `push` puts a header in front:
  into the headroom where it fits, as a segment of its own where not; `pull` takes one off. A received frame is one
  segment, whole, without FCS. A packet built here is `[headroom and headers, payload...]`, so its link header goes in
  front without anything being moved.
* Offsets (`l3`, `l4`, `end`, `start`) count from the first byte of the first segment, headroom included: what is pushed
  or pulled changes none of them. A driver wants them from the frame's first byte: less `start`.
* The bytes of a received frame may be read by others too (a bpf tap, an error that quotes it), and are never changed:
  `writable` makes the headers the packet's own, and leaves the payload where it is.
* `ifl_index` says where it came from (0: this host) and is a name, never a pointer, so that an interface may go away
  while packets are under way. `tag` is the VLAN tag that a card took out, 0x8100 and all; 0: none.
* Checksum flags are set early and acted on late (seed 002, section 10). What is still set in `OUT_MASK` when the driver
  takes the packet is what the card is asked to do.
* `proto`, `src` and `dst` exist once IP has read or written the header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import Message
from ringbed.stack.wire.view import Buffer

if TYPE_CHECKING:
    from ringbed.stack.kern.journey import Journey

QUOTE: Final = 1280  # bytes of a packet, of which no ICMP error quotes more
HEADROOM: Final = 14  # of a packet built here: an Ethernet header; what is longer becomes a segment of its own

# Plain numbers, not an IntFlag: these are tested for every packet, and an IntFlag's `&` costs more than a header parse.
IPV4_CSUM_OUT: Final = 0x0001  # wanted: somebody below must put it in
TCP_CSUM_OUT: Final = 0x0002
UDP_CSUM_OUT: Final = 0x0004
ICMP_CSUM_OUT: Final = 0x0008
ICMP6_CSUM_OUT: Final = 0x0010  # over a pseudo-header, which ICMP's is not
OUT_MASK: Final = 0x001F
IPV4_CSUM_IN_OK: Final = 0x0020  # the card's verdict; neither of a pair: not checked
IPV4_CSUM_IN_BAD: Final = 0x0040
L4_CSUM_IN_OK: Final = 0x0080
L4_CSUM_IN_BAD: Final = 0x0100
IN_MASK: Final = 0x01E0
BROADCAST: Final = 0x0200  # came as a link broadcast
MULTICAST: Final = 0x0400  # came as a link multicast
FRAGMENT: Final = 0x0800
DONTROUTE: Final = 0x1000  # only to a neighbour (SO_DONTROUTE)
MAY_BROADCAST: Final = 0x2000  # the sender may broadcast (SO_BROADCAST)
REASSEMBLED: Final = 0x8000  # it came in pieces
DONTFRAG: Final = 0x4000  # sent whole or not at all (IP_DONTFRAG)


class Packet(Message):
    """See the module's text. `length` is in bytes, from `start` on."""

    __slots__ = (
        "segments", "start", "length", "flags", "ifl_index", "output_ifl", "l3", "l4", "end", "tag", "tick", "journey",
        "proto", "src", "dst",
    )  # fmt: skip

    src: int
    dst: int
    proto: int

    def __init__(
        self,
        segments: list[Buffer],
        flags: int = 0,
        tick: int = 0,
        journey: Journey | None = None,
        start: int = 0,
        tag: int = 0,
    ) -> None:
        self.segments = segments
        self.start = self.l3 = start
        self.length = len(segments[0]) - start
        if len(segments) > 1:
            self.length += len(segments[1]) if len(segments) == 2 else sum(map(len, segments[1:]))
        self.flags = flags
        self.ifl_index = 0
        self.output_ifl = 0
        self.l4 = 0
        self.end = 0  # where the datagram ends, once known; what follows is padding
        self.tag = tag
        self.tick = tick
        self.journey = journey

    def drop(self, reason: Counter) -> None:
        """The packet ends here, counted under its one cause."""
        reason.value += 1
        if self.journey is not None:
            self.journey.step("drop", reason.text.format(s="s"))

    # -- the window ---------------------------------------------------------------------------------------------

    def push(self, header: bytes) -> None:
        """Put `header` in front."""
        first, start, size = self.segments[0], self.start, len(header)
        self.length += size
        if size <= start and type(first) is bytearray:
            self.start = start = start - size
            first[start : start + size] = header
        else:
            self.segments = [bytearray(header), memoryview(first)[start:], *self.segments[1:]]
            self._shift(size - start)

    def _shift(self, by: int) -> None:
        """The first segment is another one: what was the first byte behind `start` is `by` further from its begin."""
        self.start = 0
        self.l3 += by
        self.l4 += by
        self.end += by

    def pull(self, size: int) -> None:
        """Take `size` bytes off the front, and the tag that went with them. Raises ValueError: not in one segment."""
        if self.start + size > len(self.segments[0]):
            raise ValueError(f"cannot take {size} bytes off a packet whose first segment has {len(self.segments[0])}")
        self.start += size
        self.length -= size
        self.tag = 0

    def trim(self) -> None:
        """Cut what lies behind `end`: the padding of a short frame must not go on with the datagram."""
        surplus = self.start + self.length - self.end
        while surplus > 0:
            last = self.segments[-1]
            cut = min(surplus, len(last))
            self.segments[-1] = memoryview(last)[: len(last) - cut]
            if cut == len(last) and len(self.segments) > 1:
                del self.segments[-1]
            self.length -= cut
            surplus -= cut

    def writable(self, upto: int) -> bytearray:
        """The first segment, which is the packet's own and reaches at least to the offset `upto`: change it there.

        Raises ValueError when the packet does not reach that far.
        """
        first = self.segments[0]
        if type(first) is bytearray and len(first) >= upto:
            return first
        if self.start + self.length < upto:
            raise ValueError(f"a packet of {self.length} bytes from {self.start} on has no byte {upto - 1}")
        head, rest = bytearray(), list(self.segments)
        while len(head) < upto:
            piece = memoryview(rest.pop(0))
            room = upto - len(head)
            head += piece[:room]
            if len(piece) > room:
                rest.insert(0, piece[room:])
        self.segments = [head, *rest]
        return head

    def octets(self, at: int, upto: int) -> Buffer:
        """What lies from the offset `at` to `upto`, or to the end, in one piece whatever the segments."""
        first = self.segments[0]
        if upto > len(first) and len(self.segments) > 1:
            first = b"".join(self.segments)
        return first[at:upto]

    def head(self) -> Packet:
        """Its network header and what follows, as far as an error quotes it, in one piece and for good.

        For who reads it while this one goes on, or when it has been cut into segments.
        """
        l3 = self.l3
        made = Packet([bytes(self.octets(l3, min(self.end, l3 + QUOTE)))], self.flags, self.tick)
        made.l4, made.end = self.l4 - l3, made.length
        made.ifl_index, made.proto, made.src, made.dst = self.ifl_index, self.proto, self.src, self.dst
        return made

    def join(self) -> None:
        """Make it one segment; offsets are as they were."""
        if len(self.segments) > 1:
            self.segments = [b"".join(self.segments)]

    # -- as a driver sends it -----------------------------------------------------------------------------------

    def wire(self) -> list[Buffer]:
        """The segments without the headroom, as they are now: sums that the card is to do are not in yet."""
        if not self.start:
            return self.segments
        return [memoryview(self.segments[0])[self.start :], *self.segments[1:]]

    def bytes(self) -> bytes:
        """All of it in one piece, with the tag that a card took out."""
        whole = b"".join(self.wire())
        return whole[:12] + self.tag.to_bytes(4, "big") + whole[12:] if self.tag else whole
