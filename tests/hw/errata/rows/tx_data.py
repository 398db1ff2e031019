"""Bytes changed on the way out, tags, pads, orders of bytes: what left the card beside what was meant."""

from __future__ import annotations

from ringbed.drivers.world import TxFrame, TxSum
from tests.hw.errata.frames import ip4, ip6, judge, tcp4, udp4, wanting
from tests.hw.errata.rows.tx_sums import FINE, FRAGMENT, TAGGING, alone, tx
from tests.hw.errata.walk import Action, LabBench, Row

__all__ = ["ROWS"]

OSPF = ip4(89, bytes(range(1, 65)))
SHORT = ip4(200, b"\x55" * 20)


def raw(*meant: bytes, vlans: tuple[int | None, ...] = (None,)) -> Action:
    """Frames that ask for no sum, each with its tag."""

    def action(bench: LabBench) -> list[str]:
        tags = vlans if len(vlans) == len(meant) else vlans * len(meant)
        out = bench.send(*(TxFrame([frame], vlan=tag) for frame, tag in zip(meant, tags, strict=True)))
        return [judge(wire, frame) for wire, frame in zip(out, meant, strict=True)]

    return action


def sizes(*lengths: int) -> Action:
    """How long frames of these lengths left, FCS included, and whether they are padded with zeros."""

    def action(bench: LabBench) -> list[tuple[int, bool]]:
        out = bench.send(*(TxFrame([b"\xee" * length]) for length in lengths))
        return [(len(wire), not any(wire[length:-4])) for wire, length in zip(out, lengths, strict=True)]

    return action


def header_only(meant: bytes) -> Action:
    """Behind a UDP datagram a frame that asks for its IPv4 header's sum alone."""

    def action(bench: LabBench) -> list[str]:
        out = bench.send(wanting(udp4()), wanting(meant, TxSum.IPV4))
        return [judge(wire, meant) for wire in out[1:]]

    return action


def count(frame: bytes) -> Action:
    """How many left of this frame, tagged, and a plain one behind it."""
    return lambda bench: len(bench.send(TxFrame([frame], vlan=5), TxFrame([bytes(99)])))


def swapped(frame: bytes) -> list[int]:
    """Where a frame whose words of four bytes are turned round differs."""
    turned = b"".join(frame[at : at + 4][::-1] for at in range(0, len(frame), 4))
    return [at for at in range(len(frame)) if turned[at] != frame[at]]


ROWS = (
    Row(
        "tx-ospf-corrupted-by-csum-engine", header_only(OSPF), [FINE], ["bytes [40, 41]"],
        (alone(OSPF), tx(udp4()), header_only(ip4(88, bytes(range(1, 65)))), header_only(udp4())),
    ),
    Row(
        "tx-csum-corrupts-payload-valid-sum", tx(udp4(19)), [FINE], ["bytes [40, 60]"],
        (alone(udp4(19)), tx(udp4(18))),
    ),
    Row(
        "tx-csum-corrupts-payload-valid-sum", tx(tcp4(60)), [FINE], ["bytes [50, 51, 100]"], (tx(tcp4(46)),),
        set={"at": 100, "change": 0x80}, name="byte-100",
    ),
    Row(
        "tx-csum-corrupts-occasionally-3c905b", tx(*[udp4(40)] * 9), [FINE] * 9, [FINE] * 7 + ["bytes [50]", FINE],
        (alone(udp4(40)), tx(udp4(8))),
    ),
    Row(
        "tx-iplen-rewritten-with-vlan", raw(ip4(200, bytes(26)), vlans=(5,)), ["tag 0005; " + FINE],
        ["tag 0005; bytes [17]"], (raw(ip4(200, bytes(27)), vlans=(5,)), raw(ip4(200, bytes(26)))), options=TAGGING,
    ),
    Row(
        "tx-autopad-garbles-payload", tx(ip4(200, bytes(20), **FRAGMENT), sums=TxSum.IPV4), [FINE], ["bytes [34]"],
        (tx(SHORT, sums=TxSum.IPV4), tx(ip4(200, bytes(26), **FRAGMENT), sums=TxSum.IPV4),
         raw(ip4(200, bytes(20), **FRAGMENT))),
    ),
    Row(
        "vlan-inserted-on-every-packet", raw(udp4(), udp4(), vlans=(7, None)), ["tag 0007; " + FINE, FINE],
        ["tag 0007; " + FINE] * 2, (raw(udp4()), raw(udp4(), udp4(), vlans=(6, 7))), options=TAGGING,
    ),
    Row(
        "vlan-tag-lost-short-tunnel-frame", raw(udp4(22, dport=4789), vlans=(5,)), ["tag 0005; " + FINE], [FINE],
        (raw(udp4(23, dport=4789), vlans=(5,)), raw(udp4(22, dport=4790), vlans=(5,)), raw(udp4(22, dport=4789))),
        options=TAGGING,
    ),
    Row(
        "vlan-tci-byteswapped-realtek-tx", raw(udp4(), vlans=(0x0123,)), ["tag 0123; " + FINE], ["tag 2301; " + FINE],
        (raw(udp4()), raw(udp4(), vlans=(0x0101,))), options=TAGGING,
    ),
    Row(
        "frame-bytes-swapped-fec", raw(udp4(40)), [FINE], [f"bytes {swapped(udp4(40))}"],
        (raw(udp4(38)), raw(udp4(18))), set={"length": 82}, name="from-82",
    ),
    Row("pad-minimum-33-bytes", sizes(32), [(64, True)], [(60, True)], (sizes(33), sizes(60), sizes(100))),
    Row(
        "pad-leaks-memory-etherleak", sizes(300, 45), [(304, True), (64, True)], [(304, True), (64, False)],
        (sizes(60), sizes(48), sizes(300, 56)),
    ),
    Row(
        "vlan-insert-ipv6-asic-lockup", count(ip6(59, b"\x00\xff" + bytes(40))), 2, 0,
        (count(ip6(59, b"\x00\xfe" + bytes(40))), count(ip6(17, b"\x00\xff" + bytes(40))),
         raw(ip6(59, b"\x00\xff" + bytes(40)))), options=TAGGING,
    ),
)  # fmt: skip
