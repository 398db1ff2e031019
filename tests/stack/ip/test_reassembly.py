"""Fragments put together: any cut in any order, against a naive reference; what is no honest work; what it costs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.ip.reassembly import OVERHEAD, Reassembly
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.wire.ipv6 import Ipv6
from ringbed.stack.wire.ipv6_headers import FRAGMENT
from ringbed.stack.wire.udp import Udp
from tests.stack.router import FAMILIES, MACS, NEAR, NUMBER, OURS_NEAR, Error, Frame, Router

pytestmark = pytest.mark.usefixtures("both_schedulers")
each_family = pytest.mark.parametrize("family", FAMILIES)
Cut = tuple[int, int]  # from, to


def fragment(family: str, data: bytes, at: int, more: bool, ident: int = 9, options: bytes = b"") -> bytes:
    """A frame of NEAR for the router; `options` are headers before the fragment's, of IPv6 (destination options)."""
    if family == "inet":
        frame = bytearray(Frame(family, data, dst=OURS_NEAR[family], proto=17, field=more << 13 | at // 8).emit())
        frame[18:20] = ident.to_bytes(2, "big")
        return resummed(frame)
    head = bytes([17, 0]) + (at | more).to_bytes(2, "big") + ident.to_bytes(4, "big")
    if options:
        head = bytes([FRAGMENT]) + options[1:] + head
    return Frame(family, head + data, dst=OURS_NEAR[family], proto=60 if options else FRAGMENT).emit()


def resummed(frame: bytearray) -> bytes:
    frame[24:26] = b"\0\0"
    total = sum(int.from_bytes(frame[at : at + 2], "big") for at in range(14, 34, 2))
    frame[24:26] = (-total % 65535).to_bytes(2, "big")
    return bytes(frame)


def datagram(family: str, payload: bytes) -> bytes:
    return Udp(9, 7, payload).emit(NUMBER[family](NEAR[family]), NUMBER[family](OURS_NEAR[family]))


def router_and_socket(family: str) -> tuple[Router, UdpSocket, Reassembly]:
    router = Router()
    sock = router.stack.udp_socket(family=family)
    sock.bind((OURS_NEAR[family], 7))
    return router, sock, router.stack.instance()[sock._udp.family].reassembly


def read(sock: UdpSocket) -> list[bytes]:
    got = list[bytes]()
    while sock.readable:
        got.append(sock.recvfrom()[0])
    return got


@each_family
@given(
    size=st.integers(9, 3000), cuts=st.sets(st.integers(1, 374), max_size=12), order=st.randoms(), again=st.booleans()
)
def test_any_pieces_in_any_order_are_the_datagram(
    family: str, size: int, cuts: set[int], order: Random, again: bool
) -> None:
    router, sock, reassembly = router_and_socket(family)
    payload = bytes(n * 7 % 251 for n in range(size))
    whole = datagram(family, payload)
    ends = sorted({0, len(whole), *(8 * cut for cut in cuts if 8 * cut < len(whole))})
    pieces = [fragment(family, whole[a:b], a, b < len(whole)) for a, b in itertools.pairwise(ends)]
    if len(pieces) == 1:
        return
    order.shuffle(pieces)
    group, given_ = router.group(family), len(pieces)
    if again:
        pieces.insert(1, pieces[0])
    router.give("em", *pieces)
    assert read(sock) == [payload]
    assert (group.ips_reassembled.value, group.ips_fragjoined.value) == (1, given_)
    assert group.ips_fragdup.value == again
    assert (reassembly.datagrams, reassembly.cost) == ({}, 0)


class Naive:
    """One datagram, byte by byte. `add` says what becomes of a fragment; after a contradiction all is."""

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.parts: set[tuple[int, bytes, bool]] = set()
        self.spoilt = self.done = False

    def add(self, at: int, data: bytes, more: bool) -> None:
        if self.spoilt or (at, data, more) in self.parts:
            return
        ends = {a + len(d) for a, d, m in self.parts if not m}
        end = at + len(data)
        self.spoilt = any(at <= byte < end for byte in self.seen) or not self.end_fits(end, more, ends)
        self.parts.add((at, data, more))
        self.seen |= {at + n: byte for n, byte in enumerate(data)}
        ends |= set() if more else {end}
        self.done = not self.spoilt and bool(ends) and set(self.seen) == set(range(max(ends)))

    def end_fits(self, end: int, more: bool, ends: set[int]) -> bool:
        if more:
            return all(end < other for other in ends)
        return all(end == other for other in ends) and all(byte < end for byte in self.seen)


PIECES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4), st.booleans(), st.booleans()), min_size=1, max_size=7)


