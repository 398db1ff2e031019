"""TCP and TFTP services in threads, with clients of the standard library and a naive one."""

from __future__ import annotations

import hashlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.kernel.tcp import MOST, tcp_counts, tcp_sink, tcp_source
from ringbed.sim.kernel.tftp import COST, tftp

HERE = "127.0.0.1"
Job = Callable[..., dict[str, Any]]


class Service:
    """A job at a free port of this machine's loopback."""

    def __init__(self, job: Job, kind: socket.SocketKind) -> None:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind((HERE, 0))
            self.port: int = probe.getsockname()[1]
        self.result: dict[str, Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(job,))
        self._thread.start()

    def _run(self, job: Job) -> None:
        self.result = job(self._stop, port=self.port, address=HERE)

    def ask(self, said: bytes, end: bool = True) -> bytes:
        """Over one connection, to its end."""
        while True:
            try:
                client = socket.create_connection((HERE, self.port))
                break
            except ConnectionRefusedError:
                self._stop.wait(0.01)
        with client:
            client.sendall(said)
            if end:
                client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(1 << 16), b""))

    def end(self) -> dict[str, Any]:
        self._stop.set()
        self._thread.join()
        return self.result


@pytest.fixture
def service() -> Iterator[Callable[..., Service]]:
    begun: list[Service] = []

    def begin(job: Job, kind: socket.SocketKind = socket.SOCK_STREAM) -> Service:
        begun.append(Service(job, kind))
        return begun[-1]

    yield begin
    for each in begun:
        each.end()


def test_a_sink_answers_with_the_digest_of_all_that_came(service: Callable[..., Service]) -> None:
    sink, data = service(tcp_sink), random.Random(1).randbytes(200_000)
    assert sink.ask(data) == f"{hashlib.sha256(data).hexdigest()}\n".encode()
    assert sink.ask(b"") == f"{hashlib.sha256(b'').hexdigest()}\n".encode()
    assert sink.end() == {"clients": 2, "bytes": 200_000}


def test_a_source_sends_a_digest_and_as_much_as_is_asked_for(service: Callable[..., Service]) -> None:
    source = service(tcp_source)
    for size in (0, 1, 100_000):
        digest, _, data = source.ask(b"%d\n" % size, end=size == 1).partition(b"\n")
        assert len(data) == size
        assert digest == hashlib.sha256(data).hexdigest().encode()
    for nonsense in (b"x\n", b"", b"-1\n", b"%d\n" % (MOST + 1), b"1" * 100):
        assert source.ask(nonsense) == b""
    assert source.end()["bytes"] == 100_001


def test_counts_are_this_machines_tables(service: Callable[..., Service]) -> None:
    said = service(tcp_counts).ask(b"").decode()
    for group in ("Ip:", "Tcp:", "Udp:", "TcpExt:"):
        assert [line.startswith(f"{group} ") for line in said.splitlines()].count(True) == 2


def _free(port: int) -> bool:
    """Whether nobody serves at a port of UDP yet; to try it would take it from who wants to."""
    return f":{port:04X} " not in Path("/proc/net/udp").read_text()


