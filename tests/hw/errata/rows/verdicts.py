"""Receive verdicts: frames in, what the driver was told."""

from __future__ import annotations

from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment

from tests.hw.errata.frames import bad_sum, ether, ip4, ip6, tcp4, udp4, udp6
from tests.hw.errata.walk import Action, Row, verdicts

__all__ = ["ROWS"]

FINE, L3_ONLY, NOTHING = "good, good", "good, not checked", "not checked, not checked"
UDP_SUM, TCP_SUM, IP_SUM, OPTIONED_TCP_SUM = 40, 50, 24, 54
NOP_OPTIONS = b"\x01\x01\x01\x01"
SCTP, ICMP = 132, 1


def rx(*frames: bytes) -> Action:
    return lambda bench: verdicts(bench.receive(*frames))


def fragment(protocol: int = 17, size: int = 64) -> bytes:
    return ip4(protocol, bytes(range(size)), flags="MF", id=7)


def shortest(size: int) -> bytes:
    """A UDP datagram in a frame of that length."""
    return udp4(size - 42)


def sctp(size: int) -> bytes:
    return ip4(SCTP, bytes(range(1, size - 33)))


ROWS = (
    Row(
        "rx-udp4-zero-flagged-bad", rx(udp4(chksum=0)), [L3_ONLY], ["good, bad"],
        (rx(udp4()), rx(udp4(chksum=1)), rx(udp6(chksum=0)), rx(tcp4()), rx(fragment())),
    ),
    Row(
        "rx-ipv4-fragment-ipcsum-flagged-bad", rx(fragment()), [L3_ONLY], ["bad, not checked"],
        (rx(udp4()), rx(udp6()), rx(ip4(17, bytes(64), flags="DF"))),
    ),
    Row(
        "rx-fragment-checksum-treated-as-error", rx(fragment()), [L3_ONLY], ["good, bad"],
        (rx(fragment(6)), rx(fragment(ICMP)), rx(udp4())),
    ),
    Row(
        "rx-l4-error-on-non-tcp-udp", rx(ip4(ICMP, bytes(64))), [L3_ONLY], ["good, bad"],
        (rx(udp4()), rx(tcp4()), rx(fragment(ICMP)), rx(ip6(58, bytes(64)))),
    ),
    Row(
        "rx-l4-error-on-non-tcp-udp", rx(*[ip4(ICMP, bytes(64))] * 4), [L3_ONLY] * 4,
        [L3_ONLY, L3_ONLY, "good, bad", L3_ONLY], (rx(udp4()),), set={"every": 3}, name="every-third",
    ),
    Row(
        "rx-short-frame-csum-invalid-aq", rx(shortest(60), shortest(50)), [FINE] * 2, ["bad, good"] * 2,
        (rx(shortest(61)), rx(shortest(300)), rx(udp6(1))),
    ),
    Row(
        "rx-short-frame-csum-invalid-aq", rx(shortest(99)), [FINE], ["bad, good"], (rx(shortest(100)),),
        set={"length": 99}, name="length-99",
    ),
    Row(
        "rx-ipv6-exthdr-l4-unreliable", rx(udp6(extension=IPv6ExtHdrDestOpt())), ["not checked, good"],
        ["not checked, bad"], (rx(udp6()), rx(udp4()), rx(ip6(58, bytes(64)))),
    ),
    Row(
        "rx-sctp-min-frame-flagged-bad", rx(sctp(60)), [L3_ONLY], ["good, bad"],
        (rx(sctp(61)), rx(sctp(64)), rx(shortest(60))),
    ),
    Row(
        "rx-sctp-min-frame-flagged-bad", rx(sctp(73)), [L3_ONLY], ["good, bad"], (rx(sctp(72)), rx(sctp(74))),
        set={"length": 73}, name="length-73",
    ),
    Row(
        "rx-csum-not-computed-reported-good", rx(udp6(extension=IPv6ExtHdrFragment(m=1))), [NOTHING], [FINE],
        (rx(udp4()), rx(udp4(chksum=0)), rx(bad_sum(udp4(), UDP_SUM)), rx(ether(0x88B5, bytes(60)))),
    ),
    Row(
        "rx-ip-options-always-good", rx(bad_sum(tcp4(options=NOP_OPTIONS), OPTIONED_TCP_SUM)), ["good, bad"], [FINE],
        (rx(bad_sum(tcp4(), TCP_SUM)), rx(tcp4(options=NOP_OPTIONS)), rx(bad_sum(udp4(), UDP_SUM))),
    ),
    Row(
        "rx-l3-error-masks-l4-error", rx(bad_sum(bad_sum(tcp4(), TCP_SUM), IP_SUM)), ["bad, bad"], ["bad, good"],
        (rx(bad_sum(tcp4(), TCP_SUM)), rx(bad_sum(tcp4(), IP_SUM)), rx(tcp4())),
    ),
    Row(
        "rx-udp6-zero-reported-good", rx(udp6(chksum=0)), [NOTHING], ["not checked, good"],
        (rx(udp6()), rx(udp4(chksum=0)), rx(bad_sum(udp6(), 60))),
    ),
    Row(
        "llc-without-snap", rx(ether(46, b"\x42\x42\x03" + bytes(43))), [NOTHING], ["bad, not checked"],
        (rx(ether(46, b"\xaa\xaa\x03\x00\x00\x00\x08\x06" + bytes(38))), rx(ether(0x0806, bytes(46))), rx(udp4())),
    ),
)  # fmt: skip
