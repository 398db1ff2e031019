"""Ethernet input and output: the stages between the interface queues and the network protocols."""

from __future__ import annotations

from errno import EMSGSIZE, ENOBUFS

from ringbed.stack.kern.packet import BROADCAST, MULTICAST, OUT_MASK, Packet
from ringbed.stack.kern.stats import EtherStats
from ringbed.stack.link.carrier import Carrier
from ringbed.stack.link.demux import L2Demux, L2Entry, ether_key
from ringbed.stack.link.offload import ChecksumOutput
from ringbed.stack.wire import ethernet
from ringbed.stack.wire.view import Buffer


class EtherInput:
    """The input half of one ifd: whose frame is it, and which protocol's.

    `lladdr` says what a frame that no entry wants is counted as: for another station, or of an unknown protocol.
    """

    __slots__ = ("_lladdr", "_stats", "demux")

    def __init__(self, lladdr: bytes, stats: EtherStats) -> None:
        self.demux = L2Demux()
        self._lladdr = lladdr
        self._stats = stats

    def ether_input(self, batch: list[Packet]) -> None:
        """A batch of whole frames from an `ifiq`. Each goes on to its protocol or is dropped.

        The station filter is here for every card alike: software fills the gaps of the hardware's.
        """
        stats, lookup = self._stats, self.demux.tree.lookup
        total, delivered = len(batch), 0
        stats.total.value += total
        for packet in batch:
            data = packet.segments[0]
            if len(data) < ethernet.HEADER_LEN:
                packet.drop(stats.short)
                continue
            key, bits, header_len = ether_key(data, packet.tag)
            entry = lookup(key, bits)
            if entry is None:
                ours = data[:6] == self._lladdr or data[0] & 1
                packet.drop(stats.noproto if ours else stats.notours)
                continue
            if data[:6] != entry.station and not _accept(packet, data[:6], entry):
                packet.drop(stats.notours)
                continue
            packet.ifl_index = entry.ifl_index
            packet.l3 = header_len if entry.strip else 0
            if packet.journey is not None:
                packet.journey.step("ether_input")
            delivered += 1
            entry.handler(packet, entry.argument)
        stats.delivered.value += delivered


def _accept(packet: Packet, dst: Buffer, entry: L2Entry) -> bool:
    """A frame that is not to the entry's own station: mark what kind it is."""
    if dst == ethernet.BROADCAST:
        packet.flags |= BROADCAST
    elif dst[0] & 1:
        packet.flags |= MULTICAST
    else:
        return entry.station is None
    return True


class EtherLink:
    """The output half of one iff: its carrier, its MTU, who does its checksums."""

    __slots__ = ("_stats", "carrier", "ifq", "mtu", "sums")

    def __init__(self, carrier: Carrier, mtu: int, sums: ChecksumOutput, stats: EtherStats) -> None:
        self.carrier = carrier
        self.ifq = carrier.ifq
        self.mtu = mtu
        self.sums = sums
        self._stats = stats

    def ether_output(self, packet: Packet, header: bytes) -> int:
        """Have the sums done, put the finished L2 `header` in front, queue the frame. Returns 0 or an errno.

        A packet that was received has been pulled and trimmed to what shall go on.
        """
        if packet.length > self.mtu:
            packet.drop(self._stats.toobig)
            return EMSGSIZE
        if packet.flags & OUT_MASK:
            self.sums.in_proto_cksum_out(packet)
        first, start, size = packet.segments[0], packet.start, len(header)
        if size == start and type(first) is bytearray:  # built here, as nearly all are: `push` without the call
            first[:size] = header
            packet.start = 0
            packet.length += size
        else:
            packet.push(header)
        if packet.journey is not None:
            packet.journey.step("ether_output", self.ifq.title)
        if not self.ifq.enqueue(packet):
            return ENOBUFS
        self._stats.output.value += 1
        return 0
