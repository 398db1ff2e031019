"""Mutated frames of both families into a router that is a host too: never an exception, every frame in one counter."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.kern.stats import IpStats
from ringbed.stack.wire import arp
from ringbed.stack.wire.address import ipv4, ipv6
from ringbed.stack.wire.ethernet import Ethernet
from ringbed.stack.wire.icmpv4 import Icmp
from ringbed.stack.wire.icmpv6 import Icmpv6
from ringbed.stack.wire.ra import Prefix, RouterAdvertisement, solicitation
from ringbed.stack.wire.udp import Udp
from tests.stack.naive import checksum
from tests.stack.router import BEYOND, FAMILIES, FAR, NEAR, NEAR_MAC, NOWHERE, NUMBER, OURS_NEAR, Frame, Router

ENDED_IN = [  # of what comes in, before it is delivered, forwarded or held with other fragments
    "badsum", "tooshort", "toosmall", "badhlen", "badlen", "badoptions", "badvers", "badaddr", "ownaddr", "noproto",
    "cantforward", "unroutable", "timexceeded", "cantfrag", "notmember", "discarded", "linkbcast", "nonext", "badscope",
]  # fmt: skip
FRAGMENTS_ENDED = ["badfrags", "fragdup", "fragoverlap", "fragdropped", "fragtimeout", "fragjoined"]


def total(stats: IpStats, names: list[str]) -> int:
    found = [getattr(stats, f"{head}_{name}", None) for name in names for head in ("ips", "ip6s")]
    return sum(counter.value for counter in found if counter is not None)


def kinds(rng: random.Random) -> list[Callable[[], bytes]]:
    """Good frames of every kind that a host and a router look into."""

    def one(family: str, payload: bytes, proto: int, to: str = "") -> bytes:
        dst = to or rng.choice([BEYOND, FAR, NOWHERE, OURS_NEAR, OURS_NEAR])[family]
        field = rng.choice([0, 0, 0x4000, 0x2000, 0x2001, 1, 2])
        options = rng.choice([b"", b"", b"\x07\x07\x04" + bytes(5), b"\x94\x04\0\0", b"\x44\x08\x05\0" + bytes(4)])
        return Frame(family, payload, "", dst, rng.choice([1, 2, 64, 255]), proto, field, options=options).emit()

    def datagram(family: str) -> bytes:
        payload, ends = rng.randbytes(rng.choice([0, 8, 24, 1300, 1440])), (NEAR[family], OURS_NEAR[family])
        return one(family, Udp(9, rng.randrange(6, 9), payload).emit(*map(NUMBER[family], ends)), 17)

    def fragment() -> bytes:
        proto, field = rng.randrange(100, 250), rng.choice([0x2000, 0x2000, 1, 1, 0x2001, 2])
        return Frame("inet", rng.randbytes(8), dst=OURS_NEAR["inet"], proto=proto, field=field).emit()

    def fragment6() -> bytes:
        field = 8 * rng.randrange(4) | rng.randrange(2)
        head = bytes([17, 0]) + field.to_bytes(2, "big") + bytes([0, 0, 0, rng.randrange(3)])
        return one("inet6", head + rng.randbytes(8 * rng.randrange(1, 4)), 44)

    def ping() -> bytes:
        return one("inet", Icmp(rng.choice([8, 8, 5, 3, 11]), 0, 1, rng.randbytes(30)).emit(), 1)

    def ping6() -> bytes:
        to, kind = OURS_NEAR["inet6"], rng.choice([128, 128, 1, 2, 137])
        return one("inet6", Icmpv6(kind, 0, 1, rng.randbytes(30)).emit(ipv6(NEAR["inet6"]), ipv6(to)), 58, to)

    def discovery() -> bytes:
        src, dst = ipv6("fe80::11"), ipv6(rng.choice(["ff02::1", "ff02::2"]))
        prefix = Prefix(rng.getrandbits(16) << 64 | 0x20010DB8 << 96, 64, rng.randrange(9999), rng.randrange(9999))
        advert = RouterAdvertisement(rng.randrange(99), (prefix,), NEAR_MAC).emit(src, dst)
        body = rng.choice([advert, solicitation(NEAR_MAC, src, dst)])
        mac = b"\x33\x33" + (dst & 0xFFFFFFFF).to_bytes(4, "big")
        return Frame("inet6", body, "fe80::11", "ff02::1" if dst & 1 else "ff02::2", 255, 58, mac=mac).emit()

    def question() -> bytes:
        ask = arp.Arp(rng.choice([1, 2]), NEAR_MAC, ipv4(NEAR["inet"]), bytes(6), ipv4(OURS_NEAR["inet"]))
        return Ethernet(b"\xff" * 6, NEAR_MAC, 0x0806).emit() + ask.emit()

    return [lambda: datagram("inet"), lambda: datagram("inet6"), fragment, fragment6, ping, ping6, discovery, question]


def mutated(frame: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, maybe cut, and often with a header's sum that is right, so that it gets further than that."""
    made = bytearray(frame)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        made[rng.randrange(len(made))] = rng.choice([0, 1, 0xFF, rng.randrange(256)])
    if rng.random() < 0.1:
        del made[rng.randrange(len(made)) :]
    if made[12:14] == b"\x08\0" and len(made) >= 34 and rng.random() < 0.8:
        end = 14 + 4 * (made[14] & 15)
        made[24:26] = b"\0\0"
        made[24:26] = checksum(bytes(made[14:end])).to_bytes(2, "big")
    return bytes(made)


