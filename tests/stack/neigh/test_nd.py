"""Neighbour discovery: RFC 4861's five states each entered and left, its checks, and addresses tried before use."""

from __future__ import annotations

from itertools import product

import pytest

from ringbed.stack.iface.inet6 import DUPLICATED, TENTATIVE
from ringbed.stack.neigh.machine import State
from ringbed.stack.neigh.nd import TIMING, timing_of
from ringbed.stack.neigh.resolver import NEIGHBOURS_MAX
from ringbed.stack.route.nexthop import Rnh
from ringbed.stack.wire import nd
from ringbed.stack.wire.address import ipv6
from ringbed.stack.wire.ipv6 import ALL_NODES, group_lladdr, solicited_node
from tests.stack.host import OUR_MAC, PEER_MAC, SECOND
from tests.stack.host6 import (
    OTHER6,
    OUR6,
    OUR_LINK,
    PEER6,
    Host6,
    advert,
    icmp6_frame,
    nd_frame,
    nd_of,
    solicit,
    udp6_frame,
    udp6_of,
)

pytestmark = pytest.mark.usefixtures("both_schedulers")

OTHER_MAC = b"\x02\0\0\0\0\x09"
GROUP = solicited_node(ipv6(PEER6))


def send(host: Host6, to: str = PEER6) -> list[bytes]:
    """One datagram; what leaves then."""
    host.stack.udp_socket(family="inet6").sendto(b"x", (to, 9))
    host.stack.run()
    return host.taken()


def state(host: Host6, address: str = PEER6) -> State | None:
    neighbour = host.iff6.resolver.neighbours.get(ipv6(address))
    return neighbour.state if neighbour else None


def nexthop(host: Host6, address: str = PEER6) -> Rnh:
    return host.stack.instance().ip6.table.forwarding(ipv6(address)).nexthop.type


# -- the five states ----------------------------------------------------------------------------------------------


def test_who_is_not_known_is_asked_in_his_group_and_packets_wait_for_the_answer() -> None:
    """INCOMPLETE, entered by a packet and left by an answer that was asked for (RFC 4861, 7.2.2, 7.2.5)."""
    host = Host6(known=False)
    assert nexthop(host) is Rnh.RESOLV
    (ask,) = send(host)
    mac, header, message = nd_of(ask)
    assert (mac, header.dst, header.src) == (group_lladdr(GROUP), GROUP, ipv6(OUR6))
    assert message == solicit(PEER6, OUR_MAC)
    assert (state(host), nexthop(host)) == (State.INCOMPLETE, Rnh.HOLD)
    assert send(host) == []
    host.give(nd_frame(advert()))
    assert [udp6_of(frame)[1].payload for frame in host.taken()] == [b"x", b"x"]
    assert (state(host), nexthop(host)) == (State.REACHABLE, Rnh.UNICAST)


def test_an_answer_that_nobody_asked_for_makes_a_neighbour_stale() -> None:
    host = Host6(known=False)
    send(host)
    host.give(nd_frame(advert(flags=nd.OVERRIDE)))
    assert len(host.taken()) == 1, "what waited is sent all the same"
    assert state(host) is State.DELAY, "and that is use of a stale one"


def test_incomplete_ends_after_three_questions() -> None:
    host = Host6(known=False)
    asked = [len(send(host))]
    for _ in range(3):
        host.later(1)
        asked.append(len(host.taken()))
    assert asked == [1, 1, 1, 0]
    assert state(host) is State.DOWN
    assert host.stack.drops() == {"nd: packets dropped: neighbour did not answer": 1}
    with pytest.raises(OSError, match="Host is down"):
        send(host)
    host.later(3)
    assert state(host) is None


def reachable_seconds() -> float:
    return timing_of(OUR_MAC).reachable / SECOND


def test_what_was_heard_long_ago_is_stale_and_still_used() -> None:
    host = Host6()
    host.later(reachable_seconds() - 0.001)
    assert state(host) is State.REACHABLE
    host.later(0.001)
    assert (state(host), nexthop(host)) == (State.STALE, Rnh.UNICAST)
    assert host.taken() == [], "nobody is asked before somebody sends"


def stale() -> Host6:
    host = Host6()
    host.later(reachable_seconds())
    assert state(host) is State.STALE
    return host


def test_the_first_packet_to_a_stale_one_goes_out_and_starts_the_delay() -> None:
    host = stale()
    sock = host.stack.udp_socket(family="inet6")
    with host.iff6.resolver.queue:  # so that no worker empties it
        for _ in range(3):
            sock.sendto(b"x", (PEER6, 9))
        assert len(host.iff6.resolver.queue) == 1, "of many packets one is told of"
    host.stack.run()
    assert len(host.taken()) == 3
    assert state(host) is State.DELAY


