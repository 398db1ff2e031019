"""A connection to a kernel: bytes that come in pieces, descriptors, and an end that goes."""

from __future__ import annotations

import os
import socket

import pytest

from ringbed.sim.lockstep.stream import Stream
from ringbed.sim.serve.connection import Gone


def test_pieces_become_whole_and_files_come_along() -> None:
    ours, theirs = socket.socketpair()
    stream, file = Stream(ours), os.memfd_create("x")
    assert stream.take(4) is None
    theirs.send(b"ab")
    assert stream.take(4) is None
    socket.send_fds(theirs, [b"cdef"], [file])
    assert stream.take(4) == b"abcd"
    (came,) = stream.files()
    assert os.path.sameopenfile(came, file)
    assert stream.files() == []
    os.close(came)
    assert stream.take(2) == b"ef"
    assert stream.take(0) == b""
    stream.send(b"xyz", [file])
    data, files, _, _ = socket.recv_fds(theirs, 9, 2)
    assert data == b"xyz"
    os.close(*files)
    os.close(file)
    theirs.close()
    with pytest.raises(Gone):
        stream.take(1)
    with pytest.raises(Gone):
        stream.send(bytes(1))
    stream.close()


def test_files_that_nobody_took_are_closed_with_it() -> None:
    ours, theirs = socket.socketpair()
    reads, writes = os.pipe()
    socket.send_fds(theirs, [b"a"], [writes])
    os.close(writes)
    stream = Stream(ours)
    assert stream.take(1) == b"a"
    stream.close()
    assert os.read(reads, 1) == b""
    os.close(reads)
    theirs.close()
