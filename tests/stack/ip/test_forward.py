"""Forwarding, both families: what goes on and how, what does not and who is told; against a naive reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern.packet import IPV4_CSUM_IN_OK, IPV4_CSUM_OUT, L4_CSUM_IN_BAD, Packet
from ringbed.stack.link.interface import Capabilities, Offload
from ringbed.stack.neigh.resolver import KEPT_PLACES, NEIGHBOURS_MAX
from ringbed.stack.wire.udp import Udp
from tests.stack.naive import checksum
from tests.stack.router import (
    BEYOND,
    FAMILIES,
    FAR,
    FAR_MAC,
    HEADER,
    MACS,
    NEAR,
    NEAR_MAC,
    NOWHERE,
    NUMBER,
    OURS_FAR,
    OURS_NEAR,
    Error,
    Frame,
    Router,
    forwarded,
    network,
)  # fmt: skip

pytestmark = [pytest.mark.usefixtures("both_schedulers"), pytest.mark.parametrize("family", FAMILIES)]
UNREACHABLE = {"inet": (3, 0), "inet6": (1, 0)}
NO_HOST = {"inet": (3, 1), "inet6": (1, 3)}
EXCEEDED = {"inet": (11, 0), "inet6": (3, 0)}
TOO_BIG = {"inet": (3, 4), "inet6": (2, 0)}
TITLE = {"inet": "ip", "inet6": "ip6"}


def only_error(router: Router) -> Error:
    """The one frame that was sent, back to NEAR."""
    sent = router.taken()
    assert sent["ix"] == []
    (frame,) = sent["em"]
    assert frame[:12] == NEAR_MAC + MACS["em"]
    return Error.parse(frame)


@given(payload=st.binary(max_size=60), hops=st.integers(2, 255), proto=st.sampled_from([6, 17, 132]), df=st.booleans())
def test_what_goes_on_is_what_came_with_one_hop_less(
    family: str, payload: bytes, hops: int, proto: int, df: bool
) -> None:
    router = Router()
    frame = Frame(family, payload, hops=hops, proto=proto, field=0x4000 * df).emit()
    router.give("em", frame + b"\xa5" * (60 - len(frame)))
    assert router.taken() == {"em": [], "ix": [forwarded(frame, family)]}
    assert router.group(family).ips_forward.value == 1
    assert router.stack.drops() == {}


def test_a_router_that_is_none_forwards_nothing_and_says_nothing(family: str) -> None:
    router = Router(forwarding=False)
    router.give("em", *[Frame(family, dst=to[family]).emit() for to in (BEYOND, FAR, NOWHERE)])
    assert router.taken() == {"em": [], "ix": []}
    assert router.stack.drops() == {f"{TITLE[family]}: packets not forwardable": 3}
    assert router.group(family).ips_forward.value == 0


def test_the_switch_is_each_familys_own(family: str) -> None:
    router = Router(forwarding=False)
    router.stack.set_forwarding(True, family)
    router.give("em", *[Frame(each).emit() for each in FAMILIES])
    assert [frame[12:14] for frame in router.taken()["ix"]] == [Frame(family).emit()[12:14]]
    with pytest.raises(ValueError, match="no protocol family 'ipx'"):
        router.stack.set_forwarding(True, "ipx")


def test_what_came_is_not_changed(family: str) -> None:
    router, frame = Router(), Frame(family).emit()
    packet = Packet([frame])
    router.ifds["em"].ifiqs[0].input([packet])
    router.stack.run()
    assert frame == Frame(family).emit()
    assert len(router.taken()["ix"]) == 1


@pytest.mark.parametrize("hops", [0, 1])
def test_the_last_hop_is_told(family: str, hops: int) -> None:
    router, frame = Router(), Frame(family, hops=hops).emit()
    router.give("em", frame)
    error = only_error(router)
    assert (error.type, error.code) == EXCEEDED[family]
    assert (error.src, error.dst) == (NUMBER[family](OURS_NEAR[family]), NUMBER[family](NEAR[family]))
    assert error.quote == frame[14:]
    assert router.stack.drops() == {f"{TITLE[family]}: packets not forwarded due to expired time to live": 1}


def test_to_this_host_itself_the_last_hop_is_enough(family: str) -> None:
    router = Router()
    router.give("em", Frame(family, dst=OURS_NEAR[family], hops=1).emit())
    assert router.stack.drops() == {f"{TITLE[family]}: packets for unknown/unsupported protocol": 1}


def test_where_no_route_leads_is_told(family: str) -> None:
    router = Router()
    router.give("em", Frame(family, dst=NOWHERE[family]).emit())
    error = only_error(router)
    assert (error.type, error.code) == UNREACHABLE[family]
    assert router.stack.drops() == {f"{TITLE[family]}: packets not forwarded due to no route": 1}
    router.stack.add_route(network(NOWHERE[family]), "discard")
    router.give("em", Frame(family, dst=NOWHERE[family]).emit())
    assert router.taken() == {"em": [], "ix": []}, "a route that discards says nothing"
    router.stack.add_route(network(NOWHERE[family]), "reject")
    router.give("em", Frame(family, dst=NOWHERE[family]).emit())
    assert (only_error(router).type, router.group(family).ips_unroutable.value) == (UNREACHABLE[family][0], 2)


@pytest.mark.parametrize("to", ["far", "nowhere"])
@pytest.mark.parametrize("mac", [b"\xff" * 6, b"\x33\x33\0\0\0\1"])
def test_nothing_that_came_to_many_stations_goes_on(family: str, mac: bytes, to: str) -> None:
    router = Router()
    router.give("em", Frame(family, dst={"far": FAR, "nowhere": NOWHERE}[to][family], mac=mac).emit())
    assert router.taken() == {"em": [], "ix": []}
    assert router.stack.drops() == {f"{TITLE[family]}: link-level broadcasts for a single host": 1}


OUT_OF_SCOPE = [
    ("inet", "169.254.1.1", "", "ip: datagrams with bad address in header", None),
    ("inet", "", "169.254.1.1", "ip: datagrams with bad address in header", None),
    ("inet", "0.0.0.0", "", "ip: datagrams with bad address in header", None),
    ("inet6", "fe80::11", "", "ip6: packets that violated scope rules", (1, 2)),
    ("inet6", "", "fe80::12", "ip6: packets that violated scope rules", None),
    ("inet6", "::", "", "ip6: datagrams with bad address in header", None),
]


@pytest.mark.parametrize("case", range(3))
def test_addresses_of_one_link_are_seen_on_no_other(family: str, case: int) -> None:
    _, src, dst, cause, told = [each for each in OUT_OF_SCOPE if each[0] == family][case]
    router = Router()
    if family == "inet":
        router.stack.add_route("169.254.0.0/16", FAR["inet"])
    else:
        router.meet("em", family, "fe80::11", NEAR_MAC, OURS_NEAR[family])
        router.taken()
    router.give("em", Frame(family, src=src, dst=dst).emit())
    assert router.stack.drops() == {cause: 1}
    if told is None:
        assert router.taken() == {"em": [], "ix": []}
    else:
        assert (only_error(router).type, 2) == told


@pytest.mark.parametrize("proto", [200, 1, 58])
def test_a_neighbour_that_does_not_answer_is_told_to_who_waits_for_it(family: str, proto: int) -> None:
    """Also of a ping, where what is told of must be read again to see that it is no error."""
    router = Router()
    silent = FAR[family][:-1] + "9"
    frame = Frame(family, b"\x80 a ping of IPv6", dst=silent, proto=proto).emit()
    router.give("em", frame)
    router.taken()
    for _ in range(5):
        router.later(1)
    answers = [Error.parse(each) for each in router.taken()["em"]]
    sent_on = bytearray(forwarded(frame, family)[14:])
    assert [((e.type, e.code), e.quote) for e in answers] == [(NO_HOST[family], bytes(sent_on))]
    router.give("em", frame)
    assert (only_error(router).type, router.group(family).ips_forward.value) == (NO_HOST[family][0], 2)


def test_what_waits_for_a_neighbour_goes_on_when_it_is_there(family: str) -> None:
    router = Router()
    late = FAR[family][:-1] + "9"
    frame = Frame(family, dst=late).emit()
    router.give("em", frame)
    router.taken()
    router.meet("ix", family, late, b"\x02\0\0\0\0\x19", OURS_FAR[family])
    assert forwarded(frame, family, b"\x02\0\0\0\0\x19") in router.taken()["ix"]


# -- too long for the next link ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1400, 1401])
def test_what_is_too_long_and_whole_is_told_with_the_mtu(family: str, size: int) -> None:
    router = Router(mtu=1400)
    frame = Frame(family, bytes(size - HEADER[family]), field=0x4000).emit()
    router.give("em", frame)
    if size == 1400:
        assert router.taken()["ix"] == [forwarded(frame, family)]
        return
    error = only_error(router)
    assert ((error.type, error.code), error.rest) == (TOO_BIG[family], 1400)
    assert router.stack.drops() == {f"{TITLE[family]}: datagrams that can't be fragmented": 1}
    assert router.group(family).ips_forward.value == 0


# -- sums (seed 002) --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [0, IPV4_CSUM_IN_OK, IPV4_CSUM_IN_OK | L4_CSUM_IN_BAD])
@pytest.mark.parametrize("l4", Offload)
def test_a_wrong_sum_stays_wrong_on_its_way(family: str, l4: Offload, verdict: int) -> None:
    """Whatever the cards do, and whatever the one said: the sum above IP is its receiver's to judge."""
    router = Router(capabilities=Capabilities(tx_ipv4=False, tx_l4=l4, tx_l4_ipv6=l4))
    datagram = Udp(9, 7, b"data").emit(NUMBER[family](NEAR[family]), NUMBER[family](BEYOND[family]))
    broken = datagram[:6] + bytes([datagram[6] ^ 0x55, datagram[7]]) + datagram[8:]
    frames = [Frame(family, each, proto=17).emit() for each in (datagram, broken)]
    router.give("em", *frames, flags=verdict)
    assert router.taken()["ix"] == [forwarded(frame, family) for frame in frames]
    assert router.below["ix"].wanted[-2:] == [0, 0]


