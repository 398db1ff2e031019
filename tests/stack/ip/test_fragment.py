"""What does not fit into one packet leaves in pieces: put together again by a naive reference, and seen by scapy."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern.packet import IPV4_CSUM_OUT
from ringbed.stack.link.interface import Capabilities, Offload
from ringbed.stack.wire.udp import HEADER_LEN, Udp
from tests.stack.naive import checksum, ones_complement_sum, pseudo_header, pseudo_header6
from tests.stack.router import FAMILIES, FAR, HEADER, NUMBER, OURS_FAR, Frame, Router, forwarded

each_family = pytest.mark.parametrize("family", FAMILIES)


@dataclass(frozen=True)
class Piece:
    """A fragment of either family, read by the RFC's picture of it. `at` in bytes."""

    header: bytes
    at: int
    more: bool
    ident: int
    proto: int
    data: bytes

    @classmethod
    def parse(cls, frame: bytes) -> Piece:
        packet = frame[14:]
        if packet[0] >> 4 == 4:
            size = 4 * (packet[0] & 15)
            assert checksum(packet[:size]) == 0
            assert int.from_bytes(packet[2:4], "big") == len(packet)
            field = int.from_bytes(packet[6:8], "big")
            ident = int.from_bytes(packet[4:6], "big")
            return cls(packet[:size], (field & 0x1FFF) * 8, bool(field & 0x2000), ident, packet[9], packet[size:])
        assert (packet[6], packet[41]) == (44, 0)
        assert int.from_bytes(packet[4:6], "big") == len(packet) - 40
        field, ident = int.from_bytes(packet[42:44], "big"), int.from_bytes(packet[44:48], "big")
        return cls(packet[:40], field & 0xFFF8, bool(field & 1), ident, packet[40], packet[48:])


def whole(frames: list[bytes]) -> bytes:
    """What the pieces make up, laid side by side: in order, no gap, no overlap, of one datagram."""
    pieces = [Piece.parse(frame) for frame in frames]
    at = pieces[0].at
    for piece in pieces:
        assert piece.at == at
        at += len(piece.data)
    assert len({(piece.ident, piece.proto) for piece in pieces}) == 1
    assert [piece.more for piece in pieces[:-1]] == [True] * (len(pieces) - 1)
    return b"".join(piece.data for piece in pieces)


def udp_sum(family: str, datagram: bytes) -> int:
    """0xFFFF where the sum of what OURS_FAR sent to FAR is right."""
    pseudo = pseudo_header if family == "inet" else pseudo_header6
    ends = NUMBER[family](OURS_FAR[family]), NUMBER[family](FAR[family])
    return ones_complement_sum(pseudo(*ends, 17, len(datagram)) + datagram)


