"""A client's end of a Unix socket: whole messages in, with their descriptors; answers out, which nobody waits for.

A message may come in pieces, and an answer may leave in pieces: neither stops the card's clock.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from ringbed.sim.serve.header import HEADER, Header, parse_header

__all__ = ["Connection", "Gone"]

MOST_FILES = 253  # of one sendmsg (SCM_MAX_FD); how many a message may have is not said here


class Gone(Exception):
    """The client has left, in the middle of a message or between two."""


class Connection:
    """Owns the socket, and descriptors of a message that has not come whole."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._in = bytearray()
        self._files: list[int] = []
        self._header: Header | None = None
        self._out = bytearray()

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def full(self) -> bool:
        """The client does not take its answers: nothing more is read until it does."""
        return bool(self._out)

    def messages(self, most: int = 64) -> Iterator[tuple[Header, bytes, list[int]]]:
        """What has come whole, at most so many; the descriptors are the taker's. Raises Gone.

        A header with an impossible size is given alone: nothing behind it can be told apart.
        """
        for _ in range(most):
            if self._header is None and self._fill(HEADER.size):
                self._header = parse_header(self._taken())
            header = self._header
            if header is None or (header.possible and not self._fill(header.size - HEADER.size)):
                return
            self._header, files, self._files = None, self._files, []
            yield header, self._taken(), files
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

    def close(self) -> None:
        for file in self._files:
            os.close(file)
        self._files = []
        self._end.close()

    def _fill(self, size: int) -> bool:
        """Whether so many bytes are there."""
        while len(self._in) < size:
            try:
                data, files, _, _ = socket.recv_fds(
                    self._end, size - len(self._in), MOST_FILES, socket.MSG_CMSG_CLOEXEC
                )  # fmt: skip
            except BlockingIOError:
                return False
            except OSError as error:
                raise Gone(error.strerror) from None
            self._files += files
            if not data:
                raise Gone("it has closed the socket")
            self._in += data
        return True

    def _taken(self) -> bytes:
        data = bytes(self._in)
        self._in.clear()
        return data
