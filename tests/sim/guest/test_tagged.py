"""Answers in a VLAN, with sums worked out naively."""

from __future__ import annotations

import struct

from ringbed.sim.guest.tagged import LLADDR, TaggedEnd, answer
from ringbed.sim.wire.frame import fcs, from_wire, to_wire

US = bytes.fromhex("020000000001")
TAG = bytes.fromhex("81006005")  # priority 3, VLAN 5
MINE, THEIRS = bytes([10, 78, 0, 2]), bytes([10, 78, 0, 1])


def naive_sum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xFFFF:
        total = total // 0x10000 + total % 0x10000
    return 0xFFFF - total


def ping(kind: int, data: bytes) -> bytes:
    blank = struct.pack("!BBHHH", kind, 0, 0, 7, 9) + data
    message = blank[:2] + struct.pack("!H", naive_sum(blank)) + blank[4:]
    source, to = (MINE, THEIRS) if kind == 8 else (THEIRS, MINE)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(message), 1, 0, 64, 1, 0) + source + to
    return head[:10] + struct.pack("!H", naive_sum(head)) + head[12:] + message


def test_a_ping_comes_back_with_its_tag_and_right_sums() -> None:
    for data in (b"", b"abc", bytes(range(256)), b"\xff\xff\xf8\x00" * 3, bytes([0xEF, 0xEF])):
        back = answer(LLADDR + US + TAG + b"\x08\x00" + ping(8, data))
        assert back[:18] == US + LLADDR + TAG + b"\x08\x00"
        packet = back[18:]
        assert (packet[12:16], packet[16:20], packet[20]) == (THEIRS, MINE, 0)
        assert naive_sum(packet[:20]) == naive_sum(packet[20:]) == 0
        assert packet[24:] == ping(0, data)[24:]


def test_every_address_answers_arp() -> None:
    ask = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + US + MINE + bytes(6) + THEIRS
    back = answer(b"\xff" * 6 + US + TAG + b"\x08\x06" + ask)
    assert (
        back
        == US + LLADDR + TAG + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + LLADDR + THEIRS + US + MINE
    )


def test_anything_else_is_left_alone() -> None:
    head = LLADDR + US + TAG
    udp = bytearray(ping(8, b"x"))
    udp[9] = 17
    for frame in (
        head + b"\x08\x00" + ping(0, b""),
        head + b"\x08\x00" + bytes(udp),
        head + b"\x86\xdd" + bytes(60),
        head,
    ):
        assert answer(frame) == b""


class Cable:
    def __init__(self, *frames: bytes) -> None:
        self.left, self.came = [(number, frame) for number, frame in enumerate(frames)], list[tuple[bytes, int, bool]]()

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.came.append((frame, at, error))

    def wire_out(self) -> list[tuple[int, bytes]]:
        left, self.left = self.left, []
        return left


def test_frames_without_a_tag_go_on_and_those_with_one_are_answered_here() -> None:
    plain = to_wire(LLADDR + US + b"\x08\x00" + ping(8, b"x"))
    asked = to_wire(LLADDR + US + TAG + b"\x08\x00" + ping(8, b"x" * 60))
    cable = Cable(plain, asked, asked[:-1] + bytes([asked[-1] ^ 1]))
    end = TaggedEnd(cable)
    assert end.wire_out() == [(0, plain)]
    assert end.answered == 1
    ((back, at, error),) = cable.came
    assert (at, error) == (1, False)
    assert from_wire(back)[18:][20] == 0
    assert back[-4:] == fcs(back[:-4])
    end.wire_in(b"frame", 5, True)
    assert cable.came[1:] == [(b"frame", 5, True)]
