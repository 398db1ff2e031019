from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.wire.capture import CaptureWriter, Direction
from ringbed.sim.wire.frame import fcs, fcs_good, to_wire
from ringbed.sim.wire.replay import Capture, CapturedFrame, CaptureError, read_capture, replay

HOSTS = Path(__file__).parents[3] / "conformance" / "data" / "linux-host.pcap"
FRAMES = [bytes([number + 1]) * (14 + 50 * number) for number in range(4)]
AT_NS = 1_700_000_000_123_456_000


def pcap(order: str, nano: bool, link: int = 1, cut: int | None = None) -> bytes:
    """A classic pcap file of FRAMES, written by hand; `cut` is a snap length."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for index, frame in enumerate(FRAMES):
        at = AT_NS + index * 1000
        part = frame[:cut]
        units = at % 10**9 if nano else at % 10**9 // 1000
        data += struct.pack(order + "4I", at // 10**9, units, len(part), len(frame)) + part
    return data


def read(data: bytes) -> Capture:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "some.pcap"
        path.write_bytes(data)
        return read_capture(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_in_both_byte_orders_and_resolutions(order: str, nano: bool) -> None:
    capture = read(pcap(order, nano))
    assert capture.broken == ""
    assert [frame.frame for frame in capture.frames] == FRAMES
    assert [frame.wire for frame in capture.frames] == [to_wire(frame) for frame in FRAMES]
    assert [frame.at_ns for frame in capture.frames] == [AT_NS + index * 1000 for index in range(4)]


def test_the_hosts_capture_is_whole() -> None:
    capture = read_capture(HOSTS)
    assert len(capture.frames) == 433
    assert capture.broken == ""
    assert all(frame.whole for frame in capture.frames)


def test_an_fcs_in_the_file_is_kept_as_it_is() -> None:
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1 | 1 << 26 | 2 << 28)
    data += struct.pack("<4I", 0, 0, 64, 64) + bytes(60) + b"badF"
    (frame,) = read(data).frames
    assert frame.with_fcs
    assert frame.wire == bytes(60) + b"badF"
    assert frame.frame == bytes(60)


@pytest.mark.parametrize("lost", [1, 163, 164, 170, 179, 180, 181])
def test_a_pcap_that_breaks_off_gives_the_frames_before(lost: int) -> None:
    capture = read(pcap("<", nano=True)[:-lost])
    assert [frame.frame for frame in capture.frames] == FRAMES[: 2 if lost > 180 else 3]
    if lost == 180:  # exactly at the end of a frame: nothing shows
        assert capture.broken == ""
    else:
        assert "breaks off" in capture.broken
        assert f"after {len(capture.frames)} frames" in capture.broken


def pcapng() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with CaptureWriter(Path(folder) / "a") as capture:
            card = capture.interface("em0", with_fcs=False)
            for index, frame in enumerate(FRAMES):
                capture.write(card, frame, AT_NS + index, comments=["a comment"])
        return (Path(folder) / "a").read_bytes()


@pytest.mark.parametrize("lost", [1, 4, 30, 200])
def test_a_pcapng_that_breaks_off_gives_the_frames_before(lost: int) -> None:
    capture = read(pcapng()[:-lost])
    assert [frame.frame for frame in capture.frames] == FRAMES[:3]
    assert "breaks off after 3 frames" in capture.broken


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def blocks(order: str, options: bytes, link: int = 1, packet: bytes = b"", more: bytes = b"") -> bytes:
    """A pcapng file by hand: section, interface with `options`, one enhanced packet with options, one simple packet.

    `more` is put between the interface and the packets.
    """

    def block(kind: int, body: bytes) -> bytes:
        return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)

    data = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack(order + "HHI", link, 0, 0) + options)
    data += more + block(0x0BAD, b"what is this")
    data += block(6, struct.pack(order + "5I", 0, 1, 2, 14, 14) + FRAMES[0] + b"\0\0" + packet)
    return data + block(3, struct.pack(order + "I", 14) + FRAMES[0] + b"\0\0")


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_others(order: str) -> None:
    resolution = struct.pack(order + "HH", 9, 1) + b"\x83\0\0\0"  # eighths of a second
    offset = struct.pack(order + "HHq", 14, 8, 100)
    end = bytes(4)
    plain, eighths = read(blocks(order, b"")).frames, read(blocks(order, resolution + offset + end)).frames
    assert [frame.data for frame in plain + eighths] == [FRAMES[0]] * 4
    assert plain[0].at_ns == (2**32 + 2) * 1000
    assert eighths[0].at_ns == (2**32 + 2) * 10**9 // 8 + 100 * 10**9


NONSENSE = {
    "a comment that is not UTF-8": (b"", option(1, b"\xff\xfe\xfa")),
    "a name that is not UTF-8": (option(2, b"\xff\xfe"), b""),
    "flags of two bytes": (b"", option(2, b"\3\0")),
    "a resolution of no bytes": (option(9, b""), b""),
    "an offset of four bytes": (option(14, bytes(4)), b""),
    "an FCS length of three bytes": (option(13, b"\4\4\4"), b""),
    "an option longer than its block": (b"", struct.pack("<HH", 2, 60000) + b"\3\0\0\0"),
    "an option cut off": (b"", b"\2\0\4\0"),
    "a code of nobody": (option(0x7777, b"what"), option(0xFFFF, b"what")),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_beside_the_packets_takes_none_of_them_away(what: str) -> None:
    interface, packet = NONSENSE[what]
    capture = read(blocks("<", interface, packet=packet))
    assert capture.broken == ""
    assert [frame.data for frame in capture.frames] == [FRAMES[0]] * 2
    assert not any(frame.with_fcs for frame in capture.frames)
    assert capture.frames[0].at_ns == (2**32 + 2) * 1000
    assert capture.frames[0].comments == (("\ufffd" * 3,) if "comment" in what else ())


def flags_of(frame: CapturedFrame) -> tuple[Direction, bool, bool, bool]:
    return frame.direction, frame.with_fcs, frame.crc_error, frame.symbol_error


@pytest.mark.parametrize(
    ("flags", "want"),
    [
        (0, (Direction.UNKNOWN, False, False, False)),
        (1, (Direction.IN, False, False, False)),
        (2, (Direction.OUT, False, False, False)),
        (3, (Direction.UNKNOWN, False, False, False)),  # reserved
        (4 << 5, (Direction.UNKNOWN, True, False, False)),
        (1 << 24 | 1, (Direction.IN, False, True, False)),
        (1 << 31, (Direction.UNKNOWN, False, False, True)),
        (0x00FF_FE1C, (Direction.UNKNOWN, False, False, False)),  # every other bit
    ],
)
def test_what_a_file_says_of_a_packet(flags: int, want: tuple[Direction, bool, bool, bool]) -> None:
    frame = read(blocks("<", b"", packet=option(2, struct.pack("<I", flags)))).frames[0]
    assert flags_of(frame) == want
    assert frame.sound == (want[1:] == (False, False, False))
    if want[2]:
        assert frame.wire[:-4] == to_wire(FRAMES[0])[:-4]
        assert not fcs_good(frame.wire), "the file has no FCS, and says that it was bad"


def test_what_is_for_a_host_and_what_is_not() -> None:
    good, runt = to_wire(FRAMES[1]), bytes(55) + fcs(bytes(55))
    wires = [good, good[:-1] + bytes([good[-1] ^ 1]), runt, bytes(60) + fcs(bytes(60))]
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1 | 1 << 26 | 2 << 28)
    data += b"".join(struct.pack("<4I", 0, 0, len(wire), len(wire)) + wire for wire in wires)
    frames = read(data).frames
    assert [frame.sound for frame in frames] == [True, False, False, True]
    assert [frame.wire for frame in frames] == wires
    assert [frame.number for frame in frames] == [1, 2, 3, 4]


def interface_of(link: int) -> bytes:
    return struct.pack("<IIHHII", 1, 20, link, 0, 0, 20)


def packet_of(interface: int) -> bytes:
    return struct.pack("<7I", 6, 32 + 16, interface, 1, 2, 14, 14) + FRAMES[0] + b"\0\0" + struct.pack("<I", 48)


def test_an_interface_of_another_link_type_refuses_only_its_own_packets() -> None:
    unused = read(blocks("<", b"", more=interface_of(113)))
    assert ([frame.number for frame in unused.frames], unused.others) == ([1, 2], {})
    used = read(blocks("<", b"", more=interface_of(113) + packet_of(1) + packet_of(0)))
    assert ([frame.number for frame in used.frames], used.others) == ([2, 3, 4], {113: 1})
    assert used.broken == ""


def test_a_packet_of_an_interface_that_nobody_announced_ends_the_reading() -> None:
    capture = read(blocks("<", b"", more=packet_of(0) + packet_of(1)))
    assert len(capture.frames) == 1
    assert "has a block that makes no sense after 1 frames" in capture.broken


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty, not a capture"),
        (b"hello, world", "neither pcap nor pcapng: it begins with 68 65 6c 6c"),
        (pcap("<", nano=False)[:20], "breaks off within the 24 bytes"),
        (pcap(">", nano=False, link=101), "has link type 101, not Ethernet"),
        (blocks("<", b"", link=113), "has link type 113, not Ethernet"),
    ],
)
def test_what_is_no_capture_is_said_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(CaptureError, match=sentence):
        read(data)


@given(st.data())
def test_a_spoilt_file_gives_frames_or_a_sentence(data: st.DataObject) -> None:
    spoilt = bytearray(data.draw(st.sampled_from([pcapng(), pcap("<", nano=True)])))
    for _ in range(data.draw(st.integers(1, 4))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    try:
        capture = read(bytes(spoilt))
    except CaptureError:
        return
    assert len(capture.frames) <= len(FRAMES)
    assert capture.broken or len(capture.frames) <= len(FRAMES)


class End:
    def __init__(self) -> None:
        self.queued: list[tuple[int, bytes]] = []
        self.errors = False

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.queued.append((at, frame))
        self.errors = error

    def wire_out(self) -> list[tuple[int, bytes]]:
        return []


def test_replay_queues_whole_frames_only() -> None:
    end = End()
    assert replay(read(pcap("<", nano=False, cut=70)), end, at=10, gap=5) == 2
    assert end.queued == [(10, to_wire(FRAMES[0])), (15, to_wire(FRAMES[1]))]


def test_replay_keeps_what_was_wrong() -> None:
    end = End()
    replay(read(blocks("<", b"", packet=option(2, struct.pack("<I", 1 << 31 | 1 << 24)))), end)
    assert not fcs_good(end.queued[0][1])
    assert fcs_good(end.queued[1][1])
    seen_on_the_way = read(blocks("<", b"", packet=option(2, struct.pack("<I", 1 << 31))))
    del seen_on_the_way.frames[1]
    end = End()
    assert replay(seen_on_the_way, end) == 1
    assert end.errors
