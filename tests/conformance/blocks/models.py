"""Blocks as somebody would write them in an evening, and each with a bug that a real NIC has or had.

They share nothing with the references but the words of the contracts. `spoil` names the bug; BUGS says whose it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ringbed.conformance.blocks.case import Answers, Ask
from ringbed.hw.formats.verdict import Verdict
from tests.conformance.naive_card import NaiveCard, add_up
from tests.hw.segment_reference import Message, segments

# bug: the NIC it was in, and the ready test that is to find it
BUGS = {
    "stores 0 for UDP": ("Broadcom BCM57xx", "tx-checksum"),
    "8 bits of offset": ("Realtek RTL8168C, a field of 10 bits there", "tx-checksum"),
    "field in the last 4 bytes": ("SMSC LAN95xx", "tx-checksum"),
    "sums the padding": ("Emulex Lancer", "tx-checksum"),
    "tunnel ports": ("HiSilicon Kunpeng 920", "tx-checksum"),
    "ignores the seed of tiny frames": ("Cadence GEM", "tx-checksum"),
    "touches frames without an order": ("Intel 82598/82599, OSPF", "tx-checksum"),
    "changes payload and sums that": ("Marvell Yukon", "tx-checksum"),
    "folds once": ("Mellanox mlx5 LRO sums", "tx-checksum"),
    "stale order": ("Intel E810, stale offsets", "tx-checksum"),
    "leaves the pad out": ("Mellanox ConnectX-3", "rx-checksum/sum"),
    "wrong behind a tag": ("Microchip LAN78xx", "rx-checksum/sum"),
    "loses the last odd byte": ("Adaptec Starfire, elements of 1 byte", "rx-checksum/sum"),
    "zero sum": ("Intel 82599, erratum 44: UDP over IPv4 without a sum", "rx-checksum/verdict"),
    "first fragment": ("NatSemi DP83820", "rx-checksum/verdict"),
    "sums the pad": ("Aquantia AQC10x", "rx-checksum/verdict"),
    "says good of all": ("Broadcom Thor2 driver, a default of good", "rx-checksum/verdict"),
    "other protocols": ("Amazon ENA", "rx-checksum/verdict"),
    "accepts one zero": ("DPDK net/tap", "rx-checksum/verdict"),
    "bytes exchanged": ("Google gVNIC", "rss-hash/fields"),
    "source and destination exchanged": ("a usual one", "rss-hash/fields"),
    "key ends at 128 bits": ("a usual one, which Microsoft's IPv4 vectors do not find", "rss-hash/fields"),
    "no ports": ("a usual one", "rss-hash/fields"),
    "hashes ports of fragments": ("DPDK net/tap", "rss-hash/stream"),
    "wrong type": ("a usual one, which no vector finds", "rss-hash/stream"),
    "CWR in all": ("NICs without Linux's NETIF_F_TSO_ECN", "segment"),
    "15 bits of identification": ("NDIS large send offload, which counts modulo 0x8000", "segment"),
    "MSS below 64": ("Intel i40e", "segment"),
    "IPv4 options": ("Realtek RTL8168evl", "segment"),
    "last segment of 6 bytes or less": ("Realtek RTL8168evl", "segment"),
    "single segment": ("Emulex Lancer", "segment"),
    "IPv6 extension headers": ("Emulex BE3", "segment"),
    "FIN in all": ("a usual one", "segment"),
    "loses what follows a full frame": ("a usual one, of a FIFO that is full", "pass-through"),
}


@dataclass
class TxChecksum:
    spoil: str = ""

    def __call__(self, asks: Sequence[Ask]) -> Answers:
        last: Mapping[str, int] = {"enable": 0}
        frames = []
        for ask in asks:
            order = last if self.spoil == "stale order" and not ask.command["enable"] else ask.command
            frames.append(self.one(ask.frame, order))
            last = ask.command
        return Answers(frames)

    def one(self, frame: bytes, order: Mapping[str, int]) -> bytes:
        start, offset = order.get("start", 0), order.get("offset", 0)
        if self.spoil == "touches frames without an order" and frame[23:24] == b"\x59" and frame[12:14] == b"\x08\x00":
            start, offset = 34, 46
        elif not order["enable"]:
            return frame
        if self.spoil == "8 bits of offset":
            offset &= 0xFF
        if offset + 2 > len(frame) or self.spoil == "field in the last 4 bytes" and offset > len(frame) - 4:
            return frame
        if self.spoil == "tunnel ports" and frame[start + 2 : start + 4] == (4789).to_bytes(2, "big") and order["udp"]:
            return frame
        if self.spoil == "changes payload and sums that" and len(frame) > 1000:
            frame = frame[:-3] + bytes([frame[-3] ^ 8]) + frame[-2:]
        return frame[:offset] + self.sum(frame, start, offset, order).to_bytes(2, "big") + frame[offset + 2 :]

    def sum(self, frame: bytes, start: int, offset: int, order: Mapping[str, int]) -> int:
        data = frame[start:]
        if self.spoil == "ignores the seed of tiny frames" and len(frame) - offset < 6:
            data = frame[start:offset] + bytes(2) + frame[offset + 2 :]
        if self.spoil == "sums the padding" and len(frame) < 60:
            data += b"\x55" * (60 - len(frame))
        total = add_up(data)
        if self.spoil == "folds once":
            plain = sum(byte if at % 2 else byte << 8 for at, byte in enumerate(data))
            total = (plain & 0xFFFF) + (plain >> 16) & 0xFFFF
        return (0xFFFF - total) or (0xFFFF if order["udp"] and self.spoil != "stores 0 for UDP" else 0)


@dataclass
class RxSum:
    spoil: str = ""

    def __call__(self, asks: Sequence[Ask]) -> Answers:
        return Answers([ask.frame for ask in asks], [{"sum": self.one(ask.frame)} for ask in asks])

    def one(self, frame: bytes) -> int:
        if self.spoil == "leaves the pad out" and len(frame) <= 64 and frame[12:14] == b"\x08\x00":
            frame = frame[: 14 + int.from_bytes(frame[16:18], "big")]
        if self.spoil == "wrong behind a tag" and frame[12:14] == b"\x81\x00":
            return add_up(frame[18:])
        if self.spoil == "loses the last odd byte" and len(frame) % 2:
            frame = frame[:-1]
        return add_up(frame[14:])


@dataclass
class RxVerdict:
    spoil: str = ""

    def __call__(self, asks: Sequence[Ask]) -> Answers:
        return Answers(None, [self.one(ask.frame) for ask in asks])

    def one(self, frame: bytes) -> dict[str, int]:
        whole = frame[12:14] != b"\x08\x00" or len(frame) >= 34
        verdict = NaiveCard(spoil=self.spoil).verdict(frame) if whole else Verdict.NONE
        if self.spoil == "other protocols" and frame[12:14] == b"\x08\x00" and frame[23:24] not in (b"\6", b"\x11"):
            verdict |= Verdict.L4_BAD
        if self.spoil == "accepts one zero" and verdict & Verdict.L4_GOOD and frame[50:52] == b"\0\0":
            verdict ^= Verdict.L4_GOOD | Verdict.L4_BAD
        return {"l3_checked": int(verdict.l3 != "not checked"), "l3_ok": int(verdict.l3 == "good"),
                "l4_checked": int(verdict.l4 != "not checked"), "l4_ok": int(verdict.l4 == "good")}  # fmt: skip


@dataclass
class RssHash:
    """Codes of types are the contract's own: 1..3 for IPv4, alone, TCP, UDP; 4..6 for IPv6."""

    key: bytes
    spoil: str = ""

    def __call__(self, asks: Sequence[Ask]) -> Answers:
        if asks and asks[0].frame:
            return Answers(None, [self.of_frame(ask.frame) for ask in asks])
        return Answers(None, [self.of_fields(ask.command) for ask in asks])

    def of_fields(self, fields: Mapping[str, int]) -> dict[str, int]:
        kind, size = fields["kind"], 4 if fields["kind"] < 4 else 16
        src, dst = ((fields[name] % (1 << 8 * size)).to_bytes(size, "big") for name in ("src", "dst"))
        ports = fields["sport"].to_bytes(2, "big") + fields["dport"].to_bytes(2, "big")
        return {"hash": self.hash(src, dst, ports if kind not in (1, 4) else b""), "type": kind}

    def hash(self, src: bytes, dst: bytes, ports: bytes) -> int:
        if self.spoil == "source and destination exchanged":
            src, dst, ports = dst, src, ports[2:] + ports[:2]
        if self.spoil == "no ports":
            ports = b""
        result, key = 0, int.from_bytes(self.key, "big")
        if self.spoil == "key ends at 128 bits":
            key = key >> 192 << 192
        for number, bit in enumerate("".join(format(byte, "08b") for byte in src + dst + ports)):
            result ^= (key >> 288 - number & 0xFFFFFFFF) if bit == "1" else 0
        return int.from_bytes(result.to_bytes(4, "big"), "little") if self.spoil == "bytes exchanged" else result

    def of_frame(self, frame: bytes) -> dict[str, int]:
        kind, ether = 0, frame[12:14]
        src = dst = ports = b""
        if ether == b"\x08\x00" and len(frame) >= 34 and frame[14] >> 4 == 4:
            kind, src, dst, at = 1, frame[26:30], frame[30:34], 14 + 4 * (frame[14] & 15)
            fragment = int.from_bytes(frame[20:22], "big") & 0x3FFF and self.spoil != "hashes ports of fragments"
            protocol = -1 if fragment or frame[14] & 15 < 5 else frame[23]
            end = min(len(frame), 14 + int.from_bytes(frame[16:18], "big"))
        elif ether == b"\x86\xdd" and len(frame) >= 54 and frame[14] >> 4 == 6:
            kind, src, dst, at, protocol, end = 4, frame[22:38], frame[38:54], 54, frame[20], len(frame)
        if kind and protocol in (6, 17) and at + 4 <= end:
            kind, ports = kind + (1 if protocol == 6 else 2), frame[at : at + 4]
        shown = kind - 1 if self.spoil == "wrong type" and kind in (3, 6) else kind
        return {"hash": self.hash(src, dst, ports) if kind else 0, "type": shown}


