"""A stack at the far end of a card's wire, with no card under it: somebody for a card under test to talk to.

    peer = Peer(host.engine, "10.0.0.1/24", host.frequency)
    host.advance(host.now + 20_000); peer.move(host.now)

It has no offload: every sum it sends is made by the stack, and every one it gets is checked there.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringbed.sim.cable import LATENCY_NS
from ringbed.sim.clock import Frequency
from ringbed.sim.wire import WireEnd, fcs_good, from_wire, to_wire
from ringbed.stack.ifq import Ifq
from ringbed.stack.interface import Attachment, Capabilities, Ring
from ringbed.stack.packet import Packet
from ringbed.stack.stack import Stack

__all__ = ["Peer"]

BATCH = 64


class Peer:
    """`stack` has one interface, `wire0`, with `address`. What it sends arrives a cable's latency later.

    `bad_fcs` counts frames that came with a wrong one and were dropped, as a card would.
    """

    def __init__(
        self, end: WireEnd, address: str, frequency: Frequency, *, lladdr: bytes = bytes.fromhex("020000009901"),
        name: str = "peer", latency_ns: int = LATENCY_NS,
    ) -> None:  # fmt: skip
        self.stack, self.bad_fcs = Stack(name), 0
        self.lladdr, self.capabilities = lladdr, Capabilities()
        self.attachment = Attachment("mainbus0", "the far end of a wire", 0, "polled")
        self._end, self._frequency, self._latency_ns = end, frequency, latency_ns
        self._ifd = self.stack.add_driver("wire", "wire without a card").add_ifd(self, 0)
        self._ifd.link_up = True
        self._ifd.add_ifl().add_iff().add_ifa(address)

    def rings(self) -> Sequence[Ring]:
        return ()

    def start(self, ifq: Ifq) -> None:
        batch = ifq.begin(BATCH)
        at = self._frequency.clocks(self.stack.now + self._latency_ns)
        for packet in batch:
            self._end.wire_in(to_wire(b"".join(map(bytes, packet.segments))), at)
        ifq.commit(len(batch))

    def move(self, now: int) -> int:
        """At `now` ns: take what the card has sent, and let the stack run; how many frames came."""
        frames = [frame for _, frame in self._end.wire_out()]
        self.bad_fcs += sum(not fcs_good(frame) for frame in frames)
        self._ifd.ifiqs[0].input([Packet([from_wire(frame)]) for frame in frames if fcs_good(frame)])
        self.stack.tick(max(now, self.stack.now))
        return len(frames)
