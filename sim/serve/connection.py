"""A client's end of a Unix socket: whole messages in, with their descriptors; answers out, which nobody waits for.

A message may come in pieces, and an answer may leave in pieces: neither stops the card's clock.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from ringbed.sim.serve.header import HEADER, Header, parse_header

__all__ = ["Connection", "Gone", "Inlet"]

MOST_FILES = 253  # of one sendmsg (SCM_MAX_FD); how many a message may have is not said here


class Gone(Exception):
    """The client has left, in the middle of a message or between two."""


class Inlet:
    """So many bytes, with the descriptors that came with them, when they have all come.

    Owns the socket, and descriptors that nobody has taken.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._in = bytearray()
        self._files: list[int] = []

    def fileno(self) -> int:
        return self._end.fileno()

    def take(self, size: int) -> bytes | None:
        """The next `size` bytes, None while they have not all come. Raises Gone."""
        while len(self._in) < size:
            try:
                data, files, _, _ = socket.recv_fds(
                    self._end, size - len(self._in), MOST_FILES, socket.MSG_CMSG_CLOEXEC
                )  # fmt: skip
            except BlockingIOError:
                return None
            except OSError as error:
                raise Gone(error.strerror) from None
            self._files += files
            if not data:
                raise Gone("it has closed the socket")
            self._in += data
        taken = bytes(self._in)
        self._in.clear()
        return taken

    def files(self) -> list[int]:
        """Descriptors that came with what was taken; the taker's from now on."""
        files, self._files = self._files, []
        return files

    def close(self) -> None:
        for file in self.files():
            os.close(file)
        self._end.close()


class Connection(Inlet):
    """Whole messages."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(end)
        self._header: Header | None = None
        self._out = bytearray()

    @property
    def full(self) -> bool:
        """The client does not take its answers: nothing more is read until it does."""
        return bool(self._out)

    def messages(self, most: int = 64) -> Iterator[tuple[Header, bytes, list[int]]]:
        """What has come whole, at most so many; the descriptors are the taker's. Raises Gone.

        A header with an impossible size is given alone: nothing behind it can be told apart.
        """
        for _ in range(most):
            if self._header is None and (head := self.take(HEADER.size)) is not None:
                self._header = parse_header(head)
            header = self._header
            payload = None if header is None else self.take(header.size - HEADER.size if header.possible else 0)
            if header is None or payload is None:
                return
            self._header = None
            yield header, payload, self.files()
            if not header.possible or self.full:
                return

    def send(self, data: bytes) -> None:
        """Raises Gone."""
        self._out += data
        self.flush()

    def flush(self) -> None:
        """As much as the client takes. Raises Gone."""
        try:
            while self._out:
                del self._out[: self._end.send(self._out)]
        except BlockingIOError:
            pass
        except OSError as error:
            raise Gone(error.strerror) from None