class TftpClient:
    """RFC 1350 with RFC 2348, naively: one datagram, one answer."""

    def __init__(self, port: int, block: int | None) -> None:
        while _free(port):
            pass
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.settimeout(20)
        self.server, self.block = (HERE, port), block

    def request(self, kind: int, name: bytes) -> bytes:
        option = b"" if self.block is None else b"blksize\0%d\0" % self.block
        self.sock.sendto(struct.pack("!H", kind) + name + b"\0octet\0" + option, self.server)
        answer, self.peer = self.sock.recvfrom(1 << 16)
        return answer

    def put(self, name: bytes, data: bytes) -> None:
        first = self.request(2, name)
        assert first == (b"\0\4\0\0" if self.block is None else b"\0\6blksize\0%d\0" % self.block)
        size = self.block or 512
        for number in range(1, len(data) // size + 2):
            self.sock.sendto(struct.pack("!HH", 3, number) + data[(number - 1) * size : number * size], self.peer)
            assert self.sock.recv(100) == struct.pack("!HH", 4, number)

    def get(self, name: bytes) -> bytes:
        piece = self.request(1, name)
        if self.block is not None:
            assert piece == b"\0\6blksize\0%d\0" % self.block
            self.sock.sendto(b"\0\4\0\0", self.peer)
            piece = self.sock.recv(1 << 16)
        data, number = b"", 1
        while True:
            assert piece[:4] == struct.pack("!HH", 3, number)
            data += piece[4:]
            self.sock.sendto(piece[:2].replace(b"\3", b"\4") + piece[2:4], self.peer)
            if len(piece) - 4 < (self.block or 512):
                return data
            piece, number = self.sock.recv(1 << 16), number + 1


@pytest.mark.parametrize("block", [None, 100, 1432])
@pytest.mark.parametrize("blocks", [0, 0.5, 1, 2, 3.25])
def test_tftp_gives_back_what_it_was_given(service: Callable[..., Service], block: int | None, blocks: float) -> None:
    server = service(tftp, socket.SOCK_DGRAM)
    client, data = TftpClient(server.port, block), random.Random(2).randbytes(int(blocks * (block or 512)))
    with client.sock:
        client.put(b"u", data)
        assert client.get(b"u") == data
        assert client.request(1, b"other") == b"\0\5\0\1no such file\0"
    assert server.end() == {"transfers": 2, "bytes": len(data)}


@pytest.mark.parametrize("said", [b"7", b"0", b"1" * 5000, b"100000", b"-8", b"8.0", b" 8", b""])
def test_a_size_of_a_block_that_cannot_be_is_none(service: Callable[..., Service], said: bytes) -> None:
    """RFC 2347: an option that is not acknowledged was not taken, and the transfer goes on without it."""
    server = service(tftp, socket.SOCK_DGRAM)
    with (client := TftpClient(server.port, None)).sock:
        assert client.request(2, b"u\0octet\0blksize\0" + said) == b"\0\4\0\0"
        client.sock.sendto(b"\0\3\0\1" + b"x" * 9, client.peer)
        assert client.sock.recv(100) == b"\0\4\0\1"
        assert client.get(b"u") == b"x" * 9


def test_a_larger_block_than_there_is_becomes_the_largest(service: Callable[..., Service]) -> None:
    server = service(tftp, socket.SOCK_DGRAM)
    with (client := TftpClient(server.port, None)).sock:
        assert client.request(2, b"u\0octet\0blksize\x0065465") == b"\0\6blksize\x0065464\0"


def test_more_than_there_is_room_for_is_refused_and_nothing_of_it_kept(service: Callable[..., Service]) -> None:
    server = service(partial(tftp, most=COST + 10), socket.SOCK_DGRAM)
    with (client := TftpClient(server.port, None)).sock:
        client.put(b"u", b"x" * 9)
        assert client.request(2, b"v") == b"\0\4\0\0"
        client.sock.sendto(b"\0\3\0\1", client.peer)
        assert client.sock.recv(100) == b"\0\5\0\3no room\0"
        assert client.request(1, b"v") == b"\0\5\0\1no such file\0"
        client.put(b"u", b"y" * 9)  # what it takes the place of does not count
        assert client.get(b"u") == b"y" * 9
    assert server.end() == {"transfers": 3, "bytes": 9}


def test_a_client_that_is_gone_ends_its_transfer_alone(service: Callable[..., Service]) -> None:
    server = service(tftp, socket.SOCK_DGRAM)
    with (gone := TftpClient(server.port, None)).sock:
        gone.sock.sendto(b"\0\2u\0octet\0", gone.server)
    with (client := TftpClient(server.port, None)).sock:
        client.put(b"v", b"x")
        assert client.get(b"v") == b"x"
    assert server.end() == {"transfers": 2, "bytes": 1}


def test_one_that_falls_silent_keeps_nobody_waiting(service: Callable[..., Service]) -> None:
    source = service(tcp_source)
    data = source.ask(b"1\n")
    with socket.create_connection((HERE, source.port)):
        assert source.ask(b"1\n") == data
