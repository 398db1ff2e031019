"""Sums put into frames: frames given to the driver with their sums left to the card, and what left it."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet6 import IPv6ExtHdrDestOpt, PadN

from ringbed.drivers.ethtool import Features
from ringbed.drivers.world import TxFrame, TxSum
from tests.hw.errata.frames import ip4, judge, ones_sum, tcp4, udp4, udp6, wanting
from tests.hw.errata.walk import Action, LabBench, Row

__all__ = ["ROWS", "summing_to_zero", "tx"]

FINE = "as it should be"
BOTH = TxSum.IPV4 | TxSum.UDP
TAGGING = {"features": Features(rx_checksum=True, tx_checksum=True, tso=True, vlan_strip=True, vlan_insert=True)}


def tx(*meant: bytes, **more: Any) -> Action:
    """Frames whose sums are right; each is given without them."""

    def action(bench: LabBench) -> list[str]:
        out = bench.send(*(wanting(frame, **more) for frame in meant))
        return [judge(wire, frame) for wire, frame in zip(out, meant, strict=True)]

    return action


def plain(*meant: bytes, vlan: int | None = None) -> Action:
    """A frame with its sums asked for, and then these, which ask for nothing and are as they are meant."""

    def action(bench: LabBench) -> list[str]:
        out = bench.send(wanting(udp4()), *(TxFrame([frame], TxSum.NONE, vlan=vlan) for frame in meant))
        return [judge(wire, frame) for wire, frame in zip(out[1:], meant, strict=True)]

    return action


def alone(meant: bytes) -> Action:
    """A frame that asks for nothing, before any context."""
    return lambda bench: [judge(wire, meant) for wire in bench.send(TxFrame([meant]))]


def summing_to_zero(frame: bytes, sum_at: int) -> bytes:
    """The frame with two bytes of its payload such that its sum, of a whole UDP or TCP over IPv4, comes out as 0."""
    at = len(frame) - 2
    blank = frame[:sum_at] + bytes(2) + frame[sum_at + 2 : at] + bytes(2)
    pseudo = frame[26:34] + bytes([0, frame[23]]) + (len(frame) - 34).to_bytes(2, "big")
    lacks = 0xFFFF - ones_sum(pseudo + blank[34:])
    sent = b"\xff\xff" if frame[23] == 17 else bytes(2)
    return blank[:sum_at] + sent + blank[sum_at + 2 : at] + lacks.to_bytes(2, "big")


def unsummed(frame: bytes, at: int) -> bytes:
    """A wrong number in the field at `at`, meant so."""
    return frame[:at] + b"\x12\x34" + frame[at + 2 :]


def long_chain(words: int) -> bytes:
    """UDP over IPv6 behind options of so many words of eight bytes."""
    return udp6(extension=IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(8 * words - 4))]))


def tagged(frame: bytes) -> bytes:
    return frame[:12] + b"\x81\x00\x00\x05" + frame[12:]


def tx_tagged(frame: bytes) -> Action:
    """With a tag that software has put in: offsets are four more."""

    def action(bench: LabBench) -> list[str]:
        given = wanting(frame)
        whole = tagged(b"".join(bytes(piece) for piece in given.segments))
        out = bench.send(TxFrame([whole], given.sums, 18, 38))
        return [judge(wire, tagged(frame)) for wire in out]

    return action


FRAGMENT = dict(flags="MF", id=9)
TINY, SMALL = ip4(17, b"abc", **FRAGMENT), ip4(17, b"abcd", **FRAGMENT)
ROWS = (
    Row(
        "tx-csum-fails-below-64-hme", tx(udp4(21), tcp4(1)), [FINE] * 2, ["bytes [40]", "bytes [50]"],
        (tx(udp4(22)), tx(udp4(23)), plain(udp4(1))),
    ),
    Row(
        "tx-csum-fails-below-64-hme", tx(udp4(157)), [FINE], ["bytes [40]"], (tx(udp4(158)), tx(udp4(159))),
        set={"length": 200}, name="length-200",
    ),
    Row(
        "tx-csum-unsupported-below-64", tx(udp4(21)), [FINE], ["bytes [24, 25, 40, 41]"],
        (tx(udp4(22)), tx(tcp4(40)), plain(udp4(1))),
    ),
    Row(
        "tx-short-tcp-csum-wrong-yukon2", tx(tcp4(5)), [FINE], ["bytes [50]"],
        (tx(tcp4(6)), tx(udp4(5)), tx(udp4(17))),
    ),
    Row(
        "tx-csum-limited-by-fifo-mvneta", tx(udp4(659)), [FINE], ["bytes [40, 41]"], (tx(udp4(658)), tx(udp4(100))),
        set={"length": 700}, name="length-700",
    ),
    Row(
        "tx-csum-limited-by-fifo-mvneta", tx(tcp4(1547)), [FINE], ["bytes [50, 51]"], (tx(tcp4(1546)),),
        options={"mtu": 4000},
    ),
    Row(
        "tx-csum-field-in-last-4-bytes", tx(udp4(2)), [FINE], ["bytes [40, 41]"],
        (tx(udp4(3)), tx(tcp4(2)), tx(udp4(9))),
    ),
    Row(
        "tx-ipcsum-botched-tiny-fragment", tx(TINY, sums=TxSum.IPV4), [FINE], ["bytes [24]"],
        (tx(SMALL, sums=TxSum.IPV4), tx(ip4(17, b"abc"), sums=TxSum.IPV4), tx(udp4())),
    ),
    Row(
        "tx-udp-computed-zero-not-ffff", tx(summing_to_zero(udp4(), 40)), [FINE], ["bytes [40, 41]"],
        (tx(udp4()), tx(summing_to_zero(tcp4(), 50)), tx(udp6())),
    ),
    Row(
        "tx-tcp-zero-replaced-by-ffff", tx(summing_to_zero(tcp4(), 50)), [FINE], ["bytes [50, 51]"],
        (tx(tcp4()), tx(summing_to_zero(udp4(), 40))),
    ),
    Row(
        "tx-ipcsum-wrong-with-ip-options", tx(udp4(options=b"\x01\x02\x03\x04")), [FINE], ["bytes [24, 25]"],
        (tx(udp4()), tx(tcp4()), tx(udp6())),
    ),
    Row(
        "tx-transport-offset-field-too-small", tx(long_chain(10)), [FINE], ["bytes [12, 13, 140, 141]"],
        (tx(long_chain(9)), tx(udp4())),
    ),
    Row(
        "tx-special-udp-port-treated-as-tunnel", tx(udp4(dport=4789), udp4(dport=6081)), [FINE] * 2,
        ["bytes [40, 41]"] * 2,
        (tx(udp4(dport=4788)), tx(tcp4(dport=4789)), tx(udp6(dport=4789)), tx(udp4(sport=4789))),
    ),
    Row(
        "tx-csum-vlan-in-payload", tx_tagged(udp4()), [FINE], ["bytes [28, 29, 44, 45]"],
        (tx(udp4()), plain(tagged(udp4()))),
    ),
    Row(
        "tx-csum-done-although-disabled-vlan", plain(unsummed(udp4(), 40), vlan=5), ["tag 0005; as it should be"],
        ["tag 0005; bytes [40, 41]"], (plain(unsummed(udp4(), 40)), tx(udp4(), vlan=5)), options=TAGGING,
    ),
    Row(
        "tx-engine-touches-nonoffloaded-frames", plain(unsummed(udp4(), 40)), [FINE], ["bytes [40, 41]"],
        (alone(unsummed(udp4(), 40)), tx(udp4())),
    ),
)  # fmt: skip
