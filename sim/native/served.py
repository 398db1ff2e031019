"""The native engine's calls for who serves a card to a driver of another process: bursts that are out, interrupt lines
one by one, memory that somebody has to be asked for, and the card's own reset.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from fractions import Fraction
from math import ceil

from ringbed.sim.memory.regions import Response
from ringbed.sim.native.abi import Mailbox
from ringbed.sim.native.stages import NativeStages

__all__ = ["NativeServed"]

SPAN = struct.Struct("<QQ")  # of what is asked for: address, bytes
EDGES = 4  # of another clock: two that take the reset over, and one on either side that came too early or late


class NativeServed(NativeStages):
    """What is watched stays so when the engine is compiled anew for a waveform."""

    _box: Mailbox
    _running: Callable[[], int]
    _catch_up: Callable[[], None]
    _word: Callable[[], None]

    def _begin_served(self) -> None:
        """At construction, before the first `_open`."""
        self._watched: int | None = None

    # Bursts -----------------------------------------------------------------------------------------------------

    def in_flight(self, iova: int, length: int) -> int:
        """How many bursts that touch these bytes are out: taken from the card, not answered whole, and not shut out."""
        return int(self._lib.rb_in_flight(self._live(), iova, iova + length - 1))

    def shut(self, iova: int, length: int) -> None:
        """Bursts that are taken from now on and touch these bytes find no memory there; those that are out do, but in
        far memory end as with `nobody`.

        So that memory can go without cutting a burst off; length 0 ends it.
        """
        self._lib.rb_shut(self._live(), iova, iova + length - 1) if length else self._lib.rb_shut(self._live(), 1, 0)

    # Far memory -------------------------------------------------------------------------------------------------

    def asked(self, write: bool) -> int:
        """The number of what the card waits for in memory without bytes here (`RegionTable.far`): one burst each way at
        a time. 0: for nothing. `run` ends for it with Event.ASKED.
        """
        return int(self._box.write_asked if write else self._box.read_asked)

    def spans(self, write: bool) -> list[tuple[int, int, bytes]]:
        """Of what is waited for: address, how many bytes, and, if it writes, the bytes."""
        size = self._lib.rb_asked(self._live(), write, None)
        buffer = ctypes.create_string_buffer(size)
        self._lib.rb_asked(self._live(), write, buffer)
        raw = buffer.raw
        found, at = list[tuple[int, int, bytes]](), 0
        while at < size:
            address, count = SPAN.unpack_from(raw, at)
            at += SPAN.size
            found.append((address, count, raw[at : at + count] if write else b""))
            at += len(found[-1][2])
        return found

    def answer_asked(self, write: bool, number: int, response: Response, data: bytes = b"") -> bool:
        """To what has this number; all bytes of a read that is OKAY. False: nobody waits for it any more."""
        given = data if response is Response.OKAY and not write else None
        return bool(self._lib.rb_answer(self._running(), write, number, response, given, len(data)))

    def nobody(self, on: bool) -> None:
        """While on, nobody can be asked: bursts to far memory, those that are out too, are answered SLVERR, which is no
        finding.
        """
        self._catch_up()
        self._lib.rb_nobody(self._live(), on)

    # Interrupt lines --------------------------------------------------------------------------------------------

    @property
    def lines(self) -> int:
        """The interrupt lines that are up, a bit each, as the last clock that ran left them."""
        return int(self._box.lines)

    def risen(self) -> int:
        """Take the lines that rose since the last call, whether they are up still or not."""
        return int(self._lib.rb_risen(self._live())) if self._box.risen else 0

    def watch(self, lines: int | None) -> None:
        """Event.IRQ is from now on a rise of one of `lines` that `risen` has not taken; None: that any line is up."""
        self._catch_up()
        self._lib.rb_watch(self._live(), lines or 0, lines is not None)
        self._watched = lines

    def _watch_again(self) -> None:
        if self._watched is not None:
            self.watch(self._watched)

    # Reset ------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """The card's own reset, as long as at the start, while time goes on; with other clocks long enough for two
        edges of the slowest, after which its logic has seen it. Raises CardEnded.

        What is on bus and wire is cut off, what waits for the wire waits on. A write whose burst was not answered yet
        does not land.
        """
        self._catch_up()
        clocks, wait = self.settings.resets(self._spec.portmap.reset)
        slowest = max((Fraction(each.den, each.num) for each in self._spec.portmap.clocks), default=Fraction(0))
        self._lib.rb_reset(self._running(), max(clocks, ceil(EDGES * slowest)), wait)
        if self._box.findings:
            self._word()
