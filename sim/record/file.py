"""The file of a recording: a line, a header, and blocks of one compressed stream, each whole or not there.

A run that is killed leaves the blocks that were written, which is all that a reader needs of it.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ringbed.sim.files import kind_of_no_file
from ringbed.sim.record.header import Header
from ringbed.sim.record.records import Broken, Decoder, Record
from ringbed.sim.seam.sentence import sentence

__all__ = ["RecordingError", "RecordingReader", "RecordingWriter"]

MAGIC = b"ringbed recording 2\n"
BLOCK = struct.Struct("<II")  # bytes that follow, and their CRC-32
MOST = 1 << 28  # bytes of a block, packed or not: a slice of the busiest card has far fewer
QUICK = 1  # zlib's level: what is recorded is seldom worth more


class RecordingError(Exception):
    """A file that is no recording, or one that makes no sense: one sentence with its name."""


class RecordingWriter:
    """A context manager. What `add` was given is in the file, not in a buffer of this process, when it returns.

    Raises OSError with the file's name where it cannot be written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self._file: BinaryIO = open(path, "wb", buffering=0)
        self._stream = zlib.compressobj(QUICK)
        self._failed = False  # what comes behind a block that is not whole could not be read

    def begin(self, header: Header) -> None:
        self._write(MAGIC)
        self.add(header.text().encode())

    def add(self, data: bytes) -> None:
        """One block of it, whole records."""
        if self._failed:
            return
        packed = self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        self._write(BLOCK.pack(len(packed), zlib.crc32(packed)) + packed)

    def close(self) -> None:
        self._file.close()

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            self._failed = True
            error.filename = error.filename or os.fspath(self.path)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self.close()


class RecordingReader:
    """`header` is there at once. A context manager. Raises RecordingError, OSError with the file's name.

    `cut`: the file ended within a block. `size` and `position`: bytes of it, and how many were read.
    """

    def __init__(self, path: Path | str) -> None:
        if kind := kind_of_no_file(path):
            raise OSError(errno.EINVAL, f"it is {kind}, and no file", os.fspath(path))
        self.path, self.cut, self.size, self.position = path, False, os.stat(path).st_size, 0
        self._file = open(path, "rb")
        self._stream = zlib.decompressobj()
        try:
            self.header = self._header()
        except BaseException:
            self._file.close()
            raise

    def records(self) -> Iterator[Record]:
        """All of them, once, up to the file's end or to where it is cut. Raises RecordingError where it is damaged."""
        decoder = Decoder()
        while (data := self._block()) is not None:
            try:
                yield from decoder.records(data)
            except Broken as error:
                raise self._error(f"is damaged before byte {self.position}: {error}") from None

    def close(self) -> None:
        self._file.close()

    def _header(self) -> Header:
        if self._read(len(MAGIC)) != MAGIC:
            raise self._error("is no recording of ringbed's, or of another version's")
        data = self._block()
        if data is None:
            raise self._error("is a recording that ends before its first clock")
        try:
            return Header.parse(data)
        except ValueError as error:
            raise self._error(f"is a recording whose header cannot be read: {error}") from None

    def _block(self) -> bytes | None:
        """None at the end."""
        head = self._read(BLOCK.size)
        if len(head) < BLOCK.size:
            self.cut = bool(head)
            return None
        size, check = BLOCK.unpack(head)
        packed = self._read(min(size, MOST))
        if len(packed) < size <= MOST:
            self.cut = True
            return None
        if size > MOST or zlib.crc32(packed) != check:
            raise self._error(f"is damaged before byte {self.position}: a block has another sum")
        try:
            data = self._stream.decompress(packed, MOST)
        except zlib.error:
            raise self._error(f"is damaged before byte {self.position}: a block cannot be unpacked") from None
        if self._stream.unconsumed_tail or self._stream.eof:
            raise self._error(f"is damaged before byte {self.position}: a block is too long, or the last of its stream")
        return data

    def _read(self, count: int) -> bytes:
        try:
            data = self._file.read(count)
        except OSError as error:
            error.filename = os.fspath(self.path)
            raise
        self.position += len(data)
        return data

    def _error(self, what: str) -> RecordingError:
        return RecordingError(sentence(f"{self.path} {what}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self.close()