@dataclass
class Segment:
    """The segmenter of the card's tests, and CWR, which that does not know."""

    spoil: str = ""

    def __call__(self, asks: Sequence[Ask]) -> Answers:
        return Answers([frame for ask in asks for frame in self.one(ask)])

    def one(self, ask: Ask) -> Iterator[bytes]:
        order = ask.command
        if not order["enable"]:
            yield ask.frame
            return
        size, l3, l4 = order["header_length"], order["l3_offset"], order["l4_offset"]
        names = "ipv6" if order["is_ipv6"] else "ipv4", "udp" if order["is_udp"] else "tcp"
        message = Message(ask.frame[:size], ask.frame[size:], self.mss(order), names[0], l3, names[1], l4)
        if self.spoil == "IPv4 options" and not order["is_ipv6"]:
            message = replace(message, l4_start=l3 + 20)
        if self.spoil == "IPv6 extension headers" and order["is_ipv6"]:
            message = replace(message, l4_start=l3 + 40)
        if self.spoil == "single segment" and len(message.payload) <= message.mss:
            yield ask.frame
            return
        for number, frame in enumerate(segments(message)):
            yield self.edited(frame, number, message, order)

    def mss(self, order: Mapping[str, int]) -> int:
        return max(order["mss"], 64) if self.spoil == "MSS below 64" else order["mss"]

    def edited(self, frame: bytes, number: int, message: Message, order: Mapping[str, int]) -> bytes:
        data, at, first = bytearray(frame), message.l4_start + 13, message.header[message.l4_start + 13 :][:1]
        if not order["is_udp"] and number and self.spoil != "CWR in all":
            data[at] &= 0x7F
        if not order["is_udp"] and self.spoil == "FIN in all":
            data[at] |= first[0] & 1
        if not order["is_ipv6"] and self.spoil == "15 bits of identification":
            high = message.header[message.l3_start + 4] & 0x80
            data[message.l3_start + 4] = data[message.l3_start + 4] & 0x7F | high
        if self.spoil == "last segment of 6 bytes or less" and len(data) - len(message.header) <= 6:
            return bytes(data[: len(message.header)])
        return bytes(data)


@dataclass
class PassThrough:
    spoil: str = ""

    def __call__(self, asks: Sequence[Ask]) -> Answers:
        before = [b"", *(ask.frame for ask in asks)]
        lost = self.spoil == "loses what follows a full frame"
        return Answers([ask.frame for ask, last in zip(asks, before, strict=False) if not (lost and len(last) > 4000)])