def test_a_card_that_sums_headers_finds_zero_in_the_field(family: str) -> None:
    router = Router(capabilities=Capabilities(tx_ipv4=True))
    router.give("em", Frame(family).emit())
    (frame,) = router.taken()["ix"]
    assert router.below["ix"].wanted[-1] == (IPV4_CSUM_OUT if family == "inet" else 0)
    assert router.below["ix"].offsets[-1] == (14, 14 + HEADER[family])
    if family == "inet":
        assert frame[24:26] == b"\0\0"
        whole = bytearray(frame)
        whole[24:26] = checksum(frame[14:34]).to_bytes(2, "big")
        assert bytes(whole) == forwarded(Frame(family).emit(), family)


# -- redirects --------------------------------------------------------------------------------------------------------

OTHER, OTHER_MAC = {"inet": "10.0.0.9", "inet6": "fe80::9"}, b"\x02\0\0\0\0\x19"


def redirecting(family: str) -> Router:
    """BEYOND is reached by another router on em0."""
    router = Router()
    router.meet("em", family, OTHER[family], OTHER_MAC, OURS_NEAR[family])
    router.stack.delete_route(network(BEYOND[family]))
    router.stack.add_route(network(BEYOND[family]), OTHER[family], "em0")
    router.taken()
    return router


