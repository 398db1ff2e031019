from __future__ import annotations

from contextlib import suppress
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern.packet import IPV4_CSUM_IN_OK, L4_CSUM_IN_OK, Packet
from ringbed.stack.socket.udp import Control
from ringbed.stack.stack import Stack
from ringbed.stack.wire import icmpv4, ipv4_options
from ringbed.stack.wire.address import ipv4
from ringbed.stack.wire.icmpv4 import Icmp
from ringbed.stack.wire.ipv4 import PROTO_ICMP
from ringbed.stack.wire.udp import Udp
from tests.stack.checker import icmp_of, ip_of
from tests.stack.host import OUR, PEER, FakeInterface, Host, corrupt, icmp_frame, ip_frame, udp_frame
from tests.stack.kern.test_stats import patched, with_options

pytestmark = pytest.mark.usefixtures("both_schedulers")


def listener(host: Host, port: int = 7):  # type: ignore[no-untyped-def]
    sock = host.stack.udp_socket()
    sock.bind(("0.0.0.0", port))
    return sock


@pytest.mark.parametrize("at", range(14, 34))
def test_any_damage_to_the_header_is_a_counted_drop(at: int) -> None:
    host = Host()
    sock = listener(host)
    host.give(corrupt(udp_frame(), at))
    assert not sock.readable
    assert sum(host.stack.drops().values()) == 1
    assert host.taken() == []


def test_a_good_verdict_is_believed_and_none_is_checked() -> None:
    host = Host()
    sock = listener(host)
    host.give(corrupt(udp_frame(), 24), flags=IPV4_CSUM_IN_OK | L4_CSUM_IN_OK)
    assert sock.readable
    assert (host.stats.ip.ips_inhwcsum.value, host.stats.ip.ips_inswcsum.value) == (1, 0)
    host.give(udp_frame())
    assert (host.stats.ip.ips_inhwcsum.value, host.stats.ip.ips_inswcsum.value) == (1, 1)


@pytest.mark.parametrize(
    ("src", "dst"),
    [
        ("224.0.0.1", OUR), ("255.255.255.255", OUR), ("240.0.0.1", OUR), ("127.0.0.1", OUR), ("10.0.0.255", OUR),
        (PEER, "127.0.0.1"),
    ],
)  # fmt: skip
def test_addresses_that_cannot_be_on_the_wire(src: str, dst: str) -> None:
    host = Host()
    listener(host)
    host.give(udp_frame(src=src, dst=dst))
    assert host.stack.drops() == {"ip: datagrams with bad address in header": 1}


def test_a_host_without_an_address_may_send_to_us() -> None:
    host = Host()
    sock = listener(host)
    host.give(udp_frame(src="0.0.0.0", dst="10.0.0.255"))
    assert sock.recvfrom() == (b"hello", ("0.0.0.0", 9999))


def test_padding_is_no_part_of_the_datagram() -> None:
    host = Host()
    sock = listener(host)
    host.give(udp_frame(b""), udp_frame(b"x"))
    assert [sock.recvfrom()[0] for _ in range(2)] == [b"", b"x"]


@pytest.mark.parametrize(
    "options",
    [
        b"\x01\x01\x01\x01",
        b"\x01\x01\x01\x00",
        b"\x00\xff\xff\xff",
        b"\x94\x04\x00\x00",
        b"\x07\x07\x04\x00\x00\x00\x00\x00",
        b"\x83\x07\x08\x0a\x00\x00\x01\x00",
        b"\x44\x04\x05\xe0",
        b"\x07\x03\x04\x01",
        b"\x01" * 40,
    ],
)
def test_options_are_stepped_over(options: bytes) -> None:
    host = Host()
    payload = (9).to_bytes(2, "big") + (7).to_bytes(2, "big") + (8).to_bytes(2, "big") + b"\0\0"
    sock = listener(host)
    host.give(with_options(options, payload))
    assert sock.recvfrom() == (b"", (PEER, 9))


