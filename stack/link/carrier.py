"""What an interface sends and receives through: an ifd, or an ifl that stands on one or on another ifl.

To a protocol family both are the same (seed 004, 310-523): an MTU, what is done below, a table that says what received
frames are, a way to write the link header, a queue. They differ in their L2_ID: the tags that the frames of an ifl
carry, outermost first, none for the frames of the ifd itself. It is the first part of the L2 key (demux.py) and of the
header.

Ethernet takes a packet of the full MTU with one tag (IEEE 802.3 3.2.7); every further tag is at the expense of the MTU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ringbed.stack.kern.ifq import Ifq
from ringbed.stack.kern.packet import Packet
from ringbed.stack.link.demux import TAGS, L2Demux, L2Entry
from ringbed.stack.link.groups import Groups
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.wire.ethernet import ETHERTYPE_VLAN

VIDS = range(1, 4095)  # 0 is priority and no VLAN, 4095 is reserved (IEEE 802.1Q table 9-2)
TAG_LEN = 4


@dataclass(frozen=True, slots=True)
class L2Id:
    """Tags as (type, VLAN), outermost first. Raises ValueError for a type or a VLAN that is none."""

    tags: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        for ethertype, vid in self.tags:
            if ethertype not in TAGS or vid not in VIDS:
                raise ValueError(f"{ethertype:#06x} VLAN {vid} is no tag")

    @property
    def bits(self) -> int:
        return 32 * len(self.tags)

    @property
    def key(self) -> int:
        """As `ether_key` makes it of a frame."""
        key = 0
        for ethertype, vid in self.tags:
            key = key << 32 | ethertype << 16 | vid
        return key

    def emit(self) -> bytes:
        """As it is in a frame, between the addresses and the type, of priority 0: the bits of the key."""
        return self.key.to_bytes(self.bits // 8, "big")

    def __str__(self) -> str:
        return " ".join(f"{ethertype:#06x}:{vid}" for ethertype, vid in self.tags)


def vlan(vid: int, ethertype: int = ETHERTYPE_VLAN) -> L2Id:
    """One tag; 0x8100 by default. Raises ValueError."""
    return L2Id(((ethertype, vid),))


@dataclass(frozen=True, slots=True)
class Carrier:
    """See the module's text. `ifq` is where frames leave, `lladdr` our link address in their headers.

    `groups` are those of stations that we are in, which is the device's whole business, whatever the tags.
    """

    lladdr: bytes
    mtu: int
    capabilities: Capabilities
    demux: L2Demux
    ifq: Ifq
    groups: Groups
    l2_id: L2Id = L2Id()

    def within(self, l2_id: L2Id) -> Carrier:
        """That of an ifl that stands on this one, by its own tags."""
        tags = len(self.l2_id.tags)
        dear = max(0, tags + len(l2_id.tags) - 1) - max(0, tags - 1)
        return replace(self, l2_id=L2Id(self.l2_id.tags + l2_id.tags), mtu=self.mtu - TAG_LEN * dear)

    def header(self, dst: bytes, ethertype: int) -> bytes:
        """The whole link header of a frame to `dst`."""
        return dst + self.lladdr + self.l2_id.emit() + ethertype.to_bytes(2, "big")

    def entry(
        self, ethertype: int, ifl_index: int, handler: Callable[[Packet, Any], None], argument: Any = None
    ) -> L2Entry:
        """For frames of this type that are for our station or for a group of stations."""
        key = self.l2_id.key << 16 | ethertype
        return L2Entry(key, self.l2_id.bits + 16, ifl_index, handler, argument, station=self.lladdr)
