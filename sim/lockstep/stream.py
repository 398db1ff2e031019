"""A connection to a kernel: so many bytes in, with their file descriptors, when they have all come; answers out."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence

from ringbed.sim.serve.connection import Gone, Inlet

__all__ = ["Stream"]


class Stream(Inlet):
    """Of a peer that waits for what it has asked for."""

    def send(self, data: bytes, files: Sequence[int] = ()) -> None:
        """All of it: a kernel in lock step does nothing but wait for it. Raises Gone."""
        try:
            while data:
                select.select([], [self._end], [])
                sent = socket.send_fds(self._end, [data], files) if files else self._end.send(data)
                data, files = data[sent:], ()
        except OSError as error:
            raise Gone(error.strerror) from None
