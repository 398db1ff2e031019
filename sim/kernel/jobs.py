"""What the kernel's side does for us: ping, exchange UDP, serve echoes, read its own counters.

Each job is a function of a `stop` event and its arguments, returns what JSON can carry, and runs in the namespace
helper. Requests go out in a window, and an answer counts only when it is byte for byte what was sent. Payloads are
`sim/wire/payload.py`'s: an echo with swapped words is a wrong echo.

The result of an exchange: `sent`, `good` (answered right), `wrong` (sizes answered with other bytes), `lost` (sizes not
answered within `seconds`), `strays` (answers to nothing asked, duplicates among them), `refused` (ICMP unreachable).
"""

from __future__ import annotations

import errno
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ringbed.sim.kernel.tcp import tcp_counts, tcp_pause, tcp_sink, tcp_source
from ringbed.sim.kernel.tftp import tftp
from ringbed.sim.wire.payload import payload

__all__ = ["JOBS"]

_ECHO_REPLY, _ECHO_REQUEST = 0, 8
_POLL = 0.05  # seconds between looks at the stop event
_LARGEST = 1 << 16
_DEVICE = (
    "rx_bytes", "rx", "rx_errors", "rx_dropped", "rx_fifo", "rx_frame", "rx_compressed", "rx_multicast",
    "tx_bytes", "tx", "tx_errors", "tx_dropped",
)  # fmt: skip
_UNREACHABLE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}

Request = tuple[int, bytes, bytes]  # key, datagram, the answer that is right
Parse = Callable[[bytes], tuple[int, bytes] | None]  # what came -> key, answer; None: not ours


class _Exchange:
    """A window of unanswered requests. A request's key finds it again in its answer; keys in flight are unique."""

    def __init__(self, sock: socket.socket, stop: threading.Event, window: int, seconds: float) -> None:
        if window < 1 or seconds <= 0:
            raise ValueError(f"an exchange needs a window and a time above 0, not {window} and {seconds}")
        self._sock, self._stop, self._window, self._seconds = sock, stop, window, seconds
        self._flying: dict[int, tuple[int, bytes, float]] = {}  # key: size, the answer that is right, deadline
        self.result: dict[str, Any] = {"sent": 0, "good": 0, "wrong": [], "lost": [], "strays": 0, "refused": 0}
        sock.settimeout(_POLL)

    def run(self, requests: Iterable[tuple[int, Request]], parse: Parse) -> dict[str, Any]:
        """Send every (size, request) and wait for its answer."""
        for size, (key, datagram, expected) in requests:
            while (len(self._flying) >= self._window or key in self._flying) and not self._stop.is_set():
                self._receive(parse)
            if self._stop.is_set():
                break
            self._flying[key] = size, expected, time.monotonic() + self._seconds
            self.result["sent"] += 1
            with self._refusals():
                self._sock.send(datagram)
        while self._flying and not self._stop.is_set():
            self._receive(parse)
        self.result["lost"] += [size for size, _, _ in self._flying.values()]
        return self.result

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Nothing there yet is no error; an ICMP error the kernel hands over is counted."""
        try:
            yield
        except TimeoutError:
            pass
        except OSError as error:
            if error.errno not in _UNREACHABLE:
                raise
            self.result["refused"] += 1

    def _receive(self, parse: Parse) -> None:
        with self._refusals():
            answer = parse(self._sock.recv(_LARGEST))
            if answer is not None:
                self._judge(*answer)
        now = time.monotonic()
        for key in [key for key, (_, _, deadline) in self._flying.items() if deadline < now]:
            self.result["lost"].append(self._flying.pop(key)[0])

    def _judge(self, key: int, answer: bytes) -> None:
        if key not in self._flying:
            self.result["strays"] += 1
            return
        size, expected, _ = self._flying.pop(key)
        if answer == expected:
            self.result["good"] += 1
        else:
            self.result["wrong"].append(size)


def _icmp_sum(data: bytes) -> int:
    """RFC 1071; 0 over a message whose checksum is in place and right."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total: int = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _echo(kind: int, number: int, data: bytes) -> bytes:
    """An ICMP echo message (RFC 792), identifier 0x7262."""
    blank = struct.pack("!BBHHH", kind, 0, 0, 0x7262, number) + data
    return blank[:2] + struct.pack("!H", _icmp_sum(blank)) + blank[4:]


def ping(
    stop: threading.Event, target: str, sizes: list[int], seed: int = 0, window: int = 1, seconds: float = 2.0
) -> dict[str, Any]:
    """One echo request for each payload size; a reply is right when the whole ICMP message is, checksum included."""

    def requests() -> Iterator[tuple[int, Request]]:
        for index, size in enumerate(sizes):
            number, data = index & 0xFFFF, payload(seed, size)
            yield size, (number, _echo(_ECHO_REQUEST, number, data), _echo(_ECHO_REPLY, number, data))

    def parse(datagram: bytes) -> tuple[int, bytes] | None:
        message = datagram[4 * (datagram[0] & 0xF) :]
        ours = len(message) >= 8 and message[0] == _ECHO_REPLY and message[4:6] == b"rb"
        return (int.from_bytes(message[6:8], "big"), message) if ours else None

    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.connect((target, 0))
        return _Exchange(sock, stop, window, seconds).run(requests(), parse)


def udp_exchange(
    stop: threading.Event, target: str, port: int, sizes: list[int], seed: int = 0, window: int = 8,
    seconds: float = 2.0,
) -> dict[str, Any]:  # fmt: skip
    """One datagram of each size to an echo server. The length finds the request again, so equal sizes take turns."""
    requests = ((size, (size, data, data)) for size in sizes for data in [payload(seed, size)])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((target, port))
        return _Exchange(sock, stop, window, seconds).run(requests, lambda data: (len(data), data))


def udp_echo(stop: threading.Event, port: int, address: str = "0.0.0.0") -> dict[str, Any]:
    """Answer every datagram with its own bytes, until stopped."""
    count = size = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_POLL)
        sock.bind((address, port))
        while not stop.is_set():
            try:
                data, peer = sock.recvfrom(_LARGEST)
            except TimeoutError:
                continue
            sock.sendto(data, peer)
            count, size = count + 1, size + len(data)
    return {"datagrams": count, "bytes": size}


def counters(stop: threading.Event) -> dict[str, Any]:
    """The namespace's own: {"Ip": {...}, "Icmp": {...}, "Udp": {"InCsumErrors": ...}, ...} and each interface's."""
    found: dict[str, Any] = {}
    lines = Path("/proc/net/snmp").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        group, *columns = names.split()
        found[group.rstrip(":")] = dict(zip(columns, map(int, values.split()[1:]), strict=True))
    for interface in Path("/proc/net/dev").read_text().splitlines()[2:]:
        name, numbers = interface.split(":")
        row = [int(number) for number in numbers.split()]
        found[name.strip()] = dict(zip(_DEVICE, row, strict=False))
    return found


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    "ping": ping, "udp_exchange": udp_exchange, "udp_echo": udp_echo, "counters": counters, "tcp_sink": tcp_sink,
    "tcp_source": tcp_source, "tcp_counts": tcp_counts, "tcp_pause": tcp_pause, "tftp": tftp,
}  # fmt: skip