def held(router: Router, family: str) -> int:
    reassembly = router.stack.instance()[router.ifds["em"].ifls[0].iffs[family].family].reassembly
    return sum(len(each.parts) for each in reassembly.datagrams.values())


def agree(router: Router) -> None:
    """Stage by stage, what came in is what went on or was dropped."""
    s = router.stats
    assert s.ether.total.value == s.ether.delivered.value + sum(s.ether.drops().values())
    received = s.arp.received.value + s.ip.ips_total.value + s.ip6.ips_total.value
    assert s.ether.delivered.value == received
    for family in FAMILIES:
        ip = router.group(family)
        whole = ip.ips_delivered.value + ip.ips_forward.value + total(ip, ENDED_IN)
        assert ip.ips_total.value + ip.ips_reassembled.value == whole + ip.ips_fragments.value
        assert ip.ips_fragments.value == total(ip, FRAGMENTS_ENDED) + held(router, family)
    four, six = s.icmp, s.icmp6
    for icmp, on in ((four, 0), (six, s.nd.received.value)):
        answered = icmp.icps_reflect.value + icmp.icps_errordelivered.value
        assert icmp.icps_input.value == sum(icmp.drops().values()) + answered + on
    assert s.udp.udps_ipackets.value == sum(s.udp.drops().values()) + s.udp.udps_delivered.value


def fuzz(frames: int, seed: int, role: str) -> Router:
    router, rng = Router(mtu=1280), random.Random(seed)
    near = router.ifds["em"].ifls[0].iffs["inet6"]
    assert isinstance(near, Inet6)
    if role == "host":
        near.set_autoconf(True)
    else:
        near.set_advertise(1800)
    router.stack.udp_socket().bind((OURS_NEAR["inet"], 7))
    router.stack.udp_socket(family="inet6").bind((OURS_NEAR["inet6"], 7))
    makers = kinds(rng)
    for number in range(frames // 20):
        router.give("em", *[mutated(rng.choice(makers)(), rng) for _ in range(20)])
        router.taken()
        if not number % 10:
            router.later(rng.choice([0.1, 1, 30]))
            agree(router)
    router.later(200)
    agree(router)
    assert held(router, "inet") == held(router, "inet6") == 0
    return router


@pytest.mark.parametrize("role", ["host", "router"])
def test_a_few_thousand_mutated_frames(role: str) -> None:
    s = fuzz(3000, 14, role).stats
    seen = [
        s.ip.ips_forward, s.ip6.ips_forward, s.ip.ips_reassembled, s.ip.ips_timexceeded, s.ip6.ips_unroutable,
        s.ip6.ips_cantfrag, s.ip.ips_cantfrag, s.ip.ips_fragoverlap, s.ip6.ips_fragtimeout, s.ip.ips_badoptions,
        s.nd.routeradverts_in if role == "host" else s.nd.routersolicits_in, s.nd.notourrole, s.udp.udps_badsum,
    ]  # fmt: skip
    assert [counter.text for counter in seen if not counter.value] == [], "the sample reaches all of these"


@pytest.mark.full
@pytest.mark.parametrize("role", ["host", "router"])
@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_thousand_mutated_frames(seed: int, role: str) -> None:
    fuzz(100_000, 1000 + seed, role)
