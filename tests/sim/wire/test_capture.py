from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.wire.capture import CaptureWriter, Direction, TappedEnd
from ringbed.sim.wire.frame import Damage, damage, to_wire
from ringbed.sim.wire.replay import read_capture

FRAMES = [to_wire(bytes([number + 1]) * (20 + 61 * number)) for number in range(4)]
START = 1_700_000_000_123_456_789  # ns, more than a float holds exactly


def write(path: Path) -> None:
    """A file with two interfaces, every direction, comments and a frame with a bad FCS."""
    with CaptureWriter(path) as capture:
        card, host = capture.interface("em0", "the card's wire"), capture.interface("tap0", with_fcs=False)
        capture.write(card, FRAMES[0], START, Direction.IN, ["L3 good, L4 good"])
        capture.write(card, FRAMES[1], START + 1, Direction.OUT, ["first", "second"])
        capture.write(host, FRAMES[2][:-4], START + 2)
        capture.write(card, damage(FRAMES[3], 30, 4, Damage.WIRE), START + 3, Direction.IN)
        capture.write(card, FRAMES[3], START + 4, Direction.IN, error=True)
        assert capture.frames == 5


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write(tmp_path / "a.pcapng")
    capture = read_capture(tmp_path / "a.pcapng")
    assert capture.broken == ""
    assert [frame.at_ns - START for frame in capture.frames] == [0, 1, 2, 3, 4]
    assert [frame.data for frame in capture.frames[:3]] == [FRAMES[0], FRAMES[1], FRAMES[2][:-4]]
    assert [frame.direction for frame in capture.frames] == [1, 2, 0, 1, 1]
    assert [frame.comments for frame in capture.frames][:3] == [("L3 good, L4 good",), ("first", "second"), ()]
    assert [frame.interface for frame in capture.frames] == [0, 0, 1, 0, 0]
    assert [frame.with_fcs for frame in capture.frames] == [True, True, False, True, True]
    assert [frame.wire for frame in capture.frames[:3]] == FRAMES[:3]


@pytest.mark.needs("scapy")
def test_scapy_reads_it_too(tmp_path: Path) -> None:
    """Another reader: times, interface names, comments, bytes."""
    from scapy.utils import RawPcapNgReader

    write(tmp_path / "a.pcapng")
    with RawPcapNgReader(str(tmp_path / "a.pcapng")) as reader:
        found: list[tuple[bytes, Any]] = list(reader)
    assert [data for data, _ in found][:3] == [FRAMES[0], FRAMES[1], FRAMES[2][:-4]]
    first, second = found[0][1], found[1][1]
    assert (first.tshigh << 32 | first.tslow, first.tsresol) == (START, 10**9)
    assert first.ifname == b"em0"
    assert first.linktype == 1
    assert first.direction == 1
    assert first.comments == [b"L3 good, L4 good"]
    assert second.comments == [b"first", b"second"]


def test_epb_flags_tell_direction_and_what_was_wrong_with_a_frame() -> None:
    """Bit positions of draft-ietf-opsawg-pcapng 4.3.1, looked up in the bytes of the file."""
    flags = []
    for frame, error in ((FRAMES[0], False), (damage(FRAMES[0], 9, 1, Damage.WIRE), False), (FRAMES[0], True)):
        stream = io.BytesIO()
        writer = CaptureWriter(stream)
        writer.write(writer.interface("em0"), frame, 0, Direction.OUT, error=error)
        writer.close()
        option = stream.getvalue().index(b"\x02\x00\x04\x00", len(stream.getvalue()) - 20)
        flags.append(int.from_bytes(stream.getvalue()[option + 4 : option + 8], "little"))
    assert flags == [2, 2 | 1 << 24, 2 | 1 << 31]


def test_a_frame_without_fcs_is_not_called_damaged() -> None:
    stream = io.BytesIO()
    writer = CaptureWriter(stream)
    tap = writer.interface("tap0", with_fcs=False)
    begin = len(stream.getvalue())
    writer.write(tap, FRAMES[0][:-4], 0)
    assert len(stream.getvalue()) - begin == 32 + len(FRAMES[0][:-4]), "a block without options, so without epb_flags"


class End:
    """A wire end that gives one frame and keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, int, bool]] = []

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.taken.append((frame, at, error))

    def wire_out(self) -> list[tuple[int, bytes]]:
        return [(100, FRAMES[1])]


def test_a_tapped_end_writes_both_ways_and_changes_nothing(tmp_path: Path) -> None:
    end = End()
    with CaptureWriter(str(tmp_path / "b.pcapng")) as capture:
        tapped = TappedEnd(end, capture, capture.interface("em0"), lambda clock: clock * 8)
        tapped.wire_in(FRAMES[0], 50, error=True)
        tapped.wire_in(FRAMES[0], 50)
        assert tapped.wire_out() == [(100, FRAMES[1])]
    assert end.taken == [(FRAMES[0], 50, True), (FRAMES[0], 50, False)]
    read = read_capture(tmp_path / "b.pcapng").frames
    beats = -(-len(FRAMES[0]) // 8)
    assert [(frame.at_ns, frame.data, frame.direction) for frame in read] == [
        (8 * (50 + beats), FRAMES[0], 1), (8 * (50 + 2 * beats), FRAMES[0], 1), (800, FRAMES[1], 2),
    ]  # fmt: skip


def test_a_wrong_interface_or_time_is_refused() -> None:
    capture = CaptureWriter(io.BytesIO())
    with pytest.raises(ValueError, match="has 0 interfaces, there is no number 0"):
        capture.write(0, FRAMES[0], 0)
    capture.interface("em0")
    with pytest.raises(ValueError, match="-1 ns does not fit"):
        capture.write(0, FRAMES[0], -1)


def test_interfaces_of_one_capture_are_not_written_by_several_threads() -> None:
    """Their order in the file would be another each time; a capture of one interface has one host, wherever it runs."""
    with CaptureWriter(io.BytesIO()) as shared, ThreadPoolExecutor(1) as other:
        shared.interface("em0")
        other.submit(shared.write, 0, FRAMES[0], START).result()
        shared.interface("em1")
        shared.write(1, FRAMES[0], START)
        with pytest.raises(RuntimeError, match="several interfaces has one writer: give each host in a thread its own"):
            other.submit(shared.write, 0, FRAMES[0], START).result()
        assert shared.frames == 2


def test_of_a_full_disk_it_is_said_which_file(tmp_path: Path) -> None:
    (tmp_path / "full.pcapng").symlink_to("/dev/full")
    writer = CaptureWriter(tmp_path / "full.pcapng")
    writer.write(writer.interface("em0"), bytes(1000), 0)
    with pytest.raises(OSError, match="No space left on device") as full:
        writer.close()
    assert full.value.filename == str(tmp_path / "full.pcapng")
