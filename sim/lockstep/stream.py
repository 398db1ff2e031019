"""A connection to a kernel: so many bytes in, with their file descriptors, when they have all come; answers out."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Sequence

from ringbed.sim.serve.connection import Gone

__all__ = ["Stream"]

MOST_FILES = 253  # of one sendmsg (SCM_MAX_FD)


class Stream:
    """Owns the socket, and descriptors that nobody has taken."""

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

    def send(self, data: bytes, files: Sequence[int] = ()) -> None:
        """All of it: a kernel in lock step does nothing but wait for it. Raises Gone."""
        try:
            while data:
                select.select([], [self._end], [])
                sent = socket.send_fds(self._end, [data], files) if files else self._end.send(data)
                data, files = data[sent:], ()
        except OSError as error:
            raise Gone(error.strerror) from None

    def close(self) -> None:
        for file in self.files():
            os.close(file)
        self._end.close()
