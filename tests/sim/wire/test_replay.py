from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.wire.capture import CaptureWriter
from ringbed.sim.wire.frame import to_wire
from ringbed.sim.wire.replay import Capture, CaptureError, read_capture, replay

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


def blocks(order: str, options: bytes, link: int = 1) -> bytes:
    """A pcapng file by hand: section, interface with `options`, one enhanced packet, one simple packet."""

    def block(kind: int, body: bytes) -> bytes:
        return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)

    data = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack(order + "HHI", link, 0, 0) + options)
    data += block(0x0BAD, b"what is this")
    data += block(6, struct.pack(order + "5I", 0, 1, 2, 14, 14) + FRAMES[0] + b"\0\0")
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

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.queued.append((at, frame))

    def wire_out(self) -> list[tuple[int, bytes]]:
        return []


def test_replay_queues_whole_frames_only() -> None:
    end = End()
    assert replay(read(pcap("<", nano=False, cut=70)), end, at=10, gap=5) == 2
    assert end.queued == [(10, to_wire(FRAMES[0])), (15, to_wire(FRAMES[1]))]
