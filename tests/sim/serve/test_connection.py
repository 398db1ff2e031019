"""Messages in pieces and together, descriptors with the message they came with, a client that does not read."""

from __future__ import annotations

import os
import random
import socket
import struct
from collections.abc import Iterator

import pytest

from ringbed.sim.serve.connection import Connection, Gone
from ringbed.sim.serve.header import LONGEST

Ends = tuple[Connection, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    connection = Connection(ours)
    yield connection, theirs
    connection.close()
    theirs.close()


def message(number: int, payload: bytes, size: int | None = None) -> bytes:
    return struct.pack("<HHIII", number, 9, 16 + len(payload) if size is None else size, 0, 0) + payload


def came(connection: Connection, most: int = 64) -> list[tuple[int, bytes, int]]:
    """Number, payload and how many descriptors."""
    found = []
    for header, payload, files in connection.messages(most):
        found.append((header.number, payload, len(files)))
        for file in files:
            os.close(file)
    return found


def test_a_message_byte_by_byte(ends: Ends) -> None:
    connection, theirs = ends
    for at, byte in enumerate(data := message(7, b"payload")):
        assert came(connection) == []
        theirs.send(bytes([byte]))
        assert at < len(data)
    assert came(connection) == [(7, b"payload", 0)]


def test_many_at_once_and_no_more_than_wanted(ends: Ends) -> None:
    connection, theirs = ends
    theirs.send(b"".join(message(number, bytes(number)) for number in range(5)))
    assert came(connection, 2) == [(0, b"", 0), (1, b"\0", 0)]
    assert came(connection) == [(number, bytes(number), 0) for number in (2, 3, 4)]


def test_descriptors_stay_with_their_message(ends: Ends) -> None:
    connection, theirs = ends
    before, files = len(os.listdir("/proc/self/fd")), [os.eventfd(0) for _ in range(20)]
    theirs.send(message(1, b"a"))
    socket.send_fds(theirs, [message(2, b"b")], files)
    socket.send_fds(theirs, [message(3, b"cd")[:17]], files[:1])
    socket.send_fds(theirs, [b"d"], files[:2])
    theirs.send(message(4, b""))
    assert came(connection) == [(1, b"a", 0), (2, b"b", 20), (3, b"cd", 3), (4, b"", 0)]
    for file in files:
        os.close(file)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_client_that_leaves_in_the_middle(ends: Ends) -> None:
    connection, theirs = ends
    event = os.eventfd(0)
    before = len(os.listdir("/proc/self/fd"))
    socket.send_fds(theirs, [message(1, b"whole") + message(2, b"half")[:18]], [event])
    theirs.close()
    left = connection.messages()
    header, _, files = next(left)
    assert header.number == 1
    os.close(files[0])
    with pytest.raises(Gone):
        next(left)
    connection.close()
    os.close(event)
    assert len(os.listdir("/proc/self/fd")) == before - 3


@pytest.mark.parametrize("size", [0, 15, LONGEST + 1, 0xFFFF_FFFF])
def test_a_size_that_cannot_be_is_told_alone(ends: Ends, size: int) -> None:
    connection, theirs = ends
    theirs.send(message(9, b"", size) + message(10, b""))
    assert came(connection) == [(9, b"", 0)]


def test_answers_wait_for_a_client_that_does_not_read(ends: Ends) -> None:
    connection, theirs = ends
    answer = random.Random(1).randbytes(1 << 20)
    connection.send(answer)
    assert connection.full
    got = b""
    while len(got) < len(answer):
        got += theirs.recv(1 << 16)
        connection.flush()
    assert (got == answer, connection.full) == (True, False)
    theirs.close()
    with pytest.raises(Gone):
        connection.send(b"to nobody")


def test_nothing_more_is_read_while_an_answer_is_not_taken(ends: Ends) -> None:
    """The messages wait in the client's own socket, and not here."""
    connection, theirs = ends
    theirs.sendall(message(1, b"") + message(2, b"") + message(3, b""))
    seen = []
    for header, _, _ in connection.messages():
        seen.append(header.number)
        connection.send(bytes(1 << 24))  # more than any socket holds
    assert (seen, connection.full) == ([1], True)
    while connection.full:
        theirs.recv(1 << 20)
        connection.flush()
    assert [number for number, _, _ in came(connection)] == [2, 3]