@pytest.mark.parametrize(
    "options", [b"\x07\x01\x00\x00", b"\x07\x00\x00\x00", b"\x07\x05\x04\x00", b"\x01\x01\x01\x07"]
)
def test_broken_options_are_a_drop_and_a_parameter_problem(options: bytes) -> None:
    host = Host()
    listener(host)
    host.give(with_options(options))
    assert host.stack.drops() == {"ip: with bad options": 1}
    _, message = icmp_of(*host.taken())
    assert message.type == icmpv4.PARAMETER_PROBLEM
    assert message.rest >> 24 == 21 + options.index(7), "the pointer is at the length"


@pytest.mark.parametrize(
    ("options", "at"),
    [
        (b"\x07\x02\x01\x01", 1),  # no pointer
        (b"\x07\x07\x03\x00\x00\x00\x00\x00", 2),  # into its own head
        (b"\x07\x07\x05\x00\x00\x00\x00\x00", 2),  # between two entries
        (b"\x07\x06\x04\x00\x00\x00\x00\x00", 2),  # some room, but not enough
        (b"\x44\x03\x04\x01", 1),  # no flags
        (b"\x44\x08\x04\x00\x00\x00\x00\x00", 2),
        (b"\x44\x08\x05\x01\x00\x00\x00\x00", 2),  # room for a time, not for its address
        (b"\x44\x08\x05\x02\x00\x00\x00\x00", 3),  # no such flag
        (b"\x44\x08\x09\xf0\x00\x00\x00\x00", 3),  # the 16th that has no room
        (b"\x83\x07\x08\x0a\x00\x00\x01\x89\x07\x08\x0a\x00\x00\x01\x00\x00", 7),  # a second source route
    ],
)
def test_an_option_that_this_host_must_understand_and_cannot_is_told_by_octet(options: bytes, at: int) -> None:
    host = Host()
    host.give(with_options(options))
    assert host.stack.drops() == {"ip: with bad options": 1}
    _, message = icmp_of(*host.taken())
    assert (message.type, message.rest >> 24) == (icmpv4.PARAMETER_PROBLEM, 20 + at)


NEARLY = st.tuples(
    st.sampled_from([0, 1, 7, 0x44, 0x83, 0x89, 0x94]), st.integers(0, 16), st.integers(0, 20),
    st.sampled_from([0, 1, 2, 3, 0xE0, 0xF1]), st.binary(max_size=12),
)  # fmt: skip


