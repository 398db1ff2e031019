from __future__ import annotations

import itertools

import pytest

from ringbed.stack.kern.packet import BROADCAST, IPV4_CSUM_OUT, MULTICAST, UDP_CSUM_OUT, Packet
from ringbed.stack.link.demux import L2Entry
from ringbed.stack.wire.ethernet import BROADCAST as EVERYBODY
from ringbed.stack.wire.ipv4 import Ipv4
from ringbed.stack.wire.udp import Udp
from ringbed.stack.wire.view import Buffer
from tests.stack.host import OUR_MAC, PEER, PEER_MAC, Host, arp_frame, ether_frame, icmp_frame, udp_frame
from tests.stack.naive import ones_complement_sum, pseudo_header


@pytest.mark.parametrize(
    ("dst", "taken", "flags"),
    [
        (OUR_MAC, True, 0),
        (EVERYBODY, True, BROADCAST),
        (b"\x01\0\x5e\0\0\xfb", True, MULTICAST),
        (PEER_MAC, False, 0),
    ],
)
def test_the_station_filter(dst: bytes, taken: bool, flags: int) -> None:
    host = Host()
    packet = Packet([ether_frame(b"", dst=dst)])
    host.ifd.ifiqs[0].input([packet])
    host.stack.run()
    assert (host.stats.ether.notours.value == 0) is taken
    assert packet.flags & (BROADCAST | MULTICAST) == flags
    assert packet.ifl_index == (host.ifl.index if taken else 0)


def test_a_frame_that_nobody_wants_is_counted_by_whom_it_was_for() -> None:
    host = Host()
    host.give(*[ether_frame(b"", 0x88CC, dst) for dst in (PEER_MAC, OUR_MAC, EVERYBODY)])
    assert host.stack.drops() == {
        "ether: frames for another station": 1,
        "ether: frames for unknown/unsupported protocol": 2,
    }


def test_one_entry_may_see_every_frame_and_ip_still_does_not_take_those_for_others() -> None:
    """A1: a promiscuous neighbour on the same device must not make IP receive what is for other stations."""
    host = Host()
    seen: list[tuple[bytes, int]] = []
    host.ifd.ether.demux.add(L2Entry(0, 0, 9, lambda p, _: seen.append((p.bytes()[:6], p.flags)), None, strip=False))
    for dst in (PEER_MAC, OUR_MAC, EVERYBODY):
        host.give(ether_frame(b"", 0x88CC, dst), dst + udp_frame()[6:])
    assert seen == [(PEER_MAC, 0), (OUR_MAC, 0), (EVERYBODY, BROADCAST)]
    assert host.stack.drops() == {
        "ether: frames for another station": 1,
        "udp: dropped due to no socket": 1,
        "ip: link-level broadcasts for a single host": 1,
    }


def test_the_header_is_stripped_by_offset_only() -> None:
    host = Host()
    packet = Packet([udp_frame()])
    frame = packet.segments[0]
    host.ifd.ifiqs[0].input([packet])
    host.stack.run()
    assert (packet.start, packet.l3, packet.l4, packet.segments) == (0, 14, 34, [frame])


@pytest.mark.parametrize("length", [*range(15)])
def test_frames_of_any_length_are_survived(length: int) -> None:
    host = Host()
    host.give(udp_frame()[:length])
    assert sum(host.stack.drops().values()) == 1


def test_the_largest_packet_that_fits_goes_and_one_byte_more_does_not() -> None:
    host = Host()
    sock = host.stack.udp_socket()
    sock.set_dontfragment(True)
    assert sock.sendto(bytes(1472), (PEER, 9)) == 1472
    with pytest.raises(OSError, match="1473 bytes to .*: Message too long"):
        sock.sendto(bytes(1473), (PEER, 9))
    host.stack.run()
    assert [len(f) for f in host.taken()] == [1514]


def test_a_full_output_queue_is_told_to_the_sender_and_loses_nothing_it_took() -> None:
    host = Host()
    host.below.room = 0
    sock = host.stack.udp_socket()
    for n in range(255):
        sock.sendto(bytes([n]), (PEER, 9))
        host.stack.run()
    with pytest.raises(OSError, match="No buffer space available"):
        sock.sendto(b"x", (PEER, 9))
    assert host.ifd.ifqs[0].oactive
    host.below.room = 300
    host.ifd.ifqs[0].restart()
    host.stack.run()
    assert [f[42] for f in host.taken()] == list(range(255))
    assert host.ifd.ifqs[0].qdrops.value == 1


