"""INTx: told once, then masked until the client unmasks; a line that is up still is told again."""

from __future__ import annotations

import os
import select

import pytest

from ringbed.sim.serve.irq.line import Line


def made() -> tuple[Line, int]:
    """The second is the client's copy of the eventfd that it gave."""
    line, event = Line(), os.eventfd(0, os.EFD_NONBLOCK)
    line.set_trigger(os.dup(event))
    return line, event


def told(event: int) -> int:
    try:
        return os.eventfd_read(event)
    except BlockingIOError:
        return 0


def test_it_is_told_once_and_masked() -> None:
    line, event = made()
    assert line.armed
    line.rose()
    line.rose()
    assert (told(event), line.armed, line.signals) == (1, False, 1)
    line.mask(False)
    assert line.armed
    line.rose()
    assert (told(event), line.signals) == (1, 2)
    line.close()
    os.close(event)


def test_another_eventfd_begins_unmasked_and_the_last_is_closed() -> None:
    line, event = made()
    line.rose()
    reader, writer = os.pipe()
    line.set_trigger(writer)
    assert line.armed
    line.rose()
    assert os.read(reader, 8) == (1).to_bytes(8, "little")
    line.set_trigger(None)
    assert os.read(reader, 8) == b""  # the other end is closed
    assert not line.armed
    line.tell()
    assert (told(event), line.signals, line.lost) == (1, 2, 0)
    os.close(reader)
    os.close(event)


def test_the_command_register_can_keep_it_quiet() -> None:
    line, event = made()
    line.disable(True)
    line.rose()
    assert (line.armed, told(event)) == (False, 0)
    line.disable(False)
    assert line.armed
    line.close()
    os.close(event)


def test_a_descriptor_that_takes_nothing_stops_nobody() -> None:
    line, event = made()
    os.eventfd_write(event, (1 << 64) - 2)  # full
    line.tell()
    assert (line.signals, line.lost) == (0, 1)
    reader, writer = os.pipe()
    os.close(reader)
    line.set_trigger(writer)
    line.tell()
    assert (line.signals, line.lost) == (0, 2)
    line.close()
    os.close(event)


@pytest.mark.parametrize("end", ["eventfd", "closed pipe"])
def test_an_eventfd_may_unmask(end: str) -> None:
    line, event = made()
    reader, writer = os.pipe()
    again = os.eventfd(0, os.EFD_NONBLOCK)
    line.set_unmask(os.dup(again) if end == "eventfd" else reader)
    line.rose()
    (watched,) = line.files()
    assert not select.select([watched], [], [], 0)[0]
    if end == "eventfd":
        os.eventfd_write(again, 1)
        os.close(reader)
    os.close(writer)
    assert select.select([watched], [], [], 0)[0]
    line.heard()
    assert line.armed
    line.close()
    line.heard()
    assert line.files() == []
    os.close(again)
    os.close(event)