@given(st.lists(NEARLY.map(lambda parts: bytes(parts[:4]) + parts[4]), max_size=4))
def test_any_options_are_answered_with_good_ones_or_counted(pieces: list[bytes]) -> None:
    host = Host()
    options = b"".join(pieces)[:40]
    options += bytes(-len(options) % 4)
    frame = ip_frame(options + Icmp(icmpv4.ECHO_REQUEST, 0, 7, b"ping").emit(), PROTO_ICMP)
    host.give(patched(frame, 14, bytes([0x45 + len(options) // 4])))
    for frame in host.taken():
        assert all(option.data for option in ipv4_options.options(frame[14 : 14 + (frame[14] & 15) * 4]))
    s = host.stats
    assert s.icmp.icps_reflect.value + sum(s.ip.drops().values()) >= 1


def test_a_source_route_that_goes_on_is_not_for_a_host() -> None:
    host = Host()
    listener(host)
    host.give(with_options(b"\x83\x07\x04\x0a\x00\x00\x09\x00"))
    assert host.stack.drops() == {"ip: packets not forwardable": 1}


@pytest.mark.parametrize("fragment", [0x2000, 0x2001, 0x0001, 0x1FF0])
def test_fragments_are_counted_and_not_taken_for_datagrams(fragment: int) -> None:
    host = Host()
    sock = listener(host)
    frame = ip_frame(Udp(9999, 7, b"eight by").emit(ipv4(PEER), ipv4(OUR)), 17)
    host.give(patched(frame, 20, fragment.to_bytes(2, "big")))
    assert not sock.readable
    assert host.stack.drops() == {}
    assert host.stats.ip.ips_fragments.value == 1
    assert len(host.stack.instance().ip.reassembly.datagrams) == 1


@pytest.mark.parametrize("flags", [0x4000, 0x8000])
def test_other_flags_make_no_fragment(flags: int) -> None:
    host = Host()
    sock = listener(host)
    host.give(patched(udp_frame(), 20, flags.to_bytes(2, "big")))
    assert sock.readable


def test_an_unknown_protocol_is_told() -> None:
    host = Host()
    host.give(ip_frame(b"12345678", 132))
    header, message = icmp_of(*host.taken())
    assert (message.type, message.code) == (icmpv4.UNREACHABLE, icmpv4.UNREACHABLE_PROTOCOL)
    assert (header.src, header.dst) == (ipv4(OUR), ipv4(PEER))


@pytest.mark.parametrize("length", range(4))
def test_an_l4_header_of_less_than_a_key_is_survived(length: int) -> None:
    host = Host()
    listener(host)
    host.give(ip_frame(bytes(length), 17))
    assert host.stack.drops() == {"udp: with incomplete header": 1}


def test_only_what_found_a_way_counts_as_sent() -> None:
    host = Host()
    sock = host.stack.udp_socket()
    sock.set_dontfragment(True)
    for to, size in ((PEER, 1), ("192.0.2.1", 1), (PEER, 1473), (PEER, 1)):
        with suppress(OSError):
            sock.sendto(bytes(size), (to, 9))
    assert host.stats.ip.ips_localout.value == host.stats.udp.udps_opackets.value == 2


def test_a_header_that_fills_the_frame_and_is_wrong_is_survived() -> None:
    """60 bytes of header, bad options, ICMP, and not one byte behind them."""
    host = Host()
    host.give(patched(ip_frame(b"\x44\x01" + bytes(38), 1), 14, b"\x4f"))
    assert host.stack.drops() == {"ip: with bad options": 1}
    assert host.taken() == []


def test_identifiers_count_and_wrap() -> None:
    host = Host()
    with host.stack.config.change():
        host.stack.instance().ip._ident = count(0xFFFF).__next__
    host.give(icmp_frame(), icmp_frame(), icmp_frame())
    assert [ip_of(f)[0].ident for f in host.taken()] == [0xFFFF, 0, 1]


def test_a_ttl_of_any_value_is_no_reason_to_drop() -> None:
    host = Host()
    sock = listener(host)
    for ttl in (0, 1):
        host.give(patched(udp_frame(), 22, bytes([ttl])))
        assert sock.recvfrom()[0] == b"hello"


def test_a_datagram_one_byte_short_is_dropped() -> None:
    host = Host()
    sock = listener(host)
    frame = udp_frame(bytes(100))
    host.give(frame[:-1])
    assert host.stack.drops() == {"ip: with data size < data length": 1}
    host.give(frame)
    assert sock.readable


def test_a_cut_l4_header_is_padded_at_its_end_for_the_key() -> None:
    host = Host()
    listener(host, 9)
    journey = host.stack.journey()
    host.ifd.ifiqs[0].input([Packet([ip_frame(b"\0\x09", 17)], journey=journey)])
    host.stack.run()
    assert [s.queue for s in journey.steps if s.stage == "ip_deliver"] == ["udp"], "source port 9 is not port 9"


def test_an_address_of_ours_is_ours_whatever_interface_is_named() -> None:
    """A default route of the named interface must not carry it away."""
    stack, wires = Stack("two"), [FakeInterface(), FakeInterface(lladdr=b"\x02\0\0\0\0\x03")]
    driver = stack.add_driver("em")
    for wire, address in zip(wires, ("10.0.0.2/24", "10.1.0.2/24"), strict=True):
        driver.add_ifd(wire).add_ifl().add_iff().add_ifa(address)
    stack.add_route("0.0.0.0/0", "10.0.0.1", "em0")
    server, client = stack.udp_socket(), stack.udp_socket()
    server.bind(("10.1.0.2", 9))
    client.sendmsg(b"home", ("10.1.0.2", 9), Control("10.0.0.2", stack.ifl("em0").index))
    stack.run()
    assert server.recvfrom()[0] == b"home"
    assert not any(b"home" in frame for wire in wires for frame in wire.sent)
