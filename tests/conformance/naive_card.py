"""A card as somebody would write it in an evening: reads a frame from the front and adds words up in a loop.

Shares nothing with the oracle but the words of RX_TABLE. `spoil` puts one bug in, by name, to see it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringbed.conformance.references.replay import Answer
from ringbed.hw.formats.verdict import Verdict


def add_up(data: bytes, start: int = 0) -> int:
    for index, byte in enumerate(data):
        start += byte if index % 2 else byte << 8
        start = (start & 0xFFFF) + (start >> 16)
    return start


@dataclass
class NaiveCard:
    pcss: int = 0
    spoil: str = ""

    def __call__(self, frames: Sequence[bytes]) -> list[Answer]:
        answers = [Answer(frame, self.verdict(frame), add_up(frame[self.pcss :])) for frame in frames]
        if self.spoil == "loses one":
            del answers[3]
        if self.spoil == "doubles one":
            answers.insert(4, answers[3])
        if self.spoil == "changes a byte":
            data = answers[5].data
            answers[5] = Answer(data[:-1] + bytes([data[-1] ^ 1]), answers[5].verdict, answers[5].checksum)
        return answers

    def verdict(self, frame: bytes) -> Verdict:
        packet, kind = frame[14:], frame[12:14]
        if kind == b"\x81\x00" and self.spoil != "no tags":
            packet, kind = packet[4:], packet[2:4]
        if int.from_bytes(kind, "big") <= 1500 and packet[:6] == b"\xaa\xaa\x03\0\0\0":
            packet, kind = packet[8:], packet[6:8]
        if kind == b"\x08\x00":
            return self.ipv4(packet)
        if kind == b"\x86\xdd" and len(packet) >= 40 and packet[0] >> 4 == 6:
            return self.ipv6(packet)
        return Verdict.NONE

    def ipv4(self, packet: bytes) -> Verdict:
        header = (packet[0] & 15) * 4
        if packet[0] >> 4 != 4 or header < 20 or header > len(packet):
            return Verdict.NONE
        l3 = Verdict.L3_GOOD if add_up(packet[:header]) == 0xFFFF else Verdict.L3_BAD
        total, word = int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[6:8], "big")
        later = word & 0x1FFF or (word & 0x2000 and self.spoil != "first fragment")
        if later or not header <= total <= len(packet):
            return l3
        body = packet[header:] if self.spoil == "sums the pad" else packet[header:total]
        return l3 | self.l4(packet[12:20], packet[9], body)

    def ipv6(self, packet: bytes) -> Verdict:
        end = 40 + int.from_bytes(packet[4:6], "big")
        protocol, rest = packet[6], packet[40:end]
        if end > len(packet):
            return Verdict.NONE
        while protocol in (0, 43, 60):
            if len(rest) < 8 or rest[1] > 7 or len(rest) < 8 * rest[1] + 8:
                return Verdict.NONE
            if protocol == 43 and rest[3] and self.spoil != "segments left":
                return Verdict.NONE
            protocol, rest = rest[0], rest[8 * rest[1] + 8 :]
        return self.l4(packet[8:40], protocol, rest)

    def l4(self, addresses: bytes, protocol: int, body: bytes) -> Verdict:
        if protocol == 17:
            if len(body) < 8 or int.from_bytes(body[4:6], "big") != len(body):
                return Verdict.NONE
            if body[6:8] == b"\0\0" and self.spoil != "zero sum":
                return Verdict.NONE
        elif protocol != 6 or len(body) < 20:
            return Verdict.NONE
        if self.spoil == "says good of all":
            return Verdict.L4_GOOD
        total = add_up(body, add_up(addresses) + protocol + len(body))
        return Verdict.L4_GOOD if total == 0xFFFF else Verdict.L4_BAD
