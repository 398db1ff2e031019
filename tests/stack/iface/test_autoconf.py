"""A host that hears routers: default route, addresses and their lifetimes; and a router that speaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.iface.autoconf import PREFIXES_MAX, ROUTERS_MAX
from ringbed.stack.iface.iff import InterfaceError
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.wire.address import ipv6, ipv6_text
from ringbed.stack.wire.ra import FOREVER, Prefix, RouterAdvertisement, solicitation
from tests.stack.host import OUR_MAC, PEER_MAC
from tests.stack.host6 import OUR6, OUR_LINK, PEER6, PEER_LINK, Host6, advert, ip6_frame, nd_frame

NET, FAR = "2001:db8:5::", "2001:db8:7::1"
MADE = "2001:db8:5::ff:fe00:2"
BY_HAND = [f"{OUR_LINK}/64", f"{OUR6}/64"]


def listening() -> Host6:
    host = Host6()
    host.iff6.set_autoconf(True)
    host.stack.run()
    return host


def offer(net: str = NET, valid: int = 7200, preferred: int = 3600, bits: int = 64, **flags: bool) -> Prefix:
    return Prefix(ipv6(net), bits, valid, preferred, **flags)


def say(
    host: Host6, *prefixes: Prefix, lifetime: int = 1800, src: str = PEER_LINK, hops: int = 255, mac: bytes = PEER_MAC
) -> None:
    body = RouterAdvertisement(lifetime, prefixes, mac).emit(ipv6(src), ipv6("ff02::1"))
    host.give(ip6_frame(body, 58, src, "ff02::1", hops=hops, source_mac=mac))


def addresses(host: Host6) -> list[str]:
    return [str(ifa) for ifa in host.iff6.ifas if str(ifa) not in BY_HAND]


def way_to(host: Host6, dst: str = FAR) -> str:
    """The neighbour by which it is reached, or the kind of next hop."""
    nexthop = host.stack.instance().ip6.table.forwarding(ipv6(dst)).nexthop
    return ipv6_text(nexthop.gateway(ipv6(dst))) if nexthop.type in (Rnh.UNICAST, Rnh.HOLD) else nexthop.type.name


def messages(host: Host6, kind: int) -> list[bytes]:
    """Of router discovery, that we sent: whole, from our link-local address, of this link."""
    found = [frame for frame in host.taken() if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == kind]
    assert all((frame[21], frame[22:38]) == (255, ipv6(OUR_LINK).to_bytes(16, "big")) for frame in found)
    return found


def test_what_a_router_says_makes_a_route_and_an_address() -> None:
    host = listening()
    assert way_to(host) == "REJECT"
    say(host, offer())
    assert (addresses(host), way_to(host)) == ([f"{MADE}/64"], PEER_LINK)
    sock = host.stack.udp_socket(family="inet6")
    sock.bind((MADE, 7))
    host.taken()
    sock.sendto(b"x", (FAR, 9))
    host.stack.run()
    (frame,) = host.taken()
    assert (frame[:6], frame[22:38]) == (PEER_MAC, ipv6(MADE).to_bytes(16, "big"))
    assert host.stats.nd.routeradverts_in.value == 1
    assert host.stack.drops() == {}


def test_the_address_is_tried_before_it_is_used() -> None:
    host = listening()
    host.iff6.attempts = 1
    say(host, offer())
    assert host.iff6.unused == {ipv6(MADE): "tentative"}
    host.later(1)
    assert host.iff6.unused == {}
    assert host.stack.instance().ip6.is_local(ipv6(MADE))


def test_an_address_that_somebody_has_is_not_ours() -> None:
    host = listening()
    host.iff6.attempts = 1
    say(host, offer())
    host.give(nd_frame(advert(MADE, flags=0), src=MADE, dst="ff02::1"))
    assert host.iff6.unused == {ipv6(MADE): "duplicated"}
    assert not host.stack.instance().ip6.is_local(ipv6(MADE))


def test_who_is_not_told_to_listen_does_not() -> None:
    host = Host6()
    say(host, offer())
    assert (addresses(host), way_to(host)) == ([], "REJECT")
    assert host.stack.drops() == {"icmp6: messages dropped due to no socket": 1}


@pytest.mark.parametrize(
    ("src", "hops", "cause"),
    [
        (PEER_LINK, 254, "nd: ND packets that have come through a router"),
        (PEER6, 255, "nd: ND packets with an impossible sender"),
        ("2001:db8:9::1", 255, "nd: ND packets with an impossible sender"),
    ],
)
def test_only_a_router_of_this_link_is_believed(src: str, hops: int, cause: str) -> None:
    host = listening()
    say(host, offer(), src=src, hops=hops)
    assert (addresses(host), way_to(host), host.stack.drops()) == ([], "REJECT", {cause: 1})


@pytest.mark.parametrize(
    "bad",
    [
        offer(bits=63), offer(bits=65), offer("fe80::"), offer("ff02::"), offer(valid=0), offer(valid=10, preferred=11),
        offer(on_link=False), offer(autonomous=False),
    ],
)  # fmt: skip
def test_what_makes_no_address(bad: Prefix) -> None:
    host = listening()
    say(host, bad)
    assert (addresses(host), way_to(host)) == ([], PEER_LINK)


# -- lifetimes --------------------------------------------------------------------------------------------------------


def test_a_router_is_one_as_long_as_it_says() -> None:
    host = listening()
    say(host, lifetime=100)
    host.later(99)
    say(host, lifetime=100)
    host.later(99)
    assert way_to(host) == PEER_LINK
    host.later(1)
    assert way_to(host) == "REJECT"
    say(host, lifetime=100)
    say(host, lifetime=0)
    assert way_to(host) == "REJECT", "0 is the end"


def test_when_one_router_ends_the_next_one_is_asked() -> None:
    host = listening()
    say(host, lifetime=100)
    say(host, lifetime=200, src="fe80::9", mac=b"\x02\0\0\0\0\x19")
    assert way_to(host) == PEER_LINK
    host.later(100)
    assert way_to(host) == "fe80::9"
    host.later(100)
    assert way_to(host) == "REJECT"


def test_a_route_that_somebody_set_is_preferred_and_stays() -> None:
    host = listening()
    host.stack.add_route("::/0", PEER6)
    say(host, lifetime=100)
    assert way_to(host) == PEER6
    host.later(100)
    assert way_to(host) == PEER6
    host.stack.delete_route("::/0")
    say(host)
    assert way_to(host) == PEER_LINK


def test_an_address_is_preferred_then_valid_then_gone() -> None:
    host = listening()

    def source() -> str:
        return ipv6_text(host.iff6.source_address(ipv6(FAR)))

    host.iff6.remove_ifa(f"{OUR6}/64")
    say(host, offer(valid=300, preferred=100), offer("2001:db8:6::", valid=400, preferred=400))
    assert source() == MADE
    host.later(100)
    assert source() == "2001:db8:6::ff:fe00:2", "one that is preferred"
    assert host.stack.instance().ip6.is_local(ipv6(MADE)), "and the other one still ours"
    host.later(200)
    assert addresses(host) == ["2001:db8:6::ff:fe00:2/64"]
    assert host.iff6.deprecated == set()
    host.later(100)
    assert addresses(host) == []


def test_forever_is_forever() -> None:
    host = listening()
    say(host, offer(valid=FOREVER, preferred=FOREVER), lifetime=0xFFFF)
    host.later(10**7)
    assert addresses(host) == [f"{MADE}/64"]
    assert way_to(host) == "REJECT"


HOUR = 3600


@given(first=st.integers(1, 5 * HOUR), after=st.integers(0, 5 * HOUR), then=st.integers(0, 5 * HOUR))
def test_nobody_ends_an_address_in_less_than_two_hours(first: int, after: int, then: int) -> None:
    """RFC 4862, 5.5.3 (e), as it stands there."""
    host = listening()
    say(host, offer(valid=first, preferred=0))
    host.later(min(after, first - 1))
    remaining = first - min(after, first - 1)
    say(host, offer(valid=then, preferred=0))
    if then > 2 * HOUR or then > remaining:
        want = then
    elif remaining <= 2 * HOUR:
        want = remaining
    else:
        want = 2 * HOUR
    host.later(want - 1)
    assert addresses(host) == [f"{MADE}/64"]
    host.later(1)
    assert addresses(host) == []


# -- bounds and ends --------------------------------------------------------------------------------------------------


def test_any_number_of_routers_and_prefixes_costs_as_much_as_sixteen() -> None:
    host = listening()
    for n in range(40):
        say(host, offer(f"2001:db8:{n + 16:x}::"), src=f"fe80::{n + 16:x}", mac=bytes([2, 0, 0, 0, 1, n]))
    assert host.iff6.autoconf is not None
    assert (len(host.iff6.autoconf.routers), len(addresses(host))) == (ROUTERS_MAX, PREFIXES_MAX)
    assert way_to(host) == "fe80::10"


def test_an_address_set_by_hand_is_left_alone() -> None:
    host = listening()
    host.iff6.add_ifa(f"{MADE}/64")
    say(host, offer(valid=10, preferred=10))
    host.later(10)
    assert addresses(host) == [f"{MADE}/64"]


def test_one_that_was_taken_away_by_hand_is_no_obstacle() -> None:
    host = listening()
    say(host, offer(valid=10, preferred=10))
    host.iff6.remove_ifa(f"{MADE}/64")
    host.later(10)
    assert addresses(host) == []


def test_who_listens_no_more_has_nothing_of_it() -> None:
    host = listening()
    say(host, offer())
    host.iff6.set_autoconf(False)
    assert (addresses(host), way_to(host)) == ([], "REJECT")
    assert host.stack.instance().ip6.discovering == frozenset()
    host.later(10000)
    host.iff6.set_autoconf(False)
    host.iff6.set_autoconf(True)
    host.stack.run()
    say(host, offer())
    assert addresses(host) == [f"{MADE}/64"]


def test_the_default_route_comes_back_with_the_link_local_address() -> None:
    host = listening()
    say(host)
    host.iff6.remove_ifa(f"{OUR_LINK}/64")
    assert way_to(host) == "DEAD"
    host.iff6.add_ifa(f"{OUR_LINK}/64")
    say(host)
    assert way_to(host) == PEER_LINK


def test_an_interface_that_goes_takes_discovery_along() -> None:
    host = listening()
    say(host)
    host.taken()
    for ifa in BY_HAND:
        host.iff6.remove_ifa(ifa)
    host.ifl.remove_iff("inet6")
    assert (way_to(host), host.stack.instance().ip6.discovering) == ("REJECT", frozenset())
    host.later(5000)
    assert messages(host, 133) == []


# -- asking -----------------------------------------------------------------------------------------------------------


def test_a_host_asks_three_times_and_then_waits_to_hear() -> None:
    host = listening()
    asked = [len(messages(host, 133))]
    for _ in range(5):
        host.later(4)
        asked.append(len(messages(host, 133)))
    assert asked == [1, 1, 1, 0, 0, 0]
    assert host.stats.nd.routersolicits_out.value == 3


def test_it_asks_no_more_once_it_has_heard_one() -> None:
    host = listening()
    (question,) = messages(host, 133)
    assert question[:6] == b"\x33\x33\0\0\0\2"
    assert question[38:54] == ipv6("ff02::2").to_bytes(16, "big")
    assert question[62:70] == b"\x01\x01" + OUR_MAC
    say(host)
    host.later(20)
    assert messages(host, 133) == []


def test_it_asks_when_its_link_local_address_is_found_free() -> None:
    host = Host6(known=False)
    host.iff6.remove_ifa(f"{OUR_LINK}/64")
    host.iff6.attempts = 1
    host.iff6.add_ifa(f"{OUR_LINK}/64")
    host.iff6.set_autoconf(True)
    host.stack.run()
    assert messages(host, 133) == []
    host.later(1)
    assert len(messages(host, 133)) == 1


# -- speaking ---------------------------------------------------------------------------------------------------------


def speaking() -> Host6:
    host = Host6()
    host.stack.set_forwarding(True, "inet6")
    host.iff6.set_advertise(1800, 7200, 3600)
    host.stack.run()
    return host


def ask(host: Host6, src: str = PEER_LINK, hops: int = 255) -> None:
    host.give(ip6_frame(solicitation(PEER_MAC, ipv6(src), ipv6("ff02::2")), 58, src, "ff02::2", hops=hops))


def test_a_router_says_what_it_is_and_which_prefixes_it_has() -> None:
    host = speaking()
    (frame,) = messages(host, 134)
    assert frame[:6] == b"\x33\x33\0\0\0\1"
    said = RouterAdvertisement.parse(frame[54:])
    assert said == RouterAdvertisement(1800, (Prefix(ipv6("2001:db8::"), 64, 7200, 3600),), OUR_MAC)
    assert b"\x33\x33\0\0\0\2" in host.below.groups
    host.later(200)
    assert len(messages(host, 134)) == 1, "by itself, too"


def test_who_asks_is_answered_but_not_more_than_once_in_three_seconds() -> None:
    host = speaking()
    host.taken()
    for _ in range(50):
        ask(host)
    assert messages(host, 134) == []
    host.later(3)
    assert len(messages(host, 134)) == 1
    host.later(3)
    ask(host)
    assert len(messages(host, 134)) == 1
    assert host.stats.nd.routersolicits_in.value == 51


def test_a_question_from_far_away_is_none() -> None:
    host = speaking()
    host.later(10)
    host.taken()
    ask(host, hops=254)
    assert messages(host, 134) == []
    assert host.stats.nd.hoplimit.value == 1


def test_a_neighbour_hears_that_we_are_a_router() -> None:
    from tests.stack.host6 import nd_of, solicit

    host = speaking()
    host.taken()
    host.give(nd_frame(solicit()))
    assert nd_of(host.taken()[0])[2].flags == 0xE0000000


def test_nobody_is_host_and_router_on_one_link() -> None:
    host = speaking()
    with pytest.raises(InterfaceError, match="has to do with router discovery already"):
        host.iff6.set_autoconf(True)
    with pytest.raises(InterfaceError, match="has to do with router discovery already"):
        host.iff6.set_advertise(100)
    host.iff6.set_advertise(None)
    host.iff6.set_advertise(None)
    assert b"\x33\x33\0\0\0\2" not in host.below.groups
    host.taken()
    host.later(1000)
    assert messages(host, 134) == []
    host.iff6.set_autoconf(True)
    with pytest.raises(InterfaceError, match="has to do with router discovery already"):
        host.iff6.set_advertise(100)


@given(st.binary(max_size=80), st.integers(0, 90), st.integers(0, 255))
def test_any_message_is_heard_or_counted_once(junk: bytes, at: int, value: int) -> None:
    host = listening()
    good = RouterAdvertisement(1800, (offer(),), PEER_MAC).emit(ipv6(PEER_LINK), ipv6("ff02::1")) + junk
    body = bytearray(good)
    if at < len(body):
        body[at] = value
    body[2:4] = b"\0\0"
    from ringbed.stack.wire.checksum import checksum, octets_sum, pseudo_sum

    total = octets_sum(body) + pseudo_sum(ipv6(PEER_LINK), ipv6("ff02::1"), 58, len(body))
    body[2:4] = checksum(total).to_bytes(2, "big")
    heard = host.stats.nd.routeradverts_in.value
    host.give(ip6_frame(bytes(body), 58, PEER_LINK, "ff02::1", hops=255))
    told = host.stats.icmp6.icps_errordelivered.value + host.stats.icmp6.icps_reflect.value
    ended = sum(host.stack.drops().values()) + host.stats.nd.routeradverts_in.value - heard + told
    assert ended == 1