@each_family
@given(pieces=PIECES)
def test_what_overlaps_or_contradicts_is_never_a_datagram(
    family: str, pieces: Sequence[tuple[int, int, bool, bool]]
) -> None:
    """Of any fragments, the naive reference says whether and when they make up a whole."""
    router, sock, reassembly = router_and_socket(family)
    naive, ready = Naive(), []
    payload = bytes(100)
    for at, size, more_or_not, other in pieces:
        more = more_or_not or not at  # else it is no part of anything
        data = (datagram(family, payload)[: 8 * size] if not at else bytes([other]) * 8 * size)[: 8 * size]
        naive.add(8 * at, data, more)
        router.give("em", fragment(family, data, 8 * at, more))
        ready.append(router.group(family).ips_reassembled.value)
        assert ready[-1] == naive.done
        if naive.done:
            break
    group = router.group(family)
    held = sum(len(each.parts) for each in reassembly.datagrams.values())
    ended = group.ips_fragdup.value + group.ips_fragoverlap.value + group.ips_fragjoined.value
    assert group.ips_fragments.value == len(ready) == held + ended
    if naive.spoilt:
        assert held == 0
        assert [each.spoilt for each in reassembly.datagrams.values()] == [True]
        router.later(60)
        assert (reassembly.datagrams, reassembly.cost) == ({}, 0)
    assert read(sock) == []


@each_family
def test_pieces_of_several_datagrams_are_told_apart(family: str) -> None:
    router, sock, _ = router_and_socket(family)
    made = {ident: datagram(family, bytes([ident]) * 40) for ident in range(5)}
    for at in (40, 0, 24):
        end = {40: 48, 0: 24, 24: 40}[at]
        for ident, whole in made.items():
            router.give("em", fragment(family, whole[at:end], at, end < 48, ident))
    assert read(sock) == [bytes([ident]) * 40 for ident in made]


@each_family
def test_what_is_wrong_in_a_datagram_of_pieces_is_found_by_its_sum(family: str) -> None:
    router, sock, _ = router_and_socket(family)
    whole = bytearray(datagram(family, bytes(100)))
    whole[50] ^= 1
    router.give("em", fragment(family, bytes(whole[:56]), 0, True), fragment(family, bytes(whole[56:]), 56, False))
    assert read(sock) == []
    assert router.stack.drops() == {"udp: with bad checksum": 1}


BAD = [
    ("inet", 15, 0, True, None),
    ("inet", 0, 8, False, None),
    ("inet", 24, 65528, False, None),
    ("inet6", 15, 0, True, (4, 0, 4)),
    ("inet6", 0, 8, False, (4, 0, 4)),
    ("inet6", 24, 65528, False, (4, 0, 42)),
    ("inet6", 7, 0, True, (4, 0, 4)),
]


@pytest.mark.parametrize(("family", "size", "at", "more", "told"), BAD)
def test_what_can_be_no_fragment_is_counted(
    family: str, size: int, at: int, more: bool, told: tuple[int, int, int] | None
) -> None:
    """RFC 8200, 4.5; the last of all is the ping of death. Not told is who sent what is no first fragment of IPv4."""
    router, _, reassembly = router_and_socket(family)
    router.give("em", fragment(family, bytes(size), at, more))
    assert router.group(family).drops() == {"malformed fragments dropped": 1}
    assert reassembly.datagrams == {}
    errors = [Error.parse(frame) for frame in router.taken()["em"]]
    assert [(e.type, e.code, e.rest) for e in errors] == ([] if told is None else [told])


def test_a_first_fragment_without_all_headers_is_told() -> None:
    """RFC 7112: nobody on the way could say what it is."""
    router, _, reassembly = router_and_socket("inet6")
    head = bytes([60, 0, 0, 1, 0, 0, 0, 9])  # more headers in the part that is cut
    router.give("em", Frame("inet6", head + bytes([17, 1]) + bytes(6), dst=OURS_NEAR["inet6"], proto=FRAGMENT).emit())
    (frame,) = router.taken()["em"]
    error = Error.parse(frame)
    assert (error.type, error.code, error.rest) == (4, 3, 0)
    assert reassembly.datagrams == {}


def test_headers_before_the_cut_stay() -> None:
    """Of IPv6, those of the first fragment, and what they say of the next is the protocol that was cut."""
    router, sock, _ = router_and_socket("inet6")
    options, whole = bytes([0, 0, 1, 4, 0, 0, 0, 0]), datagram("inet6", bytes(range(100)))
    router.give("em", *[fragment("inet6", whole[a:b], a, b < 108, options=options) for a, b in ((64, 108), (0, 64))])
    assert read(sock) == [bytes(range(100))]


def test_options_of_the_first_fragment_are_those_of_the_whole() -> None:
    router, _, _ = router_and_socket("inet")
    record = b"\x07\x07\x04" + bytes(4) + b"\x01"
    ping = bytes.fromhex("0800 0000 0001 0002") + bytes(40)
    total = sum(int.from_bytes(ping[n : n + 2], "big") for n in range(0, 48, 2))
    ping = ping[:2] + (-total % 65535).to_bytes(2, "big") + ping[4:]
    to = OURS_NEAR["inet"]
    router.give(
        "em",
        Frame("inet", ping[24:], dst=to, proto=1, field=3).emit(),
        Frame("inet", ping[:24], dst=to, proto=1, field=0x2000, options=record).emit(),
    )
    (answer,) = router.taken()["em"]
    assert answer[34:42] == b"\x07\x07\x08" + bytes([10, 0, 0, 2]) + b"\0"
    assert answer[42:46] == bytes(2) + answer[44:46]
    assert answer[50:] == ping[8:]


