"""The Unix socket that clients find a card by: a file of its owner's alone, made anew and taken away at the end."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

__all__ = ["SocketFile", "SocketRefused"]

LONGEST = 107  # bytes of a path that sun_path holds


class SocketRefused(Exception):
    """There can be no socket at that path; one sentence says why."""


class SocketFile:
    """Listens at `path`, mode 0600. A socket that nobody listens at any more is replaced. Raises SocketRefused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _make_room(path)
        self._end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)  # so that at no time anybody else could connect
        try:
            self._end.bind(os.fspath(path))
        except OSError as error:
            self._end.close()
            raise SocketRefused(f"cannot make the socket {path}: {error.strerror}") from None
        finally:
            os.umask(before)
        self._made = _identity(path)
        self._end.listen(1)
        self._end.setblocking(False)

    def fileno(self) -> int:
        return self._end.fileno()

    def accept(self) -> socket.socket | None:
        """The next client; None when there is none after all."""
        try:
            return self._end.accept()[0]
        except OSError:
            return None

    def close(self) -> None:
        """The file goes too, unless it is another's by now."""
        self._end.close()
        if _identity(self.path) == self._made:
            self.path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_room(path: Path) -> None:
    """Take away what a server left that was killed. Raises SocketRefused for everything else that is there."""
    if len(os.fsencode(path)) > LONGEST:
        raise SocketRefused(f"cannot make the socket {path}: a socket's path has {LONGEST} bytes at most")
    if not os.path.isdir(path.parent):
        raise SocketRefused(f"cannot make the socket {path}: there is no folder {path.parent}")
    if _identity(path) is None:
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise SocketRefused(f"cannot make the socket {path}: something is there that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError:
            pass
    raise SocketRefused(f"the socket {path} is in use: somebody listens there")
