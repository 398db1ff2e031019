"""A TFTP server of the kernel's side, which keeps what it is given until it is asked for it.

Sources: RFC 1350; RFC 2347 and 2348 for the size of a block. One transfer at a time; what is kept is in memory.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["tftp"]

_READ, _WRITE, _DATA, _ACK, _ERROR, _OACK = 1, 2, 3, 4, 5, 6
_POLL, _PATIENCE = 0.05, 200  # seconds between looks at the stop event; looks until a client is given up
_BLOCK, _LARGEST = 512, 65_464
_AGAIN = 20  # looks until what was not answered is sent again

Address = tuple[str, int]


def tftp(stop: threading.Event, port: int, address: str = "0.0.0.0") -> dict[str, Any]:
    """Until stopped. A client that falls silent, or says what is not understood, is left."""
    files: dict[bytes, bytes] = {}
    transfers = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_POLL)
        sock.bind((address, port))
        while not stop.is_set():
            try:
                request, peer = sock.recvfrom(_LARGEST)
            except TimeoutError:
                continue
            transfers += _serve(stop, request, peer, files, address)
    return {"transfers": transfers, "bytes": sum(map(len, files.values()))}


def _serve(stop: threading.Event, request: bytes, peer: Address, files: dict[bytes, bytes], address: str) -> bool:
    """Whether a transfer came to its end. From a port of its own, as RFC 1350 has it."""
    kind, name, block = _understood(request)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_POLL)
        sock.bind((address, 0))
        sock.connect(peer)
        if kind == _READ and name in files:
            return _give(stop, sock, files[name], block)
        if kind == _WRITE:
            data = _take(stop, sock, block)
            files.update({} if data is None else {name: data})
            return data is not None
        sock.send(struct.pack("!HH", _ERROR, 1) + b"no such file\0")
        return False


def _understood(request: bytes) -> tuple[int, bytes, int | None]:
    """What is wanted, of which file, and the size of a block when the client names one."""
    kind = int.from_bytes(request[:2], "big")
    name, _mode, *options = [*request[2:].split(b"\0"), b"", b""][:6]
    known = dict(zip(options[::2], options[1::2], strict=False))
    size = known.get(b"blksize", b"")
    return kind, name, max(8, min(int(size), _LARGEST)) if size.isdigit() else None


def _oack(block: int) -> bytes:
    return struct.pack("!H", _OACK) + b"blksize\0%d\0" % block


def _give(stop: threading.Event, sock: socket.socket, data: bytes, block: int | None) -> bool:
    if block is not None and not _said(stop, sock, _oack(block), struct.pack("!HH", _ACK, 0)):
        return False
    size = block or _BLOCK
    for number, begin in enumerate(range(0, len(data) + 1, size), 1):
        count = struct.pack("!H", number & 0xFFFF)
        piece = struct.pack("!H", _DATA) + count + data[begin : begin + size]
        if not _said(stop, sock, piece, struct.pack("!H", _ACK) + count):
            return False
    return True


def _said(stop: threading.Event, sock: socket.socket, message: bytes, answer: bytes) -> bytes:
    """What came back that begins with `answer`; empty where nothing does."""
    for look in range(_PATIENCE):
        if stop.is_set():
            return b""
        if look % _AGAIN == 0:
            sock.send(message)
        for datagram in _waiting(sock):
            if datagram.startswith(answer):
                return datagram
    return b""


def _waiting(sock: socket.socket) -> Iterator[bytes]:
    try:
        yield sock.recv(_LARGEST + 4)
    except (TimeoutError, ConnectionRefusedError):
        return


def _take(stop: threading.Event, sock: socket.socket, block: int | None) -> bytes | None:
    data, number = bytearray(), 1
    answer = struct.pack("!HH", _ACK, 0) if block is None else _oack(block)
    while True:
        came = _said(stop, sock, answer, struct.pack("!HH", _DATA, number & 0xFFFF))
        if not came:
            return None
        data += came[4:]
        answer = struct.pack("!HH", _ACK, number & 0xFFFF)
        if len(came) - 4 < (block or _BLOCK):
            sock.send(answer)
            return bytes(data)
        number += 1