@each_family
@given(size=st.integers(1300, 9000), mtu=st.sampled_from([1280, 1281, 1287, 1288, 1500]))
def test_a_datagram_of_ours_is_the_sum_of_its_pieces(family: str, size: int, mtu: int) -> None:
    router, payload = Router(mtu=mtu), bytes(n * 7 % 251 for n in range(size))
    router.stack.udp_socket(family=family).sendto(payload, (FAR[family], 9))
    router.stack.run()
    frames = router.taken()["ix"]
    assert all(len(frame) <= 14 + mtu for frame in frames)
    if size + HEADER_LEN + HEADER[family] <= mtu:
        assert len(frames) == 1
        return
    datagram = whole(frames)
    assert Udp.parse(datagram).payload == payload
    assert udp_sum(family, datagram) == 0xFFFF
    group = router.group(family)
    assert (group.ips_fragmented.value, group.ips_ofragments.value) == (1, len(frames))
    room = mtu - HEADER[family] - (8 if family == "inet6" else 0)
    assert len(frames) == -(-(size + 8) // (room & ~7)), "as few as there can be"


@each_family
@pytest.mark.parametrize("l4", Offload)
def test_no_card_sums_what_it_sees_a_part_of(family: str, l4: Offload) -> None:
    """The whole's sum is made before the cut; each header's is asked for, as ever."""
    router = Router(capabilities=Capabilities(tx_ipv4=True, tx_l4=l4, tx_l4_ipv6=l4))
    router.below["ix"].wanted.clear()
    router.stack.udp_socket(family=family).sendto(bytes(range(250)) * 12, (FAR[family], 9))
    router.stack.run()
    wanted, frames = router.below["ix"].wanted, router.taken()["ix"]
    assert set(wanted) == {IPV4_CSUM_OUT if family == "inet" else 0}
    summed = [bytes(f[:24] + checksum(f[14:34]).to_bytes(2, "big") + f[26:]) for f in frames]
    assert udp_sum(family, whole(summed if family == "inet" else frames)) == 0xFFFF


@each_family
def test_who_wants_it_whole_is_told(family: str) -> None:
    router = Router(mtu=1400)
    sock = router.stack.udp_socket(family=family)
    sock.set_dontfragment(True)
    room = 1400 - HEADER[family] - HEADER_LEN
    sock.sendto(bytes(room), (FAR[family], 9))
    with pytest.raises(OSError, match="Message too long"):
        sock.sendto(bytes(room + 1), (FAR[family], 9))
    router.stack.run()
    (frame,) = router.taken()["ix"]
    assert family == "inet6" or frame[20:22] == b"\x40\0"
    assert router.group(family).drops() == {"datagrams that can't be fragmented": 1}


@each_family
def test_each_datagram_in_pieces_has_an_ident_of_its_own(family: str) -> None:
    router = Router()
    sock = router.stack.udp_socket(family=family)
    for _ in range(3):
        sock.sendto(bytes(3000), (FAR[family], 9))
    router.stack.run()
    assert len({Piece.parse(frame).ident for frame in router.taken()["ix"]}) == 3


@each_family
def test_where_one_piece_finds_no_room_the_rest_is_not_made(family: str) -> None:
    router = Router()
    router.below["ix"].room = 0
    sock = router.stack.udp_socket(family=family)
    queue = router.ifds["ix"].ifqs[0]
    while len(queue) < queue.maxlen - 2:
        sock.sendto(b"", (FAR[family], 9))
    with pytest.raises(OSError, match="No buffer space"):
        sock.sendto(bytes(9000), (FAR[family], 9))
    assert (len(queue), queue.qdrops.value) == (queue.maxlen, 1)
    assert router.group(family).ips_ofragments.value == 3


# -- what a router cuts (IPv4 alone) ----------------------------------------------------------------------------------

KEPT, LEFT = (
    b"\x94\x04\0\0",
    b"\x07\x07\x08\x0a\0\0\x01\0",
)  # Router Alert goes along, a full record does not


@given(
    size=st.integers(600, 1400),
    mtu=st.sampled_from([68, 69, 75, 76, 576]),
    options=st.sampled_from([b"", KEPT, LEFT, KEPT + LEFT, b"\x01" * 40]),
    field=st.sampled_from([0, 0x2000, 0x2003, 0x0010]),
)
def test_what_a_router_cuts_is_what_came(size: int, mtu: int, options: bytes, field: int) -> None:
    """The pieces of a fragment lie where it lay, and only the last of its last is the last."""
    router, payload = Router.ipv4(mtu), bytes(n * 7 % 251 for n in range(size & ~7 if field & 0x2000 else size))
    router.give("em", Frame("inet", payload, field=field, options=options).emit())
    frames = router.taken()["ix"]
    pieces = [Piece.parse(frame) for frame in frames]
    assert whole(frames) == payload
    assert pieces[0].at == (field & 0x1FFF) * 8
    assert pieces[-1].more == bool(field & 0x2000)
    assert all(len(frame) <= 14 + mtu for frame in frames)
    assert pieces[0].header[20:] == options
    assert {piece.header[20:] for piece in pieces[1:]} <= {KEPT if KEPT in options else b""}
    assert {piece.header[8] for piece in pieces} == {63}
    assert {piece.ident for piece in pieces} == {77}
    assert (router.stats.ip.ips_forward.value, router.stats.ip.ips_fragmented.value) == (1, 1)


def test_a_record_of_the_route_names_the_router() -> None:
    router = Router()
    stamp = b"\x44\x0c\x05\x01" + bytes(8)
    frame = Frame("inet", options=b"\x07\x07\x04" + bytes(4) + b"\x01" + stamp).emit()
    router.later(5)
    router.give("em", frame)
    ours = NUMBER["inet"](OURS_FAR["inet"]).to_bytes(4, "big")
    (sent,) = router.taken()["ix"]
    time = (0x80000000 | 5000).to_bytes(4, "big")
    assert sent[34:54] == b"\x07\x07\x08" + ours + b"\x01\x44\x0c\x0d\x01" + ours + time
    assert checksum(sent[14:54]) == 0
    assert sent[54:] == forwarded(frame, "inet")[54:]


def test_scapy_puts_together_what_was_cut() -> None:
    from scapy.layers.inet import IP, defragment
    from scapy.layers.inet6 import IPv6, defragment6

    router, payload = Router(), bytes(n * 7 % 251 for n in range(5000))
    for family in FAMILIES:
        router.stack.udp_socket(family=family).sendto(payload, (FAR[family], 9))
    router.stack.run()
    frames = router.taken()["ix"]
    four = defragment(  # type: ignore[no-untyped-call]
        [IP(frame[14:]) for frame in frames if frame[12] == 8]
    )
    assert len(four) == 1
    assert bytes(four[0].payload)[8:] == payload
    six = defragment6([IPv6(f[14:]) for f in frames if f[12] == 0x86])  # type: ignore[no-untyped-call]
    assert bytes(six.payload)[8:] == payload
