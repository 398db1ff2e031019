from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from ringbed.sim.kernel.tap import Tap, TapUnavailable, open_tap, unavailable


@pytest.fixture
def pair() -> Iterator[tuple[Tap, socket.socket]]:
    """A Tap on a packet socket pair, which keeps frame borders as a TAP device does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    tap = Tap(ours.detach())
    with theirs:
        yield tap, theirs
    tap.close()


def test_frames_are_read_in_batches_and_never_waited_for(pair: tuple[Tap, socket.socket]) -> None:
    tap, kernel = pair
    frames = [bytes([number]) * (14 + number) for number in range(5)]
    for frame in frames:
        kernel.send(frame)
    assert tap.read(3) == frames[:3]
    assert tap.read() == frames[3:]
    assert tap.read() == []
    assert tap.counters["read"] == 5


def test_what_the_kernel_would_refuse_is_counted_by_cause(pair: tuple[Tap, socket.socket]) -> None:
    tap, kernel = pair
    assert tap.write([b"short", b"x" * 14, b"y" * 1514]) == 3
    assert [kernel.recv(2000), kernel.recv(2000)] == [b"x" * 14, b"y" * 1514]
    assert tap.counters["runt"] == 1
    assert tap.counters["written"] == 2


def test_a_full_kernel_leaves_the_rest_of_the_batch_with_the_caller(pair: tuple[Tap, socket.socket]) -> None:
    tap, kernel = pair
    frames = [bytes(60000)] * 100
    taken = tap.write(frames)
    assert 0 < taken < 100
    assert tap.counters == {"read": 0, "written": taken, "runt": 0, "refused": 0, "full": 1}


def test_a_frame_the_kernel_calls_wrong_is_counted_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(fd: int, frame: bytes) -> int:
        if len(frame) == 20:
            raise OSError(errno.EIO, "interface down")
        return len(frame)

    monkeypatch.setattr(os, "write", write)
    tap = Tap(-1)
    assert tap.write([bytes(20), bytes(21)]) == 2
    assert (tap.counters["refused"], tap.counters["written"]) == (1, 1)


def test_a_device_that_is_gone_is_an_error() -> None:
    tap = Tap(os.open("/dev/null", os.O_RDONLY))
    tap.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        tap.write([bytes(60)])


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOENT, "does not exist: load the tun module"),
        (errno.EACCES, "closed to this user: run as root, or open it with `sudo chmod 0666 /dev/net/tun`"),
        (errno.EPERM, "run as root, or with CAP_NET_ADMIN"),
        (errno.EBUSY, "somebody else has it open"),
        (errno.ENOTTY, "cannot be used: no such thing"),
    ],
)
def test_each_reason_has_its_sentence(number: int, sentence: str) -> None:
    assert sentence in str(unavailable(OSError(number, "no such thing")))


def test_no_device_is_said_so() -> None:
    with pytest.raises(TapUnavailable, match="/nowhere/tun does not exist"):
        open_tap("tap0", "/nowhere/tun")
    with pytest.raises(TapUnavailable, match="/dev/null cannot be used"):
        open_tap("tap0", "/dev/null")


@pytest.mark.parametrize("name", ["a b", "a/b", "a:b", ".", "..", "a\tb", "100%"])
def test_what_no_interface_is_called_is_refused_here(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of an interface"):
        open_tap(name)


@pytest.mark.parametrize("name", ["", "x" * 16])
def test_a_name_the_kernel_refuses_is_refused_here(name: str) -> None:
    with pytest.raises(ValueError, match="an interface name has 1..15 bytes"):
        open_tap(name)