# -- time -------------------------------------------------------------------------------------------------------------


@each_family
@pytest.mark.parametrize("begin", [True, False])
def test_who_sent_the_begin_of_what_never_became_whole_is_told(family: str, begin: bool) -> None:
    router, _, reassembly = router_and_socket(family)
    whole = datagram(family, bytes(100))
    frame = fragment(family, whole[:64], 0, True) if begin else fragment(family, whole[64:], 64, False)
    router.give("em", frame)
    router.later(59)
    assert len(reassembly.datagrams) == 1
    router.later(1)
    assert (reassembly.datagrams, reassembly.cost) == ({}, 0)
    assert router.stack.drops() == {f"{'ip' if family == 'inet' else 'ip6'}: fragments dropped after timeout": 1}
    errors = [Error.parse(each) for each in router.taken()["em"]]
    assert [(e.type, e.code, e.quote) for e in errors] == (
        [(11 if family == "inet" else 3, 1, frame[14:])] if begin else []
    )


@each_family
def test_each_datagram_has_its_own_time(family: str) -> None:
    router, sock, reassembly = router_and_socket(family)
    whole = datagram(family, bytes(100))
    for ident in range(4):
        router.give("em", fragment(family, whole[:64], 0, True, ident))
        router.later(10)
    left = []
    for _ in range(6):
        left.append(len(reassembly.datagrams))
        router.later(10)
    assert left == [4, 4, 3, 2, 1, 0]
    router.give("em", fragment(family, whole[:64], 0, True), fragment(family, whole[64:], 64, False))
    assert read(sock) == [bytes(100)], "and it goes on"


# -- what it costs ----------------------------------------------------------------------------------------------------


@each_family
def test_a_flood_of_begins_costs_no_more_than_the_limit(family: str) -> None:
    router, sock, reassembly = router_and_socket(family)
    limit = 40_000
    with reassembly.queue:
        reassembly.limit = limit
    whole, high = datagram(family, bytes(1000)), 0
    for ident in range(200):
        router.give("em", fragment(family, whole[:504], 0, True, ident))
        high = max(high, reassembly.cost)
    assert limit // 2 < high <= limit
    assert reassembly.cost == sum(each.cost for each in reassembly.datagrams.values())
    group, held = router.group(family), len(reassembly.datagrams)
    assert group.ips_fragdropped.value == 200 - held
    assert [key[3 if family == "inet" else 2] for key in reassembly.datagrams] == list(range(200 - held, 200))
    router.give("em", fragment(family, whole[504:], 504, False, 199))
    assert read(sock) == [bytes(1000)], "the youngest is there"


@each_family
def test_the_smallest_pieces_are_charged_for_more_than_their_bytes(family: str) -> None:
    router, _, reassembly = router_and_socket(family)
    for n in range(1, 50):
        router.give("em", fragment(family, bytes(8), 16 * n, True))
    assert reassembly.cost >= 49 * OVERHEAD


@each_family
def test_the_longest_datagram_there_is(family: str) -> None:
    router, sock, reassembly = router_and_socket(family)
    sock.buffer.limit = 1 << 20
    payload = bytes(n % 251 for n in range(65507 if family == "inet" else 65527))
    whole = datagram(family, payload)
    ends = [*range(0, len(whole), 1448), len(whole)]
    pieces = [fragment(family, whole[a:b], a, b < len(whole)) for a, b in itertools.pairwise(ends)]
    router.give("em", *reversed(pieces))
    assert read(sock) == [payload]
    assert reassembly.cost == 0


def test_a_router_puts_nothing_together_that_is_for_others() -> None:
    router = Router()
    router.give("em", Frame("inet", bytes(64), field=0x2000, proto=17).emit())
    assert len(router.taken()["ix"]) == 1
    assert router.stack.instance().ip.reassembly.datagrams == {}


def test_addresses_of_one_link_are_one_links() -> None:
    """The same pair of link-local addresses on two interfaces is two pairs."""
    router, _, reassembly = router_and_socket("inet6")
    both = "fe80::ff:fe00:2"
    iff = router.ifds["ix"].ifls[0].iffs["inet6"]
    iff.add_ifa(f"{both}/64")
    header = Ipv6(NUMBER["inet6"]("fe80::11"), NUMBER["inet6"](both), FRAGMENT, 24).emit()
    packet = header + bytes([17, 0, 0, 1, 0, 0, 0, 9]) + bytes(16)
    for name in ("em", "ix"):
        router.give(name, MACS[name] + b"\x02\0\0\0\0\x11\x86\xdd" + packet)
    assert len(reassembly.datagrams) == 2