def test_who_could_have_taken_another_way_is_told_and_his_packet_goes_on(family: str) -> None:
    router, frame = redirecting(family), Frame(family, bytes(1300)).emit()
    router.give("em", frame)
    on, told = sorted(router.taken()["em"], key=lambda each: each[:6] != OTHER_MAC)
    assert on == forwarded(frame, family, OTHER_MAC, MACS["em"])
    redirect = Error.parse(told)
    assert told[:6] == NEAR_MAC
    assert router.group(family).ips_redirectsent.value == 1
    if family == "inet":
        assert (redirect.type, redirect.code, redirect.rest) == (5, 1, NUMBER[family](OTHER[family]))
        assert redirect.quote == frame[14 : 14 + 548]
    else:
        target, to = redirect.quote[:16], redirect.quote[16:32]
        assert (redirect.type, redirect.hops, len(told) <= 1294) == (137, 255, True)
        assert redirect.src == NUMBER[family]("fe80::ff:fe00:2")
        assert (target, to) == tuple(NUMBER[family](a).to_bytes(16, "big") for a in (OTHER[family], BEYOND[family]))
        assert redirect.quote[32:40] == b"\x02\x01" + OTHER_MAC
        size = redirect.quote[41] * 8
        assert (redirect.quote[40], size) == (4, len(redirect.quote) - 40)
        assert redirect.quote[48:] == frame[14:][: size - 8]


