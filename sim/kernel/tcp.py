"""TCP services of the kernel's side, in the words a guest with busybox's `nc` has: jobs of `sim/kernel/jobs.py`.

A digest is that of SHA-256, in hexadecimal. A client that is gone, or says what is not understood, is left.
"""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["MOST", "tcp_counts", "tcp_pause", "tcp_sink", "tcp_source"]

MOST = 1 << 28  # bytes that a client may ask for
_POLL = 0.05  # seconds between looks at the stop event
_PATIENCE = 1.0  # seconds for a client that is served still when all is stopped
_PIECE = 1 << 16
_LINE = 32


def tcp_sink(stop: threading.Event, port: int, address: str = "0.0.0.0") -> dict[str, Any]:
    """Take all that a client sends; once it has sent its end, the digest goes back as a line. Until stopped."""
    return _serve(stop, address, port, lambda client: _take(client, stop))


def tcp_source(stop: threading.Event, port: int, seed: int = 0, address: str = "0.0.0.0") -> dict[str, Any]:
    """A client sends a line with a number of bytes; back come the digest as a line and that many bytes."""
    return _serve(stop, address, port, lambda client: _give(client, stop, seed))


def tcp_counts(stop: threading.Event, port: int, address: str = "0.0.0.0") -> dict[str, Any]:
    """To each client the namespace's /proc/net/snmp and netstat as they are now, and in the same form, as `Wire`, the
    frames that its interfaces had no room for. Until stopped.
    """
    return _serve(stop, address, port, _tell)


def _tell(client: socket.socket) -> int:
    said = b"".join(Path(f"/proc/net/{name}").read_bytes() for name in ("snmp", "netstat"))
    said += b"Wire: Dropped\nWire: %d\n" % sum(
        _dropped(line) for line in Path("/proc/net/dev").read_text().splitlines()
    )
    client.sendall(said)
    return len(said)


def _dropped(line: str) -> int:
    """Of a line of /proc/net/dev: behind the name eight columns of what came, then bytes, frames, errors, dropped."""
    _name, _, columns = line.partition(":")
    return int(columns.split()[11]) if "|" not in line else 0


def tcp_pause(stop: threading.Event, port: int, interface: str, address: str = "0.0.0.0") -> dict[str, Any]:
    """For each client a PAUSE frame leaves `interface` (IEEE 802.3 31B), and a line comes back. Until stopped."""
    return _serve(stop, address, port, lambda client: _pause(client, interface))


def _pause(client: socket.socket, interface: str) -> int:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((interface, 0))
        sock.send(bytes.fromhex("0180c2000001") + bytes(6) + bytes.fromhex("88080001ffff") + bytes(42))
    client.sendall(b"paused\n")
    return len(b"paused\n")


def _serve(stop: threading.Event, address: str, port: int, serve: Callable[[socket.socket], int]) -> dict[str, Any]:
    """Each client in a thread of its own: one that is gone without a word keeps nobody waiting."""
    clients, threads = 0, list[threading.Thread]()
    sizes: list[int] = []
    with socket.create_server((address, port)) as listener:
        listener.settimeout(_POLL)
        while not stop.is_set():
            with suppress(TimeoutError):
                client, _ = listener.accept()
                clients, threads = clients + 1, [thread for thread in threads if thread.is_alive()]
                threads.append(threading.Thread(target=_served, args=(client, serve, sizes), daemon=True))
                threads[-1].start()
    for thread in threads:
        thread.join(_PATIENCE)
    return {"clients": clients, "bytes": sum(sizes)}


def _served(client: socket.socket, serve: Callable[[socket.socket], int], sizes: list[int]) -> None:
    with client, suppress(ConnectionError, TimeoutError, ValueError):
        client.settimeout(_POLL)
        sizes.append(serve(client))


def _take(client: socket.socket, stop: threading.Event) -> int:
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(client, stop):
        digest.update(piece)
        size += len(piece)
    client.sendall(f"{digest.hexdigest()}\n".encode())
    return size


def _give(client: socket.socket, stop: threading.Event, seed: int) -> int:
    line = b""
    for piece in _pieces(client, stop):
        line += piece
        if b"\n" in line or len(line) > _LINE:
            break
    size = int(line)
    if not 0 <= size <= MOST:
        raise ValueError(f"{size} bytes are asked for")
    data = random.Random(seed).randbytes(size)
    client.settimeout(None)
    client.sendall(f"{hashlib.sha256(data).hexdigest()}\n".encode() + data)
    return size


def _pieces(client: socket.socket, stop: threading.Event) -> Iterator[bytes]:
    """What comes, to its end or until stopped."""
    while not stop.is_set():
        with suppress(TimeoutError):
            piece = client.recv(_PIECE)
            if not piece:
                return
            yield piece