def test_delay_ends_by_an_answer_or_by_a_question_to_itself() -> None:
    for answered in (True, False):
        host = stale()
        send(host)
        if answered:
            host.give(nd_frame(advert()))
            assert state(host) is State.REACHABLE
        host.later(5)
        frames = host.taken()
        assert len(frames) == (0 if answered else 1)
        if not answered:
            mac, header, message = nd_of(frames[0])
            assert (mac, header.dst, message) == (PEER_MAC, ipv6(PEER6), solicit(PEER6, OUR_MAC))
            assert state(host) is State.PROBE


def probed() -> Host6:
    host = stale()
    send(host)
    host.later(5)
    host.taken()
    assert state(host) is State.PROBE
    return host


def test_probe_ends_by_an_answer() -> None:
    host = probed()
    host.give(nd_frame(advert()))
    assert state(host) is State.REACHABLE


def test_probe_ends_after_three_questions_and_the_neighbour_is_asked_for_anew() -> None:
    host = probed()
    asked = []
    for _ in range(3):
        host.later(1)
        asked.append([nd_of(frame)[0] for frame in host.taken()])
    assert asked == [[PEER_MAC], [PEER_MAC], []]
    assert (state(host), host.stats.nd.expired.value) == (None, 1)
    assert nd_of(*send(host))[0] == group_lladdr(GROUP)


def test_a_stale_one_that_nobody_sends_to_is_forgotten_in_the_end() -> None:
    host = stale()
    host.later(TIMING.keep / SECOND)
    assert (state(host), host.taken()) == (None, [])


