"""A descriptor that is told, one that takes nothing, and one in another's place."""

from __future__ import annotations

import os

import pytest

from ringbed.sim.serve.irq.eventfd import exchanged, told


def test_it_is_told_and_never_waited_for() -> None:
    event = os.eventfd(0, os.EFD_NONBLOCK)
    assert told(event)
    assert told(event)
    assert os.eventfd_read(event) == 2
    os.eventfd_write(event, (1 << 64) - 2)
    assert not told(event)  # full: whoever reads it has been told
    os.close(event)
    assert not told(event)
    assert not told(1 << 20)  # a number beyond what select takes


def test_the_old_one_is_closed_and_the_same_one_is_not() -> None:
    old, new = os.eventfd(0), os.eventfd(0)
    assert exchanged(None, old) == old
    assert exchanged(old, old) == old
    os.fstat(old)
    assert exchanged(old, new) == new
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(old)
    assert exchanged(new, None) is None
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(new)
