"""Register accesses as a track: reads with their time, writes as instants, the I/O BAR by what is behind it."""

from __future__ import annotations

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.serve.function import RegisterAccess
from ringbed.sim.trace.accesses import TRACK, access_events

NAMES = {0x00: "CTRL", 0x08: "STATUS", 0x100: "RCTL"}


def test_reads_and_writes() -> None:
    """125 MHz: a clock is 8 ns."""
    accesses = [RegisterAccess(125, 132, False, 0, 0x08, 0x83), RegisterAccess(250, 250, True, 0, 0x500, 7)]
    track, read, write = access_events(accesses, NAMES, Frequency(), process=3)
    assert track == {"pid": 3, "tid": TRACK, "ph": "M", "name": "thread_name", "args": {"name": "registers"}}
    args = {"clock": 125, "clocks": 7, "value": "0x83", "bar": 0}
    span = {"ph": "X", "ts": 1.0, "dur": 0.056, "name": "STATUS is 0x83", "args": args}
    assert read == {"pid": 3, "tid": TRACK} | span
    args = {"clock": 250, "clocks": 0, "value": "0x7", "bar": 0}
    assert write == {"pid": 3, "tid": TRACK, "ph": "i", "s": "t", "ts": 2.0, "name": "0x500 = 0x7", "args": args}


def test_what_is_behind_the_io_bar() -> None:
    """IOADDR is the window's own; IODATA the register that it names, each time that it does."""
    steps = [(True, 0, 0x100), (True, 4, 2), (False, 4, 2), (True, 0, 0), (False, 4, 9)]
    events = access_events(
        [RegisterAccess(1, 1, write, 1, at, value) for write, at, value in steps], NAMES, Frequency()
    )
    names = [event["name"] for event in events[1:]]
    assert names == ["BAR 1 0x0 = 0x100", "RCTL = 0x2", "RCTL is 0x2", "BAR 1 0x0 = 0x0", "CTRL is 0x9"]
