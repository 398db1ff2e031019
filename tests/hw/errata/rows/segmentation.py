"""Messages cut into frames: of each that left, its payload, numbers and sums."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt
from scapy.layers.l2 import Ether

from ringbed.drivers.world import Segmentation, TxFrame, TxSum
from tests.hw.errata.frames import MAC, PEER, ones_sum
from tests.hw.errata.walk import Action, LabBench, Row

__all__ = ["ROWS"]

PUSHES, PLAIN = "PA", "A"
FLAGS = {0x18: PUSHES, 0x10: PLAIN}


def tcp(
    size: int, mss: int, options: int = 0, ipv6: bool = False, extension: bool = False, ip_options: int = 0
) -> TxFrame:
    """A message of `size` bytes; `options` are bytes of TCP's, of no-operations."""
    layer = TCP(sport=1, dport=2, seq=1000, flags=PUSHES, options=[("NOP", None)] * options)
    if ipv6:
        head: Any = IPv6(src="2001:db8::1", dst="2001:db8::2")
        head = head / IPv6ExtHdrDestOpt() if extension else head
    else:
        head = IP(src="10.0.0.1", dst="10.0.0.2", id=5)
    header = bytes(Ether(src=MAC, dst=PEER) / head / layer)
    cut = Segmentation(mss, len(header), True, ipv6)
    l4 = len(header) - 20 - options
    return TxFrame([header + bytes(at % 251 for at in range(size))], TxSum.TCP, 14, l4, segmentation=cut)


def segment(wire: bytes) -> tuple[int, bool, int, int, str, bool]:
    """Of a frame: bytes of payload, its IP length is right, identification, sequence number, flags, sums are right."""
    body, four = wire[:-4], wire[12:14] == b"\x08\x00"
    at = 34 if four else 54 + (8 if body[20] == 60 else 0)
    length = int.from_bytes(body[16:18], "big") + 14 if four else int.from_bytes(body[18:20], "big") + 54
    l4, addresses = body[at:], body[26:34] if four else body[22:54]
    whole = ones_sum(addresses + b"\0\6" + len(l4).to_bytes(4, "big") + l4) == 0xFFFF
    header = not four or ones_sum(body[14:34]) == 0xFFFF
    number, sequence = int.from_bytes(body[18:20], "big") if four else 0, int.from_bytes(l4[4:8], "big")
    payload = len(l4) - 4 * (l4[12] >> 4)
    return payload, length == len(body), number, sequence, FLAGS[l4[13]], whole and header


def cut(*messages: TxFrame) -> Action:
    return lambda bench: [segment(wire) for wire in bench.send(*messages)]


def hangs(message: TxFrame) -> Action:
    """Whether a plain frame behind the message leaves."""

    def action(bench: LabBench) -> list[int]:
        bench.send(message)
        return [len(wire) for wire in bench.send(TxFrame([bytes(100)]))]

    return action


ROWS = (
    Row(
        "tso-8139cp-mss-field", cut(tcp(500, 400)),
        [(400, True, 5, 1000, PLAIN, True), (100, True, 6, 1400, PUSHES, True)],
        [(144, True, 5, 1000, PLAIN, True), (144, True, 6, 1144, PLAIN, True), (144, True, 7, 1288, PLAIN, True),
         (68, True, 8, 1432, PUSHES, True)],
        (cut(tcp(500, 255)), cut(tcp(100, 200))), set={"mask": 0xFF}, name="8-bits",
    ),
    Row(
        "tso-single-segment-request", cut(tcp(100, 100)), [(100, True, 5, 1000, PUSHES, True)],
        [(100, True, 5, 1000, PUSHES, False)], (cut(tcp(101, 100)), cut(tcp(300, 100))),
    ),
    Row(
        "tso-header-over-80-bytes", cut(tcp(200, 100, options=28)),
        [(100, True, 5, 1000, PLAIN, True), (100, True, 6, 1100, PUSHES, True)],
        [(100, False, 5, 1000, PLAIN, True), (100, False, 5, 1100, PUSHES, True)],
        (cut(tcp(200, 100, options=24)), cut(tcp(200, 100, options=28, ipv6=True))),
    ),
    Row(
        "tso-ip-or-tcp-options-rtl8168evl", cut(tcp(200, 100, options=4)),
        [(100, True, 5, 1000, PLAIN, True), (100, True, 6, 1100, PUSHES, True)],
        [(100, True, 5, 1000, PUSHES, True), (100, True, 6, 1000, PUSHES, True)],
        (cut(tcp(200, 100)), cut(tcp(200, 100, options=4, ipv6=True))),
    ),
    Row(
        "tso6-extension-headers", cut(tcp(200, 100, ipv6=True, extension=True)),
        [(100, True, 0, 1000, PLAIN, True), (100, True, 0, 1100, PUSHES, True)],
        [(100, False, 0, 1000, PLAIN, True), (100, False, 0, 1100, PUSHES, True)],
        (cut(tcp(200, 100, ipv6=True)), cut(tcp(200, 100))),
    ),
    Row("tso-mss-too-small", hangs(tcp(200, 63)), [104], [], (hangs(tcp(200, 64)), cut(tcp(200, 64)))),
)  # fmt: skip
