"""A host to test: a stack on an interface that is a list of frames, and frames to give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ringbed.stack.iface.tree import IfDevice
from ringbed.stack.kern.ifq import Ifq
from ringbed.stack.kern.packet import OUT_MASK, Packet
from ringbed.stack.link.interface import Attachment, Capabilities, Ring
from ringbed.stack.stack import Stack
from ringbed.stack.wire import arp, icmpv4, ipv4, udp
from ringbed.stack.wire.address import ipv4 as ip
from ringbed.stack.wire.arp import Arp
from ringbed.stack.wire.ethernet import BROADCAST, Ethernet
from ringbed.stack.wire.icmpv4 import Icmp
from ringbed.stack.wire.ipv4 import Ipv4
from ringbed.stack.wire.udp import Udp

OUR_MAC = b"\x02\0\0\0\0\x02"
PEER_MAC = b"\x02\0\0\0\0\x01"
OUR, PEER = "10.0.0.2", "10.0.0.1"
BROADCASTS = ("10.0.0.255", "255.255.255.255")
SECOND = 1_000_000_000


@dataclass
class FakeInterface:
    """Takes up to `room` frames, then is full."""

    lladdr: bytes = OUR_MAC
    capabilities: Capabilities = field(default_factory=Capabilities)
    attachment: Attachment = field(
        default_factory=lambda: Attachment("pci0 dev 3 function 0", "Intel 82540EM", 2, "irq 11")
    )
    room: int = 1 << 30
    groups: tuple[bytes, ...] = ()
    sent: list[bytes] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)  # the checksums still asked for, frame by frame
    batches: list[int] = field(default_factory=list)
    offsets: list[tuple[int, int]] = field(default_factory=list)  # of L3 and L4, frame by frame

    def start(self, ifq: Ifq) -> None:
        batch = ifq.begin(1 << 30)
        taken = min(self.room, len(batch))
        self.room -= taken
        self.batches.append(taken)
        for packet in batch[:taken]:
            self.sent.append(packet.bytes())
            self.wanted.append(packet.flags & OUT_MASK)
            self.offsets.append((packet.l3 - packet.start, packet.l4 - packet.start))
        ifq.commit(taken)
        if taken < len(batch):
            ifq.set_oactive()

    def set_groups(self, groups: Sequence[bytes]) -> None:
        self.groups = tuple(groups)

    def rings(self) -> Sequence[Ring]:
        return [Ring("txq", 0, 256, len(self.sent))]


class Host:
    """One stack, `em0` with `OUR`/24, and optionally a neighbour `PEER` that it knows already."""

    def __init__(
        self, capabilities: Capabilities | None = None, known: bool = True, lladdr: bytes = OUR_MAC, our: str = OUR
    ) -> None:
        self.stack = Stack("host")
        self.below = FakeInterface(lladdr, capabilities or Capabilities())
        self.ifd: IfDevice = self.stack.add_driver("em").add_ifd(self.below)
        self.ifl = self.ifd.add_ifl()
        self.iff = self.ifl.add_iff()
        self.iff.add_ifa(f"{our}/24")
        self.stats = self.stack.stats
        if known:
            self.give(arp_frame(arp.REQUEST, PEER, OUR))
            self.below.sent.clear()
            self.below.wanted.clear()
            self.below.batches.clear()

    def give(self, *frames: bytes, flags: int = 0) -> None:
        """Receive frames and run."""
        self.ifd.ifiqs[0].input([Packet([frame], flags) for frame in frames])
        self.stack.run()

    def taken(self) -> list[bytes]:
        """What was sent since the last time."""
        sent, self.below.sent = self.below.sent, []
        return sent


def carry(a: Host, b: Host) -> None:
    """A cable: frames go over until none are left."""
    moved = True
    while moved:
        moved = False
        for here, there in ((a, b), (b, a)):
            here.stack.run()
            if frames := here.taken():
                moved = True
                there.give(*frames)


def ether_frame(payload: bytes, ethertype: int = 0x0800, dst: bytes = OUR_MAC, src: bytes = PEER_MAC) -> bytes:
    """Padded to 60 bytes, with bytes that are not zero so that summing the pad shows."""
    frame = Ethernet(dst, src, ethertype).emit() + payload
    return frame + b"\xa5" * (60 - len(frame))


def ip_frame(
    payload: bytes, proto: int, src: str = PEER, dst: str = OUR, mac: bytes = OUR_MAC, fragment: int = 0
) -> bytes:
    header = Ipv4(ip(src), ip(dst), proto, len(payload), fragment=fragment).emit()
    return ether_frame(header + payload, dst=mac)


def udp_frame(payload: bytes = b"hello", dport: int = 7, sport: int = 9999, src: str = PEER, dst: str = OUR) -> bytes:
    mac = BROADCAST if dst in BROADCASTS else OUR_MAC
    return ip_frame(Udp(sport, dport, payload).emit(ip(src), ip(dst)), udp.PROTO_UDP, src, dst, mac)


def icmp_frame(
    kind: int = icmpv4.ECHO_REQUEST, rest: int = 0x00010002, payload: bytes = b"ping", code: int = 0, dst: str = OUR
) -> bytes:
    mac = BROADCAST if dst in BROADCASTS else OUR_MAC
    return ip_frame(Icmp(kind, code, rest, payload).emit(), ipv4.PROTO_ICMP, dst=dst, mac=mac)


def arp_frame(operation: int, sender: str, target: str, sender_hw: bytes = PEER_MAC, dst: bytes = BROADCAST) -> bytes:
    message = Arp(operation, sender_hw, ip(sender), bytes(6), ip(target))
    return ether_frame(message.emit(), 0x0806, dst, sender_hw)


def errno_of(call: Callable[[], object]) -> int | None:
    """What a sender is told: 0 for nothing."""
    try:
        call()
    except OSError as error:
        return error.errno
    return 0


def corrupt(frame: bytes, at: int) -> bytes:
    """One byte changed."""
    return frame[:at] + bytes([frame[at] ^ 0x55]) + frame[at + 1 :]
