"""A TFTP server of the kernel's side, which keeps what it is given until it is asked for it.

Sources: RFC 1350; RFC 2347 and 2348 for the size of a block. One transfer at a time; what is kept is in memory.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

__all__ = ["COST", "MOST", "tftp"]

_READ, _WRITE, _DATA, _ACK, _ERROR, _OACK = 1, 2, 3, 4, 5, 6
_POLL, _PATIENCE = 0.05, 200  # seconds between looks at the stop event; looks until a client is given up
_BLOCK, _SMALLEST, _LARGEST = 512, 8, 65_464
_DIGITS = 5  # of the size of a block
_NOT_FOUND, _FULL = 1, 3  # RFC 1350, error codes
COST = 200  # bytes of a file that is empty and has no name
MOST = 1 << 26  # bytes that are kept, of all files, with their names and costs
_AGAIN = 20  # looks until what was not answered is sent again

Address = tuple[str, int]


def tftp(stop: threading.Event, port: int, address: str = "0.0.0.0", most: int = MOST) -> dict[str, Any]:
    """Until stopped. A client that falls silent, is gone, or says what is not understood, is left; more than `most`
    bytes in all are not kept, and the client that sends them is told so.
    """
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
            with suppress(OSError):  # nobody is at the client's port any more, or it had none
                transfers += _serve(stop, request, peer, files, address, most)
    return {"transfers": transfers, "bytes": sum(map(len, files.values()))}


def _serve(
    stop: threading.Event, request: bytes, peer: Address, files: dict[bytes, bytes], address: str, most: int
) -> bool:
    """Whether a transfer came to its end. From a port of its own, as RFC 1350 has it."""
    kind, name, block = _understood(request)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_POLL)
        sock.bind((address, 0))
        sock.connect(peer)
        if kind == _READ and name in files:
            return _give(stop, sock, files[name], block)
        if kind == _WRITE:
            files.pop(name, None)
            data = _take(stop, sock, block, most - _kept({name: b""} | files))
            files.update({} if data is None else {name: data})
            return data is not None
        sock.send(_error(_NOT_FOUND, b"no such file"))
        return False


def _kept(files: dict[bytes, bytes]) -> int:
    """Bytes, with what it costs to have a file at all."""
    return sum(COST + len(name) + len(data) for name, data in files.items())


def _error(code: int, why: bytes) -> bytes:
    return struct.pack("!HH", _ERROR, code) + why + b"\0"


def _understood(request: bytes) -> tuple[int, bytes, int | None]:
    """What is wanted, of which file, and the size of a block when the client names one that can be."""
    kind = int.from_bytes(request[:2], "big")
    name, _mode, *options = [*request[2:].split(b"\0"), b"", b""][:6]
    known = dict(zip(options[::2], options[1::2], strict=False))
    return kind, name, _block(known.get(b"blksize", b""))


def _block(said: bytes) -> int | None:
    """RFC 2348: of 8 to 65,464 bytes, the server may take less than was asked for; else none was."""
    if not said.isdigit() or len(said) > _DIGITS or int(said) < _SMALLEST:
        return None
    return min(int(said), _LARGEST)


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
    """What came back that begins with `answer`; empty where nothing does. Raises OSError where nobody is there."""
    for look in range(_PATIENCE):
        if stop.is_set():
            break
        if look % _AGAIN == 0:
            sock.send(message)
        for datagram in _waiting(sock):
            if datagram.startswith(answer):
                return datagram
    return b""


def _waiting(sock: socket.socket) -> Iterator[bytes]:
    with suppress(TimeoutError):
        yield sock.recv(_LARGEST + 4)


def _take(stop: threading.Event, sock: socket.socket, block: int | None, room: int) -> bytes | None:
    """The file, or nothing where the client fell silent or sent more than there is room for."""
    data, number = bytearray(), 1
    answer = struct.pack("!HH", _ACK, 0) if block is None else _oack(block)
    while True:
        came = _said(stop, sock, answer, struct.pack("!HH", _DATA, number & 0xFFFF))
        if not came:
            return None
        data += came[4:]
        if len(data) > room:
            sock.send(_error(_FULL, b"no room"))
            return None
        answer = struct.pack("!HH", _ACK, number & 0xFFFF)
        if len(came) - 4 < (block or _BLOCK):
            sock.send(answer)
            return bytes(data)
        number += 1
