"""MSI and MSI-X as a client sees them: a message is an eventfd, one for each vector that the client has armed.

A line's rise is one message of its vector. A vector that cannot send (masked, not armed, the card no bus master) is
pending from the rise on, and sends when it can, if the line is up still: a cause that is gone is not told of
(PCI 3.0, 6.8.3.4 and 6.8.3.5; of the fall PCI Express 2.0, 6.1.4.5). A line that stays up says nothing more, but to a
new eventfd (docs/decisions/0022-messages-of-a-line.md).

All sets of lines and of vectors are numbers, a bit each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringbed.sim.serve.irq.eventfd import exchanged, told

__all__ = ["Vectors", "bits"]


def bits(value: int) -> Iterator[int]:
    """The numbers of those that are set, lowest first."""
    while value:
        yield (lowest := value & -value).bit_length() - 1
        value ^= lowest


class Vectors:
    """`signals` counts what was told, `lost` what a full or closed descriptor did not take. It owns the descriptors.

    `masked` are vectors, each by itself; `gated`: all of them, by the function mask; `master`: the card may write to
    memory, as a message is. `given`, of MSI: how many vectors software has given numbers of their own; lines beyond
    them, and beyond those that are armed, share these. MSI-X begins masked, and arming a vector unmasks it.
    """

    def __init__(self, count: int, msix: bool) -> None:
        self.count, self.signals, self.lost = count, 0, 0
        self.gated = self.master = False
        self.given = count
        self._msix = msix
        self._files: dict[int, int] = {}
        self._untold = 0  # lines that rose, and nobody was told
        self.masked = self.all if msix else 0

    @property
    def all(self) -> int:
        return (1 << self.count) - 1

    @property
    def on(self) -> bool:
        """Whether the client has an eventfd here."""
        return bool(self._files)

    @property
    def wanted(self) -> int:
        """The lines of which a rise can be told at once."""
        able = self._able
        if self._msix:
            return able
        return sum(1 << line for line in range(self.count) if able >> self._vector(line) & 1)

    @property
    def pending(self) -> int:
        """The vectors that would have sent, could they."""
        found = 0
        for line in bits(self._untold):
            found |= 1 << self._vector(line)
        return found

    def look(self, risen: int, up: int) -> None:
        """`risen` are the lines that rose since the last look, `up` those that are up now."""
        self._untold |= risen & self.all
        able, sends = self._able, 0
        for line in bits(self._untold):
            if able >> (vector := self._vector(line)) & 1:
                sends |= 1 << vector
                self._untold &= ~(1 << line)
        self._untold &= up
        self.trigger(sends)

    def arm(self, start: int, files: Sequence[int], up: int) -> None:
        """These are the eventfds of the vectors from `start` on; one whose line is `up` has something to hear."""
        for vector, file in enumerate(files, start):
            exchanged(self._files.get(vector), file)
            self._files[vector] = file
            if self._msix:
                self.mask(1 << vector, False)
        armed = sum(1 << vector for vector in range(start, start + len(files)))
        self._untold |= sum(1 << line for line in bits(up & self.all) if armed >> self._vector(line) & 1)

    def disarm(self, vectors: int) -> None:
        for vector in bits(vectors):
            exchanged(self._files.pop(vector, None), None)

    def mask(self, vectors: int, on: bool) -> None:
        self.masked = self.masked | vectors if on else self.masked & ~vectors

    def trigger(self, vectors: int) -> None:
        """Signal those that are armed, whatever lines and masks are."""
        for vector in bits(vectors):
            if (file := self._files.get(vector)) is not None:
                taken = told(file)
                self.signals += taken
                self.lost += not taken

    def reset(self) -> None:
        """Where it began; eventfds are the client's and stay, and of MSI-X are armed as before."""
        self._untold, self.gated = 0, False
        self.masked = self.all & ~self._armed if self._msix else 0

    @property
    def _armed(self) -> int:
        return sum(1 << vector for vector in self._files)

    @property
    def _able(self) -> int:
        """The vectors that can send."""
        return 0 if self.gated or not self.master else self._armed & ~self.masked

    def _vector(self, line: int) -> int:
        own = max(self.given, max(self._files, default=-1) + 1)
        return line if self._msix or line < own else line % max(1, self.given)