def test_a_stranger_behind_a_neighbour_is_told_nothing(family: str) -> None:
    router = redirecting(family)
    stranger = "203.0.113.1" if family == "inet" else "2001:db8:9::1"
    router.give("em", Frame(family, src=stranger).emit())
    (frame,) = router.taken()["em"]
    assert frame[:6] == OTHER_MAC
    assert router.group(family).ips_redirectsent.value == 0


def test_what_leaves_by_another_interface_is_no_reason_to_redirect(family: str) -> None:
    router = Router()
    router.give("em", Frame(family).emit())
    assert router.taken()["em"] == []


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_a_scan_of_a_subnet_pushes_no_neighbour_out(family: str) -> None:
    """RFC 6583: one packet to each of more addresses than there are places; who was sent to stays known."""
    router = Router()
    router.give("em", Frame(family, dst=FAR[family]).emit())
    far = router.ifds["ix"].ifls[0].iffs[family]
    if family == "inet":
        far.add_ifa("172.16.0.2/16")
        scanned = [f"172.16.{n >> 8}.{n & 255}" for n in range(256, 256 + NEIGHBOURS_MAX + 100)]
    else:
        scanned = [f"{FAR[family][:-1]}{n:x}" for n in range(256, 256 + NEIGHBOURS_MAX + 100)]
    for dst in scanned:
        router.give("em", Frame(family, dst=dst).emit())
    assert len(far.resolver.neighbours) == NEIGHBOURS_MAX - KEPT_PLACES
    full = (router.stats.arp if family == "inet" else router.stats.nd).tablefull.value
    assert full == len(scanned) - (NEIGHBOURS_MAX - KEPT_PLACES - 1)
    router.taken()
    router.give("em", Frame(family, dst=FAR[family]).emit())
    assert [frame[:6] for frame in router.taken()["ix"]] == [FAR_MAC]
    sock = router.stack.udp_socket(family=family)
    sock.sendto(b"", (scanned[-1], 9))
    router.stack.run()
    assert len(far.resolver.neighbours) == NEIGHBOURS_MAX - KEPT_PLACES + 1, "this host itself finds a place"


def test_errors_are_as_many_as_there_may_be_a_second(family: str) -> None:
    router = Router()
    router.give("em", *[Frame(family, hops=1).emit()] * 150)
    assert len(router.taken()["em"]) == 100


@given(junk=st.binary(max_size=80), at=st.integers(14, 60), value=st.integers(0, 255))
def test_any_frame_goes_on_is_answered_or_is_counted_once(family: str, junk: bytes, at: int, value: int) -> None:
    router = Router(mtu=1280)
    frame, group = bytearray(Frame(family, junk).emit()), router.group(family)
    before = group.ips_delivered.value
    if at < len(frame):
        frame[at] = value
    router.give("em", bytes(frame))
    ended = sum(n for cause, n in router.stack.drops().items() if cause.startswith(f"{TITLE[family]}:"))
    assert ended + group.ips_forward.value + group.ips_delivered.value - before == 1