def test_hosts_do_not_all_ask_at_the_same_time() -> None:
    """RFC 4861, 6.3.2: 0.5 to 1.5 times; of each host always the same, so that a run can be repeated."""
    times = {timing_of(bytes([2, 0, 0, 0, 0, n])).reachable for n in range(100)}
    assert len(times) > 90
    assert all(TIMING.reachable // 2 <= time < TIMING.reachable * 3 // 2 for time in times)
    assert timing_of(OUR_MAC) == timing_of(OUR_MAC)


# -- RFC 4861, 7.2.5: what an advertisement does, by its flags and the address in it --------------------------------

SOLICITED, OVERRIDE = nd.SOLICITED, nd.OVERRIDE
SAME, OTHER, NONE = PEER_MAC, OTHER_MAC, None
TABLE = {  # (flags, address) -> state of one that was REACHABLE, of one that was STALE; whether the address is replaced
    (0, SAME): (State.REACHABLE, State.STALE, False),
    (SOLICITED, SAME): (State.REACHABLE, State.REACHABLE, False),
    (OVERRIDE, SAME): (State.REACHABLE, State.STALE, False),
    (SOLICITED | OVERRIDE, SAME): (State.REACHABLE, State.REACHABLE, False),
    (0, OTHER): (State.STALE, State.STALE, False),
    (SOLICITED, OTHER): (State.STALE, State.STALE, False),
    (OVERRIDE, OTHER): (State.STALE, State.STALE, True),
    (SOLICITED | OVERRIDE, OTHER): (State.REACHABLE, State.REACHABLE, True),
    (0, NONE): (State.REACHABLE, State.STALE, False),
    (SOLICITED, NONE): (State.REACHABLE, State.REACHABLE, False),
    (OVERRIDE, NONE): (State.REACHABLE, State.STALE, False),
    (SOLICITED | OVERRIDE, NONE): (State.REACHABLE, State.REACHABLE, False),
}


@pytest.mark.parametrize(("flags", "lladdr"), TABLE)
def test_an_advertisement_of_somebody_known(flags: int, lladdr: bytes | None) -> None:
    *after, replaced = TABLE[flags, lladdr]
    for host, then in zip((Host6(), stale()), after, strict=True):
        host.give(nd_frame(advert(lladdr=lladdr, flags=flags)))
        assert state(host) is then
        udp6_of(send(host)[0], OTHER_MAC if replaced else PEER_MAC)


@pytest.mark.parametrize("flags", [0, SOLICITED, OVERRIDE, SOLICITED | OVERRIDE])
def test_an_advertisement_without_an_address_helps_nobody_who_has_none(flags: int) -> None:
    host = Host6(known=False)
    send(host)
    host.give(nd_frame(advert(lladdr=None, flags=flags)))
    assert state(host) is State.INCOMPLETE
    assert host.stats.nd.malformed.value == 1


def test_an_advertisement_of_nobody_known_is_not_believed() -> None:
    host = Host6(known=False)
    host.give(nd_frame(advert()))
    assert state(host) is None
    assert host.stack.drops() == {"nd: neighbour advertisements of nobody known": 1}


# -- solicitations ---------------------------------------------------------------------------------------------------


def test_a_question_is_answered_and_who_asked_is_stale() -> None:
    host = Host6(known=False)
    host.give(nd_frame(solicit(), dst=None))
    mac, header, message = nd_of(*host.taken())
    assert (mac, header.src, header.dst) == (PEER_MAC, ipv6(OUR6), ipv6(PEER6))
    assert message == advert(OUR6, OUR_MAC)
    assert state(host) is State.STALE


def test_a_question_with_nothing_new_changes_nothing_and_one_with_another_address_makes_stale() -> None:
    host = Host6()
    host.give(nd_frame(solicit()))
    assert state(host) is State.REACHABLE
    host.give(nd_frame(solicit(lladdr=OTHER_MAC)))
    assert state(host) is State.STALE
    host.taken()
    udp6_of(send(host)[0], OTHER_MAC)


def test_who_does_not_say_his_link_address_is_asked_for_it_before_he_is_answered() -> None:
    host = Host6(known=False)
    host.give(nd_frame(solicit(lladdr=None)))
    assert nd_of(*host.taken())[2] == solicit(PEER6, OUR_MAC)
    host.give(nd_frame(advert()))
    assert nd_of(*host.taken())[2] == advert(OUR6, OUR_MAC)


def test_somebody_who_tries_our_address_is_told_in_front_of_everybody() -> None:
    """RFC 4861, 7.2.4: to all nodes, not as an answer to him."""
    host = Host6(known=False)
    host.give(nd_frame(solicit(lladdr=None), src="::", dst=None))
    mac, header, message = nd_of(*host.taken())
    assert (mac, header.dst) == (group_lladdr(ALL_NODES), ALL_NODES)
    assert message == advert(OUR6, OUR_MAC, nd.OVERRIDE)
    assert not host.iff6.resolver.neighbours


MALFORMED = "malformed ND packets"
BADSENDER, NOTTARGET = "ND packets with an impossible sender", "ND packets for another host"
REFUSED = {
    "through a router": (nd_frame(solicit(), hops=254), "ND packets that have come through a router"),
    "of a group": (nd_frame(solicit("ff02::1")), MALFORMED),
    "tried with a link address": (nd_frame(solicit(), src="::", dst=None), MALFORMED),
    "tried at the host": (nd_frame(solicit(lladdr=None), src="::"), MALFORMED),
    "answered to a group": (nd_frame(advert(), dst="ff02::1"), MALFORMED),
    "of another": (nd_frame(solicit("2001:db8::77"), dst="ff02::1"), NOTTARGET),
    "from far away": (nd_frame(solicit(), src="2001:db8:1::1"), BADSENDER),
    "with our link address": (nd_frame(solicit(lladdr=OUR_MAC)), BADSENDER),
    "with a group's": (nd_frame(solicit(lladdr=b"\x33\x33\0\0\0\1")), BADSENDER),
    "which is our own": (nd_frame(solicit(), source_mac=OUR_MAC), BADSENDER),
    "for our address": (nd_frame(advert(OUR6)), "duplicate IP addresses seen"),
}


@pytest.mark.parametrize("which", REFUSED)
def test_what_is_not_to_be_believed_is_counted_and_changes_nothing(which: str) -> None:
    frame, cause = REFUSED[which]
    host = Host6(known=False)
    host.give(frame)
    assert host.stack.drops() == {f"nd: {cause}": 1}
    assert (host.taken(), host.iff6.resolver.neighbours) == ([], {})


def test_every_message_is_answered_believed_or_counted() -> None:
    """Every kind, source, target, link address and flag, known before or not, two of each."""
    host = Host6()
    sources, targets = ["::", PEER6, OTHER6, "2001:db8:1::1"], [OUR6, PEER6, "2001:db8::77", OUR_LINK]
    count = host.stats.nd.received.value
    for source, target, mac in product(sources, targets, (PEER_MAC, OTHER_MAC, OUR_MAC, None)):
        flags = (0, SOLICITED, OVERRIDE, SOLICITED | OVERRIDE)
        messages = [solicit(target, mac), *(advert(target, mac, each) for each in flags)]
        for message, to in product(messages, (OUR6, "ff02::1", None)):
            host.give(*[nd_frame(message, source, to)] * 2)
            count += 2
    s = host.stats.nd
    ip6 = host.stats.ip6
    drops = [s.malformed, s.badsender, s.nottarget, s.unasked, s.dadfailed, s.hoplimit]
    answered = s.adverts_out.value + s.updates.value - 1  # one was heard of when the host was made
    assert s.received.value - 1 == answered + sum(each.value for each in drops)
    assert all(each.value for each in drops if each is not s.hoplimit)
    assert s.received.value + ip6.ips_notmember.value == count


def test_a_scan_of_a_whole_64_exhausts_nothing() -> None:
    """From outside and from inside: the table is bounded, and who is in use stays."""
    host = Host6()
    send(host)
    for n in range(NEIGHBOURS_MAX + 40):
        source = f"2001:db8::1:{n:x}"
        host.give(nd_frame(solicit(), src=source, source_mac=OTHER_MAC))
    assert len(host.iff6.resolver.neighbours) == NEIGHBOURS_MAX
    assert state(host) is State.REACHABLE
    assert host.stats.nd.evicted.value == 41
    sock = host.stack.udp_socket(family="inet6")
    for n in range(NEIGHBOURS_MAX + 40):
        sock.sendto(b"x", (f"2001:db8::2:{n:x}", 9))
        host.stack.run()
    assert len(host.iff6.resolver.neighbours) == NEIGHBOURS_MAX


# -- an address is tried before it is used (RFC 4862, 5.4) -----------------------------------------------------------


def trying() -> Host6:
    host = Host6(known=False, attempts=1)
    assert set(host.iff6.unused.values()) == {TENTATIVE}
    return host


def test_an_address_is_asked_for_and_used_when_nobody_answers() -> None:
    host = Host6(known=False, attempts=0)
    host.iff6.attempts = 2
    host.iff6.add_ifa(f"{OTHER6}/64")
    group = solicited_node(ipv6(OTHER6))
    host.stack.run()
    for _ in range(2):
        mac, header, message = nd_of(*host.taken())
        assert (mac, header.src, header.dst) == (group_lladdr(group), 0, group)
        assert message == solicit(OTHER6, None)
        assert nexthop(host, OTHER6) is Rnh.RESOLV, "not ours yet"
        host.later(1)
    assert host.taken() == []
    assert nexthop(host, OTHER6) is Rnh.LOCAL
    assert host.iff6.unused == {}


def test_an_address_that_is_tried_takes_no_packets_and_answers_no_question() -> None:
    host = trying()
    host.give(icmp6_frame(), nd_frame(solicit(), dst=None), udp6_frame())
    assert host.taken() == []
    assert host.stack.drops() == {"ip6: packets not forwardable": 2, f"nd: {NOTTARGET}": 1}


@pytest.mark.parametrize(
    "frame",
    [
        nd_frame(advert(OUR6, flags=0), dst="ff02::1"),  # somebody has it
        nd_frame(solicit(lladdr=None), src="::", dst=None),  # somebody tries it as well
    ],
)
def test_an_address_that_somebody_has_is_not_used(frame: bytes) -> None:
    host = trying()
    host.give(frame)
    host.later(10)
    assert host.iff6.unused == {ipv6(OUR6): DUPLICATED}
    assert nexthop(host, OUR6) is not Rnh.LOCAL
    assert nexthop(host, OUR_LINK) is Rnh.LOCAL, "the other one is free"
    assert host.stack.drops() == {"nd: duplicate IP addresses seen": 1}
    host.iff6.remove_ifa(f"{OUR6}/64")
    host.iff6.add_ifa(f"{OUR6}/64")
    host.later(1)
    assert nexthop(host, OUR6) is Rnh.LOCAL


def test_our_own_question_that_comes_back_is_not_somebody_else() -> None:
    """RFC 4862, 5.4.3: a card that hears itself."""
    host = trying()
    host.give(nd_frame(solicit(lladdr=None), src="::", dst=None, source_mac=OUR_MAC))
    host.later(1)
    assert host.iff6.unused == {}


def test_an_address_that_is_taken_away_while_it_is_tried_is_not_used() -> None:
    host = trying()
    host.iff6.add_ifa("2001:db8:1::99/64")
    group = solicited_node(ipv6("2001:db8:1::99"))
    groups = [r.prefix.key >> 128 for r in host.stack.instance().ip6.table]
    host.iff6.remove_ifa("2001:db8:1::99/64")
    host.later(5)
    assert nexthop(host, "2001:db8:1::99") is Rnh.REJECT
    assert group in groups
    assert group not in [r.prefix.key >> 128 for r in host.stack.instance().ip6.table]