def test_batches_reach_the_driver_as_batches() -> None:
    host = Host()
    host.give(*[arp_frame(1, PEER, "10.0.0.2")] * 10)
    assert host.below.batches == [10]


@pytest.mark.parametrize("segments", [1, 3])
def test_a_received_packet_that_is_sent_on_leaves_whole_and_without_its_padding(segments: int) -> None:
    """O7: it left as fourteen bytes. The received bytes, which others may read, are as they were."""
    host = Host()
    frame = udp_frame(b"on")
    cuts = [0, 20, 40, len(frame)] if segments == 3 else [0, len(frame)]
    pieces: list[Buffer] = [frame[a:b] for a, b in itertools.pairwise(cuts)]
    packet = Packet([*pieces])
    packet.ifl_index, packet.l3, packet.l4, packet.end = 7, 14, 34, 44
    packet.pull(14)
    packet.trim()
    assert host.iff.link.ether_output(packet, b"H" * 14) == 0
    host.stack.run()
    assert host.taken() == [b"H" * 14 + frame[14:44]]
    assert b"".join(pieces) == frame


def test_a_packet_that_is_sent_on_with_changed_headers_gets_sums_that_are_right(sent_on: Packet) -> None:
    """Seed 002, section 10: who changes a packet only sets the flags. The payload is not copied."""
    host = Host()
    frame, payload = bytes(sent_on.segments[0]), sent_on.segments[0]
    sent_on.pull(14)
    sent_on.trim()
    sent_on.writable(sent_on.l4 + 8)[30:34] = bytes([10, 0, 0, 77])  # the destination
    sent_on.dst = 0x0A00004D
    sent_on.flags |= IPV4_CSUM_OUT | UDP_CSUM_OUT
    host.iff.link.ether_output(sent_on, PEER_MAC + OUR_MAC + b"\x08\0")
    rest = sent_on.segments[1]
    assert isinstance(rest, memoryview)
    assert rest.obj is payload
    assert payload == frame
    host.stack.run()
    (sent,) = host.taken()
    header, datagram = ip_between(sent)
    assert (header.dst, datagram.payload) == (0x0A00004D, b"payload" * 20)


@pytest.fixture(params=[1, 2])
def sent_on(request: pytest.FixtureRequest) -> Packet:
    """As `ip_input` leaves it; its sums are right, or (2) of no use at all."""
    frame = udp_frame(b"payload" * 20)
    if request.param == 2:
        frame = frame[:24] + b"\x12\x34" + frame[26:40] + b"\x56\x78" + frame[42:]
    packet = Packet([frame])
    packet.ifl_index, packet.l3, packet.l4, packet.end = 7, 14, 34, len(frame)
    packet.src, packet.dst, packet.proto = 0x0A000001, 0x0A000002, 17
    return packet


def ip_between(frame: bytes) -> tuple[Ipv4, Udp]:
    """Header and datagram of a frame, both sums good."""
    header = Ipv4.parse(frame, 14)
    assert ones_complement_sum(frame[14:34]) == 0xFFFF
    assert ones_complement_sum(pseudo_header(header.src, header.dst, 17, len(frame) - 34) + frame[34:]) == 0xFFFF
    return header, Udp.parse(frame, 34)


def test_an_entry_may_keep_the_link_header() -> None:
    host = Host()
    seen: list[tuple[int, int, str]] = []

    def handler(packet: Packet, argument: str) -> None:
        seen.append((packet.l3, packet.ifl_index, argument))

    host.ifd.ether.demux.add(L2Entry(0x88CC, 16, 77, handler, "lldp", strip=False))
    host.ifd.ether.demux.add(L2Entry(0x88CD, 16, 78, handler, "other"))
    host.give(ether_frame(b"", 0x88CC), ether_frame(b"", 0x88CD))
    assert seen == [(0, 77, "lldp"), (14, 78, "other")]


def test_the_driver_is_told_where_the_headers_are() -> None:
    host = Host()
    host.stack.udp_socket().sendto(b"x", (PEER, 9))
    host.give(icmp_frame())
    assert host.below.offsets[-2:] == [(14, 34)] * 2
