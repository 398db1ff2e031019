"""The file of a recording: what was added is there at once, a cut one ends earlier, a damaged one says so."""

from __future__ import annotations

import errno
import struct
import zlib
from pathlib import Path

import pytest

from ringbed.sim.record.file import RecordingError, RecordingReader, RecordingWriter
from ringbed.sim.record.records import Record
from tests.sim.record.encode import HEADER, SAMPLE, encoded, recording, write_recording
from tests.sim.record.scene import kept

FIRST, SECOND = SAMPLE[:9], SAMPLE[9:]
REST = encoded(SAMPLE)[len(encoded(FIRST)) :]


def read(path: Path) -> tuple[list[Record], bool]:
    with RecordingReader(path) as reader:
        assert reader.header == HEADER
        records = list(reader.records())
        assert reader.position <= reader.size == path.stat().st_size
        return records, reader.cut


def file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_what_was_added_is_there_although_nobody_closed_it(tmp_path: Path) -> None:
    path = tmp_path / "record"
    writer = RecordingWriter(path)
    writer.begin(HEADER)
    assert read(path) == ([], False)
    writer.add(encoded(FIRST))
    assert read(path) == (FIRST, False)
    writer.add(REST)
    assert read(path) == (SAMPLE, False)
    writer.close()
    assert path.read_bytes() == recording([encoded(FIRST), REST])


def test_a_cut_file_has_the_blocks_that_are_whole(tmp_path: Path) -> None:
    """At every byte: never an error once the header is whole, never half a block."""
    whole = recording([encoded(FIRST), REST])
    ends = [len(recording([])), len(recording([encoded(FIRST)])), len(whole)]
    for cut in range(len(whole) + 1):
        path = file(tmp_path / "record", whole[:cut])
        if cut < ends[0]:
            with pytest.raises(RecordingError, match="is no recording|ends before its first clock"):
                RecordingReader(path)
        else:
            blocks = sum(end <= cut for end in ends) - 1
            assert read(path) == ([[], FIRST, SAMPLE][blocks], cut not in ends)


def test_a_damaged_file_says_where(tmp_path: Path) -> None:
    whole = recording([encoded(FIRST), REST])
    begin = len(recording([encoded(FIRST)]))
    for at in (begin + 4, begin + 8, len(whole) - 1):
        path = file(tmp_path / "record", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(RecordingError, match=rf"record is damaged before byte {len(whole)}: a block has another"):
            read(path)


def block(packed: bytes) -> bytes:
    return struct.pack("<II", len(packed), zlib.crc32(packed)) + packed


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is no recording of ringbed's"),
        (b"ringbed recording 1\n", "or of another version's"),
        (recording([])[:20] + block(b"????"), "a block cannot be unpacked"),
        (recording([])[:20] + block(zlib.compress(HEADER.text().encode())), "or the last of its stream"),
        (recording([])[:20] + struct.pack("<II", 1 << 31, 0) + bytes(99), "a block has another sum"),
        (recording([b"\x0e\x05"]), "a record breaks off"),
        (recording([encoded(SAMPLE)[:-3]]), "breaks off"),
    ],
)
def test_what_is_no_recording_is_one_sentence(data: bytes, why: str, tmp_path: Path) -> None:
    path = file(tmp_path / "record", data)
    with pytest.raises(RecordingError, match=why) as error:
        read(path)
    assert str(error.value).startswith(f"{path} is ")
    assert "\n" not in str(error.value)


def test_a_header_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    stream = zlib.compressobj(1)
    packed = stream.compress(b"{}") + stream.flush(zlib.Z_SYNC_FLUSH)
    path = file(tmp_path / "record", b"ringbed recording 2\n" + block(packed))
    with pytest.raises(RecordingError, match="whose header cannot be read: its header has other keys"):
        RecordingReader(path)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="it is a folder, and no file") as error:
        RecordingReader(tmp_path)
    assert error.value.filename == str(tmp_path)


def test_a_full_disk_is_told_with_the_files_name() -> None:
    writer = RecordingWriter("/dev/full")
    with pytest.raises(OSError, match="No space left") as error:
        writer.begin(HEADER)
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, "/dev/full")
    writer.close()


def test_behind_a_block_that_failed_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would come behind it could not be read: the stream that it goes on with is not there."""
    path = write_recording(tmp_path / "whole", SAMPLE)
    writer = RecordingWriter(tmp_path / "record")
    writer.begin(HEADER)
    writer.add(encoded(SAMPLE))
    with monkeypatch.context() as patch:
        patch.setattr(writer, "_file", open("/dev/full", "wb", buffering=0))
        with pytest.raises(OSError, match="No space left"):
            writer.add(encoded(SAMPLE))
        writer._file.close()
    writer.add(encoded(SAMPLE))
    writer.close()
    assert kept(tmp_path / "record") == kept(path)
