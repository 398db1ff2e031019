"""L2 demultiplexing by data (seed 004, 'Layer 2 Interface Identification and Protocol Demultiplexing').

`ether_key` turns an Ethernet header into a string of bits that names both the logical interface and the protocol. It
must know how tags, PPPoE and LLC are laid out, since they bring more fields into the key; it knows no protocol. The
table maps prefixes of such keys to (ifl_index, handler, strip). It is empty at first, so nothing is for us; configuring
an interface fills it.

The key, most significant bits first, one piece after the other:

    tag (0x8100, 0x88a8, 0x9100), any number    type:16  0:4  vlan id:12
    PPPoE session (0x8864)                      0x8864:16  version, type, code:16  session:16  source MAC:48  ppp:16
    802.3 with LLC                              0:16  DSAP:8  SSAP:8  control:8
    802.3 with SNAP                             0:16  0xAAAA03:24  OUI:24  type:16
    anything else                               ethertype:16

An ethertype is never below 0x600, so the leading zeros of LLC cannot be one. The priority bits of a tag are not part
of it, and a tag of VLAN 0 is nothing but priority: it adds nothing (IEEE 802.1Q 9.6). A tag that the card took out was
the outermost one, and counts as if it were still there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ringbed.stack.kern.packet import Packet
from ringbed.stack.table.tree import PrefixTree
from ringbed.stack.wire.ethernet import (
    ETHERTYPE_MIN,
    ETHERTYPE_PPPOE,
    ETHERTYPE_QINQ,
    ETHERTYPE_QINQ_OLD,
    ETHERTYPE_VLAN,
    HEADER_LEN,
)
from ringbed.stack.wire.view import Buffer

TAGS = frozenset({ETHERTYPE_VLAN, ETHERTYPE_QINQ, ETHERTYPE_QINQ_OLD})
_STRUCTURED = TAGS | {ETHERTYPE_PPPOE}
_SNAP = 0xAAAA03

Key = tuple[int, int, int]  # key, its bits, bytes of L2 header to strip


def ether_key(data: Buffer, tag: int = 0) -> Key:
    """The key of a frame from which a card took `tag` (its type and itself, 0: none).

    Bits 0 when the header is cut off: only a zero-length entry matches that.
    """
    ethertype = data[12] << 8 | data[13]
    if not tag and ethertype >= ETHERTYPE_MIN and ethertype not in _STRUCTURED:
        return ethertype, 16, HEADER_LEN
    return _structured_key(data, tag)


def _structured_key(data: Buffer, tag: int) -> Key:
    key = bits = 0
    if tag & 0x0FFF:
        key, bits = tag & 0xFFFF0FFF, 32
    at = 12
    while (ethertype := _number(data, at, 2)) in TAGS:
        if vlan := _number(data, at + 2, 2) & 0x0FFF:
            key = key << 32 | ethertype << 16 | vlan
            bits += 32
        at += 4
    piece, width, at = _last_piece(data, at, ethertype)
    if at > len(data):
        return 0, 0, len(data)
    return key << width | piece, bits + width, at


def _last_piece(data: Buffer, at: int, ethertype: int) -> Key:
    """What follows the tags: piece, its width in bits, where the network header starts."""
    if ethertype == ETHERTYPE_PPPOE:
        source = int.from_bytes(data[6:12], "big")
        session = _number(data, at, 6)  # ethertype, version/type/code, session
        return (session << 48 | source) << 16 | _number(data, at + 8, 2), 112, at + 10
    if ethertype >= ETHERTYPE_MIN:
        return ethertype, 16, at + 2
    llc = _number(data, at + 2, 3)
    if llc == _SNAP:
        return llc << 40 | _number(data, at + 5, 5), 80, at + 10
    return llc, 40, at + 5


def _number(data: Buffer, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


@dataclass(frozen=True, slots=True)
class L2Entry:
    """`prefix` is `bits` bits. `handler` gets the packet and `argument`; `strip`: L3 starts behind the L2 header.

    `station` is the link address whose frames it wants, with those to groups; None: everybody's. It is asked after the
    lookup, so that one entry may see every frame of a device without another taking what is for other stations.
    """

    prefix: int
    bits: int
    ifl_index: int
    handler: Callable[[Packet, Any], None]
    argument: Any
    strip: bool = True
    station: bytes | None = None


class L2Demux:
    """Longest prefix of a key. A change publishes a new `tree`: a reader sees the table before it or after it."""

    __slots__ = ("tree",)

    def __init__(self) -> None:
        self.tree: PrefixTree[L2Entry] = PrefixTree()

    def lookup(self, key: int, bits: int) -> L2Entry | None:
        """The entry with the longest prefix that `key`, `bits` wide, begins with."""
        return self.tree.lookup(key, bits)

    def add(self, entry: L2Entry) -> None:
        """Raises ValueError when the prefix is taken, or is wider than it says."""
        if entry.bits >= 0 and self.tree.get(entry.prefix, entry.bits) is not None:
            raise ValueError(f"L2 prefix {entry.prefix:#x}/{entry.bits} is taken")
        self.tree = self.tree.set(entry.prefix, entry.bits, entry)

    def remove(self, prefix: int, bits: int) -> None:
        """Raises ValueError when there is no such entry."""
        if self.tree.get(prefix, bits) is None:
            raise ValueError(f"L2 prefix {prefix:#x}/{bits} is not in the table")
        self.tree = self.tree.without(prefix, bits)
